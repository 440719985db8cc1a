package onnx

import (
	"errors"
	"fmt"
	"slices"
)

func (t *translation) constantNode(n *nodeProto) error {
	v := &tensor{shape: []int{}, free: []bool{}}
	switch a := n.attributes; {
	case a["value"] != nil && a["value"].t != nil:
		var err error
		if v, err = a["value"].t.decode(); err != nil {
			return err
		}
	case a["value_float"] != nil:
		v.f = []float32{a["value_float"].f}
	case a["value_int"] != nil:
		v.kind, v.i = ints, []int64{a["value_int"].i}
	case a["value_ints"] != nil:
		v = constantInts(a["value_ints"].ints...)
	case a["value_floats"] != nil:
		f := a["value_floats"].floats
		v = &tensor{shape: []int{len(f)}, free: []bool{false}, f: f}
	default:
		return errors.New("found no numbers, supported are a tensor, floats and integers")
	}
	t.set(n, 0, v)
	return nil
}

func (t *translation) constantOfShape(n *nodeProto) error {
	want, some, err := t.integers(n, 0, "input")
	if err != nil {
		return err
	}
	shape, err := sizes(want)
	if err != nil || !some {
		return errors.Join(err, t.missing(some))
	}
	v := &tensor{shape: []int{1}, free: []bool{false}, f: []float32{0}}
	if a := n.attributes["value"]; a != nil && a.t != nil {
		if v, err = a.t.decode(); err != nil {
			return err
		}
	}
	if v.size() != 1 {
		return fmt.Errorf("found a value of shape %v, expected one number", v.shape)
	}
	v = v.reshaped([]int{}, []bool{})
	if v, err = t.broadcast(v, shape); err != nil {
		return err
	}
	t.set(n, 0, v)
	return nil
}

func (t *translation) missing(some bool) error {
	if some {
		return nil
	}
	return errors.New("found no input 0")
}

// shapeOf is the shape at one time step of one stream.
func (t *translation) shapeOf(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	rank := len(v.shape)
	start := clampIndex(n.integer("start", 0), rank)
	end := clampIndex(n.integer("end", int64(rank)), rank)
	var dims []int64
	for _, d := range v.shape[min(start, end):end] {
		dims = append(dims, int64(d))
	}
	if dims == nil {
		dims = []int64{}
	}
	t.set(n, 0, constantInts(dims...))
	return nil
}

func (t *translation) cast(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	to := n.integer("to", 0)
	switch {
	case v.kind == activation && to != typeFloat && to != typeDouble && to != typeInt32 && to != typeInt64:
		return fmt.Errorf("found element type %d for a computed value, supported are float, double, int32 and int64", to)
	case v.kind == activation && (to == typeInt32 || to == typeInt64):
		for _, r := range v.refs {
			if s := t.sources[r.source]; s.kind != fromInput || !s.token {
				return errors.New("found a computed value made an integer, supported are tokens")
			}
		}
	case v.kind == ints && (to == typeFloat || to == typeDouble):
		f := make([]float32, len(v.i))
		for k, i := range v.i {
			f[k] = float32(i)
		}
		v = &tensor{shape: v.shape, free: v.free, f: f}
	case v.kind == floats && (to == typeInt32 || to == typeInt64):
		i := make([]int64, len(v.f))
		for k, f := range v.f {
			if !(f > -1<<62 && f < 1<<62) {
				return fmt.Errorf("found %v made an integer", f)
			}
			i[k] = int64(f)
		}
		v = &tensor{shape: v.shape, free: v.free, kind: ints, i: i}
	case v.kind == floats && to != typeFloat && to != typeDouble, v.kind == ints && to != typeInt32 && to != typeInt64:
		return fmt.Errorf("found element type %d, supported are float, double, int32 and int64", to)
	}
	t.set(n, 0, v)
	return nil
}

// fold computes an arithmetic op on constants.
func (t *translation) fold(n *nodeProto, a, b *tensor) error {
	if a.kind != b.kind {
		return errors.New("found floats and integers together")
	}
	shape, err := common(a.shape, b.shape)
	if err != nil {
		return err
	}
	if a, err = t.broadcast(a, shape); err != nil {
		return err
	}
	if b, err = t.broadcast(b, shape); err != nil {
		return err
	}
	out := &tensor{shape: shape, free: make([]bool, len(shape)), kind: a.kind}
	if a.kind == floats {
		out.f = make([]float32, len(a.f))
		for k := range out.f {
			out.f[k] = calculate(n.op, a.f[k], b.f[k])
		}
	} else {
		if n.op == "Div" && slices.Contains(b.i, 0) {
			return errors.New("found a division by zero")
		}
		out.i = make([]int64, len(a.i))
		for k := range out.i {
			out.i[k] = calculate(n.op, a.i[k], b.i[k])
		}
	}
	t.set(n, 0, out)
	return nil
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
