package converter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5/hdf5test"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A million parts are many to allocate for; of a crowd, each must not be compared with each.
const (
	million = 1_000_000
	crowd   = 30_000
)

// A hostileFile is refused in these words.
type hostileFile struct {
	kind string
	data []byte
	spec string // "" for none
	want string
}

// Tensors, each a group of its own or all in one, with and without a spec. A spec may name
// one tensor, or a missing one, again and again.
func hostileTensors() []hostileFile {
	few, lots := scalars(3, numbered), scalars(crowd, numbered)
	square := safetensorsFile(`{"a.weight":{"dtype":"F32","shape":[512,512],"data_offsets":[0,1048576]}}`, strings.Repeat("\x00", 1<<20))
	list := func(n int, part func(b []byte, i int) []byte) string { return string(many(n, part)) }
	return []hostileFile{
		{"a crowd of tensors", lots, "", `… and 29936 more`},
		{"a crowd of groups", scalars(crowd, func(i int) string { return numbered(i) + ".weight" }), "", `… and 29744 more groups of tensors`},
		{"more tensors than a model may have", scalars(format.MaxItems+2, numbered), "", `more than 65536 tensors`},
		{"names that repeat", safetensorsFile(`{"a":{},"a":{}}`, ""), "", `tensor "a" is there twice`},
		{"a long name", scalars(2, func(i int) string { return strings.Repeat("a", 2*million+i) }), "", `tensors do not say how the layers are connected`},
		{"wrapped again and again", scalars(20, func(i int) string { return strings.Repeat("module.", 30_000) + numbered(i) }), "", `tensors do not say`},
		{"many dots", scalars(20, func(i int) string { return strings.Repeat("a.", 50_000) + numbered(i) }), "layers: [{softmax: }]\ninput: 1", `no layer of m.yaml uses`},
		{"nested objects", safetensorsFile(deep(million, `{"a":`, "1", "}"), ""), "", `exceeded max depth`},
		{"nested arrays", safetensorsFile(`{"a":{"dtype":"F32","data_offsets":[0,4],"shape":`+deep(million, "[", "1", "]")+"}}", "0000"), "", `exceeded max depth`},
		{"a million dimensions", safetensorsFile(`{"a":{"dtype":"F32","data_offsets":[0,4],"shape":[`+strings.Repeat("1,", million)+"1]}}", "0000"), "", `tensor "a": 1000001 dimensions`},
		{"NaN", safetensorsFile(`{"a.weight":{"dtype":"F32","data_offsets":[0,4],"shape":[1,1]}}`, "\x00\x00\xc0\x7f"), "layers: [{dense: a}]", `element 0 is NaN`},
		{"infinite", safetensorsFile(`{"a.weight":{"dtype":"F32","data_offsets":[0,4],"shape":[1,1]}}`, "\x00\x00\x80\xff"), "layers: [{dense: a}]", `element 0 is -Inf`},
		{"huge", safetensorsFile(`{"a.weight":{"dtype":"F32","data_offsets":[0,8],"shape":[1,2]}}`, "\xff\xff\x7f\x7f\xff\xff\x7f\x7f"), "layers: [{dense: a}]", `weights are so large`},

		{"a crowd of layers", few, "input: 3\nlayers:\n" + strings.Repeat(" - softmax:\n", crowd), `30000 layers, want at most 4096`},
		{"many layers without names", few, "input: 3\nlayers:\n" + strings.Repeat(" - softmax:\n", 4096), `no layer of m.yaml uses`},
		{"one tensor in many layers", square, "layers:\n" + list(4000, func(b []byte, i int) []byte { return fmt.Appendf(b, " - {dense: a, name: n%d}\n", i) }), `read more than 16 times what m holds`},
		{"ignored again and again", lots, "input: 3\nlayers: [{softmax: }]\nignore: [" + strings.Repeat("a, ", 2*crowd) + "a]", `no layer of m.yaml uses`},
		{"ignored all", lots, "input: 3\nlayers: [{softmax: }]\nignore: [" + list(crowd, func(b []byte, i int) []byte { return fmt.Appendf(b, "w%d, ", i) }) + "z]", `no tensors under "z" in m`},
		{"a crowd of roles", lots, "input: 3\nlayers: [{dense: , tensors: {" + list(30_000, func(b []byte, i int) []byte { return fmt.Appendf(b, "r%d: w%d, ", i, crowd-1) }) + "}}]", `no tensor "weight" in m`},
		{"read by one again and again", few, "input: 3\nlayers: [{softmax: }, {concat: [" + strings.Repeat("softmax, ", 50_000) + "softmax]}]", `no layer of m.yaml uses`},
		{"names to choose from", few, "input: 3\nlayers: [" + list(4000, func(b []byte, i int) []byte { return fmt.Appendf(b, "{softmax: , name: a%d},", i) }) + "{softmax: , from: b}]", `… and 3937 more`},
	}
}

