package torch_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/torch"
)

func readError(data []byte) error {
	_, err := torch.Read("x.pt", data)
	return err
}

// refuse checks that a file is refused soon, cheaply and in these words.
func refuse(t *testing.T, data []byte, want string) {
	t.Helper()
	err := hostiletest.Read(t, func() error { return readError(data) })
	require.ErrorContains(t, err, want)
	require.True(t, strings.HasPrefix(err.Error(), "x.pt: "), err)
	require.Less(t, len(err.Error()), 700)
}

func TestRefusesCode(t *testing.T) {
	code := func(instructions string) []byte { return saved(t, pt.Raw(instructions), "0", floats(1)) }
	module := pt.New{
		Class: pt.Global{"__main__", "Net"},
		State: pt.Pairs{"training", true, "_parameters", pt.Pairs{}, "_modules", pt.Pairs{}},
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"os.system": {
			code("cos\nsystem\nX\x02\x00\x00\x00ls\x85R"),
			`x.pt: "m/data.pkl": refused to load "os.system" (offset 2): a checkpoint may name only tensors, containers and plain data; save the weights alone with torch.save(model.state_dict(), "weights.pt")`},
		"hidden in an optimizer": {
			saved(t, pt.Pairs{"model", weights, "optimizer", pt.Call{Func: pt.Global{"builtins", "exec"}, Args: []any{"1"}}}, "0", floats(1)),
			`refused to load "builtins.exec"`},
		"getattr": {code("c__builtin__\ngetattr\n"), `refused to load "__builtin__.getattr"`},
		"scheduler": {
			saved(t, pt.Pairs{"model", weights, "s", pt.New{Class: pt.Global{"torch.optim.lr_scheduler", "StepLR"}}}),
			`refused to load "torch.optim.lr_scheduler.StepLR"`},
		"module without weights": {saved(t, module), "x.pt: holds a module __main__.Net without weights"},
		"two modules":            {saved(t, pt.Pairs{"a", module, "b", module}), `holds a whole pickled module (class "__main__.Net" at offset `},
		"code in a module": {
			saved(t, pt.New{Class: pt.Global{"__main__", "Net"}, State: pt.Pairs{
				"_parameters", pt.Pairs{"w", vector("0", 1)}, "_modules", pt.Pairs{},
				"hook", pt.Call{Func: pt.Global{"builtins", "exec"}, Args: []any{"1"}},
			}}, "0", floats(1)),
			`x.pt: "m/data.pkl": holds a whole pickled module (class "__main__.Net" at offset 2), and reading one means running its code; save the weights alone with torch.save(model.state_dict(), "weights.pt")`},
		"a name with a dot": {
			saved(t, pt.New{Class: pt.Global{"__main__", "Net"}, State: pt.Pairs{
				"_parameters", pt.Pairs{"a.w", vector("0", 1)}, "_modules", pt.Pairs{},
			}}, "0", floats(1)),
			`x.pt: the module "" has an attribute without a proper name`},
		"PyTorch's own module": {
			saved(t, pt.New{Class: pt.Global{"torch.nn.modules.rnn", "LSTM"}}),
			`holds a whole pickled module (class "torch.nn.modules.rnn.LSTM" at offset 2)`},
		"legacy module": {
			savedLegacy(pt.Persistent{ID: pt.Tuple{"module", pt.Global{"torch.nn.modules.rnn", "GRU"}, "rnn.py", "source"}}),
			`holds a whole pickled module (class "torch.nn.modules.rnn.GRU"`},
		"TorchScript": {
			archive(t, entry{"m/data.pkl", "\x80\x02}."}, entry{"m/code/__torch__.py", ""}, entry{"m/constants.pkl", "\x80\x02)."}),
			`x.pt: holds a dict where TorchScript has a module`},
		"hidden in TorchScript": {
			archive(t, entry{"m/data.pkl", "\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R."}, entry{"m/constants.pkl", "\x80\x02)."}),
			`refused to load "os.system"`},
		"call of a storage class": {code("ctorch\nFloatStorage\nK\x01\x85R"), `"torch.FloatStorage" is not to be called`},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, test.data, test.want) })
	}
}

