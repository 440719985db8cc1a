package quant

import "github.com/rnnedge/rnnedge/asm"

// Pad returns n rounded up to a multiple of 16, the unit of rows in a panel, of
// columns in a narrow row and of floats in a vector.
func Pad(n int) int { return (n + asm.RowPad - 1) / asm.RowPad * asm.RowPad }

// Narrow reports whether a matrix of this shape is stored row-major for
// NarrowF32 rather than in panels: fewer rows than a panel has lanes for, and
// enough columns to pay for the reduction at the end of each row, but not more than
// one call may read. Measured with
// AVX2, 12 rows: 16 columns 26 ns against 23 in a panel, 32 columns 34 against
// 43, 128 columns 95 against 161; 1 row of 128: 16 against 161.
func Narrow(rows, cols int) bool {
	return rows < asm.RowPad && cols >= 8 && cols >= 2*rows && cols <= maxNarrowCols
}

// maxNarrowCols keeps one row within what a kernel reads without a break, 128 KB:
// a chain of a narrow row cannot be continued in another call.
const maxNarrowCols = 128 << 10 / 4

// PanelFloats returns the number of float32 that a matrix takes in panels.
func PanelFloats(rows, cols int) int { return Pad(rows) * cols }

// NarrowFloats returns the number of float32 that a matrix takes row-major with
// padded columns.
func NarrowFloats(rows, cols int) int { return rows * Pad(cols) }

// PackPanels writes the row-major matrix src, rows×cols, into dst in panels.
// len(dst) = PanelFloats(rows, cols).
func PackPanels(dst, src []float32, rows, cols int) {
	clear(dst)
	eachPanelElement(rows, cols, func(panel, element int) { dst[panel] = src[element] })
}

// UnpackPanels is the inverse of PackPanels.
func UnpackPanels(dst, src []float32, rows, cols int) {
	eachPanelElement(rows, cols, func(panel, element int) { dst[element] = src[panel] })
}

// eachPanelElement calls f with the place of every element in panels and in
// row-major order.
func eachPanelElement(rows, cols int, f func(panel, element int)) {
	padded := Pad(rows)
	for first := 0; first < rows; first += asm.PanelRows {
		width := min(asm.PanelRows, padded-first)
		for r := first; r < min(rows, first+width); r++ {
			for k := range cols {
				f(first*cols+k*width+r-first, r*cols+k)
			}
		}
	}
}

// PackNarrow writes the row-major matrix src, rows×cols, into dst with padded
// columns. len(dst) = NarrowFloats(rows, cols).
func PackNarrow(dst, src []float32, rows, cols int) {
	clear(dst)
	for r := range rows {
		copy(dst[r*Pad(cols):], src[r*cols:][:cols])
	}
}

// UnpackNarrow is the inverse of PackNarrow.
func UnpackNarrow(dst, src []float32, rows, cols int) {
	for r := range rows {
		copy(dst[r*cols:][:cols], src[r*Pad(cols):])
	}
}
