package infer

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/internal/reference"
	"github.com/rnnedge/rnnedge/quant"
)

// The engine on int8 weights stays near float64 on the very same weights: what is left
// is the rounding of the vectors.
func TestInt8AgainstFloat64(t *testing.T) {
	for _, cell := range cells {
		if cell == "normalised" {
			continue // it magnifies the rounding of vectors near zero without bound
		}
		for _, shape := range [][2]int{{5, 16}, {40, 64}, {33, 126}} {
			for digits, limits := range map[int][2]float64{1: {30, 100}, 2: {75, 140}} {
				t.Run(fmt.Sprintf("%s %d→%d, %d digits", cell, shape[0], shape[1], digits), func(t *testing.T) {
					m, err := FromBytes(inDigits(t, cellModel(t, cell, shape[0], shape[1]), digits))
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
					assert.Greater(t, db, limits[0])
					assert.Less(t, db, limits[1], "no rounding to be seen: is it int8?")
				})
			}
		}
	}
}

// With two digits a product is a chain: over blocks of columns, and in each over the digits.
func TestChainOfDigits(t *testing.T) {
	const I, rows = 2*asm.MaxColsI8 + 7, 16
	r := newRandom(10)
	b := format.NewBuilder(I)
	b.Output(b.Dense("d", format.Input, r.uniform(rows*I, 0.1), r.uniform(rows, 1), format.Linear))
	onEveryISA(t, in16(t, marshal(t, b)), func(t *testing.T, m *Model) {
		x, have := newRandom(11).uniform(I, 1), make([]float32, rows)
		require.NoError(t, m.NewSession().Step(have, x))

		generic, err := asm.ByName("generic")
		require.NoError(t, err)
		cols := quant.PadI8(I)
		high, low := make([]int8, cols), make([]int8, cols)
		inv, scale := asm.ScaleI8(generic.MaxAbsF32(x))
		invLow, scaleLow := asm.ScaleLowI8(inv, scale)
		generic.DigitsI8(high[:I], low[:I], x, inv, scale, invLow)
		w, bias := m.Format().Tensors[0].I8, m.Format().Tensors[1].F32
		want := slices.Clone(bias)
		for k := 0; k < cols; k += asm.MaxColsI8 {
			end := min(k+asm.MaxColsI8, cols)
			block := w.Elements[k*rows : end*rows]
			generic.MatVecI8(want, want, block, w.Scales, high[k:end], scale)
			generic.MatVecI8(want, want, block, w.Scales, low[k:end], scaleLow)
		}
		assert.Equal(t, bits(want), bits(have))
	})
}

// A matrix of so many columns and rows that it goes to the kernels in slices.
func TestSlicedInt8Products(t *testing.T) {
	r := newRandom(8)
	const I = 2*asm.MaxColsI8 + 7
	b := format.NewBuilder(I)
	wide := b.Dense("wide", format.Input, r.uniform(200*I, 0.1), r.uniform(200, 1), format.Linear)
	tall := b.Dense("tall", wide, r.uniform(1000*200, 0.1), nil, format.Linear)
	const rows = 18*fourPanels + 21
	b.Output(b.Concat("out", tall, b.Dense("fours and more", format.Input, r.uniform(rows*I, 0.1), r.uniform(rows, 1), format.Linear)))
	require.Greater(t, 1000*200, kernelBytes)
	require.Greater(t, rows*I, memoryBytes)
	for digits, delta := range map[int]float64{1: 0.2, 2: 0.001} {
		t.Run(fmt.Sprintf("%d digits", digits), func(t *testing.T) {
			file := inDigits(t, marshal(t, b), digits)
			onEveryISA(t, file, func(t *testing.T, m *Model) {
				x, y := newRandom(9).uniform(I, 1), make([]float32, 1000+rows)
				s := m.NewSession()
				fours := 0
				if m.kernels.MatVec4I8 != nil {
					fours = rows / fourPanels * fourPanels
				}
				require.Equal(t, fours, s.operations[2].(*dense).fours())
				require.NoError(t, s.Step(y, x))
				for i, want := range reference.New(m.Format()).Step(x) {
					require.InDelta(t, want, y[i], delta)
				}
				generic, err := FromBytes(file, WithISA("generic"))
				require.NoError(t, err)
				want := make([]float32, 1000+rows)
				require.NoError(t, generic.NewSession().Step(want, x))
				assert.Equal(t, bits(want), bits(y))

				// Several at once, and back through the slices.
				require.NoError(t, s.Step(y, x))
				assert.Equal(t, bits(want), bits(y))
				ys := make([]float32, 5*(1000+rows))
				require.NoError(t, m.NewBatch(5).Step(ys, slices.Repeat(x, 5)))
				assert.Equal(t, bits(slices.Repeat(want, 5)), bits(ys))
			})
		})
	}
}
