package onnx

import (
	"errors"
	"fmt"
)

func (t *translation) constantNode(n *nodeProto) error {
	v := &tensor{shape: []int{}, free: []mark{}}
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
		v = &tensor{shape: []int{len(f)}, free: []mark{0}, f: f}
	default:
		return errors.New("found no numbers, supported are a tensor, floats and integers")
	}
	t.set(n, 0, v)
	return nil
}

func (t *translation) constantOfShape(n *nodeProto) error {
	want, _, some, err := t.lengthsOf(n, 0, "input")
	if err != nil {
		return err
	}
	shape, err := sizes(want)
	if err != nil {
		return err
	}
	if !some {
		return errors.New("found no input 0")
	}
	v := &tensor{shape: []int{1}, free: []mark{0}, f: []float32{0}}
	if a := n.attributes["value"]; a != nil && a.t != nil {
		if v, err = a.t.decode(); err != nil {
			return err
		}
	}
	if v.size() != 1 {
		return fmt.Errorf("found a value of shape %v, expected one number", v.shape)
	}
	v = v.reshaped([]int{}, []mark{})
	if v, err = t.broadcast(v, shape); err != nil {
		return err
	}
	t.set(n, 0, v)
	return nil
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
	start = min(start, end)
	dims := constantInts(make([]int64, end-start)...)
	for k, d := range v.shape[start:end] {
		dims.i[k] = int64(d)
	}
	dims.dyn = v.free[start:end:end]
	t.set(n, 0, dims)
	return nil
}

// toInteger reports whether a node makes integers of floats.
func (n *nodeProto) toInteger() bool {
	to := n.integer("to", 0)
	return n.op == "Cast" && (to == typeInt32 || to == typeInt64)
}

// cast translates Cast. Floats of all widths are float32 here, booleans integers.
func (t *translation) cast(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	to := n.integer("to", 0)
	float := to == typeFloat || to == typeDouble
	if !float && to != typeInt32 && to != typeInt64 && (to != typeBool || v.kind == activation) {
		return fmt.Errorf("found element type %d, supported are float, double, int32, int64, and bool for constants", to)
	}
	switch {
	case v.kind == activation && !float:
		for _, r := range v.refs {
			if s := t.sources[r.source]; s.kind != fromInput || !s.token {
				return errors.New("found a computed value made an integer, supported are tokens")
			}
		}
	case v.kind == ints && float:
		f := make([]float32, len(v.i))
		for k, i := range v.i {
			f[k] = float32(i)
		}
		v = &tensor{shape: v.shape, free: v.free, f: f, dyn: v.dyn}
	case v.kind == floats && !float:
		i := make([]int64, len(v.f))
		for k, f := range v.f {
			if !(f > -1<<62 && f < 1<<62) {
				return fmt.Errorf("found %v made an integer", f)
			}
			if i[k] = int64(f); to == typeBool && f != 0 {
				i[k] = 1
			}
		}
		v = &tensor{shape: v.shape, free: v.free, kind: ints, i: i, dyn: v.dyn}
	case v.kind == ints && to == typeBool:
		i := make([]int64, len(v.i))
		for k := range i {
			i[k] = truth(v.i[k] != 0)
		}
		v = &tensor{shape: v.shape, free: v.free, kind: ints, i: i, dyn: v.dyn}
	}
	t.set(n, 0, v)
	return nil
}