func TestRefusesContainers(t *testing.T) {
	good := savedEntries(pt.Pairs{"w", vector("0", 2)}, "0", floats(1, 2))
	big := []entry{good[0], {"m/byteorder", "big"}, good[2]}
	bomb := []entry{good[0], {"m/data/0", strings.Repeat("\x00", 50<<20)}}
	legacy := func(object any, rest ...string) []byte { return savedLegacy(object, rest...) }
	w := pt.Pairs{"w", view(storeLegacy("FloatStorage", "0", 2, nil), 0, pt.Tuple{2}, pt.Tuple{1})}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":           {nil, `x.pt: not a PyTorch checkpoint: neither a zip archive nor PyTorch's legacy format`},
		"text":              {[]byte("hello"), `not a PyTorch checkpoint`},
		"half a zip":        {archive(t, good...)[:100], `damaged zip archive`},
		"other zip":         {archive(t, entry{"config.json", "{}"}), `not a PyTorch checkpoint: a zip archive with 0 data.pkl entries, expected 1`},
		"two pickles":       {archive(t, good[0], entry{"n/data.pkl", ""}), `a zip archive with 2 data.pkl entries, expected 1`},
		"two of a name":     {archive(t, good[0], good[2], good[2]), `two entries of the archive are named "m/data/0"`},
		"big-endian":        {archive(t, big...), `"m/byteorder" is "big", expected "little"; load and save the checkpoint on a little-endian machine`},
		"no storage":        {archive(t, good[0]), `tensor "w": the archive has no entry "m/data/0"`},
		"small storage":     {archive(t, good[0], entry{"m/data/0", "1234"}), `tensor "w": entry "m/data/0" has 4 bytes, expected 8 for 2 elements of float32`},
		"bytes behind":      {archive(t, entry{"m/data.pkl", good[0].content + "N."}), `"m/data.pkl": 2 bytes follow the pickle`},
		"bomb":              {archiveBy(t, zip.Deflate, bomb...), `entry "m/data/0": is said to have 52428800 bytes, more than a file of`},
		"legacy version":    {bytes.Replace(legacy(w), []byte("\xe9\x03"), []byte("\xe8\x03"), 1), `the legacy format's version is not 1001`},
		"legacy endianness": {bytes.Replace(legacy(w), []byte("endian\x88"), []byte("endian\x89"), 1), `"little_endian" is not True`},
		"legacy cut":        {legacy(w, "0", "1234"), `the file ends before storage "0"`},
		"legacy short":      {legacy(w, "0", counted(2, "1234")), `storage "0" has 8 bytes where the file has 4 left`},
		"legacy count":      {legacy(w, "0", counted(1<<40, floats(1, 2))), `storage "0" has 1099511627776 elements, expected 2`},
		"legacy twice":      {legacy(w, "0", counted(2, floats(1, 2)), "0", counted(2, floats(1, 2))), `storage "0" is there twice`},
		"legacy unknown":    {legacy(w, "1", counted(2, floats(1, 2))), `storage "1" belongs to no tensor`},
		"legacy missing":    {legacy(w), `tensor "w": the file has no storage "0"`},
		"legacy two minds": {
			legacy(pt.Tuple{storeLegacy("FloatStorage", "0", 2, nil), storeLegacy("HalfStorage", "0", 2, nil)}),
			`storage "0" is 2 float16 here and was 2 float32 before`},
		"legacy huge": {
			legacy(pt.Pairs{"w", storeLegacy("FloatStorage", "0", 1<<50, nil)}, "0", counted(1<<50, "1234")),
			`storage "0" has 4503599627370496 bytes where the file has 4 left`},
		"legacy wide view": {
			legacy(pt.Pairs{"w", storeLegacy("FloatStorage", "0", 2, pt.Tuple{"1", 1, 2})}, "0", counted(2, floats(1, 2))),
			`storage "0" of 2 elements has a view outside of it`},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, test.data, test.want) })
	}
}

