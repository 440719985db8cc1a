package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// cells adds the layers of all cells in the body, which have to take all its states.
func (l *loop) cells() error {
	if !l.timed {
		return errors.New("found a loop that reads no sequence")
	}
	var found []*cellmatch.Cell
	var first error
	for _, c := range l.carried {
		cell, err := l.s.step.Match(c.next.symbols())
		if err == nil {
			found = append(found, cell)
		} else if first == nil {
			first = fmt.Errorf("found a body that is not the step of a cell: the state %q: %w", c.in, err)
		}
	}
	if len(found) == 0 {
		if first == nil {
			first = errors.New("found a body without a state")
		}
		return first
	}
	if err := l.t.along(l.time); err != nil {
		return err
	}
	for count := len(found); len(found) > 0; { // in the order in which they read each other
		at := slices.IndexFunc(found, func(c *cellmatch.Cell) bool {
			return !slices.ContainsFunc(c.X, func(e cellmatch.Value) bool { _, ok := l.known[l.s.step.Canonical(e)]; return !ok })
		})
		if at < 0 {
			return errors.New("found a cell whose input is computed inside the loop, supported is the sequence as it is, and the output of another cell")
		}
		if err := l.cell(found[at], count); err != nil {
			return err
		}
		found = slices.Delete(found, at, at+1)
	}
	for _, c := range l.carried {
		if c.name == "" {
			return fmt.Errorf("found the state %q, which is not one of a cell: %w", c.in, first)
		}
	}
	return nil
}

// cell adds the layer of one cell.
func (l *loop) cell(c *cellmatch.Cell, count int) error {
	f := foundCell{Cell: c, name: l.n.layerName(), x: &tensor{shape: []int{len(c.X)}, kind: activation}}
	for _, e := range c.X {
		f.x.refs = append(f.x.refs, l.known[l.s.step.Canonical(e)])
	}
	h, err := l.state(c.H)
	if err != nil {
		return err
	}
	if count > 1 {
		f.name += "." + h.in
	}
	around := &cell{n: l.n, directions: 1, H: len(c.H)}
	if f.h0, err = l.t.initial(around, h.k, "the state h"); err != nil {
		return err
	}
	var cs *carried
	if c.C != nil {
		if cs, err = l.state(c.C); err != nil {
			return err
		}
		if f.c0, err = l.t.initial(around, cs.k, "the state c"); err != nil {
			return err
		}
	}
	steps, last, lastC, err := l.t.addFound(f)
	if err != nil {
		return err
	}
	for k, e := range h.next.symbols() {
		l.known[l.s.step.Canonical(e)] = steps[k]
	}
	if h.name, h.final = f.name, last; cs != nil {
		cs.name, cs.final = f.name, lastC
	}
	l.t.note("node %q (%s): its body is one cell that was written out: %v", l.n.name, l.n.op, c.Kind)
	return nil
}

// state is what is carried in these leaves.
func (l *loop) state(leaves []cellmatch.Value) (*carried, error) {
	for k := range l.carried {
		if c := &l.carried[k]; c.name == "" && slices.Equal(c.leaves.symbols(), leaves) {
			return c, nil
		}
	}
	return nil, errors.New("found a state of a cell that is a part of what is carried, supported is all of it")
}

// outputs sets what the node hands out: what is carried after the last step, then what
// the body gives at every step, with time in the dimension that places tells.
func (l *loop) outputs(states int, every []*valueProto, places []int64) error {
	for k := range min(states, len(l.n.outputs)) {
		if name := l.n.outputs[k]; name == "" || l.t.uses[name] == 0 {
			continue
		}
		input := len(l.n.inputs) - states + k
		if l.n.op == "Scan" {
			input = k
		}
		at := slices.IndexFunc(l.carried, func(c carried) bool { return c.k == input })
		if at < 0 {
			return fmt.Errorf("found output %q in use, which is not a state of a cell", l.n.outputs[k])
		}
		c := l.carried[at]
		l.t.set(l.n, k, &tensor{shape: c.next.shape, free: c.next.free, last: l.time != 0, kind: activation, refs: c.final})
	}
	for k, o := range every {
		out := states + k
		if out >= len(l.n.outputs) || l.n.outputs[out] == "" || l.t.uses[l.n.outputs[out]] == 0 {
			continue
		}
		var given *tensor
		v, err := l.result(o.name)
		if err == nil {
			if v.constant() || len(v.shape) == maxDims {
				return fmt.Errorf("found output %q, a constant or a value of %d dimensions at each step", l.n.outputs[out], len(v.shape))
			}
			given = l.given(v)
		}
		if given == nil {
			if given, err = l.beside(o.name); err != nil {
				return fmt.Errorf("found output %q, which at each step is not what a cell gives: %w", l.n.outputs[out], err)
			}
		}
		at := int64(0)
		if k < len(places) {
			at = places[k]
		}
		d, err := axis(at, len(v.shape)+1)
		if err != nil {
			return err
		}
		l.t.set(l.n, out, &tensor{shape: slices.Insert(slices.Clone(given.shape), d, 1), free: slices.Insert(slices.Clone(given.free), d, l.time), kind: activation, refs: given.refs})
	}
	return nil
}

// given is a value of the body whose elements are all known outside: of a sequence, or what a
// cell gives. nil for another.
func (l *loop) given(v *tensor) *tensor {
	if v.constant() {
		return nil
	}
	out := &tensor{shape: v.shape, free: v.free, kind: activation, refs: make([]ref, len(v.refs))}
	for k, e := range v.symbols() {
		r, ok := l.known[l.s.step.Canonical(e)]
		if !ok {
			return nil
		}
		out.refs[k] = r
	}
	return out
}
