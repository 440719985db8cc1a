package checkpoint_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
)

func TestComputeWeightNorm(t *testing.T) {
	g := checkpoint.Tensor{Shape: []int{2, 1}, Data: []float32{10, -3}}
	v := func() checkpoint.Tensor {
		return checkpoint.Tensor{Shape: []int{2, 2}, Data: []float32{3, 4, 0, 0.5}}
	}
	w := []float32{6, 8, 0, -3}
	pair := func(gain string, g checkpoint.Tensor, direction string, v checkpoint.Tensor, others ...string) *checkpoint.Checkpoint {
		g.Name, v.Name = gain, direction
		c := named(others...)
		c.Tensors = append(c.Tensors, g, v)
		return c
	}

	for _, name := range []string{"weight", "rnn.weight_hh_l0", "a.b.weight_ih_l12_reverse", "weight_hr_l0", "cell.weight_ih"} {
		c := pair(name+"_g", g, name+"_v", v(), "bias")
		c.ComputeWeightNorm()
		require.Len(t, c.Tensors, 2, name)
		assert.Equal(t, name, c.Tensors[1].Name)
		assert.Equal(t, w, c.Tensors[1].Data)
		assert.Equal(t, []string{name + ": computed from " + name + "_g and " + name + "_v, as weight_norm does"}, c.Skipped)
		assert.Empty(t, c.Absent)
	}
	for below, name := range map[string]string{"": "weight", "rnn.": "weight_hh_l0"} {
		parts := below + "parametrizations." + name
		c := pair(parts+".original0", g, parts+".original1", v())
		c.ComputeWeightNorm()
		require.Len(t, c.Tensors, 1, below)
		assert.Equal(t, below+name, c.Tensors[0].Name)
		assert.Equal(t, w, c.Tensors[0].Data)
	}

	// A convolution over one step has a third dimension.
	c := pair("weight_g", checkpoint.Tensor{Shape: []int{2, 1, 1}, Data: g.Data}, "weight_v", checkpoint.Tensor{Shape: []int{2, 2, 1}, Data: v().Data})
	c.ComputeWeightNorm()
	require.Len(t, c.Tensors, 1)
	assert.Equal(t, w, c.Tensors[0].Data)

	// What only looks like it stays.
	for name, c := range map[string]*checkpoint.Checkpoint{
		"no gain":         named("weight_v", "weight_u", "weight_orig"), // spectral_norm
		"a weight, too":   pair("weight_g", g, "weight_v", v(), "weight"),
		"another name":    pair("query_g", g, "query_v", v()),
		"one part":        named("parametrizations.weight.original1"),
		"another's bias":  pair("parametrizations.bias.original0", g, "parametrizations.bias.original1", v()),
		"no module":       pair("xparametrizations.weight.original0", g, "xparametrizations.weight.original1", v()),
		"another's gains": pair("a.weight_g", g, "b.weight_v", v()),
	} {
		before := append([]checkpoint.Tensor(nil), c.Tensors...)
		c.ComputeWeightNorm()
		assert.Equal(t, before, c.Tensors, name)
		assert.Empty(t, c.Skipped, name)
		assert.Empty(t, c.Absent, name)
	}

	// What cannot be computed stays, with the reason.
	zero := checkpoint.Tensor{Shape: []int{2, 2}, Data: []float32{3, 4, 0, 0}}
	column := checkpoint.Tensor{Shape: []int{1, 2}, Data: g.Data}
	whole := checkpoint.Tensor{Data: g.Data[:1]}
	for why, c := range map[string]*checkpoint.Checkpoint{
		`"weight_g" has shape [1 2] beside [2 2] of "weight_v", supported is weight_norm of rows, dim=0: remove it before saving`: pair("weight_g", column, "weight_v", v()),
		`"weight_g" has shape [] beside [2 2] of "weight_v", supported is weight_norm of rows, dim=0: remove it before saving`:    pair("weight_g", whole, "weight_v", v()),
		`row 1 of "weight_v" is zero, and weight_norm divides by its length`:                                                      pair("weight_g", g, "weight_v", zero),
		`"parametrizations.weight.original1" is one of 3 tensors for one weight, supported is weight_norm alone: remove parametrizations before saving`: pair(
			"parametrizations.weight.original0", g, "parametrizations.weight.original1", v(), "parametrizations.weight.1.base"),
	} {
		before := append([]checkpoint.Tensor(nil), c.Tensors...)
		c.ComputeWeightNorm()
		assert.Equal(t, before, c.Tensors)
		assert.Equal(t, map[string]string{"weight": why}, c.Absent)
	}
}
