package converter

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

func formats(name string) string { return filepath.Join(testdata, "formats", name) }

func open(t *testing.T, m *format.Model) *infer.Model {
	file, err := format.Marshal(m)
	require.NoError(t, err)
	engine, err := infer.FromBytes(file)
	require.NoError(t, err)
	require.NoError(t, engine.Verify())
	return engine
}

// worst is the largest |have − want| / max(1, |want|).
func worst(t *testing.T, want []float64, have []float32) (e float64) {
	require.Len(t, have, len(want))
	for i, w := range want {
		e = max(e, math.Abs(float64(have[i])-w)/max(1, math.Abs(w)))
	}
	return e
}

// One net in every form of file gives the tensors of net.npz, bit for bit, and
// the output of PyTorch in float64.
func TestForms(t *testing.T) {
	tensors, io := archive(t, formats("net.npz")), archive(t, formats("io.npz"))
	x, y := io("x").Float32(), io("y").Float64()
	for _, name := range []string{
		"zip.pt", "legacy.pth", "float16.pt", "bfloat16.pt", "legacy_float16.pth", "data_parallel.pt",
		"strided.pt", "legacy_strided.pth", "nested.pt", "cuda.pt", "checkpoint.pth.tar", "pytorch_model.bin",
		"whole_module.pt", "net.safetensors", "float16.safetensors", "bfloat16.safetensors", "net.npz", "npy",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Convert(formats(name), formats("net.yaml"))
			require.NoError(t, err)
			for _, layer := range r.Model.Layers {
				f := format.FieldsOf(layer)
				prefix, suffix, _ := strings.Cut(layer.LayerName(), "_l")
				if suffix != "" {
					assert.Equal(t, tensors(prefix+".weight_hh_l"+suffix).Float32(), r.Model.Tensor(f.Tensors[1]).Matrix())
					assert.Equal(t, tensors(prefix+".weight_ih_l"+suffix).Float32(), r.Model.Tensor(f.Tensors[0]).Matrix())
				} else {
					assert.Equal(t, tensors(prefix+".weight").Float32(), r.Model.Tensor(f.Tensors[0]).Matrix())
					assert.Equal(t, tensors(prefix+".bias").Float32(), r.Model.Tensor(f.Tensors[1]).Matrix())
				}
			}
			have := make([]float32, len(y))
			_, err = open(t, r.Model).NewSession().Run(have, x)
			require.NoError(t, err)
			assert.LessOrEqual(t, worst(t, y, have), 2e-7)
		})
	}
	r, err := Convert(formats("tied.pt"), formats("net.yaml"))
	require.NoError(t, err)
	bias := tensors("lstm.bias_ih_l0").Float32()
	for i, v := range r.Model.Tensor(format.FieldsOf(r.Model.Layers[0]).Tensors[2]).Matrix() {
		assert.Equal(t, 2*bias[i], v, "two names of one storage are both read")
	}
}

// Weights under weight_norm are computed from their parts, whatever these are called.
func TestWeightNorm(t *testing.T) {
	io := archive(t, formats("weight_norm.npz"))
	x, y := io("x").Float32(), io("y").Float64()
	for _, name := range []string{"weight_norm.pt", "parametrized.pt", "whole_weight_norm.pt"} {
		r, err := Convert(formats(name), formats("net.yaml"))
		require.NoError(t, err, name)
		have := make([]float32, len(y))
		_, err = open(t, r.Model).NewSession().Run(have, x)
		require.NoError(t, err, name)
		assert.LessOrEqual(t, worst(t, y, have), 2e-7, name)
		assert.Contains(t, strings.Join(r.Notes, "\n"), "lstm.weight_hh_l1: computed from lstm.", name)
	}
}

// What stands alone needs no spec where its tensors tell everything.
func TestWithoutSpec(t *testing.T) {
	for name, want := range map[string]string{"gru_alone.pt": "gru_l0", "lstm_cell.pt": "lstm", "torchscript.pt": "lstm_l0"} {
		r, err := Convert(formats(name), "")
		require.NoError(t, err, name)
		assert.Equal(t, want, r.Model.Layers[0].LayerName())
		open(t, r.Model)
	}
}

