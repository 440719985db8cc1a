package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
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
