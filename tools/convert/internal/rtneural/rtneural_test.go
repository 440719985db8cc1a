package rtneural

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

const good = `{"in_shape": [null, null, 1], "in_skip": 1, "in_gain": -6, "samplerate": "48000", "metadata": {"name": "amp", "esr": 0.5, "author": null}, "layers": [
{"type": "time-distributed-dense", "activation": "elu", "shape": [null, null, 2], "weights": [[[1, 2]], [0, 1]]},
{"type": "conv1d", "activation": "relu", "shape": [null, null, 4], "kernel_size": [3], "dilation": [2], "groups": 2, "weights": [[[[1, 2, 3, 4]], [[5, 6, 7, 80]], [[9, 10, 11, 12]]], [4, 3, 2, 1]]},
{"type": "batchnorm", "activation": "", "shape": [null, null, 4], "epsilon": 1, "weights": [[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 1], [3, 3, 3, 8]]},
{"type": "prelu", "activation": "", "shape": [null, null, 4], "weights": [[[0.5, 0.25, 0, 1]]]},
{"type": "conv1d", "activation": "", "shape": [null, null, 2], "kernel_size": 1, "dilation": 1, "weights": [[[[1, 2], [3, 4], [5, 6], [7, 8]]], [1, 2]]},
{"type": "batchnorm", "activation": "", "shape": [null, null, 2], "epsilon": 0, "weights": [[1, 2], [1, 4]]},
{"type": "prelu", "activation": "", "shape": [null, null, 2], "weights": [[[0.125]]]},
{"type": "gru", "activation": "tanh", "shape": [null, null, 1], "weights": [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]], [[1, 2, 3], [4, 5, 6]]]},
{"type": "lstm", "activation": "", "shape": [null, null, 1], "weights": [[[1, 2, 3, 4]], [[5, 6, 7, 8]], [1, 2, 3, 4]]},
{"type": "activation", "activation": "sigmoid", "shape": [null, null, 1], "weights": []},
{"type": "dense", "activation": "softmax", "shape": [null, null, 1], "weights": [[[2]]]}]}`

func read(data []byte) error {
	_, _, err := Read("amp.json", data)
	return err
}

// Kernels are transposed, and a GRU's reset gate comes first.
func TestLayout(t *testing.T) {
	m, _, err := Read("amp.json", []byte(good))
	require.NoError(t, err)
	assert.Equal(t, "48000", m.Value("sample rate"))
	var gru *format.GRU
	for _, l := range m.Layers {
		if l, ok := l.(*format.GRU); ok {
			gru = l
		}
	}
	require.NotNil(t, gru)
	assert.Equal(t, []float32{2, 1, 3}, m.Tensor(gru.B).F32[:3])
	assert.Equal(t, []float32{5, 4, 6}, m.Tensor(gru.BR).F32[:3])
}

// A kernel's first step is the oldest one, groups read their own inputs only, and a batch
// normalisation is one product and one sum.
func TestConvolution(t *testing.T) {
	m, _, err := Read("amp.json", []byte(good))
	require.NoError(t, err)
	tensor := func(layer string, k int) []float32 {
		for _, l := range m.Layers {
			if l.LayerName() == layer {
				return m.Tensor(format.FieldsOf(l).Tensors[k]).Matrix()
			}
		}
		t.Fatal("no layer " + layer)
		return nil
	}
	assert.Equal(t, []float32{1, 5, 9, 2, 6, 10}, tensor("conv1d1.0", 0))
	assert.Equal(t, []float32{3, 7, 11, 4, 80, 12}, tensor("conv1d1.1", 0))
	assert.Equal(t, []float32{2, 1}, tensor("conv1d1.1", 1))
	assert.Equal(t, []float32{0.5, 1, 1.5, float32(4. / 3)}, tensor("batchnorm2", 0))
	assert.Equal(t, []float32{5, 6, 7, float32(8 - 4./3)}, tensor("batchnorm2", 1))
	assert.Equal(t, []float32{-0.5, -0.25, 0, -1}, tensor("prelu3.slopes", 0))
	assert.Equal(t, []float32{1, 0.5}, tensor("batchnorm5", 0))
	assert.Equal(t, []float32{float32(math.Pow(10, -0.3))}, tensor("in_gain", 0))
	assert.Equal(t, "amp", m.Value("name"))
}