func hostileSpecs() []hostileFile {
	few := scalars(3, numbered)
	return []hostileFile{
		{"nested", few, strings.Repeat("[", million), `exceeded max depth`},
		{"nested and shut", few, deep(500_000, "[", "", "]"), `exceeded max depth`},
		{"nested blocks", few, strings.Repeat("- ", 500_000), `exceeded max depth`},
		{"nested mappings", few, strings.Repeat("{a: ", 250_000), `exceeded max depth`},
		{"nested keys", few, strings.Repeat("? ", 500_000), `exceeded max depth`},
		{"comments", few, strings.Repeat("#\n", 500_000), `empty, want a list of layers`},
		{"a list in itself", few, "layers: [&a [*a, *a]]", `a layer is not a mapping`},
		{"aliases", few, "layers: [&a [" + strings.Repeat("1,", 20) + "], &b [" + strings.Repeat("*a,", 100_000) + "]]", `a layer is not a mapping`},
		{"keys", few, "meta: " + keys(crowd) + "}", `no layers`},
		{"lines", few, `layers: "` + strings.Repeat("\n", million), `found unexpected end of stream`},
		{"colons", few, "layers: {" + strings.Repeat(":", million), `did not find expected node content`},
		{"too large", few, "layers: " + strings.Repeat("a", 1<<20), `want at most 1048576`},
	}
}