func TestRefusesTensors(t *testing.T) {
	f32 := store("FloatStorage", "0", 6)
	const huge int64 = math.MaxInt64
	for name, test := range map[string]struct {
		tensor any
		want   string
	}{
		"past the end":        {view(f32, 1, pt.Tuple{6}, pt.Tuple{1}), `tensor "w": shape [6] with strides [1] from element 1 on reaches past its storage of 6 elements`},
		"wide strides":        {view(f32, 0, pt.Tuple{2, 2}, pt.Tuple{5, 1}), `reaches past its storage of 6 elements`},
		"strides overflow":    {view(f32, 0, pt.Tuple{3, 3}, pt.Tuple{huge, huge}), `reaches past its storage`},
		"offset overflow":     {view(f32, huge, pt.Tuple{2}, pt.Tuple{huge}), `reaches past its storage`},
		"offset":              {view(f32, 6, pt.Tuple{1}, pt.Tuple{1}), `reaches past its storage`},
		"negative offset":     {view(f32, -1, pt.Tuple{1}, pt.Tuple{1}), `its storage offset is not a natural number`},
		"negative shape":      {view(f32, 0, pt.Tuple{-1}, pt.Tuple{1}), `its shape is not made of natural numbers`},
		"negative stride":     {view(f32, 5, pt.Tuple{6}, pt.Tuple{-1}), `its strides is not made of natural numbers`},
		"shape of text":       {view(f32, 0, pt.Tuple{"1"}, pt.Tuple{1}), `its shape is not made of natural numbers`},
		"ranks differ":        {view(f32, 0, pt.Tuple{1, 1}, pt.Tuple{1}), `it has 2 dimensions and 1 strides`},
		"expanded":            {view(f32, 0, pt.Tuple{1 << 20, 1 << 10}, pt.Tuple{0, 0}), `tensor "w": shape [1048576 1024] makes more elements than a file of this size may hold`},
		"elements overflow":   {view(f32, 0, pt.Tuple{1 << 30, 1 << 30, 1 << 30}, pt.Tuple{0, 0, 0}), `makes more elements than a file of this size may hold`},
		"huge dimension":      {view(f32, 0, pt.Tuple{huge}, pt.Tuple{0}), `dimension 0 is 9223372036854775807, expected at most 2147483647`},
		"huge storage":        {view(store("FloatStorage", "0", huge), 0, pt.Tuple{1}, pt.Tuple{1}), `storage "0" does not have a valid number of elements`},
		"lying storage":       {view(store("FloatStorage", "0", 1<<40), 0, pt.Tuple{1}, pt.Tuple{1}), `entry "m/data/0" has 24 bytes, expected 4398046511104 for 1099511627776 elements of float32`},
		"negative storage":    {view(store("FloatStorage", "0", -1), 0, pt.Tuple{1}, pt.Tuple{1}), `storage "0" does not have a valid number of elements`},
		"no storage":          {view(nil, 0, pt.Tuple{1}, pt.Tuple{1}), `tensor "w": expected a storage, found None`},
		"unknown storage":     {view(store("OddStorage", "0", 6), 0, pt.Tuple{1}, pt.Tuple{1}), `refused to load "torch.OddStorage"`},
		"dtype as storage":    {view(store("float32", "0", 6), 0, pt.Tuple{1}, pt.Tuple{1}), `"torch.float32" is not a storage class`},
		"other persistent":    {pt.Persistent{ID: "x"}, `an object outside the pickle is not a storage`},
		"no arguments":        {pt.Call{Func: pt.Global{"torch._utils", "_rebuild_tensor_v2"}}, `tensor "w": expected a storage, found None`},
		"endless parameter":   {pt.Raw(strings.Repeat("ctorch._utils\n_rebuild_parameter\n", 1000) + "N" + strings.Repeat("\x85R", 1000)), `tensor "w": expected a tensor`},
		"negated":             {pt.Call{Func: pt.Global{"torch._utils", "_rebuild_tensor_v2"}, Args: []any{f32, 0, pt.Tuple{1}, pt.Tuple{1}, false, nil, pt.Pairs{"neg", true}}}, `negated or conjugated views are not supported`},
		"function of no kind": {pt.Call{Func: pt.Global{"torch._tensor", "_rebuild_from_type_v2"}, Args: []any{pt.Global{"torch", "Size"}, nil, pt.Tuple{}}}, `"torch.Size" does not make a tensor`},
		"many dimensions":     {view(f32, 0, make(pt.Tuple, 65), pt.Tuple{}), `its shape is not a tuple of at most 64`},
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, saved(t, pt.Pairs{"w", test.tensor}, "0", floats(0, 1, 2, 3, 4, 5)), test.want)
		})
	}
}