func TestRefusals(t *testing.T) {
	specs := t.TempDir()
	spec := func(name, text string) string {
		path := filepath.Join(specs, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	lstm := spec("lstm.yaml", "layers: [{lstm: ''}]")
	for name, c := range map[string]struct{ file, spec, message string }{
		"no spec":        {"zip.pt", spec("none.yaml", "layers: []"), "no layers"},
		"lone RNN":       {"rnn_alone.pt", "", "activation: tanh # or relu: the nonlinearity of nn.RNN"},
		"RNN activation": {"rnn_alone.pt", spec("rnn.yaml", "layers: [{rnn: ''}]"), `activation is "", want tanh or relu`},
		"wrong kind":     {"gru_alone.pt", lstm, `tensor "weight_hh_l0" has shape [9 3], want [4·H, H]: these are the weights of kind gru`},
		"unused tensors": {"zip.pt", spec("part.yaml", "layers: [{lstm: lstm}]"), "no layer of " + filepath.Join(specs, "part.yaml") + " uses head.weight [3 5], head.bias [3]; add the layer"},
		"wrong prefix":   {"zip.pt", spec("prefix.yaml", "layers: [{lstm: rnn}]"), `no tensors under "rnn" in ../testdata/formats/zip.pt, which has "lstm", "head"`},
		"wrong width":    {"zip.pt", spec("width.yaml", "layers: [{lstm: lstm}, {dense: head}, {dense: head, name: again}]"), `tensor "head.weight" has shape [3 5], but the layer reads 3 floats`},
		"name twice":     {"zip.pt", spec("twice.yaml", "layers: [{lstm: lstm}, {dense: head}, {dense: head}]"), `a second layer "head"; give one of them a name`},
		"no such layer":  {"zip.pt", spec("from.yaml", "layers: [{lstm: lstm}, {dense: head, from: lstn}]"), `no layer "lstn" before this one, there are input, lstm`},
		"no such output": {"zip.pt", spec("out.yaml", "output: x\nlayers: [{lstm: lstm}, {dense: head}]"), `output: no layer "x", there are input, lstm, head`},
		"no width":       {"zip.pt", spec("input.yaml", "layers: [{softmax: }]"), "no layer tells the width of the input; add `input: N`"},
		"ignore nothing": {"zip.pt", spec("ignore.yaml", "ignore: nosuch\nlayers: [{lstm: lstm}, {dense: head}]"), `ignore: no tensors under "nosuch"`},
		"not a source":   {"../make_goldens.py", "", "the content is of no format that is supported: PyTorch .pt/.pth, safetensors, NumPy .npz, GuitarML JSON, Neural Amp Modeler .nam, RTNeural JSON, PyTorch state_dict as JSON, RNNoise .rnnn, TensorFlow Lite, ONNX, Keras .keras and .h5"},
		"absent":         {"absent.pt", "", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Convert(formats(c.file), c.spec)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.message)
		})
	}
	_, err := Convert(formats("whole_module.pt"), "")
	assert.ErrorContains(t, err, `it is a pickled module of class "__main__.Net", whose code is not in the file; save this as a .yaml`)
	_, err = Convert(formats("whole_module.pt"), formats("net.yaml"))
	assert.NoError(t, err)
}

