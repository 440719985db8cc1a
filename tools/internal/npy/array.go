package npy

import (
	"encoding/binary"
	"fmt"
	"math"
)

// MaxDims is the largest number of dimensions.
const MaxDims = 8

// An Array is a block of numbers of one type.
type Array struct {
	// Shape is the length of each dimension; it is empty for a single number.
	Shape []int
	// DType is NumPy's name of the element type: "float32", "int64", "bool".
	DType string

	elem elem
	data []byte // the elements in C order, little-endian
}

// A Number is an element type that [New] takes.
type Number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | bool
}

// New returns an array of this shape; data, in C order, is copied.
func New[T Number](data []T, shape ...int) (*Array, error) {
	n, err := elements(shape)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	if n != len(data) {
		return nil, fmt.Errorf("npy: shape %s has %d elements, the data %d", Tuple(shape), n, len(data))
	}
	var zero T
	e := elemByName(fmt.Sprintf("%T", zero))
	b, err := binary.Append(make([]byte, 0, n*e.size), binary.LittleEndian, data)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return &Array{Shape: append([]int(nil), shape...), DType: e.name, elem: e, data: b}, nil
}

// Len returns the number of elements.
func (a *Array) Len() int { return len(a.data) / a.elem.size }

// Float32 returns the elements in C order. float32 is exact to the bit, float16
// and integers up to 2²⁴ exact in value; the rest is rounded to nearest even,
// and to infinity beyond float32's range. A bool is 0 or 1.
func (a *Array) Float32() []float32 {
	x := make([]float32, a.Len())
	for i := range x {
		b := a.at(i)
		switch a.elem.kind {
		case kindInt64: // by way of float64 it would be rounded twice
			x[i] = float32(int64(binary.LittleEndian.Uint64(b)))
		case kindUint64:
			x[i] = float32(binary.LittleEndian.Uint64(b))
		case kindFloat32:
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b))
		default:
			x[i] = float32(a.elem.float64(b))
		}
	}
	return x
}

// Float64 returns the elements in C order: exact in value, but for integers
// beyond 2⁵³, which are rounded to nearest even. A bool is 0 or 1.
func (a *Array) Float64() []float64 {
	x := make([]float64, a.Len())
	for i := range x {
		x[i] = a.elem.float64(a.at(i))
	}
	return x
}

// Int64 returns the elements in C order, exactly; one that is not a whole number
// in the range of int64 is an error.
func (a *Array) Int64() ([]int64, error) {
	x := make([]int64, a.Len())
	for i := range x {
		b := a.at(i)
		switch a.elem.kind {
		case kindInt64:
			x[i] = int64(binary.LittleEndian.Uint64(b))
		case kindUint64:
			u := binary.LittleEndian.Uint64(b)
			if u > math.MaxInt64 {
				return nil, fmt.Errorf("npy: element %d is %d, want at most %d", i, u, int64(math.MaxInt64))
			}
			x[i] = int64(u)
		default:
			f := a.elem.float64(b)
			if f != math.Trunc(f) || !(f >= -0x1p63 && f < 0x1p63) {
				return nil, fmt.Errorf("npy: element %d is %v, want a whole number", i, f)
			}
			x[i] = int64(f)
		}
	}
	return x, nil
}

func (a *Array) at(i int) []byte { return a.data[i*a.elem.size:][:a.elem.size] }

// elements returns the product of shape, checked.
func elements(shape []int) (int, error) {
	if len(shape) > MaxDims {
		return 0, fmt.Errorf("shape %s has %d dimensions, want at most %d", Tuple(shape), len(shape), MaxDims)
	}
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %s has a negative dimension", Tuple(shape))
		}
		// 8 bytes is the largest element, so n·size cannot overflow either.
		if d > 0 && n > math.MaxInt/8/d {
			return 0, fmt.Errorf("shape %s has more elements than memory can hold", Tuple(shape))
		}
		n *= d
	}
	return n, nil
}
