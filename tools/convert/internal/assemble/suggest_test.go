package assemble

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// tensors is a checkpoint of tensors of ones.
func tensors(shapes map[string][]int, order ...string) *checkpoint.Checkpoint {
	c := &checkpoint.Checkpoint{File: "net.pt"}
	for _, name := range order {
		n := 1
		for _, d := range shapes[name] {
			n *= d
		}
		data := make([]float32, n)
		for i := range data {
			data[i] = 1
		}
		c.Tensors = append(c.Tensors, checkpoint.Tensor{Name: name, Shape: shapes[name], Data: data})
	}
	return c
}

func TestSuggest(t *testing.T) {
	c := tensors(map[string][]int{
		"rnn.weight_ih_l0": {2, 3}, "rnn.weight_hh_l0": {2, 2},
		"rnn.weight_ih_l0_reverse": {2, 3}, "rnn.weight_hh_l0_reverse": {2, 2},
		"1.weight": {4}, "1.running_mean": {4}, "1.running_var": {4},
		"ln.weight": {4}, "~.weight": {5, 4}, "conv.weight": {1, 1, 3},
	}, "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.weight_ih_l0_reverse", "rnn.weight_hh_l0_reverse",
		"1.weight", "1.running_mean", "1.running_var", "ln.weight", "~.weight", "conv.weight")
	assert.Equal(t, `# Layers in order of execution; net.pt does not tell the order or the activations.
layers:
  - rnn: rnn # weight_ih_l0 [2 3], weight_hh_l0 [2 2], weight_ih_l0_reverse [2 3], weight_hh_l0_reverse [2 2]
    activation: tanh # or relu: the nonlinearity of nn.RNN
    merge: concat # or sum, mul, average: how the two ways of the last layer are joined
  - batchnorm: 1 # weight [4], running_mean [4], running_var [4]
    epsilon: 1e-5 # PyTorch's, unless it was changed
  - layernorm: ln # weight [4]; or scale; an nn.RMSNorm or nn.PReLU, which look the same, are not supported
    epsilon: 1e-5 # PyTorch's, unless it was changed
  - dense: "~" # 4 → 5
    activation: linear # or sigmoid, tanh, relu, …
  # not supported: "conv", a convolution by its shape: # weight [1 1 3]
`, Suggest(c))

	c.Tensors = c.Tensors[:len(c.Tensors)-1]
	s, err := spec.Parse("net.yaml", []byte(Suggest(c)))
	require.NoError(t, err)
	m, err := Model(c, s)
	require.NoError(t, err)
	assert.Equal(t, 5, m.OutputSize())
}

// A stack stands alone unless a program does something else with it.
func TestAlone(t *testing.T) {
	c := tensors(map[string][]int{"weight_ih_l0": {3, 1}, "weight_hh_l0": {3, 1}}, "weight_ih_l0", "weight_hh_l0")
	_, err := Model(c, nil)
	require.NoError(t, err)
	c.Unknown = "its program cannot be translated: code/net.py:1: a for loop is not supported"
	_, err = Model(c, nil)
	assert.ErrorContains(t, err, "net.pt: its program cannot be translated: code/net.py:1: a for loop is not supported; save this as a .yaml")
}

// Tensors whose names say nothing are all listed.
func TestSuggestOwnNames(t *testing.T) {
	c := tensors(map[string][]int{"arr_0": {2, 3}, "a/b:0": {3}}, "arr_0", "a/b:0")
	_, err := Model(c, nil)
	assert.ErrorContains(t, err, "tensors: {weight_ih: NAME, ")
	assert.ErrorContains(t, err, "\n  # arr_0 [2 3]\n  # \"a/b:0\" [3]\n")
}

// Layers without names are numbered past names that are taken, and what ignore says counts
// up to a dot.
func TestNamesAndIgnore(t *testing.T) {
	c := tensors(map[string][]int{"a.b.w": {1}, "ab": {1}}, "a.b.w", "ab")
	s := func(ignore ...string) *spec.Spec {
		return &spec.Spec{File: "net.yaml", Input: 2, Ignore: ignore, Layers: []spec.Layer{
			{Kind: "softmax"}, {Kind: "softmax"}, {Kind: "softmax", Name: "softmax3"}, {Kind: "softmax"},
		}}
	}
	m, err := Model(c, s("a", "ab"))
	require.NoError(t, err)
	var names []string
	for _, l := range m.Layers {
		names = append(names, l.LayerName())
	}
	assert.Equal(t, []string{"softmax", "softmax2", "softmax3", "softmax4"}, names)
	_, err = Model(c, s("a.b", "ab"))
	assert.NoError(t, err)
	_, err = Model(c, s("a.b"))
	assert.EqualError(t, err, "net.pt: no layer of net.yaml uses ab [1]; add the layer, or list the prefix under ignore")
	_, err = Model(c, s("a", "ab", "b"))
	assert.ErrorContains(t, err, `net.yaml: ignore: no tensors under "b" in net.pt`)
}

// A batch normalisation whose variance makes no number is refused.
func TestBatchNormVariance(t *testing.T) {
	c := tensors(map[string][]int{"bn.running_mean": {2}, "bn.running_var": {2}}, "bn.running_mean", "bn.running_var")
	s := &spec.Spec{File: "net.yaml", Layers: []spec.Layer{{Line: 1, Kind: "batchnorm", Prefix: "bn", Epsilon: 3}}}
	m, err := Model(c, s)
	require.NoError(t, err)
	scale := m.Layers[0].(*format.Scale)
	assert.Equal(t, []float32{0.5, 0.5}, m.Tensor(scale.S).Matrix())
	assert.Equal(t, []float32{-0.5, -0.5}, m.Tensor(scale.B).Matrix())
	c.Tensors[1].Data[1] = -1
	_, err = Model(c, s)
	require.Error(t, err)
	assert.Contains(t, err.Error(), `net.yaml:1: batchnorm "bn": tensor "bn.running_var": element 1 of the variance is -1, expected 0 or more`)
}

// Whatever a tensor is called, the suggested spec names it as it is.
func FuzzSuggest(f *testing.F) {
	for _, prefix := range []string{"", "rnn", "null", "a: b", "x #y", "é", "\n", "'", "- a", "1.0", "~", "a.b.c"} {
		f.Add(prefix)
	}
	f.Fuzz(func(t *testing.T, prefix string) {
		if !utf8.ValidString(prefix) || len(prefix) > format.MaxName/2 { // the layer could not have that name
			return
		}
		ih, hh := join(prefix, "weight_ih_l0"), join(prefix, "weight_hh_l0")
		c := tensors(map[string][]int{ih: {4, 1}, hh: {4, 1}}, ih, hh)
		s, err := spec.Parse("net.yaml", []byte(Suggest(c)))
		require.NoError(t, err)
		require.Equal(t, prefix, s.Layers[0].Prefix)
		_, err = Model(c, s)
		require.NoError(t, err)
	})
}
