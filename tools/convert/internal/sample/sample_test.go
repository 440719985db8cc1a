package sample

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

func mean(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x))
}

func TestInput(t *testing.T) {
	b := format.NewBuilder(2)
	b.Output(b.Dense("dense", format.Input, []float32{1, 1}, nil, format.Linear))
	m, err := b.Model()
	require.NoError(t, err)
	x, name := Steps(m, 3, 500)
	require.Len(t, x, 1000)
	assert.Equal(t, "random input in ±1", name)
	assert.InDelta(t, 0, mean(x), 0.05)
	var means []float32
	for seed := range uint64(300) {
		x := Stream(m, seed, 500)
		require.Len(t, x, 1000)
		for _, v := range x {
			require.LessOrEqual(t, math.Abs(float64(v)), 2.)
		}
		means = append(means, float32(mean(x)*mean(x)))
	}
	assert.InDelta(t, 1./3, mean(means), 0.06, "streams have means of their own, uniform in ±1")
}

// Normalised data is drawn where the model expects it.
func TestUnscaled(t *testing.T) {
	b := format.NewBuilder(2)
	b.Output(b.Scale("normalise", format.Input, []float32{0.01, 0}, []float32{-5, 1}))
	m, err := b.Model()
	require.NoError(t, err)
	x, name := Steps(m, 3, 100)
	assert.Equal(t, "random input that its first layer scales to ±1", name)
	for i, v := range append(x, Stream(m, 3, 100)...) {
		within := 1.01
		if i >= len(x) {
			within *= 2
		}
		if i%2 == 0 {
			require.LessOrEqual(t, math.Abs(float64(v)-500), 100*within)
		} else {
			require.LessOrEqual(t, math.Abs(float64(v)), within)
		}
	}
}

func TestTokens(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.Embedding("embed", make([]float32, 10), 2))
	m, err := b.Model()
	require.NoError(t, err)
	x, name := Steps(m, 3, 100)
	assert.Equal(t, "random tokens", name)
	for _, v := range append(x, Stream(m, 3, 100)...) {
		require.True(t, v == float32(int(v)) && v >= 0 && v < 5, "%v", v)
	}
}