func hostileJSON() map[string][]hostileFile {
	rtneural := func(shape, layers string) []byte {
		return []byte(`{"in_shape":` + shape + `,"layers":[` + layers + "]}")
	}
	dense := func(weights string) []byte {
		return rtneural("[1]", `{"type":"dense","shape":[1],"weights":[`+weights+"]}")
	}
	conv := func(in, kernel, dilation, groups int, weights string) string {
		return fmt.Sprintf(`{"type":"conv1d","shape":[%d],"kernel_size":[%d],"dilation":[%d],"groups":%d,"weights":[%s]}`, in, kernel, dilation, groups, weights)
	}
	wide := `{"type":"dense","shape":[64],"weights":[[[` + strings.Repeat("0,", 63) + `0]]]}`
	grouped := "," + conv(64, 2, 4096, 64, "[[["+strings.Repeat("0,", 63)+"0]],[["+strings.Repeat("0,", 63)+"0]]]")
	guitarml := func(sizes, layers int64, tensors string) []byte {
		return fmt.Appendf(nil, `{"model_data":{"unit_type":"LSTM","skip":0,"input_size":%d,"output_size":%[1]d,"hidden_size":%[1]d,"num_layers":%d},"state_dict":%s}`, sizes, layers, tensors)
	}
	nam := func(sizes, layers int64, weights string) []byte {
		return fmt.Appendf(nil, `{"architecture":"LSTM","config":{"input_size":%d,"hidden_size":%[1]d,"num_layers":%d},"weights":%s}`, sizes, layers, weights)
	}
	rows := "[" + strings.Repeat("[],", million) + "[]]"
	deepest := deep(million, "[", "1", "]")
	return map[string][]hostileFile{
		"RTNeural": {
			{"nested shape", rtneural(deepest, "{}"), "", `exceeded max depth`},
			{"nested weights", dense(deepest), "", `exceeded max depth`},
			{"nested and open", []byte(`{"in_shape":[1],"layers":` + strings.Repeat("[", million)), "", `exceeded max depth`},
			{"a million layers", rtneural("[1]", strings.Repeat("{},", million)+"{}"), "", `layers has 1000001 entries, want 1 to 256`},
			{"a million arrays", dense(strings.Repeat("1,", million) + "1"), "", `has 1000001 arrays of weights, want 1 to 2`},
			{"a million rows", dense(rows + ",[1]"), "", `has a kernel of 1000001 rows, want 1`},
			{"a million sizes", rtneural("["+strings.Repeat("1,", million)+"1]", ""), "", `layers has 0 entries`},
			{"a crowd of keys", []byte(keys(crowd) + `"layers":[],"in_shape":[1]}`), "", `layers has 0 entries`},
			{"a size beyond any", rtneural("[99999999999999999999]", ""), "", `cannot unmarshal number`},
			{"a negative size", rtneural("[-1]", ""), "", `in_shape must end in a number of inputs from 1 to 4096`},
			{"two dimensions", rtneural("[1,1,1,1]", ""), "", `in_shape has 4 entries, which are for two-dimensional convolutions, want up to 3`},
			{"a convolution of sizes alone", rtneural("[4096]", conv(4096, 4096, 4096, 1, "[[[1]]]")), "", `has a kernel of shape [1 1 1], want [4096 4096 4096]`},
			{"a long memory", rtneural("[64]", conv(1, 300, 4096, 1, "["+strings.TrimSuffix(strings.Repeat("["+strings.TrimSuffix(strings.Repeat("[1],", 64), ",")+"],", 300), ",")+"]")), "", `layer 0 (conv1d) has a kernel of 300 steps, 4096 apart, of 64 features, supported are up to 1048576 numbers`},
			{"long memories", rtneural("[1]", wide+strings.Repeat(grouped, 255)), "", `buffers and states together exceed 16777216 floats`},
			{"infinite", dense("[[1e999]],[1]"), "", `1e999 is beyond float32`},
			{"null", dense("[[null]],[1]"), "", `null is no number`},
			{"huge", dense("[[3e38]],[3e38]"), "", `weights are so large`},
			{"a long type", rtneural("[1]", `{"shape":[1],"type":"`+strings.Repeat("a", million)+`"}`), "", `is of a type that is not supported`},
		},
		"state_dict as JSON": {
			{"nested", []byte(`{"weight_hh":` + deepest + "}"), "", `exceeded max depth`},
			{"a million rows", []byte(`{"weight_hh":` + rows + "}"), "", `weight_hh [1000001 0]`},
			{"a million deeper rows", []byte(`{"weight_hh":[[` + rows + "]]}"), "", `weight_hh [1 1 1000001 0]`},
			{"a crowd of tensors", []byte(keys(crowd) + `"weight_hh":[]}`), "", `… and 29937 more`},
			{"more tensors than a model may have", []byte(keys(format.MaxItems+1) + `"weight_hh":[]}`), "", `more than 65536 tensors`},
			{"names that repeat", []byte(`{"weight_hh":1,"weight_hh":1}`), "", `two tensors are named "weight_hh"`},
			{"null", []byte(`{"weight_hh":[null]}`), "", `null is no number`},
			{"infinite", []byte(`{"weight_hh":[1e99]}`), "", `1e99 is beyond float32`},
		},
		"GuitarML": {
			{"nested", guitarml(1, 1, deep(million, `{"a":`, "1", "}")), "", `exceeded max depth`},
			{"a crowd of tensors", guitarml(1, 1, keys(crowd)+`"k":[]}`), "", `has no tensor "rec.weight_ih_l0"`},
			{"sizes alone", guitarml(4096, 64, "{}"), "", `has no tensor`},
			{"sizes beyond", guitarml(1<<40, 1<<40, "{}"), "", `input_size is 1099511627776, want 1 to 4096`},
			{"a negative size", guitarml(-1, 1, "{}"), "", `input_size is -1, want 1 to 4096`},
			{"a million rows", guitarml(1, 1, `{"rec.weight_ih_l0":`+rows+"}"), "", `has 1000001 rows, want 4`},
			{"null", guitarml(1, 1, `{"rec.weight_ih_l0":null}`), "", `null is no number`},
		},
		"NAM": {
			{"nested", nam(1, 1, deepest), "", `exceeded max depth`},
			{"sizes alone", nam(4096, 64, "[1]"), "", `has 1 numbers, want 8591511553`},
			{"sizes beyond", nam(1<<40, 1, "[1]"), "", `config.input_size is 1099511627776, want 1 to 4096`},
			{"a negative size", nam(-1, 1, "[1]"), "", `config.input_size is -1, want 1 to 4096`},
			{"too many weights", nam(1, 1, "["+strings.Repeat("1,", million/2)+"1]"), "", `weights has 500001 numbers, want 16`},
			{"a million rows", nam(1, 1, rows), "", `weights has shape [1000001 0], want a list`},
			{"infinite", nam(1, 1, "[1e39]"), "", `1e39 is beyond float32`},
			{"NaN", nam(1, 1, "[NaN]"), "", `invalid character 'N'`},
			{"a long name", []byte(`{"config":{},"weights":[],"architecture":"` + strings.Repeat("a", million) + `"}`), "", `supported is LSTM`},
		},
	}
}

func hostileRNNoise() []hostileFile {
	file := func(s string) []byte { return []byte("rnnoise-nu model file version " + s) }
	return []hostileFile{
		{"sizes alone", file("1\n4096 4096 0\n1 2 3"), "", `has 16777216 input weights, more than the file holds`},
		{"a negative size", file("1\n-4096 4096 0\n"), "", `has "-4096" in line 2, want its number of inputs`},
		{"a size beyond any", file("1\n99999999999999999999999 1 0\n"), "", `want its number of inputs, a whole number from 1 to 4096`},
		{"blank lines", file("1\n" + strings.Repeat("\n", 4*million)), "", `ends in line 4000002`},
		{"a long number", file(strings.Repeat("1", 4*million)), "", `has "11111111111111111111" in line 1, want its version`},
		{"NaN", file("1\n1 1 0\nNaN"), "", `has "NaN" in line 3`},
	}
}

