package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/widen"
)

// maxDims is the most dimensions that a tensor may have.
const maxDims = 8

// Types of elements of a TensorProto.
const (
	typeFloat   = 1
	typeUint8   = 2
	typeInt8    = 3
	typeInt32   = 6
	typeInt64   = 7
	typeBool    = 9
	typeFloat16 = 10
	typeDouble  = 11
)

// A tensor is a value of the graph at one time step of one stream: constant floats,
// constant integers, or an activation, of which every element is known by where it
// comes from. Exactly one of f, i and refs has the elements, row-major.
type tensor struct {
	shape   []int
	free    []mark // not 0: the dimension is 1 here, and may be longer in the graph
	settled bool   // nothing behind it is pending
	last    bool   // of the last time step, or state, of a sequence that may be longer
	kind    kind
	f       []float32
	i       []int64
	dyn     []mark // of f and i: made from the length of free dimensions; nil for none
	refs    []ref

	elem      int64         // of integers, the element type of 8-bit ones
	quantised *quantisation // of an activation, nil for none
	within    *[2]float32   // an activation is not below the first and not above the second; nil for not known
	padded    padding       // of an activation
}

// padding is the steps that a free dimension of a value has more in the graph: zeros in front
// of the first one, from a Pad, and steps behind the last one, from a Pad or from a
// convolution that is padded at its end. A causal convolution takes the first, a Slice the
// others; till then only what moves elements about reads the value.
type padding struct {
	m             mark
	front, behind int
}

// readsPadded are the ops that know what to do about a padding, or carry it on.
var readsPadded = map[string]bool{"Conv": true, "Slice": true, "Identity": true, "Transpose": true, "Squeeze": true, "Unsqueeze": true, "Reshape": true, "QuantizeLinear": true, "DequantizeLinear": true}

// unpadded verifies that nothing is added to v.
func (v *tensor) unpadded(name string) error {
	if v.padded == (padding{}) {
		return nil
	}
	return fmt.Errorf("found the value %q, which is padded along time by %d steps in front and %d at its end; supported is that a causal convolution along time reads it, and that the steps at the end are cut off right behind that", name, v.padded.front, v.padded.behind)
}

// A mark tells free dimensions apart, time from streams: bit k is dimension k of the
// model's input. Several bits are dimensions made one.
type mark uint16

// elsewhere marks the free dimensions of inputs that are states or lengths.
//
// calculated marks what arithmetic made from a length: it is another number than the
// length of a dimension.
const (
	elsewhere  mark = 1 << maxDims
	calculated mark = elsewhere << 1
)

// union is all bits of marks.
func union(marks []mark) (all mark) {
	for _, m := range marks {
		all |= m
	}
	return all
}

type kind uint8

const (
	floats kind = iota
	ints
	activation
)

func (k kind) String() string { return [...]string{"floats", "integers", "computed values"}[k] }

// A ref is one element of a source.
type ref struct {
	source, index int32
}

func (t *tensor) constant() bool { return t.kind != activation }

func (t *tensor) size() int { return product(t.shape) }

// reshaped is t with another shape of the same size.
func (t *tensor) reshaped(shape []int, free []mark) *tensor {
	u := *t
	u.shape, u.free = shape, free
	return &u
}

// take is the tensor of t's elements at index.
func (t *tensor) take(shape []int, free []mark, index []int32) *tensor {
	u := t.reshaped(shape, free)
	u.f, u.i, u.dyn, u.refs = pick(t.f, index), pick(t.i, index), pick(t.dyn, index), pick(t.refs, index)
	return u
}

