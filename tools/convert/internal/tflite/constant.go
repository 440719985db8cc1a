package tflite

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/tools/convert/internal/widen"
)

// Tensor types of the schema, and their sizes.
const (
	typeFloat32 = 0
	typeFloat16 = 1
	typeInt32   = 2
	typeUint8   = 3
	typeInt64   = 4
	typeInt16   = 7
	typeInt8    = 9
)

var sizes = map[int]int{typeFloat32: 4, typeFloat16: 2, typeInt32: 4, typeUint8: 1, typeInt16: 2, typeInt8: 1}

// constant returns the numbers of a tensor, of this many elements. A quantised tensor gives
// what its integers stand for: scale·(q − zero).
func (r *reader) constant(k int, what string, elements int) ([]float32, error) {
	t := &r.g.tensors[k]
	size, known := sizes[t.kind]
	switch {
	case t.data == nil:
		return nil, fmt.Errorf("computes its %s (%.60q), supported is a constant", what, t.name)
	case t.sparse:
		return nil, fmt.Errorf("has a sparse %s (%.60q), supported is a dense one", what, t.name)
	case !known:
		return nil, fmt.Errorf("has a %s (%.60q) of tensor type %d, supported are float32, float16, int8, uint8, int16 and int32", what, t.name, t.kind)
	case t.elements != elements:
		return nil, fmt.Errorf("has a %s (%.60q) of shape %v, want %d elements", what, t.name, t.shape, elements)
	case len(t.data) != elements*size:
		return nil, fmt.Errorf("has a %s (%.60q) of %d bytes, want %d", what, t.name, len(t.data), elements*size)
	}
	if err := r.spend(int64(elements)); err != nil {
		return nil, err
	}
	v := make([]float32, elements)
	if t.kind == typeFloat32 {
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.data[4*i:]))
		}
		return v, nil
	}
	if t.kind == typeFloat16 {
		widen.F16.Slice(v, t.data)
		return v, nil
	}
	n, inner := len(t.scale)/4, elements
	if n > 1 {
		if t.axis < 0 || t.axis >= len(t.shape) || t.shape[t.axis] != n {
			return nil, fmt.Errorf("has a %s (%.60q) of shape %v with %d scales on axis %d", what, t.name, t.shape, n, t.axis)
		}
		inner = 1
		for _, d := range t.shape[t.axis+1:] {
			inner *= d
		}
	}
	if n == 0 || len(t.zero) != 0 && len(t.zero)/8 != n {
		return nil, fmt.Errorf("has a %s (%.60q) of integers with %d scales and %d zero points, want one of each or one for each slice", what, t.name, n, len(t.zero)/8)
	}
	r.quantised = true
	for i := range v {
		var q, zero int64
		switch t.kind {
		case typeInt8:
			q = int64(int8(t.data[i]))
		case typeUint8:
			q = int64(t.data[i])
		case typeInt16:
			q = int64(int16(binary.LittleEndian.Uint16(t.data[2*i:])))
		case typeInt32:
			q = int64(int32(binary.LittleEndian.Uint32(t.data[4*i:])))
		}
		c := i / inner % n
		if len(t.zero) != 0 {
			zero = int64(binary.LittleEndian.Uint64(t.zero[8*c:]))
		}
		scale := math.Float32frombits(binary.LittleEndian.Uint32(t.scale[4*c:]))
		v[i] = float32(float64(scale) * float64(q-zero))
	}
	return v, nil
}

// places are the elements of a constant of integers.
func (g *graph) places(n node, i int) ([]int, error) {
	if !n.there(i) {
		return nil, fmt.Errorf("lacks input %d", i)
	}
	t := g.tensors[n.in[i]]
	if t.kind != typeInt32 || len(t.data) != 4*t.elements || t.elements > 64 {
		return nil, fmt.Errorf("has an input %d (%.60q) that is not a constant of a few int32", i, t.name)
	}
	v := make([]int, t.elements)
	for k := range v {
		v[k] = int(int32(binary.LittleEndian.Uint32(t.data[4*k:])))
	}
	return v, nil
}

// spend counts numbers that are made from the file: a small one that names a tensor again
// and again must not fill the memory.
func (r *reader) spend(n int64) error {
	if n > r.budget {
		return fmt.Errorf("makes more than %d numbers out of a file this small", r.most)
	}
	r.budget -= n
	return nil
}

// there reports whether a node has input i.
func (n node) there(i int) bool { return i < len(n.in) && n.in[i] >= 0 }
