package format

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/rnnedge/rnnedge/quant"
)

// A Tensor is an array of weights.
type Tensor struct {
	Name   string
	Type   Type
	Layout Layout
	Rows   int
	Cols   int // 1 for a Vector

	// F32 holds the elements of a Float32 tensor, padding included, in the
	// order of Layout. It lies in the file's own memory where that was possible
	// and must not be written.
	F32 []float32
}

// Type is the type of a tensor's elements.
type Type uint8

// Float32 is the IEEE-754 single; other values are refused.
const Float32 Type = 1

// Layout is the order of a tensor's elements.
type Layout uint8

// The layouts; package quant packs the first two.
const (
	Panels Layout = 1 // matrix in panels of 64 rows
	Narrow Layout = 2 // matrix of fewer than 16 rows, row-major, columns padded to a multiple of 16
	Vector Layout = 3 // vector, padded to a multiple of 16
	Table  Layout = 4 // row-major without padding, one row taken per step
)

// What the layouts are made of, and the largest number of rows or columns.
const (
	panelRows     = 64
	maxNarrowRows = 15
	maxNarrowCols = 1 << 15
	maxExtent     = 1 << 30
)

// String returns the type's name.
func (t Type) String() string { return nameOf("type", int(t), "", "float32") }

// String returns the layout's name.
func (l Layout) String() string {
	return nameOf("layout", int(l), "", "panels", "narrow", "vector", "table")
}

// shape describes the tensor in an error.
func (t *Tensor) shape() string { return fmt.Sprintf("%d×%d in %v layout", t.Rows, t.Cols, t.Layout) }

// stored returns the number of elements that a tensor of this shape stores, or
// what is wrong with the shape. It needs no F32.
func (t *Tensor) stored() (int64, error) {
	rows, cols := int64(t.Rows), int64(t.Cols)
	if t.Type != Float32 {
		return 0, fmt.Errorf("unknown element %v, want %v", t.Type, Float32)
	}
	if t.Layout < Panels || t.Layout > Table {
		return 0, fmt.Errorf("unknown %v", t.Layout)
	}
	if rows < 1 || rows > maxExtent || cols < 1 || cols > maxExtent || rows*cols > maxFileSize {
		return 0, fmt.Errorf("shape %d×%d, want 1 to %d each and no more than a file can hold", rows, cols, maxExtent)
	}
	switch {
	case t.Layout == Narrow && rows > maxNarrowRows:
		return 0, fmt.Errorf("%v layout with %d rows, want at most %d", Narrow, rows, maxNarrowRows)
	case t.Layout == Narrow && cols > maxNarrowCols:
		return 0, fmt.Errorf("%v layout with %d columns, want at most %d", Narrow, cols, maxNarrowCols)
	case t.Layout == Vector && cols != 1:
		return 0, fmt.Errorf("%v layout with %d columns, want 1", Vector, cols)
	}
	switch t.Layout {
	case Narrow:
		cols = int64(quant.Pad(t.Cols))
	case Panels, Vector:
		rows = int64(quant.Pad(t.Rows))
	}
	return rows * cols, nil
}

// lines describes the padding of a tensor: from element first on it is made of
// lines of length elements, and the last pad of each line are padding.
func (t *Tensor) lines() (first, length, pad int) {
	switch t.Layout {
	case Panels: // a line is a column of the last panel
		rows := quant.Pad(t.Rows)
		first = (rows - 1) / panelRows * panelRows
		return first * t.Cols, rows - first, rows - t.Rows
	case Narrow: // a line is a row
		cols := quant.Pad(t.Cols)
		return 0, cols, cols - t.Cols
	case Vector:
		rows := quant.Pad(t.Rows)
		return 0, rows, rows - t.Rows
	}
	return 0, len(t.F32), 0
}

// checkPadding verifies that the padding is +0. Kernels rely on it, and bytes
// without a meaning would let two files be the same model.
func (t *Tensor) checkPadding() error {
	first, length, pad := t.lines()
	if pad == 0 {
		return nil
	}
	for end := first + length; end <= len(t.F32); end += length {
		for i, v := range t.F32[end-pad : end] {
			if math.Float32bits(v) != 0 {
				return fmt.Errorf("element %d is padding and holds %v, want 0", end-pad+i, v)
			}
		}
	}
	return nil
}

// Matrix returns the elements of a matrix or table row-major, without padding,
// and those of a vector without its padding, in fresh memory.
func (t *Tensor) Matrix() []float32 {
	m := make([]float32, t.Rows*t.Cols)
	switch t.Layout {
	case Panels:
		quant.UnpackPanels(m, t.F32, t.Rows, t.Cols)
	case Narrow:
		quant.UnpackNarrow(m, t.F32, t.Rows, t.Cols)
	default:
		copy(m, t.F32)
	}
	return m
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// float32s returns the n float32 at the head of b: the same memory on a
// little-endian machine, where b must be aligned, a copy on a big-endian one.
func float32s(b []byte, n int64) []float32 {
	if littleEndian {
		return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
	}
	f := make([]float32, n)
	for i := range f {
		f[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return f
}