func hostileONNX() []hostileFile {
	x, y := onnxValue(11, "x", 1, 3), onnxValue(12, "y", 1, 3)
	axis := message(5, message(1, []byte("axis")), varint(3, 1), varint(20, 2))
	tanh := onnxNode("Tanh", []string{"x"}, []string{"y"})
	each := func(n int, part func(i int) []byte) []byte {
		return many(n, func(b []byte, i int) []byte { return append(b, part(i)...) })
	}
	chain := func(ops ...string) []byte {
		return onnxModel(x, y, onnxNode("Tanh", []string{"x"}, []string{"w0"}), each(crowd, func(i int) []byte {
			op := ops[i%len(ops)]
			in := []string{numbered(i), numbered(i)}
			if op == "Tanh" {
				in = in[:1]
			}
			return onnxNode(op, in, []string{numbered(i + 1)})
		}), onnxNode("Add", []string{numbered(crowd), "nothing"}, []string{"y"}))
	}
	weight := func(raw string, dims ...uint64) []byte {
		return onnxModel(x, y, onnxTensor("w", []byte(raw), dims...), onnxNode("Add", []string{"x", "w"}, []string{"y"}))
	}
	nested := []byte(nil)
	for len(nested) < 100_000 {
		nested = message(1, message(4, []byte("If")), message(5, message(1, []byte("then_branch")), message(6, nested), varint(20, 5)))
	}
	const parts = `found a graph of more than 65536 nodes, initializers, inputs and outputs`
	return []hostileFile{
		{"a million nodes", onnxModel(x, y, bytes.Repeat(onnxNode("Tanh", []string{"x"}, []string{"n"}), million)), "", parts},
		{"a million initializers", onnxModel(x, y, bytes.Repeat(onnxTensor("n", nil, 1), million)), "", parts},
		{"a million inputs", onnxModel(y, bytes.Repeat(onnxValue(11, "n", 1), million)), "", parts},
		{"a million outputs", onnxModel(x, bytes.Repeat(onnxValue(12, "n", 1), million)), "", parts},
		{"many outputs", onnxModel(x, bytes.Repeat(y, crowd), tanh), "", `found the outputs ["y" "y"`},
		{"a name computed twice", onnxModel(x, y, tanh, tanh), "", `found output "y" of an earlier node again`},
		{"a long chain of functions", chain("Tanh"), "", `found input "nothing", which nothing before it computes`},
		{"a long chain of sums", chain("Add", "Mul", "Tanh"), "", `found input "nothing", which nothing before it computes`},
		{"a crowd of inputs", onnxModel(y, each(crowd, func(i int) []byte { return onnxValue(11, numbered(i), 1, 1) }), onnxNode("Concat", namesOf(crowd, numbered), []string{"y"}, axis)), "", `in 30000 parts, supported are up to 64`},
		{"one value again and again", onnxModel(x, y, onnxNode("Concat", namesOf(crowd, func(int) string { return "x" }), []string{"y"}, axis)), "", `in 30000 parts, supported are up to 64`},
		{"a node that reads itself", onnxModel(x, y, onnxNode("Add", []string{"x", "y"}, []string{"y"})), "", `found input "y", which nothing before it computes`},
		{"two nodes that read each other", onnxModel(x, y, onnxNode("Add", []string{"x", "a"}, []string{"y"}), onnxNode("Tanh", []string{"y"}, []string{"a"})), "", `found input "a", which nothing before it computes`},
		{"nested graphs", onnxModel(x, y, nested), "", `found graphs inside graphs, more than 8 deep`},
		{"a million dimensions", onnxModel(x, y, message(5, varint(2, 1), message(8, []byte("w")), message(1, bytes.Repeat([]byte{1}, million))), onnxNode("Add", []string{"x", "w"}, []string{"y"})), "", `found 1000000 dimensions, supported are up to 8`},
		{"a shape that overflows", weight("1234", 1<<62, 1<<62, 4), "", `initializer "w": found shape [4611686018427387904 4611686018427387904 4]`},
		{"a negative shape", weight("1234", 1<<64-1, 1<<64-1), "", `initializer "w": found shape [-1 -1]`},
		{"a shape past the end", weight("1234", 1<<20), "", `initializer "w": `},
		{"NaN", weight(strings.Repeat("\x00\x00\xc0\x7f", 3), 1, 3), "", `element 0 is NaN, want a finite number`},
		{"huge", onnxModel(x, y, onnxTensor("w", bytes.Repeat([]byte{0, 0, 0x7f, 0x7f}, 9), 3, 3), onnxNode("MatMul", []string{"x", "w"}, []string{"y"})), "", `weights are so large that an input of 1 could overflow float32`},
		{"a wide input", onnxModel(onnxValue(11, "x", 1, 1<<40), onnxValue(12, "y", 1, 1<<40), tanh), "", `supported are up to 1048576 elements`},
		{"the widest input", onnxModel(onnxValue(11, "x", 1, 1<<20), onnxValue(12, "y", 1, 1<<20), tanh), "", `found more computed elements than a model of this size needs`},
		{"one number spread over millions", onnxModel(x, y, onnxTensor("one", []byte("1234"), 1),
			message(5, varint(2, 7), message(8, []byte("shape")), varint(1, 1), message(9, binary.LittleEndian.AppendUint64(nil, 16*million))),
			onnxNode("Expand", []string{"one", "shape"}, []string{"wide"}), onnxNode("Add", []string{"x", "wide"}, []string{"y"})), "", `found more computed elements than a model of this size needs`},
		{"one weight in many nodes", onnxModel(onnxValue(11, "x", 1, 512), onnxValue(12, "y", 1, 512), onnxTensor("w", make([]byte, 1<<20), 512, 512), onnxNode("Tanh", []string{"x"}, []string{"w0"}), each(4000, func(i int) []byte {
			return onnxNode("MatMul", []string{numbered(i), "w"}, []string{numbered(i + 1)})
		}), onnxNode("Tanh", []string{"w4000"}, []string{"y"})), "", `found more computed elements than a model of this size needs`},
	}
}

