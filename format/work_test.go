package format

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A small file cannot make a step, or the witness, take for ever: by many layers
// that share one tensor, or by wide buffers and many steps.
func TestWorkIsBounded(t *testing.T) {
	shared := func(layers int) *Model {
		m := &Model{Buffers: []int{1024}, Tensors: []Tensor{{Name: "w", Type: Float32, Layout: Panels, Rows: 1024, Cols: 1024, F32: make([]float32, 1<<20)}}}
		for i := range layers {
			m.Layers = append(m.Layers, &Dense{"d", Buffer(i), Buffer(i + 1), 0, None, Linear})
			m.Buffers = append(m.Buffers, 1024)
		}
		m.Output = Buffer(layers)
		return m
	}
	_, err := Marshal(shared(4000))
	require.NoError(t, err)
	_, err = Marshal(shared(4096))
	assert.EqualError(t, err, `format: layer 4092 (dense "d"): the work of a step exceeds 4294967296`)

	wide := &Model{Buffers: []int{1 << 20, 1 << 20}, Output: 1, Layers: []Layer{&Activate{"a", Input, 1, Function{Kind: Tanh}}}}
	wide.Witness.Steps = 1 << 16
	_, err = Marshal(wide)
	require.NoError(t, err)
	wide.Witness.Steps++
	_, err = Marshal(wide)
	assert.EqualError(t, err, "format: witness of 65537 steps of work 1048576, want at most 68719476736 together")

	// A long delay line costs what it holds.
	b := NewBuilder(1)
	b.Output(b.DelayLine("d", Input, 2, 1<<20))
	line, err := b.Model()
	require.NoError(t, err)
	line.Witness.Steps = 1 << 16
	_, err = Marshal(line)
	assert.EqualError(t, err, "format: witness of 65536 steps of work 1048578, want at most 68719476736 together")
}