func pick[T any](from []T, index []int32) []T {
	if from == nil {
		return nil
	}
	to := make([]T, len(index))
	for j, k := range index {
		to[j] = from[k]
	}
	return to
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// checked returns the number of elements of a shape if it is one that is supported.
func checked(shape []int) (int, error) {
	if len(shape) > maxDims {
		return 0, fmt.Errorf("found %d dimensions, supported are up to %d", len(shape), maxDims)
	}
	n, span := 1, 1 // span counts empty dimensions as 1: they must not hide others
	for _, d := range shape {
		if d < 0 || d > format.MaxFloats {
			return 0, fmt.Errorf("found shape %v, supported are up to %d elements", shape, format.MaxFloats)
		}
		n *= d
		if span *= max(d, 1); span > 16*format.MaxFloats || (n == 0 && span > 1<<16) {
			return 0, fmt.Errorf("found shape %v, supported are up to %d elements", shape, 16*format.MaxFloats)
		}
	}
	return n, nil
}

func constantInts(values ...int64) *tensor {
	return &tensor{shape: []int{len(values)}, free: []mark{0}, kind: ints, i: values}
}

// decode turns a TensorProto into a constant.
func (p *tensorProto) decode() (*tensor, error) {
	if p.external {
		return nil, errors.New("found its data in another file, supported is data inside this one")
	}
	t := &tensor{shape: make([]int, len(p.dims)), free: make([]mark, len(p.dims))}
	for k, d := range p.dims {
		if d < 0 || d > format.MaxFloats*16 {
			return nil, fmt.Errorf("found shape %v", p.dims)
		}
		t.shape[k] = int(d)
	}
	n, err := checked(t.shape)
	if err != nil {
		return nil, err
	}
	switch p.typ {
	case typeFloat, typeFloat16, typeDouble:
		t.f, err = p.floatElements(n)
	case typeInt32, typeInt64, typeBool, typeUint8, typeInt8:
		if t.kind = ints; p.typ == typeUint8 || p.typ == typeInt8 {
			t.elem = p.typ
		}
		t.i, err = p.intElements(n)
	default:
		err = fmt.Errorf("found element type %d, supported are float, float16, double, int8, uint8, int32, int64 and bool", p.typ)
	}
	return t, err
}

// has verifies that there are as many elements as the shape says.
func (p *tensorProto) has(found, n int) error {
	if found != n {
		return fmt.Errorf("found %d elements or bytes of data, expected %d for shape %v", found, n, p.dims)
	}
	return nil
}

func (p *tensorProto) floatElements(n int) ([]float32, error) {
	if p.raw != nil {
		f := map[int64]widen.Format{typeFloat: widen.F32, typeFloat16: widen.F16, typeDouble: widen.F64}[p.typ]
		if err := p.has(len(p.raw), n*f.Size()); err != nil {
			return nil, err
		}
		v := make([]float32, n)
		f.Slice(v, p.raw)
		return v, nil
	}
	switch p.typ {
	case typeFloat:
		if err := p.has(len(p.floats), n); err != nil {
			return nil, err
		}
		return append(make([]float32, 0, n), p.floats...), nil
	case typeFloat16:
		if err := p.has(len(p.int32s), n); err != nil {
			return nil, err
		}
		v := make([]float32, n)
		for k, h := range p.int32s {
			v[k] = widen.Float16(uint16(h))
		}
		return v, nil
	}
	if err := p.has(len(p.doubles), n); err != nil {
		return nil, err
	}
	v := make([]float32, n)
	for k, d := range p.doubles {
		v[k] = float32(d)
	}
	return v, nil
}

func (p *tensorProto) intElements(n int) ([]int64, error) {
	if p.raw == nil {
		from := p.int32s
		if p.typ == typeInt64 {
			from = p.int64s
		}
		if err := p.has(len(from), n); err != nil {
			return nil, err
		}
		return append(make([]int64, 0, n), slices.Clone(from)...), nil
	}
	size := map[int64]int{typeInt32: 4, typeInt64: 8, typeBool: 1, typeUint8: 1, typeInt8: 1}[p.typ]
	if err := p.has(len(p.raw), n*size); err != nil {
		return nil, err
	}
	v := make([]int64, n)
	for k := range v {
		switch b := p.raw[k*size:]; size {
		case 1:
			if v[k] = int64(b[0]); p.typ == typeInt8 {
				v[k] = int64(int8(b[0]))
			}
		case 4:
			v[k] = int64(int32(binary.LittleEndian.Uint32(b)))
		case 8:
			v[k] = int64(binary.LittleEndian.Uint64(b))
		}
	}
	return v, nil
}