func hostileArchives(t testing.TB) map[string][]hostileFile {
	scalar := "\x93NUMPY\x01\x00\x36\x00{'descr': '<f4', 'fortran_order': False, 'shape': ()}"
	scalar += strings.Repeat(" ", 64-len(scalar)) + "1234"
	entries := func(n int, name func(i int) string, content string, first ...entry) []byte {
		for i := range n {
			first = append(first, entry{name: name(i), content: content})
		}
		return zipped(t, first...)
	}
	array := func(i int) string { return numbered(i) + ".npy" }
	zeros := bomb(t)
	said := func(name string, size uint64) entry { return entry{name: name, raw: zeros, size: size} }
	truth, lie := uint64(64<<20), uint64(1000)
	state := file("m/data.pkl", stateDict(1, numbered))
	pickled := func(code string) []byte { return zipped(t, file("m/data.pkl", "\x80\x02"+code+".")) }
	legacy := func(object []byte, rest ...[]byte) []byte {
		return bytes.Join(append([][]byte{
			[]byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), pt.Encode(1001),
			pt.Encode(pt.Pairs{"protocol_version", 1001, "little_endian", true}), object,
		}, rest...), nil)
	}
	var repeated pt.List
	for range million / 5 {
		repeated = append(repeated, "0")
	}
	config := file("config.json", `{"class_name":"Sequential","config":{}}`)
	const deepest = 100_000
	same := func(name string) func(int) string { return func(int) string { return name } }
	tensors := func(n int, name func(i int) string) []byte {
		return zipped(t, file("m/data.pkl", stateDict(n, name)), file("m/data/0", "1234"))
	}
	return map[string][]hostileFile{
		"PyTorch zip": {
			{"a crowd of entries", entries(crowd, numbered, "", file("m/data.pkl", "\x80\x02}.")), "", `holds no floating-point weights`},
			{"a crowd of pickles", entries(crowd, func(i int) string { return numbered(i) + "/data.pkl" }, ""), "", `with 30000 data.pkl entries, expected 1`},
			{"names that repeat", entries(crowd, same("a"), "", file("m/data.pkl", "\x80\x02}.")), "", `two entries of the archive are named "a"`},
			{"a bomb as pickle", zipped(t, said("m/data.pkl", truth)), "", `is said to have 67108864 bytes, more than a file of`},
			{"a bomb as storage", zipped(t, state, said("m/data/0", truth)), "", `is said to have 67108864 bytes, more than a file of`},
			{"a bomb that lies", zipped(t, said("m/data.pkl", lie)), "", `decompresses to another size than the 1000 bytes`},
			{"nested lists", pickled("N" + strings.Repeat("q\x000]h\x00a", deepest)), "", `nested deeper than 32 levels`},
			{"open lists", pickled(strings.Repeat("](", deepest)), "", `more than 1024 containers nested in each other`},
			{"a list in itself", pickled("]q\x00h\x00a"), "", `nested deeper than 32 levels`},
			{"pairs of pairs", pickled(")" + strings.Repeat("2\x86", 31)), "", `shares its values so often`},
			{"a million values", pickled("](" + strings.Repeat("N", million) + "e"), "", `more than 262144 values on the stack`},
			{"a module in itself", pickled("c__main__\nNet\n)\x81q\x00}(X\x0b\x00\x00\x00_parameters}X\x08\x00\x00\x00_modules}(X\x01\x00\x00\x00ah\x00uub"), "", `holds a module __main__.Net without weights`},
			{"a crowd of tensors", tensors(crowd, numbered), "", `… and 29936 more`},
			{"a crowd of modules", tensors(crowd, func(i int) string { return numbered(i) + ".weight" }), "", `… and 29744 more groups of tensors`},
			{"more tensors than a model may have", tensors(format.MaxItems+1, numbered), "", `65537 tensors, want at most 65536`},
			{"TorchScript of a crowd of files", entries(crowd, func(i int) string { return "m/code/" + numbered(i) + ".py" }, "", file("m/data.pkl", "\x80\x02}."), file("m/constants.pkl", "\x80\x02).")), "", `holds a dict where TorchScript has a module`},
		},
		"TorchScript": {
			{"brackets", script(t, "    return "+strings.Repeat("(", million)), "", `brackets do not match or are nested too deeply`},
			{"brackets without a line", script(t, strings.Repeat("[", million)), "", `brackets do not match or are nested too deeply`},
			{"blocks", script(t, string(many(700, func(b []byte, i int) []byte { return fmt.Appendf(b, "%sif x:\n", strings.Repeat("  ", i+2)) }))), "", `nested deeper than 200 levels`},
			{"a crowd of statements", script(t, strings.Repeat("    x = [x, x]\n", 2*crowd)), "", `want what comes from the input, found None`},
			{"a crowd of functions", script(t, "    return x\n"+string(many(crowd/2, func(b []byte, i int) []byte {
				return fmt.Appendf(b, "  def f%d(self: T) -> T:\n    return (self).f%d()\n", i, i+1)
			}))), "", `the output is the input`},
			{"a function that calls itself", script(t, "    return (self).forward(x, )\n"), "", `the program is nested deeper than 100 levels`},
			{"a long text", script(t, "    return \""+strings.Repeat("a", 900_000)), "", `a text without an end`},
			{"additions", script(t, "    return "+strings.Repeat("x + ", million/5)+"x\n"), "", `want the end of the line, found "+"`},
			{"selections", script(t, "    return x"+strings.Repeat(".x", million/2)+"\n"), "", `the program is nested deeper than 100 levels`},
			{"calls", script(t, "    return x"+strings.Repeat("()", million/2)+"\n"), "", `the program is nested deeper than 100 levels`},
			{"too much", script(t, strings.Repeat("#\n", million)), "", `want at most 1048576 in all`},
			{"minus", script(t, "    return "+strings.Repeat("-", million)+"1\n"), "", `nested deeper than 200 levels`},
			{"a bomb as code", zipped(t, file("m/data.pkl", module), said("m/code/__torch__.py", truth), file("m/constants.pkl", "\x80\x02).")), "", `is said to have 67108864 bytes`},
		},
		"PyTorch legacy": {
			{"a crowd of tensors", legacy(legacyDict(crowd), pt.Encode(pt.List{"0"}), []byte("\x01\x00\x00\x00\x00\x00\x00\x001234")), "", `… and 29936 more`},
			{"a storage again and again", legacy(legacyDict(1), pt.Encode(repeated), make([]byte, 4*million)), "", `storage "0" has 0 elements, expected 1`},
			{"nested lists", legacy([]byte("\x80\x02N"+strings.Repeat("q\x000]h\x00a", deepest)+"."), pt.Encode(pt.List{})), "", `nested deeper than 32 levels`},
			{"a count that overflows", legacy(legacyDict(1), pt.Encode(pt.List{"0"}), bytes.Repeat([]byte{0xff}, 12)), "", `storage "0" has -1 elements, expected 1`},
		},
		"Keras archive": {
			{"a crowd of entries", entries(crowd, numbered, "", config, file("model.weights.h5", "")), "", `the archive has no entry "metadata.json"`},
			{"names that repeat", entries(crowd, same("a"), "", config, file("model.weights.h5", "")), "", `two entries of the archive are named "a"`},
			{"a bomb as configuration", zipped(t, said("config.json", truth), file("model.weights.h5", "")), "", `is said to have 67108864 bytes, supported are up to 4194304 here`},
			{"a bomb as weights", zipped(t, config, said("model.weights.h5", truth)), "", `is said to have 67108864 bytes`},
			{"a bomb that lies", zipped(t, said("config.json", lie), file("model.weights.h5", "")), "", `entry "config.json"`},
		},
		"NumPy": {
			{"a bomb", zipped(t, said("w.npy", truth)), "", `is said to have 67108864 bytes, more than the`},
			{"a bomb that lies", zipped(t, said("w.npy", lie)), "", `npy: array "w": `},
			{"a shape that overflows", zipped(t, file("w.npy", "\x93NUMPY\x01\x00\x4e\x00{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4)}")), "", `more elements than memory can hold`},
			{"a crowd of other files", entries(crowd, numbered, "", file("m.npy", "")), "", `does not start with`},
			{"a crowd of arrays", entries(crowd, array, scalar), "", `… and 29936 more`},
			{"more arrays than a model may have tensors", entries(format.MaxItems+1, array, scalar), "", `65537 arrays, want at most 65536`},
			{"names that repeat", entries(crowd, same("a.npy"), scalar), "", `two arrays are named "a"`},
		},
	}
}