func TestRefusesTowersAndWebs(t *testing.T) {
	const depth = 300_000
	for name, test := range map[string]struct{ code, want string }{
		"lists":               {"N" + strings.Repeat("q\x000]h\x00a", depth), `nested deeper than 32 levels, at "0.0.0`},
		"tuples":              {")" + strings.Repeat("\x85", depth), `nested deeper than 32 levels`},
		"dicts":               {"N" + strings.Repeat("q\x000}Nh\x00s", depth), `nested deeper than 32 levels, at "None.None`},
		"states":              {")" + strings.Repeat("q\x000cargparse\nNamespace\n)R}X\x01\x00\x00\x00ah\x00sb", 10_000), `nested deeper than 32 levels`},
		"key that is no text": {"}U\x01\xffNs", `a key in "the top level" is not UTF-8 text: "\xff"`},
		"cycle":               {"]q\x00h\x00a", `nested deeper than 32 levels`},
		"web":                 {")" + strings.Repeat("2\x86", 31), `the checkpoint shares its values so often that it is larger than its file`},
		"long keys": {
			"}X\x00\x00\x10\x00" + strings.Repeat("k", 1<<20) + "q\x00N" + "s" + strings.Repeat("q\x010}h\x00h\x01s", 30),
			`the checkpoint shares its values so often that it is larger than its file`},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, saved(t, pt.Raw(test.code)), test.want) })
	}
}

// small is a checkpoint with everything a checkpoint usually has.
func small(t testing.TB) []byte {
	return saved(t, pt.Pairs{
		"epoch", 3, "optimizer", optimizer, "model", pt.Ordered{
			"rnn.weight", view(store("FloatStorage", "0", 6), 0, pt.Tuple{3, 2}, pt.Tuple{1, 3}),
			"rnn.bias", view(store("HalfStorage", "1", 2), 0, pt.Tuple{2}, pt.Tuple{1}),
		},
	}, "0", floats(1, 2, 3, 4, 5, 6), "1", "\x00\x3c\x00\x40")
}

// smallLegacy is the same weights in the legacy container.
func smallLegacy() []byte {
	return savedLegacy(pt.Ordered{
		"rnn.weight", view(storeLegacy("FloatStorage", "0", 6, nil), 0, pt.Tuple{3, 2}, pt.Tuple{1, 3}),
		"rnn.bias", view(storeLegacy("HalfStorage", "1", 2, nil), 0, pt.Tuple{2}, pt.Tuple{1}),
	}, "0", counted(6, floats(1, 2, 3, 4, 5, 6)), "1", counted(2, "\x00\x3c\x00\x40"))
}

