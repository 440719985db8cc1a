package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// folded is a op b of two constants.
func (t *translation) folded(op string, a, b *tensor) (*tensor, error) {
	if a.kind != b.kind {
		return nil, errors.New("found floats and integers together")
	}
	shape, err := common(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	if a, err = t.broadcast(a, shape); err != nil {
		return nil, err
	}
	if b, err = t.broadcast(b, shape); err != nil {
		return nil, err
	}
	out := &tensor{shape: shape, free: make([]mark, len(shape)), kind: a.kind, dyn: slices.Clone(either(a.dyn, b.dyn))}
	if a.kind == floats {
		out.f = make([]float32, len(a.f))
		for k := range out.f {
			out.f[k] = calculate(op, a.f[k], b.f[k])
		}
		return out, nil
	}
	if op == "Div" && slices.Contains(b.i, 0) {
		return nil, errors.New("found a division by zero")
	}
	out.i = make([]int64, len(a.i))
	for k := range out.i {
		out.i[k] = calculate(op, a.i[k], b.i[k])
		if out.dyn != nil && out.dyn[k] != 0 && !unchanged(op, a, b, k) {
			out.dyn[k] |= calculated
		}
	}
	return out, nil
}

// unchanged reports whether element k of a op b, of which one is made from a length, is
// the length still, or that of two dimensions made one.
func unchanged(op string, a, b *tensor, k int) bool {
	from := func(v *tensor) mark {
		if v.dyn == nil {
			return 0
		}
		return v.dyn[k]
	}
	switch op {
	case "Mul":
		return a.i[k] == 1 && b.i[k] == 1 && from(a)&from(b) == 0
	case "Div":
		return b.i[k] == 1 && from(b) == 0
	}
	return b.i[k] == 0 && from(b) == 0
}

// either marks what one of a and b marks, which are of one length or nil.
func either(a, b []mark) []mark {
	if a == nil {
		return b
	}
	out := slices.Clone(a)
	for k := range b {
		out[k] |= b[k]
	}
	return out
}

func calculate[T float32 | int64](op string, a, b T) T {
	switch op {
	case "Add":
		return a + b
	case "Sub":
		return a - b
	case "Mul":
		return a * b
	}
	return a / b
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// constants returns all inputs, which have to be constants, broadcast to one shape.
func (t *translation) constants(n *nodeProto, count int) ([]*tensor, error) {
	in := make([]*tensor, count)
	shape := []int{}
	for k := range in {
		v, err := t.must(n, k)
		if err != nil {
			return nil, err
		}
		if !v.constant() {
			return nil, fmt.Errorf("found %q, a graph input or computed from one, supported are constants and shapes: if it is an input that does not change, give its value with -bind", n.input(k))
		}
		if shape, err = common(shape, v.shape); err != nil {
			return nil, err
		}
		in[k] = v
	}
	for k := range in {
		var err error
		if in[k], err = t.broadcast(in[k], shape); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// comparison translates Equal, Less, Greater and so on, And, Or and Not of constants.
func (t *translation) comparison(n *nodeProto) error {
	count := 2
	if n.op == "Not" {
		count = 1
	}
	in, err := t.constants(n, count)
	if err != nil {
		return err
	}
	a, b := in[0], in[count-1]
	if a.kind != b.kind || (a.kind == floats && (n.op == "And" || n.op == "Or" || n.op == "Not")) {
		return errors.New("found floats and integers together")
	}
	out := &tensor{shape: a.shape, free: make([]mark, len(a.shape)), kind: ints, i: make([]int64, a.size())}
	for k := range out.i {
		if a.kind == floats {
			out.i[k] = truth(compare(n.op, a.f[k], b.f[k]))
		} else {
			out.i[k] = truth(compare(n.op, a.i[k], b.i[k]))
		}
	}
	out.dyn = either(a.dyn, b.dyn)
	t.set(n, 0, out)
	return nil
}

func compare[T float32 | int64](op string, a, b T) bool {
	switch op {
	case "Equal":
		return a == b
	case "Less":
		return a < b
	case "LessOrEqual":
		return a <= b
	case "Greater":
		return a > b
	case "GreaterOrEqual":
		return a >= b
	case "And":
		return a != 0 && b != 0
	case "Or":
		return a != 0 || b != 0
	}
	return a == 0 // Not
}

// where translates Where of constants, as in the arithmetic of shapes.
func (t *translation) where(n *nodeProto) error {
	in, err := t.constants(n, 3)
	if err != nil {
		return err
	}
	cond, a, b := in[0], in[1], in[2]
	if cond.kind != ints || a.kind != b.kind {
		return errors.New("found floats and integers together")
	}
	out := &tensor{shape: a.shape, free: make([]mark, len(a.shape)), kind: a.kind, f: slices.Clone(b.f), i: slices.Clone(b.i), dyn: either(cond.dyn, either(a.dyn, b.dyn))}
	for k, c := range cond.i {
		switch {
		case c == 0:
		case a.kind == floats:
			out.f[k] = a.f[k]
		default:
			out.i[k] = a.i[k]
		}
	}
	t.set(n, 0, out)
	return nil
}

// sizeOf translates Size, of a time step of one stream.
func (t *translation) sizeOf(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	size := constantInts(int64(v.size())).reshaped([]int{}, []mark{})
	size.dyn = []mark{union(v.free)}
	t.set(n, 0, size)
	return nil
}

// elements translates ReduceProd of a shape, the number of elements.
func (t *translation) elements(n *nodeProto) error {
	in, err := t.constants(n, 1)
	if err != nil {
		return err
	}
	v := in[0]
	axes, some, err := t.integers(n, 1, "axes")
	if err != nil {
		return err
	}
	if v.kind != ints || len(v.shape) != 1 || (some && !slices.Equal(axes, []int64{0})) {
		return fmt.Errorf("found a product over axes %v of a constant of shape %v, supported is that of a shape", axes, v.shape)
	}
	size := int64(1)
	for _, d := range v.i {
		size *= d
	}
	out := constantInts(size)
	if out.dyn = []mark{union(v.dyn)}; n.integer("keepdims", 1) == 0 {
		out = out.reshaped([]int{}, []mark{})
	}
	t.set(n, 0, out)
	return nil
}

// integerRange translates Range of integers.
func (t *translation) integerRange(n *nodeProto) error {
	in, err := t.constants(n, 3)
	if err != nil {
		return err
	}
	for _, v := range in {
		if v.kind != ints || v.size() != 1 {
			return errors.New("found a range that is not of three integers")
		}
	}
	var made mark
	for _, v := range in {
		made |= union(v.dyn)
	}
	start, limit, delta := in[0].i[0], in[1].i[0], in[2].i[0]
	const most = 1 << 40
	if delta == 0 || max(start, limit, delta) > most || min(start, limit, delta) < -most {
		return fmt.Errorf("found a range from %d to %d in steps of %d", start, limit, delta)
	}
	length := math.Ceil(float64(limit-start) / float64(delta))
	if length > format.MaxFloats {
		return fmt.Errorf("found a range of %v numbers, supported are up to %d", length, format.MaxFloats)
	}
	count := max(0, int(length))
	if err := t.spend(count); err != nil {
		return err
	}
	v := make([]int64, count)
	for k := range v {
		v[k] = start + int64(k)*delta
	}
	out := constantInts(v...)
	out.dyn = slices.Repeat([]mark{made}, count)
	t.set(n, 0, out)
	return nil
}