// Groups of HDF5 in each other, in themselves, and thousands with the same parts.
func hostileHDF5() []hostileFile {
	file := func(fill func(f *hdf5test.File) (layers uint64)) []byte {
		f := hdf5test.New()
		layers := fill(f)
		return f.Bytes(f.Object(hdf5test.Link("layers", layers)))
	}
	links := func(n int, to func(i int) uint64) (all [][]byte) {
		for i := range n {
			all = append(all, hdf5test.Link(numbered(i), to(i)))
		}
		return all
	}
	const groups = 5000
	nothing := bytes.Repeat(hdf5test.Message(0), 50_000)
	// crowded has groups that all have the same message in common.
	crowded := func(shared func(f *hdf5test.File) []byte) []byte {
		return file(func(f *hdf5test.File) uint64 {
			m := shared(f)
			return f.Object(chunked(f, links(groups, func(int) uint64 { return f.Object(m) }))...)
		})
	}
	return []hostileFile{
		{"a group in itself", file(func(f *hdf5test.File) uint64 {
			return f.Object(hdf5test.Link("lstm", f.Here()), hdf5test.Link("vars", f.Here()), hdf5test.Link("cell", f.Here()), hdf5test.Link("0", f.Here()))
		}), "", `it is not a dataset`},
		{"many names for a group in itself", file(func(f *hdf5test.File) uint64 {
			at := f.Here()
			return f.Object(append(links(8000, func(int) uint64 { return at }), hdf5test.Link("vars", at), hdf5test.Link("cell", at))...)
		}), "", `holds weights and no configuration`},
		{"soft links in a circle", file(func(f *hdf5test.File) uint64 {
			return f.Object(hdf5test.Soft("lstm", "gru"), hdf5test.Soft("gru", "lstm"))
		}), "", `more than 16 soft links`},
		{"an object that cannot be read, by many names", file(func(f *hdf5test.File) uint64 {
			bad := f.Object(hdf5test.Continuation(f.Here()+16+24, uint64(len(nothing))+8))
			f.Add(nothing...)
			f.Add(0, 0, 255, 255, 0, 0, 0, 0)
			return f.Object(chunked(f, links(groups, func(int) uint64 { return bad }))...)
		}), "", `it ends after`},
		{"messages in common", crowded(func(f *hdf5test.File) []byte {
			at := f.Add(nothing...)
			return hdf5test.Continuation(at, uint64(len(nothing)))
		}), "", `w0: it is not a group`},
		{"links in common", crowded(func(f *hdf5test.File) []byte {
			list := bytes.Join(links(20_000, func(int) uint64 { return 0 }), nil)
			return hdf5test.Continuation(f.Add(list...), uint64(len(list)))
		}), "", `share their blocks, or lead in a circle`},
		{"a tree in common", crowded(func(f *hdf5test.File) []byte {
			heap := f.Here() + 32
			f.Add(append([]byte("HEAP\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), binary.LittleEndian.AppendUint64(nil, heap)...)...)
			f.Add(make([]byte, 8)...)
			node := f.Add([]byte("SNOD\x01\x00\x00\x00")...)
			tree := []byte("TREE\x00\x00\x30\x75" + strings.Repeat("\xff", 16)) // 30000 entries
			for range 30_000 {
				tree = binary.LittleEndian.AppendUint64(append(tree, make([]byte, 8)...), node)
			}
			return hdf5test.SymbolTable(f.Add(append(tree, make([]byte, 8)...)...), heap-32)
		}), "", `share their blocks, or lead in a circle`},
		{"a tree in itself", file(func(f *hdf5test.File) uint64 {
			heap := f.Here() + 32
			f.Add(append([]byte("HEAP\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), binary.LittleEndian.AppendUint64(nil, heap)...)...)
			f.Add(make([]byte, 8)...)
			tree := append([]byte("TREE\x00\x01\x02\x00"+strings.Repeat("\xff", 16)), make([]byte, 8)...)
			tree = binary.LittleEndian.AppendUint64(tree, f.Here())
			tree = binary.LittleEndian.AppendUint64(append(tree, make([]byte, 8)...), f.Here())
			return f.Object(hdf5test.SymbolTable(f.Add(append(tree, make([]byte, 8)...)...), heap-32))
		}), "", `its level is 1, expected 0`},
		{"a header past the end", file(func(f *hdf5test.File) uint64 { return f.Object(hdf5test.Link("lstm", 1<<40)) }), "", `/layers/lstm: object header: its address 0x10000000000 is not in the file`},
		{"a continuation past the end", file(func(f *hdf5test.File) uint64 {
			return f.Object(hdf5test.Link("lstm", f.Object(hdf5test.Continuation(96, 1<<60))))
		}), "", `it ends after`},
		{"a continuation of itself", file(func(f *hdf5test.File) uint64 {
			return f.Object(hdf5test.Link("lstm", f.Object(hdf5test.Continuation(f.Here()+16, 24))))
		}), "", `overlap, or lead in a circle`},
	}
}

// Configurations of Keras models, in archives with weights of a group of nothing.
func hostileKeras(t testing.TB) (all []hostileFile) {
	f := hdf5test.New()
	weights := string(f.Bytes(f.Object(hdf5test.Link("layers", f.Object(hdf5test.Link("input_layer", f.Object(hdf5test.Link("none", 0))))))))
	layers := func(list string) string {
		return `{"class_name":"Sequential","config":{"name":"m","layers":[` + list + "]}}"
	}
	input := `{"class_name":"InputLayer","config":{"name":"x","batch_shape":[null,null,3]},"name":"x","inbound_nodes":[]}`
	graph := func(list, outputs string) string {
		return `{"class_name":"Functional","config":{"name":"m","input_layers":[["x",0,0]],"output_layers":[` + outputs + `],"layers":[` + input + list + "]}}"
	}
	dense := func(units string) string {
		return `{"class_name":"Dense","config":{"name":"d","units":` + units + `}}`
	}
	sums := string(many(2000, func(b []byte, i int) []byte {
		return fmt.Appendf(b, `,{"class_name":"Add","config":{"name":"a%d"},"name":"a%[1]d","inbound_nodes":[[%s]]}`, i,
			strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`["a%d",0,0,{}],`, i-1), 50), ","))
	}))
	for _, c := range []struct{ kind, config, want string }{
		{"nested", deep(million, "[", "", "]"), `nested more than 100 deep`},
		{"nested and open", strings.Repeat(`{"a":`, million/2), `nested more than 100 deep`},
		{"a million layers of nothing", layers(strings.Repeat("{},", million) + "{}"), `a layer without class_name and config`},
		{"a layer of a million numbers", layers("[" + strings.Repeat("1,", million) + "1]"), `where a layer is expected`},
		{"a crowd of layers", layers(strings.Repeat(dense("1")+",", crowd/2) + dense("1")), `has more than 4096 layers`},
		{"a crowd of inputs", graph("", strings.Repeat(`["x",0,0],`, crowd)+`["x",0,0]`), `an output is an input as it is`},
		{"sums of one", graph(strings.Replace(sums, `"a-1"`, `"x"`, -1), `["a1999",0,0]`), `98001 buffers, want at most 65536`},
		{"layers that read each other", graph(`,{"class_name":"Dropout","config":{"name":"a"},"name":"a","inbound_nodes":[[["b",0,0,{}]]]},{"class_name":"Dropout","config":{"name":"b"},"name":"b","inbound_nodes":[[["a",0,0,{}]]]}`, `["a",0,0]`), `layer "a" (Dropout) reads its own output`},
		{"a negative size", layers(input + "," + dense("-1")), `has the units -1, expected a size from 1 to 1048576`},
		{"a size beyond any", layers(input + "," + dense("1e300")), `expected a size from 1 to 1048576`},
		{"sizes alone", layers(input + "," + dense("1048576")), `layer "d" (Dense) has no kernel in the file`},
		{"a wide input", layers(`{"class_name":"InputLayer","config":{"name":"x","batch_shape":[null,null,2000000000]}},` + dense("1")), `expected sizes from 1 to 1048576`},
		{"a long class", layers(`{"class_name":"` + strings.Repeat("a", million) + `","config":{}}`), `is of a class that is not supported`},
		{"names that repeat", graph(","+input+","+input, `["x",0,0]`), `has two layers named "x"`},
	} {
		all = append(all, hostileFile{c.kind, zipped(t, file("config.json", c.config), file("metadata.json", "{}"), file("model.weights.h5", weights)), "", c.want})
	}
	return all
}

// module is the pickle of a TorchScript module with one parameter.
var module = string(pt.Encode(pt.New{Class: pt.Global{"__torch__", "Net"}, State: pt.Pairs{"w", scalarTensor}}))

// scalarTensor is a tensor of one element.
var scalarTensor = pt.Call{
	Func: pt.Global{"torch._utils", "_rebuild_tensor_v2"},
	Args: []any{
		pt.Persistent{ID: pt.Tuple{"storage", pt.Global{"torch", "FloatStorage"}, "0", "cpu", 1}},
		0, pt.Tuple{1}, pt.Tuple{1}, false, pt.Call{Func: pt.Global{"collections", "OrderedDict"}},
	},
}

// Every file ends in an error that is clear, soon and cheaply.
func TestHostile(t *testing.T) {
	all := hostileJSON()
	maps.Copy(all, hostileArchives(t))
	all["safetensors"], all["spec"], all["RNNoise"], all["ONNX"] = hostileTensors(), hostileSpecs(), hostileRNNoise(), hostileONNX()
	all["HDF5"], all["Keras"] = hostileHDF5(), hostileKeras(t)
	for _, source := range slices.Sorted(maps.Keys(all)) {
		for _, f := range all[source] {
			t.Run(source+"/"+f.kind, func(t *testing.T) {
				hostiletest.Refuse(t, f.want, func() (err error) {
					e := extras{path: "m.yaml"}
					if f.spec != "" {
						if e.spec, err = spec.Parse("m.yaml", []byte(f.spec)); err != nil {
							return err
						}
					}
					_, err = convert("m", f.data, e)
					return err
				})
			})
		}
	}
}
