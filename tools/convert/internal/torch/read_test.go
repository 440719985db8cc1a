package torch_test

import (
	"archive/zip"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/torch"
)

func read(t *testing.T, data []byte) *checkpoint.Checkpoint {
	t.Helper()
	require.True(t, torch.Sniff(data))
	c, err := torch.Read("x.pt", data)
	require.NoError(t, err)
	return c
}

// only is the single tensor of a file.
func only(t *testing.T, data []byte) checkpoint.Tensor {
	t.Helper()
	c := read(t, data)
	require.Len(t, c.Tensors, 1)
	return c.Tensors[0]
}

func TestReadArchive(t *testing.T) {
	data := saved(t, pt.Ordered{"b", vector("1", 2), "a", vector("0", 1)},
		"0", floats(3), "1", floats(1, float32(math.Inf(-1))))
	require.Equal(t, &checkpoint.Checkpoint{
		File: "x.pt", Format: "PyTorch zip",
		Tensors: []checkpoint.Tensor{
			{Name: "b", Shape: []int{2}, Data: []float32{1, float32(math.Inf(-1))}, DType: "float32"},
			{Name: "a", Shape: []int{1}, Data: []float32{3}, DType: "float32"},
		},
		Meta: map[string]string{},
	}, read(t, data))
}

func TestReadLegacy(t *testing.T) {
	object := pt.Ordered{
		"a", view(storeLegacy("FloatStorage", "7", 3, nil), 1, pt.Tuple{2}, pt.Tuple{1}),
		"b", view(storeLegacy("HalfStorage", "8", 3, pt.Tuple{"9", 1, 2}), 1, pt.Tuple{1}, pt.Tuple{1}),
	}
	data := savedLegacy(object, "8", counted(3, "\x00\x3c\x00\x40\x00\x42"), "7", counted(3, floats(1, 2, 3)))
	c := read(t, data)
	require.Equal(t, "PyTorch legacy", c.Format)
	require.Equal(t, []float32{2, 3}, c.Lookup("a").Data)
	require.Equal(t, []float32{3}, c.Lookup("b").Data, "element 1 of a view from element 1 on")
	require.Empty(t, c.Skipped)

	c = read(t, append(data, "more"...))
	require.Equal(t, []string{"4 bytes after the last storage"}, c.Skipped)
}

func TestElementTypes(t *testing.T) {
	for _, test := range []struct{ class, content, dtype string }{
		{"HalfStorage", "\x00\x3e\x01\x00", "float16"},
		{"BFloat16Storage", "\xc0\x3f\x80\x33", "bfloat16"},
		{"FloatStorage", floats(1.5, 0x1p-24), "float32"},
		{"DoubleStorage", "\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\x70\x3e", "float64"},
	} {
		tensor := view(store(test.class, "0", 2), 0, pt.Tuple{2}, pt.Tuple{1})
		c := read(t, saved(t, pt.Pairs{"w", tensor}, "0", test.content))
		require.Equal(t, []checkpoint.Tensor{
			{Name: "w", Shape: []int{2}, Data: []float32{1.5, 0x1p-24}, DType: test.dtype},
		}, c.Tensors)
		if test.dtype == "float64" {
			require.Equal(t, []string{"w: rounded from float64 to float32"}, c.Skipped)
		} else {
			require.Empty(t, c.Skipped)
		}
	}
}

func TestViews(t *testing.T) {
	for name, test := range map[string]struct {
		offset         int64
		shape, strides pt.Tuple
		want           []float32
	}{
		"whole":             {0, pt.Tuple{2, 3}, pt.Tuple{3, 1}, []float32{0, 1, 2, 3, 4, 5}},
		"transposed":        {0, pt.Tuple{3, 2}, pt.Tuple{1, 3}, []float32{0, 3, 1, 4, 2, 5}},
		"column":            {1, pt.Tuple{2}, pt.Tuple{3}, []float32{1, 4}},
		"overlapping":       {2, pt.Tuple{3, 2}, pt.Tuple{1, 1}, []float32{2, 3, 3, 4, 4, 5}},
		"expanded":          {5, pt.Tuple{2, 2}, pt.Tuple{0, 0}, []float32{5, 5, 5, 5}},
		"three dimensions":  {0, pt.Tuple{2, 1, 2}, pt.Tuple{1, 99, 2}, []float32{0, 2, 1, 3}},
		"scalar and weight": {4, pt.Tuple{1, 1}, pt.Tuple{int64(1 << 62), int64(1 << 62)}, []float32{4}},
		"nothing":           {9, pt.Tuple{0, 3}, pt.Tuple{3, 1}, []float32{}},
		"nothing, huge":     {0, pt.Tuple{math.MaxInt32, math.MaxInt32, math.MaxInt32, 0}, pt.Tuple{0, 0, 0, 0}, []float32{}},
	} {
		t.Run(name, func(t *testing.T) {
			tensor := view(store("FloatStorage", "0", 6), test.offset, test.shape, test.strides)
			got := only(t, saved(t, pt.Pairs{"w", tensor}, "0", floats(0, 1, 2, 3, 4, 5)))
			require.Equal(t, test.want, got.Data)
			require.Len(t, got.Shape, len(test.shape))
		})
	}
}

