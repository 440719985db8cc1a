package assemble

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A divisor is divided by, once for each element.
func TestDivisor(t *testing.T) {
	c := &checkpoint.Checkpoint{File: "net", Tensors: []checkpoint.Tensor{
		{Name: "w", Shape: []int{2}, Data: []float32{1, 6}},
		{Name: "d", Shape: []int{2}, Data: []float32{4, 3}},
		{Name: "zero", Shape: []int{2}, Data: []float32{4, 0}},
	}}
	scale := func(tensors string) ([]float32, error) {
		s, err := spec.Parse("spec", []byte("input: 2\nlayers:\n  - scale: s\n    tensors: "+tensors+"\nignore: [w, d, zero]\n"))
		require.NoError(t, err)
		m, err := Model(c, s)
		if err != nil {
			return nil, err
		}
		return m.Tensors[m.Layers[0].(*format.Scale).S].Matrix(), nil
	}
	l, err := scale("{divisor: d}")
	require.NoError(t, err)
	assert.Equal(t, []float32{0.25, 1.0 / 3}, l)
	l, err = scale("{weight: w, divisor: d}")
	require.NoError(t, err)
	assert.Equal(t, []float32{0.25, 2}, l)
	_, err = scale("{divisor: zero}")
	assert.ErrorContains(t, err, `tensor "zero": element 1 is 0, want what can be divided by`)
}
