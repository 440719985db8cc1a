package onnx

import (
	"errors"
	"fmt"
	"math"
)

// trips verifies that a Loop runs once for each step of the sequence.
func (l *loop) trips() error {
	if !l.timed {
		return errors.New("found a loop that reads no sequence at the number of the step (Gather)")
	}
	first, err := l.t.value(l.n, 1)
	if err != nil {
		return err
	}
	if first != nil && (first.kind != ints || len(first.i) != 1 || first.i[0] == 0 || union(first.dyn)&^l.time != 0) {
		return fmt.Errorf("found the condition %q, which is not known to be true at first", l.n.input(1))
	}
	most, err := l.t.value(l.n, 0)
	if err != nil {
		return err
	}
	bounded := l.steps(most)
	if most != nil && !bounded && !(most.kind == ints && len(most.i) == 1 && most.i[0] >= math.MaxInt32 && union(most.dyn) == 0) {
		return fmt.Errorf("found the trip count %q, supported is the number of time steps of the sequence that it reads", l.n.input(0))
	}
	all, until, err := l.condition(l.body.outputs[0].name, 0)
	if err != nil {
		return err
	}
	if !all && !until || !bounded && !until {
		return fmt.Errorf("found a loop that does not end with the sequence that it reads (condition %q)", l.body.outputs[0].name)
	}
	return nil
}

// steps reports whether v is the number of steps of the sequence.
func (l *loop) steps(v *tensor) bool {
	if v == nil || v.size() != 1 || !v.constant() {
		return false
	}
	if length, fixed := l.t.steps[l.time]; fixed && v.is(length) {
		return true
	}
	if l.time == 0 {
		return v.is(1)
	}
	w := *v
	w.dyn = nil
	return w.is(1) && len(v.dyn) == 1 && v.dyn[0] == l.time
}

// condition tells whether a value of the body is always true, or true until the last
// step: one more than the number of this step is less than the number of steps.
func (l *loop) condition(name string, depth int) (always, until bool, err error) {
	name = l.origin(name, "Identity")
	if name == l.body.inputs[1].name {
		return true, false, nil
	}
	unknown := fmt.Errorf("found the condition %q, supported is that the number of the step is less than the number of steps", name)
	n := l.makes[name]
	if n == nil || n.op == "Constant" {
		if v, err := l.constant(name); err == nil && v.is(1) {
			return true, false, nil
		}
		return false, false, unknown
	}
	a, b := n.input(0), n.input(1)
	switch n.op {
	case "And":
		if depth > maxNesting {
			return false, false, unknown
		}
		x, y, err := l.condition(a, depth+1)
		if err != nil {
			return false, false, err
		}
		z, w, err := l.condition(b, depth+1)
		return x && z, (y || w) && (x || y) && (z || w), err
	case "Greater":
		a, b = b, a
		fallthrough
	case "Less":
		next := l.makes[l.origin(a, "Identity", "Cast")]
		if next == nil || next.op != "Add" || len(next.inputs) != 2 {
			return false, false, unknown
		}
		for j, in := range next.inputs {
			one, err := l.constant(next.inputs[1-j])
			if err != nil || !one.is(1) || !l.counter[l.origin(in, "Identity", "Cast")] {
				continue
			}
			if v, err := l.s.named(b); err == nil && l.steps(v) {
				return false, true, nil
			}
		}
	}
	return false, false, unknown
}
