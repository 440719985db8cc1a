package quant

import (
	"math"

	"github.com/rnnedge/rnnedge/asm"
)

// PadI8 returns a number of columns rounded up to a multiple of 4, which lie together
// in an int8 panel.
func PadI8(cols int) int { return (cols + 3) / 4 * 4 }

// PanelBytesI8 returns the number of int8 that a matrix takes in panels.
func PanelBytesI8(rows, cols int) int { return Pad(rows) * PadI8(cols) }

// PackI8 quantises the row-major matrix src, rows×cols, into dst in panels, and its
// scales into scales: scales[r] = max|src[r]| / 127, dst = src / scales[r] rounded to the
// nearest, to even where two are as near. Rows of zeros have scale 0.
//
//	len(dst) = PanelBytesI8(rows, cols), len(scales) = Pad(rows); src is finite
func PackI8(dst []int8, scales, src []float32, rows, cols int) {
	clear(dst)
	clear(scales)
	for r := range rows {
		row, largest := src[r*cols:][:cols], 0.0
		for _, v := range row {
			largest = max(largest, math.Abs(float64(v)))
		}
		scales[r] = float32(largest / 127)
		if scales[r] == 0 {
			continue
		}
		for k, v := range row {
			// In float64, and limited: a scale that was rounded down gives 127 and a bit.
			q := math.RoundToEven(float64(v) / float64(scales[r]))
			dst[indexI8(rows, cols, r, k)] = int8(min(max(q, -127), 127))
		}
	}
}

// UnpackI8 writes the numbers that a packed matrix stands for, row-major: element
// times scale, rounded once.
func UnpackI8(dst []float32, src []int8, scales []float32, rows, cols int) {
	for r := range rows {
		for k := range cols {
			dst[r*cols+k] = float32(src[indexI8(rows, cols, r, k)]) * scales[r]
		}
	}
}

// indexI8 is the place of an element in panels.
func indexI8(rows, cols, r, k int) int {
	first := r / asm.PanelRows * asm.PanelRows
	width := min(asm.PanelRows, Pad(rows)-first)
	return first*PadI8(cols) + k/4*4*width + 4*(r-first) + k%4
}