func TestDamagedArchive(t *testing.T) {
	data := small(t)
	read(t, data)
	hostiletest.Truncations(t, data, readError)

	// The content of every entry that is read is under a checksum.
	guarded := make([]bool, len(data))
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	for _, f := range r.File {
		offset, err := f.DataOffset()
		require.NoError(t, err)
		for i := range f.CompressedSize64 {
			guarded[uint64(offset)+i] = f.Name != "m/version"
		}
	}
	hostiletest.Flips(t, data, readError, func(offset int) bool { return guarded[offset] })
}

func TestDamagedLegacy(t *testing.T) {
	data := smallLegacy()
	read(t, data)
	hostiletest.Truncations(t, data, readError)
	hostiletest.Flips(t, data, readError, nil)
}

// A stored entry that many names share must not be read over and over.
func TestManyNamesForOneEntry(t *testing.T) {
	const names, size = 2000, 1 << 20
	object := pt.Pairs{}
	for i := range names {
		object = append(object, fmt.Sprint("w", i), view(store("FloatStorage", fmt.Sprint(i), size/4), 0, pt.Tuple{1}, pt.Tuple{1}))
	}
	entries := savedEntries(object, "0", strings.Repeat("\x00", size))
	for i := 1; i < names; i++ {
		entries = append(entries, entry{fmt.Sprint("m/data/", i), ""})
	}
	data := archive(t, entries...)

	// Point every later storage of the directory at the first.
	var first []byte
	for at := bytes.Index(data, []byte("PK\x01\x02")); string(data[at:at+4]) == "PK\x01\x02"; {
		record := data[at:]
		n := int(binary.LittleEndian.Uint16(record[28:]))
		name := string(record[46 : 46+n])
		switch {
		case name == "m/data/0":
			first = record
		case strings.HasPrefix(name, "m/data/"):
			copy(record[16:28], first[16:28]) // checksum and sizes
			copy(record[42:46], first[42:46]) // offset
		}
		at += 46 + n + int(binary.LittleEndian.Uint16(record[30:]))
	}
	refuse(t, data, "is said to have 1048576 bytes, more than a file of")
}

func FuzzRead(f *testing.F) {
	f.Add(small(f))
	f.Add(withoutSums(small(f)))
	f.Add(smallLegacy())
	for _, name := range []string{"script_lstm.pt", "trace_gru.pt"} {
		data, err := os.ReadFile(formats + "/" + name)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(checkRead)
}

// FuzzObject looks behind the container: the fuzzer's pickle in a good archive.
func FuzzObject(f *testing.F) {
	f.Add(pt.Encode(pt.Pairs{"epoch", 3, "optimizer", optimizer, "model", weights}))
	f.Add(pt.Encode(pt.Pairs{"module.w", view(store("HalfStorage", "1", 4), 1, pt.Tuple{2, 1}, pt.Tuple{2, 1})}))
	f.Add(pt.Encode(pt.New{Class: pt.Global{"__main__", "Net"}, State: pt.Pairs{
		"_parameters", pt.Pairs{"w", vector("0", 1)},
		"_modules", pt.Pairs{"a", pt.New{Class: pt.Global{"a", "B"}, State: pt.Pairs{"_modules", pt.Pairs{}}}},
	}}))
	f.Fuzz(func(t *testing.T, code []byte) {
		checkRead(t, archive(t, entry{"m/data.pkl", string(code)},
			entry{"m/data/0", floats(3)}, entry{"m/data/1", floats(4, 5)}))
	})
}

// checkRead reads anything and checks what the documentation promises.
func checkRead(t *testing.T, data []byte) {
	c, err := torch.Read("x", data)
	if err != nil {
		return
	}
	total := 0
	for _, tensor := range c.Tensors {
		n := 1
		for _, d := range tensor.Shape {
			n *= d
		}
		if n != len(tensor.Data) {
			t.Fatalf("shape %v with %d numbers", tensor.Shape, len(tensor.Data))
		}
		total += n
	}
	if total > 4*len(data)+1<<16 {
		t.Fatalf("%d numbers out of %d bytes", total, len(data))
	}
}
