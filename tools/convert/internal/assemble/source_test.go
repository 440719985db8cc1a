package assemble

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

func build(c *checkpoint.Checkpoint, text string) error {
	s, err := spec.Parse("spec", []byte(text))
	if err == nil {
		_, err = Model(c, s)
	}
	return err
}

// A convolution over one step is a dense layer, a longer one is not.
func TestConvolutionOverOneStep(t *testing.T) {
	c := tensors(map[string][]int{"c.weight": {2, 3, 1}, "c.bias": {2}}, "c.weight", "c.bias")
	require.NoError(t, build(c, "layers: [{dense: c}]"))
	assert.Contains(t, Suggest(c), "  - dense: c # 3 → 2, a convolution over one step\n")
	assert.ErrorContains(t, build(c, "layers: [{dense: c}, {dense: c, name: d}]"), `tensor "c.weight" has shape [2 3 1], but the layer reads 2 floats`)
	c = tensors(map[string][]int{"c.weight": {2, 3, 2}, "c.bias": {2}}, "c.weight", "c.bias")
	assert.ErrorContains(t, build(c, "input: 3\nlayers: [{dense: c}]"), `tensor "c.weight" has shape [2 3 2], want a matrix`)
}

// A stack that is in another module may be less than that module computes.
func TestStackInModule(t *testing.T) {
	c := tensors(map[string][]int{"weight_ih_l0": {6, 3}, "weight_hh_l0": {6, 2}}, "weight_ih_l0", "weight_hh_l0")
	_, err := Model(c, nil)
	assert.NoError(t, err)
	c = tensors(map[string][]int{"gru.weight_ih_l0": {6, 3}, "gru.weight_hh_l0": {6, 2}}, "gru.weight_ih_l0", "gru.weight_hh_l0")
	_, err = Model(c, nil)
	assert.ErrorContains(t, err, "its tensors do not say how the layers are connected")
	assert.ErrorContains(t, err, "\n  - gru: gru ")
}

// What a file says of a module counts before what its tensors look like.
func TestModules(t *testing.T) {
	c := tensors(map[string][]int{"e.weight": {4, 4}, "n.weight": {4}}, "e.weight", "n.weight")
	assert.Contains(t, Suggest(c), "  - dense: e # 4 → 4; or embedding\n")
	assert.Contains(t, Suggest(c), "; or scale; an nn.RMSNorm or nn.PReLU")

	c.Modules = map[string]checkpoint.Module{
		"e": {Class: "torch.nn.modules.sparse.Embedding"},
		"n": {Class: "torch.nn.modules.normalization.RMSNorm", Epsilon: 1e-5},
	}
	assert.Contains(t, Suggest(c), "  - embedding: e # 4 tokens of 4\n  # not supported: \"n\", a torch.nn.modules.normalization.RMSNorm: # weight [4]\n")
	assert.ErrorContains(t, build(c, "layers: [{dense: e}, {layernorm: n}]"), `spec:1: dense "e": the file has a torch.nn.modules.sparse.Embedding there, which is not of kind dense`)
	assert.ErrorContains(t, build(c, "layers: [{embedding: e}, {layernorm: n}]"), `layernorm "n": the file has a torch.nn.modules.normalization.RMSNorm there`)
	assert.NoError(t, build(c, "layers: [{embedding: e}]\nignore: n"))

	c.Modules["e"] = checkpoint.Module{Class: "torch.nn.modules.sparse.Embedding", MaxNorm: true}
	assert.ErrorContains(t, build(c, "layers: [{embedding: e}]\nignore: n"), "the file has a torch.nn.modules.sparse.Embedding with max_norm there, which is not supported")
	assert.Contains(t, Suggest(c), "  # not supported: \"e\", a torch.nn.modules.sparse.Embedding")
	c.Modules["e"] = checkpoint.Module{Class: "mine.Embedding"} // may be anything
	assert.NoError(t, build(c, "layers: [{dense: e}]\nignore: n"))
}