func TestFormsOfTensor(t *testing.T) {
	call := func(module, name string, args ...any) pt.Call {
		return pt.Call{Func: pt.Global{module, name}, Args: args}
	}
	storage := store("FloatStorage", "0", 2)
	hooks := call("collections", "OrderedDict")
	plain := vector("0", 2)
	untyped := pt.Persistent{ID: pt.Tuple{"storage", pt.Global{"torch.storage", "UntypedStorage"}, "0", "cpu", 8}}
	for name, form := range map[string]any{
		"parameter":            call("torch._utils", "_rebuild_parameter", plain, true, hooks),
		"parameter with state": call("torch._utils", "_rebuild_parameter_with_state", plain, true, hooks, pt.Pairs{"a", 1}),
		"old":                  call("torch._utils", "_rebuild_tensor", storage, 0, pt.Tuple{2}, pt.Tuple{1}),
		"v2 with metadata":     call("torch._utils", "_rebuild_tensor_v2", storage, 0, pt.Tuple{2}, pt.Tuple{1}, true, hooks, pt.Pairs{}),
		"v3":                   call("torch._utils", "_rebuild_tensor_v3", untyped, 0, pt.Tuple{2}, pt.Tuple{1}, true, hooks, pt.Global{"torch", "float32"}),
		"buffer": call("torch._tensor", "_rebuild_from_type_v2", plain.Func, pt.Global{"torch", "Tensor"},
			pt.Tuple(plain.Args), pt.Pairs{"persistent", true}),
	} {
		t.Run(name, func(t *testing.T) {
			got := only(t, saved(t, pt.Pairs{"w", form}, "0", floats(1, 2)))
			require.Equal(t, checkpoint.Tensor{Name: "w", Shape: []int{2}, Data: []float32{1, 2}, DType: "float32"}, got)
		})
	}
}

func TestTiedTensorsAreBothRead(t *testing.T) {
	c := read(t, saved(t, pt.Pairs{"a", vector("0", 1), "b", vector("0", 1)}, "0", floats(4)))
	require.Equal(t, []float32{4}, c.Lookup("a").Data)
	require.Equal(t, []float32{4}, c.Lookup("b").Data)
	c.Lookup("a").Data[0] = 5
	require.Equal(t, []float32{4}, c.Lookup("b").Data, "the tensors own their numbers")
}

func TestNotes(t *testing.T) {
	steps := view(store("LongStorage", "1", 1), 0, pt.Tuple{}, pt.Tuple{})
	c := read(t, saved(t, pt.Pairs{
		"module.bn.num_batches_tracked", steps,
		"module.w", vector("0", 1),
		"module.f8", pt.Call{Func: pt.Global{"torch._utils", "_rebuild_tensor_v3"}, Args: []any{
			store("UntypedStorage", "2", 2), 0, pt.Tuple{2}, pt.Tuple{1}, false, nil, pt.Global{"torch", "float8_e4m3fn"}}},
	}, "0", floats(1)))
	require.NotNil(t, c.Lookup("w"))
	require.Equal(t, []string{
		"module.bn.num_batches_tracked: int64 tensor of shape []",
		"module.f8: float8_e4m3fn tensor of shape [2]",
		`prefix "module." removed from every tensor name`,
	}, c.Skipped)
}

func TestArchiveVariants(t *testing.T) {
	entries := savedEntries(pt.Pairs{"w", vector("0", 2)}, "0", floats(1, 2))
	want := []float32{1, 2}

	require.Equal(t, want, only(t, archiveBy(t, zip.Deflate, entries...)).Data, "compressed again")
	require.Equal(t, want, only(t, archive(t, entries[0], entries[2])).Data, "no byteorder")
	require.Equal(t, want, only(t, archive(t,
		entry{"data.pkl", entries[0].content}, entry{"data/0", entries[2].content})).Data, "no folder")
	require.Equal(t, want, only(t, archive(t,
		entry{"a/b/data.pkl", entries[0].content}, entry{"a/b/data/0", entries[2].content},
		entry{"data/0", "other"}, entry{"__MACOSX/a/b/._data.pkl", "junk"})).Data, "deeper, with look-alikes")

	c := read(t, withoutSums(archive(t, entries...)))
	require.Equal(t, want, c.Lookup("w").Data)
	require.Equal(t, []string{"the archive was saved without checksums, so damage to its numbers would not be seen"}, c.Skipped)
}

// withoutSums clears the checksums in the directory of an archive, as
// torch.serialization.set_crc32_options(False) leaves them.
func withoutSums(data []byte) []byte {
	for i := range data {
		if i+20 <= len(data) && string(data[i:i+4]) == "PK\x01\x02" {
			copy(data[i+16:i+20], "\x00\x00\x00\x00")
		}
	}
	return data
}

// A pickled module has the names that its state_dict would have, in that order, under a
// key of a dict, too; what it shares comes once.
func TestModule(t *testing.T) {
	inner := pt.New{Class: pt.Global{"torch.nn.modules.linear", "Linear"}, State: pt.Pairs{
		"_parameters", pt.Pairs{"weight", vector("1", 2), "bias", nil}, "_modules", pt.Pairs{},
	}}
	net := pt.New{Class: pt.Global{"__main__", "Net"}, State: pt.Pairs{
		"_modules", pt.Pairs{"fc", inner, "none", nil},
		"_parameters", pt.Pairs{"w", vector("0", 1)},
		"_buffers", pt.Pairs{"b", vector("0", 1)},
	}}
	for _, root := range []any{net, pt.Pairs{"epoch", 3, "model", net}} {
		c := read(t, saved(t, root, "0", floats(3), "1", floats(4, 5)))
		var names []string
		for _, tensor := range c.Tensors {
			names = append(names, tensor.Name)
		}
		require.Equal(t, []string{"w", "b", "fc.weight"}, names)
		require.Equal(t, []float32{4, 5}, c.Lookup("fc.weight").Data)
		require.Equal(t, `it is a pickled module of class "__main__.Net", whose code is not in the file`, c.Unknown)
		require.Equal(t, "PyTorch zip, a module", c.Format)
	}
}
