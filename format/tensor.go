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

	// I8 holds those of an Int8 tensor.
	I8 *Int8Matrix
}

// An Int8Matrix is what an Int8 tensor stores, a matrix in panels. It lies in the file's
// own memory where that was possible and must not be written.
type Int8Matrix struct {
	// Elements are whole numbers from −127 to 127: the element in row r and column k of
	// the matrix is the one here times Scales[r].
	Elements []int8
	Scales   []float32

	// Digits is how many int8 digits the vectors have that the matrix multiplies: 1, or 2
	// for vectors of 16 bits.
	Digits int
}

// Type is the type of a tensor's elements.
type Type uint8

// The types of elements.
const (
	Float32 Type = 1 // the IEEE-754 single
	Int8    Type = 2 // whole numbers from −127 to 127, with a scale for each row
)

// Layout is the order of a tensor's elements.
type Layout uint8

// The layouts; package quant packs the first two.
const (
	Panels Layout = 1 // matrix in panels of 64 rows
	Narrow Layout = 2 // matrix of fewer than 16 rows, row-major, columns padded to a multiple of 16
	Vector Layout = 3 // vector, padded to a multiple of 16
	Table  Layout = 4 // row-major without padding, one row taken per step
)

// What the layouts are made of, and the largest numbers of rows, of columns, and of the digits
// of a vector.
const (
	panelRows     = 64
	maxNarrowRows = 15
	maxNarrowCols = 1 << 15
	maxExtent     = 1 << 30
	maxDigits     = 2
)

// String returns the type's name.
func (t Type) String() string { return nameOf("type", int(t), "", "float32", "int8") }

// String returns the layout's name.
func (l Layout) String() string {
	return nameOf("layout", int(l), "", "panels", "narrow", "vector", "table")
}

// shape describes the tensor in an error.
func (t *Tensor) shape() string { return fmt.Sprintf("%d×%d in %v layout", t.Rows, t.Cols, t.Layout) }

// stored returns the number of elements that a tensor of this shape stores, scales
// not among them, or what is wrong with the shape. It needs no F32 and no I8.
func (t *Tensor) stored() (int64, error) {
	rows, cols := int64(t.Rows), int64(t.Cols)
	if t.Type != Float32 && t.Type != Int8 {
		return 0, fmt.Errorf("unknown element %v, want %v or %v", t.Type, Float32, Int8)
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
	case t.Type == Int8 && t.Layout != Panels:
		return 0, fmt.Errorf("%v in %v layout, want %v", Int8, t.Layout, Panels)
	}
	if t.Type == Int8 {
		return int64(quant.Pad(t.Rows)) * int64(quant.PadI8(t.Cols)), nil
	}
	switch t.Layout {
	case Narrow:
		cols = int64(quant.Pad(t.Cols))
	case Panels, Vector:
		rows = int64(quant.Pad(t.Rows))
	}
	return rows * cols, nil
}

// bytes returns the size of a tensor of this shape in a file.
func (t *Tensor) bytes() (int64, error) {
	n, err := t.stored()
	if t.Type == Int8 {
		return n + t.scaleBytes(), err
	}
	return 4 * n, err
}

// scaleBytes is the size of an Int8 tensor's scales, which its elements follow.
func (t *Tensor) scaleBytes() int64 { return 4 * int64(quant.Pad(t.Rows)) }

// bind makes the tensor's elements those in b, which starts with them.
func (t *Tensor) bind(b []byte) {
	n, _ := t.stored() // the shape has been verified
	if t.Type == Int8 {
		t.I8.Scales = float32s(b, int64(quant.Pad(t.Rows)))
		t.I8.Elements = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b[t.scaleBytes():]))), n)
		return
	}
	t.F32 = float32s(b, n)
}

// put writes the tensor's elements to b.
func (t *Tensor) put(b []byte) {
	floats := t.F32
	if t.Type == Int8 {
		floats = t.I8.Scales
		for i, v := range t.I8.Elements {
			b[t.scaleBytes()+int64(i)] = byte(v)
		}
	}
	for i, v := range floats {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
}

// checkLength verifies that the elements are as many as the shape has.
func (t *Tensor) checkLength() error {
	n, err := t.stored()
	switch {
	case err != nil:
		return err
	case (t.Type == Int8) != (t.I8 != nil) || t.Type == Int8 && t.F32 != nil:
		return fmt.Errorf("%v with the elements of another type", t.Type)
	case t.Type == Int8 && (n != int64(len(t.I8.Elements)) || len(t.I8.Scales) != quant.Pad(t.Rows)):
		return fmt.Errorf("%d int8 and %d scales, want %d and %d for %s", len(t.I8.Elements), len(t.I8.Scales), n, quant.Pad(t.Rows), t.shape())
	case t.Type == Float32 && n != int64(len(t.F32)):
		return fmt.Errorf("%d floats, want %d for %s", len(t.F32), n, t.shape())
	}
	return nil
}

// checkElements verifies what kernels rely on and what the elements alone can tell:
// padding is +0, which also keeps two files from being the same model, and no int8
// is −128.
func (t *Tensor) checkElements() error {
	if t.Type == Int8 {
		return t.checkI8()
	}
	return t.checkPadding()
}

func (t *Tensor) checkI8() error {
	for r, v := range t.I8.Scales {
		if !(v >= 0 && v <= math.MaxFloat32) || math.Signbit(float64(v)) || r >= t.Rows && v != 0 {
			return fmt.Errorf("scale %d is %v, want a finite number from 0 on, and 0 in padding", r, v)
		}
	}
	elements, padded := t.I8.Elements, quant.Pad(t.Rows)
	for first := 0; first < padded; first += panelRows {
		rows := min(panelRows, padded-first)
		for k := 0; k < t.Cols; k += 4 {
			for i, v := range elements[:4*rows] {
				if v == -128 || v != 0 && (first+i/4 >= t.Rows || k+i%4 >= t.Cols) {
					return fmt.Errorf("row %d, column %d is %d, want −127 to 127, and 0 in padding", first+i/4, k+i%4, v)
				}
			}
			elements = elements[4*rows:]
		}
	}
	return nil
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

// checkPadding verifies that the padding of a Float32 tensor is +0.
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
	if t.Type == Int8 {
		quant.UnpackI8(m, t.I8.Elements, t.I8.Scales, t.Rows, t.Cols)
		return m
	}
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