// A pickled module says what its tensors do not: each module's class, epsilon and
// nonlinearity, which the spec may leave out and must not contradict.
func TestWholeModule(t *testing.T) {
	folder := t.TempDir()
	spec := func(from, to string) string {
		text := "layers:\n- lstm: rnn\n- batchnorm: bn\n- dense: fc\n  activation: {leaky_relu: 0.1}\n- layernorm: ln\n- dense: out\n- log_softmax:\n"
		path := filepath.Join(folder, "spec.yaml")
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(text, from, to, 1)), 0o600))
		return path
	}
	r, err := Convert(formats("whole_heads.pt"), spec("", ""))
	require.NoError(t, err)
	io := archive(t, formats("heads.npz"))
	want := io("y").Float64()
	ys := make([]float32, len(want))
	_, err = open(t, r.Model).NewSession().Run(ys, io("x").Float32())
	require.NoError(t, err)
	assert.LessOrEqual(t, worst(t, want, ys), 1e-6)

	_, err = Convert(formats("whole_heads.pt"), spec("layernorm: ln", "layernorm: ln\n  epsilon: 1e-5"))
	assert.ErrorContains(t, err, `spec.yaml:6: layernorm "ln": epsilon is 1e-05, but that of the torch.nn.modules.normalization.LayerNorm in the file is 0.001; leave it out`)
	_, err = Convert(formats("whole_heads.pt"), spec("layernorm: ln", "scale: ln"))
	assert.ErrorContains(t, err, `scale "ln": the file has a torch.nn.modules.normalization.LayerNorm there, which is not of kind scale`)
	_, err = Convert(formats("whole_heads.pt"), spec("layernorm: ln", "scale: x\n  tensors: {weight: ln.weight, bias: ln.bias}"))
	assert.ErrorContains(t, err, `scale "x": the file has a torch.nn.modules.normalization.LayerNorm there`)
	_, err = Convert(formats("whole_heads.pt"), "")
	assert.ErrorContains(t, err, "  - layernorm: ln # weight [5], bias [5]\n    epsilon: 0.001 # that of the file\n")

	r, err = Convert(formats("whole_rnn.pt"), "")
	require.NoError(t, err)
	io = archive(t, formats("whole_rnn.npz"))
	want = io("y").Float64()
	ys = make([]float32, len(want))
	_, err = open(t, r.Model).NewSession().Run(ys, io("x").Float32())
	require.NoError(t, err)
	assert.LessOrEqual(t, worst(t, want, ys), 1e-6)
	tanh := filepath.Join(folder, "tanh.yaml")
	require.NoError(t, os.WriteFile(tanh, []byte("layers: [{rnn: '', activation: tanh}]"), 0o600))
	_, err = Convert(formats("whole_rnn.pt"), tanh)
	assert.ErrorContains(t, err, "activation is tanh, but that of the torch.nn.modules.rnn.RNN in the file is relu; leave it out")
}

