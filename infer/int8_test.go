package infer

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/internal/reference"
)

// The engine on int8 weights stays near float64 on the very same weights: what is left
// is the rounding of the vectors.
func TestInt8AgainstFloat64(t *testing.T) {
	for _, cell := range cells {
		if cell == "normalised" {
			continue // it magnifies the rounding of vectors near zero without bound
		}
		for _, shape := range [][2]int{{5, 16}, {40, 64}, {33, 126}} {
			t.Run(fmt.Sprintf("%s %d→%d", cell, shape[0], shape[1]), func(t *testing.T) {
				m, err := FromBytes(quantized(t, cellModel(t, cell, shape[0], shape[1])))
				require.NoError(t, err)
				s, truth, r := m.NewSession(), reference.New(m.Format()), newRandom(5)
				y := make([]float32, m.OutputSize())
				var signal, noise float64
				for range 300 {
					x := input(m, r)
					require.NoError(t, s.Step(y, x))
					for i, want := range truth.Step(x) {
						signal += want * want
						noise += (float64(y[i]) - want) * (float64(y[i]) - want)
					}
				}
				db := 10 * math.Log10(signal/noise)
				t.Logf("%.1f dB", db)
				assert.Greater(t, db, 30.0)
				assert.Less(t, db, 100.0, "no rounding to be seen: is it int8?")
			})
		}
	}
}

// A matrix of so many columns and rows that it goes to the kernels in slices.
func TestSlicedInt8Products(t *testing.T) {
	r := newRandom(8)
	const I = 2*asm.MaxColsI8 + 7
	b := format.NewBuilder(I)
	wide := b.Dense("wide", format.Input, r.uniform(200*I, 0.1), r.uniform(200, 1), format.Linear)
	b.Output(b.Dense("tall", wide, r.uniform(1000*200, 0.1), nil, format.Linear))
	require.Greater(t, 1000*200, kernelBytes)
	onEveryISA(t, quantized(t, marshal(t, b)), func(t *testing.T, m *Model) {
		x, y := newRandom(9).uniform(I, 1), make([]float32, 1000)
		require.NoError(t, m.NewSession().Step(y, x))
		for i, want := range reference.New(m.Format()).Step(x) {
			require.InDelta(t, want, y[i], 0.2)
		}
		generic, err := FromBytes(quantized(t, marshal(t, b)), WithISA("generic"))
		require.NoError(t, err)
		want := make([]float32, 1000)
		require.NoError(t, generic.NewSession().Step(want, x))
		assert.Equal(t, bits(want), bits(y))
	})
}
