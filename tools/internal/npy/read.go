package npy

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/tools/internal/regular"
)

// ReadFile reads the .npy file at path.
func ReadFile(path string) (*Array, error) {
	b, err := regular.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	a, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("npy: %s: %w", path, err)
	}
	return a, nil
}

// Decode reads the .npy file in b, which the array may go on using: b must not
// change.
func Decode(b []byte) (*Array, error) {
	a, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return a, nil
}

func decode(b []byte) (*Array, error) {
	h, data, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	n, err := elements(h.shape)
	if err != nil {
		return nil, err
	}
	if n*h.elem.size != len(data) {
		return nil, fmt.Errorf("offset %d: %d bytes of data, want %d for %s of shape %s",
			len(b)-len(data), len(data), n*h.elem.size, h.elem.name, Tuple(h.shape))
	}
	if h.bigEndian && h.elem.size > 1 {
		data = swapped(data, h.elem.size)
	}
	if h.fortran && len(h.shape) > 1 && n > 0 {
		data = transposed(data, h.elem.size, h.shape)
	}
	return &Array{Shape: h.shape, DType: h.elem.name, elem: h.elem, data: data}, nil
}

// swapped returns the elements with their bytes in reverse order.
func swapped(data []byte, size int) []byte {
	out := slices.Clone(data)
	for b := out; len(b) > 0; b = b[size:] {
		slices.Reverse(b[:size])
	}
	return out
}

// transposed turns Fortran order, first index fastest, into C order.
func transposed(data []byte, size int, shape []int) []byte {
	stride := make([]int, len(shape)) // in data, in bytes
	for i, step := 0, size; i < len(shape); i++ {
		stride[i] = step
		step *= shape[i]
	}
	out := make([]byte, 0, len(data))
	index := make([]int, len(shape))
	for from := 0; len(out) < len(data); {
		out = append(out, data[from:][:size]...)
		for i := len(shape) - 1; i >= 0; i-- {
			index[i]++
			from += stride[i]
			if index[i] < shape[i] {
				break
			}
			from -= shape[i] * stride[i]
			index[i] = 0
		}
	}
	return out
}