// The error for tensors that do not tell their order prints a spec that works.
func TestSuggestedSpec(t *testing.T) {
	lonely := filepath.Join(t.TempDir(), "net.pt") // with no spec beside it
	data, err := os.ReadFile(formats("zip.pt"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(lonely, data, 0o600))
	_, err = Convert(lonely, "")
	require.Error(t, err)
	_, suggestion, found := strings.Cut(err.Error(), "\n\n")
	require.True(t, found)
	spec := filepath.Join(filepath.Dir(lonely), "net.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(suggestion), 0o600))
	r, err := Convert(lonely, "") // found beside it
	require.NoError(t, err)
	assert.Equal(t, spec, r.Spec)
	assert.Len(t, r.Model.Layers, 3)
}

// Skips, concatenations and activations, as only a spec can say.
func TestGraph(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "graph.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(`
layers:
  - lstm: lstm
  - apply: relu
    name: positive
  - dense: head
    from: lstm
    activation: tanh
  - dense: head
    name: second
    from: positive
  - add: [head, second]
    name: sum
  - softmax:
  - concat: [sum, softmax, input]
meta: {labels: a b c}
`), 0o600))
	r, err := Convert(formats("zip.pt"), spec)
	require.NoError(t, err)
	assert.Equal(t, "a b c", r.Model.Value("labels"))
	assert.Equal(t, "zip.pt", r.Model.Value("source"))
	assert.Equal(t, 3+3+2, r.Model.OutputSize())
	y, x := make([]float32, 8), []float32{0.5, -0.25}
	require.NoError(t, open(t, r.Model).NewSession().Step(y, x))
	assert.InDelta(t, 1, y[3]+y[4]+y[5], 1e-6)
	assert.Equal(t, x, y[6:])
}

func TestDescribe(t *testing.T) {
	r, err := Convert(formats("zip.pt"), formats("net.yaml"))
	require.NoError(t, err)
	r.Model.Meta = append(r.Model.Meta, format.Meta{Key: "odd", Value: "\x1b[31mred\n"})
	var b bytes.Buffer
	require.NoError(t, Describe(&b, r.Model))
	for _, want := range []string{
		"lstm_l0  lstm   input 2    5      W 20×2, R 20×5, B 20  160",
		"head     dense  lstm_l1 5  3", "input    2 floats", "output   3 floats, of head", "state    20 floats",
		`meta     odd: "\x1b[31mred\n"`, "witness  256 steps from seed 1: SHA-256 ",
	} {
		assert.Contains(t, b.String(), want)
	}
}

// A real checkpoint from a GPU: LSTM 4→126 and its head, against PyTorch.
func TestNOAA(t *testing.T) {
	folder := filepath.Join("../../../../shared/models", "noaa-lstm")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no ../shared/models/noaa-lstm: ", err)
	}
	spec := filepath.Join(t.TempDir(), "noaa.yaml")
	require.NoError(t, os.WriteFile(spec, []byte("layers: [{lstm: lstm}, {dense: head.net.0}, {concat: [head.net.0, lstm]}]"), 0o600))
	source, err := filepath.Glob(filepath.Join(folder, "nh_*", "model_epoch009.pt"))
	require.NoError(t, err)
	require.Len(t, source, 1)
	r, err := Convert(source[0], spec)
	require.NoError(t, err)
	io := archive(t, filepath.Join(folder, "derived_io", "model_epoch009.npz"))
	x, y, h := io("x").Float32(), io("y").Float64(), io("lstm_out").Float64()
	ys := make([]float32, len(y)*127)
	_, err = open(t, r.Model).NewSession().Run(ys, x)
	require.NoError(t, err)
	var head, lstm []float32
	for ; len(ys) > 0; ys = ys[127:] {
		head, lstm = append(head, ys[0]), append(lstm, ys[1:127]...)
	}
	t.Logf("worst error: y %.2e, lstm_out %.2e", worst(t, y, head), worst(t, h, lstm))
	assert.LessOrEqual(t, worst(t, y, head), 2e-6)
	assert.LessOrEqual(t, worst(t, h, lstm), 2e-6)
}

// A spec that lies beside a file which needs none, for another of the same name perhaps, is
// left alone, even one that is no spec at all; one that is asked for is an error.
func TestSpecForNothing(t *testing.T) {
	folder := t.TempDir()
	source, yaml := filepath.Join(folder, "amp.json"), filepath.Join(folder, "amp.yaml")
	amp := `{"architecture": "LSTM", "config": {"input_size": 1, "hidden_size": 1, "num_layers": 1}, "weights": [1,2,3,4,5,6,7,8,9,10,11,12,0.5,0.25,2,3]}`
	require.NoError(t, os.WriteFile(source, []byte(amp), 0o600))
	for _, text := range []string{"layers: [{lstm: lstm}]", "colour: blue"} {
		require.NoError(t, os.WriteFile(yaml, []byte(text), 0o600))
		r, err := Convert(source, "")
		require.NoError(t, err)
		assert.Empty(t, r.Spec)
		assert.Contains(t, r.Notes, yaml+", beside it, was not used: the file says itself how its layers are connected")
	}
	_, err := Convert(source, yaml)
	assert.ErrorContains(t, err, yaml)

	// Beside a checkpoint it counts, and so does what is wrong with it.
	data, err := os.ReadFile(formats("zip.pt"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "amp.pt"), data, 0o600))
	_, err = Convert(filepath.Join(folder, "amp.pt"), "")
	assert.ErrorContains(t, err, "amp.yaml")
}
