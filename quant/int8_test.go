package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rnnedge/rnnedge/asm"
)

func TestPackI8(t *testing.T) {
	// 66 rows, 5 columns: a full panel and one of 16 rows, two groups of columns.
	const rows, cols = 66, 5
	w := make([]float32, rows*cols)
	for r := range rows {
		for k := range cols {
			w[r*cols+k] = float32(r+1) * float32(k-2) / 2 // −1, −½, 0, ½, 1 times r+1
		}
	}
	q, scales := make([]int8, PanelBytesI8(rows, cols)), make([]float32, Pad(rows))
	PackI8(q, scales, w, rows, cols)
	assert.Len(t, q, 80*8)
	assert.Equal(t, []int8{-127, -64, 0, 64}, q[:4], "row 0")
	assert.Equal(t, []int8{-127, -64, 0, 64}, q[4*63:][:4], "row 63")
	assert.Equal(t, []int8{127, 0, 0, 0}, q[256:][:4], "row 0, the next columns and padding")
	assert.Equal(t, []int8{-127, -64, 0, 64}, q[512+4:][:4], "row 65, in the second panel")
	assert.Equal(t, []int8{0, 0, 0, 0}, q[512+8:][:4], "a row of padding")
	assert.Equal(t, float32(1)/127, scales[0])
	assert.Equal(t, make([]float32, 14), scales[66:])

	back := make([]float32, rows*cols)
	UnpackI8(back, q, scales, rows, cols)
	for i := range w {
		assert.InDelta(t, w[i], back[i], float64(scales[i/cols])*0.501)
	}
}

// Packing rounds to the nearest and keeps the largest of each row, whatever its size.
func TestPackI8Rounding(t *testing.T) {
	const rows, cols = 16, 33
	r := rand.New(rand.NewPCG(1, 2))
	w := make([]float32, rows*cols)
	for i := range w {
		w[i] = float32(r.NormFloat64()) * float32(math.Ldexp(1, 12*(i/cols)-120))
	}
	clear(w[3*cols : 4*cols])
	q, scales, back := make([]int8, PanelBytesI8(rows, cols)), make([]float32, Pad(rows)), make([]float32, rows*cols)
	PackI8(q, scales, w, rows, cols)
	UnpackI8(back, q, scales, rows, cols)
	for row := range rows {
		largest := 0
		for k := range cols {
			i := row*cols + k
			assert.LessOrEqual(t, math.Abs(float64(w[i])-float64(back[i])), 0.5001*float64(scales[row]), "row %d", row)
			largest = max(largest, int(math.Abs(float64(q[indexI8(rows, cols, row, k)]))))
		}
		if row == 3 {
			assert.Zero(t, scales[row])
			assert.Zero(t, largest)
		} else {
			assert.Equal(t, 127, largest, "row %d", row)
		}
	}
	for _, v := range q {
		assert.GreaterOrEqual(t, v, int8(-127))
	}
}

func TestScaleI8(t *testing.T) {
	for _, v := range []float32{1, 0.3, 1e-20, 0x1p-100, 1e30, math.MaxFloat32} {
		inv, scale := ScaleI8(v)
		q := []int8{0}
		for _, k := range asm.All() {
			k.QuantizeI8(q, []float32{v}, inv)
			assert.Equal(t, int8(127), q[0], "%g", v)
		}
		assert.InEpsilon(t, v, 127*float64(scale), 1e-6)
	}
	for _, v := range []float32{0, 1e-45, 0x1p-101} {
		inv, scale := ScaleI8(v)
		low, scaleLow := ScaleLowI8(inv, scale)
		assert.Zero(t, low)
		assert.Zero(t, scaleLow)
		assert.Zero(t, inv)
		assert.Zero(t, scale)
	}
}

// Two digits stand for a vector to half a scale of the second one, and a little for what float32
// rounds, whatever its size.
func TestScaleLowI8(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, largest := range []float32{1, 0.3, 1e-20, 0x1p-100, 1e30, math.MaxFloat32} {
		x := make([]float32, 1000)
		for i := range x {
			x[i] = largest * (2*r.Float32() - 1)
		}
		x[0], x[1] = largest, -largest
		inv, scale := ScaleI8(largest)
		invLow, scaleLow := ScaleLowI8(inv, scale)
		assert.False(t, math.IsInf(float64(invLow), 0))
		assert.GreaterOrEqual(t, scaleLow, float32(0x1p-126), "not subnormal")
		for _, k := range asm.All() {
			high, low := make([]int8, len(x)), make([]int8, len(x))
			k.DigitsI8(high, low, x, inv, scale, invLow)
			assert.NotContains(t, high, int8(-128))
			assert.NotContains(t, low, int8(-128))
			for i, v := range x {
				sum := float64(high[i])*float64(scale) + float64(low[i])*float64(scaleLow)
				assert.LessOrEqual(t, math.Abs(sum-float64(v)), 0.51*float64(scaleLow), "%s, %g of %g", k.Name, v, largest)
			}
		}
	}
}
