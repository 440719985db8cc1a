package quant

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rnnedge/rnnedge/asm"
)

func matrix(rows, cols int) []float32 {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	m := make([]float32, rows*cols)
	for i := range m {
		m[i] = float32(r.NormFloat64())
	}
	return m
}

// A product over the packed matrix is the product over the rows as written.
func TestPackedProduct(t *testing.T) {
	generic, err := asm.ByName("generic")
	assert.NoError(t, err)
	for _, rows := range []int{1, 3, 15, 16, 17, 48, 63, 64, 65, 80, 128, 200} {
		for _, cols := range []int{1, 2, 15, 16, 17, 40} {
			name := fmt.Sprintf("%d×%d", rows, cols)
			w, x, zero := matrix(rows, cols), matrix(1, cols), make([]float32, Pad(rows))
			panels, narrow := make([]float32, PanelFloats(rows, cols)), make([]float32, NarrowFloats(rows, cols))
			PackPanels(panels, w, rows, cols)
			PackNarrow(narrow, w, rows, cols)
			y, n := make([]float32, Pad(rows)), make([]float32, rows)
			generic.MatVecF32(y, nil, panels, x)
			generic.NarrowF32(n, zero, narrow, x)
			for r := range rows {
				var want float64
				for k := range cols {
					want += float64(w[r*cols+k]) * float64(x[k])
				}
				assert.InDelta(t, want, y[r], 1e-4, name)
				assert.InDelta(t, want, n[r], 1e-4, name)
			}
			assert.Equal(t, zero[rows:], y[rows:], "%s: padded rows", name)

			back := make([]float32, rows*cols)
			UnpackPanels(back, panels, rows, cols)
			assert.Equal(t, w, back, name)
			clear(back)
			UnpackNarrow(back, narrow, rows, cols)
			assert.Equal(t, w, back, name)
		}
	}
}

func TestPanelLayout(t *testing.T) {
	// 66 rows, 2 columns: a full panel, then a last one of 16 rows.
	w := make([]float32, 66*2)
	for r := range 66 {
		w[2*r], w[2*r+1] = float32(r), float32(100+r)
	}
	p := make([]float32, PanelFloats(66, 2))
	PackPanels(p, w, 66, 2)
	assert.Len(t, p, 80*2)
	assert.Equal(t, []float32{0, 1, 63, 100, 163}, []float32{p[0], p[1], p[63], p[64], p[127]})
	assert.Equal(t, []float32{64, 65, 0, 164, 165, 0}, []float32{p[128], p[129], p[130], p[144], p[145], p[146]})
}