// AIDA-X plays nothing at −90 dB.
func TestSilence(t *testing.T) {
	for gain, want := range map[string]float32{"-90": 0, "-89": float32(math.Pow(10, -89./20)), "20": 10} {
		m, _, err := Read("amp.json", []byte(strings.Replace(good, `"in_gain": -6`, `"out_gain": `+gain, 1)))
		require.NoError(t, err)
		last := format.FieldsOf(m.Layers[len(m.Layers)-1])
		assert.Equal(t, []float32{want}, m.Tensor(last.Tensors[0]).Matrix(), gain)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"gru"`, `"conv2d"`, "amp.json: layer 7 (conv2d) is of a type that is not supported; supported are dense, time-distributed-dense, conv1d, lstm, gru, batchnorm, prelu and activation"},
		{`[3], "dilation": [2]`, `[2], "dilation": [2]`, "amp.json: layer 1 (conv1d) has a kernel of shape [3 1 4], want [2 1 4]: its steps, the inputs of a group, and the filters"},
		{`[3], "dilation": [2]`, `[3], "dilation": [0.5]`, "amp.json: layer 1 (conv1d) has the dilation [0.5], want a size from 1 to 4096"},
		{`[3], "dilation": [2]`, `[3, 3], "dilation": [2]`, "amp.json: layer 1 (conv1d) has the kernel_size [3, 3], want a size from 1 to 4096"},
		{`"kernel_size": 1,`, ``, "amp.json: layer 4 (conv1d) has the kernel_size , want a size from 1 to 4096"},
		{`"groups": 2`, `"groups": 3`, "amp.json: layer 1 (conv1d) has 3 groups for 2 inputs and 4 filters, supported are 1 to 64 of the same size"},
		{`"groups": 2`, `"groups": 0`, "amp.json: layer 1 (conv1d) has 0 groups for"},
		{`[3, 3, 3, 8]`, `[3, -3, 3, 8]`, "amp.json: layer 2 (batchnorm) cannot be: element 1 of the variance is -3, expected 0 or more"},
		{`[0, 0, 0, 1], [3, 3, 3, 8]`, `[0, 0, 0, 1]`, "amp.json: layer 2 (batchnorm) has 3 arrays of weights, want gamma, beta, mean and variance, or the last two"},
		{`"epsilon": 1, `, ``, "amp.json: layer 2 (batchnorm) has no epsilon that is 0 or more"},
		{`[5, 6, 7, 8], [0`, `[5, 6, 7], [0`, "amp.json: layer 2 (batchnorm) has a beta of 3 elements, want 4 for the units of its shape"},
		{`[[[0.5, 0.25, 0, 1]]]`, `[[[0.5, 0.25]]]`, "amp.json: layer 3 (prelu) has slopes of shape [1 2], want [1 4] or [1 1], the same at every step: shared_axes=[1]"},
		{`"prelu", "activation": ""`, `"prelu", "activation": "tanh"`, `amp.json: layer 3 (prelu) has the activation "tanh", supported is none`},
		{`[[7, 8, 9]]`, `[[7, 8, 9], [7, 8, 9]]`, "amp.json: layer 7 (gru) has a recurrent kernel of 2 rows, want 1"},
		{`[[5, 6, 7, 8]]`, `[[5, 6, 7]]`, "amp.json: layer 8 (lstm) has a recurrent kernel of 3 columns, want 4 for the units of its shape"},
		{`"elu"`, `"swish"`, `amp.json: layer 0 (time-distributed-dense) has the activation "swish", supported are `},
		{`[1, 2, 3, 4]]}`, `"x"]}`, "amp.json: layer 8 (lstm) has a bias that is no array of numbers: "},
		{`"in_shape": [null, null, 1]`, `"in_shape": [null]`, "amp.json: in_shape must end in a number of inputs"},
		{`"in_shape": [null, null, 1]`, `"in_shape": [null, null, 1, 1]`, "amp.json: in_shape has 4 entries, which are for two-dimensional convolutions, want up to 3"},
		{`"in_gain": -6`, `"in_gain": 1e6`, "amp.json: in_gain and out_gain are 1e+06 and 0 dB, want −200 to 200 dB"},
		{`"amp", "esr"`, `"amp", "samplerate": "fast", "esr"`, `amp.json: samplerate is "fast", want a number of samples a second`},
		{`{"name": "amp", "esr": 0.5, "author": null}`, `[]`, "amp.json: metadata is no object: "},
		{`"softmax", "shape": [null, null, 1], "weights": [[[2]]]`, `"softmax", "shape": [null, null, 2], "weights": [[[2, 3]]]`, "amp.json: in_skip, in_gain and out_gain are for a model with one output, and it has 2"},
		{`"48000"`, `{"a": [1]}`, "amp.json: samplerate is {\"a\": [1]}, want a number of samples a second"},
		{`[[1, 2]]`, `[[null, 2]]`, "amp.json: layer 0 (time-distributed-dense) has a kernel that is no matrix of numbers: null is no number"},
		{`"in_skip": 1`, `"in_skip": 5`, "amp.json: in_skip is 5, supported are 0 and 1"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		require.NotEqual(t, good, text)
		assert.ErrorContains(t, read([]byte(text)), c.want)
	}
}

var importer = hostiletest.Importer{Sniff: Sniff, Read: Read}

func TestHostile(t *testing.T) { importer.Damage(t, good, "{}") }

func FuzzRead(f *testing.F) { importer.Fuzz(f, good) }
