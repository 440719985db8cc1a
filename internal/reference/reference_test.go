package reference

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

func TestFunctions(t *testing.T) {
	for _, c := range []struct {
		kind        format.Activation
		alpha, beta float32
		x, want     float64
	}{
		{format.Linear, 0, 0, -3, -3},
		{format.Sigmoid, 0, 0, math.Log(3), 0.75},
		{format.Tanh, 0, 0, -math.Log(2), -0.6},
		{format.Relu, 0, 0, -2, 0},
		{format.Relu, 0, 0, 2, 2},
		{format.LeakyRelu, 0.25, 0, -2, -0.5},
		{format.LeakyRelu, 0.25, 0, 2, 2},
		{format.HardSigmoid, 0.25, 0.5, 1, 0.75},
		{format.HardSigmoid, 0.25, 0.5, 3, 1},
		{format.HardSigmoid, 0.25, 0.5, -3, 0},
		{format.Elu, 2, 0, -math.Log(4), -1.5},
		{format.Elu, 2, 0, 3, 3},
		{format.Softsign, 0, 0, -3, -0.75},
		{format.Softplus, 0, 0, math.Log(7), math.Log(8)},
		{format.Softplus, 0, 0, 1000, 1000},
		{format.ThresholdedRelu, 1, 0, 1, 0},
		{format.ThresholdedRelu, 1, 0, 1.5, 1.5},
		{format.ScaledTanh, 3, 2, math.Log(2), 3 * 15. / 17},
		{format.Affine, 2, -1, 3, 5},
		{format.Clip, -1, 2, -3, -1},
		{format.Clip, -1, 2, 3, 2},
		{format.Clip, -1, 2, 0.5, 0.5},
	} {
		f := format.Function{Kind: c.kind, Alpha: c.alpha, Beta: c.beta}
		assert.InDelta(t, c.want, function(f, c.x), 1e-15, "%v of %v", f, c.x)
	}
}

func TestVectors(t *testing.T) {
	assert.InDeltaSlice(t, []float64{0.25, 0.75}, softmax([]float64{1000, 1000 + math.Log(3)}), 1e-12)
	assert.InDeltaSlice(t, []float64{-math.Log(4), math.Log(0.75)}, logSoftmax([]float64{0, math.Log(3)}), 1e-15)
	assert.InDeltaSlice(t, []float64{-0.6, 0.6}, normalized([]float64{1, 7}, 16), 1e-15) // deviation √(9 + 16)
}

// Three taps, two steps apart, with zeros before the first step.
func TestDelayLine(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.DelayLine("line", format.Input, 3, 2))
	m, err := b.Model()
	require.NoError(t, err)
	s := New(m)
	assert.Equal(t, [][]float64{{0, 0, 1}, {0, 0, 2}, {0, 1, 3}, {0, 2, 4}, {1, 3, 5}, {2, 4, 6}}, s.Run([]float32{1, 2, 3, 4, 5, 6}, 6))
	assert.Equal(t, []float64{3, 4, 5, 6}, s.State(0))
}

// A layer between two Reverse layers sums up what follows in time, and no padding.
func TestBackward(t *testing.T) {
	b := format.NewBuilder(1)
	one := []float32{1}
	sums := b.RNN("sums", b.Reverse("", format.Input), format.Weights{W: one, R: one, H0: []float32{10}}, format.Linear)
	b.Output(b.Concat("", format.Input, b.Reverse("", sums)))
	m, err := b.Model()
	require.NoError(t, err)
	s := New(m)
	assert.Equal(t, [][]float64{{1, 17}, {2, 16}, {4, 14}}, s.Run([]float32{1, 2, 4, 100}, 3))
	assert.Equal(t, []float64{17}, s.State(0))
	assert.Panics(t, func() { s.Step([]float32{1}) })
}
