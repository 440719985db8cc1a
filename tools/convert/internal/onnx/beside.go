package onnx

import (
	"errors"
	"fmt"
	"maps"
)

// What the body of a loop computes beside its cells, as a dense layer of h at each step, is
// translated once they are layers: the same nodes run in the translation around the loop,
// with the values that the cells and the sequences give.

// beside translates the nodes of the body that the value needs.
func (l *loop) beside(name string) (*tensor, error) {
	t := l.t
	values, stored, refused := t.values, t.stored, t.refused
	defer func() { t.values, t.stored, t.refused, t.inside = values, stored, refused, false }()
	if t.inside {
		return nil, errors.New("found a loop inside another")
	}
	if err := t.spend(len(values) + len(stored) + len(l.s.values) + len(l.body.nodes)); err != nil {
		return nil, err
	}
	t.values, t.stored, t.refused, t.inside = map[string]*tensor{}, maps.Clone(stored), maps.Clone(refused), true
	for name, v := range values {
		if v.constant() { // another one of the graph around is of all steps
			t.values[name] = v
		} else {
			t.refused[name] = fmt.Errorf("found %q, a computed value of the graph around the loop, supported are constants and the element of a sequence at each step", name)
		}
	}
	for _, p := range l.body.initializers {
		t.stored[p.name] = p
	}
	for _, in := range l.body.inputs { // of which a state is not known to be that before the step
		delete(t.values, in.name)
		t.refused[in.name] = fmt.Errorf("found %q, the state before the step, or its number; supported is what a cell gives, and the sequence", in.name)
	}
	for in, outside := range l.alias {
		if v, err := t.named(outside); err == nil {
			t.values[in] = v
			delete(t.refused, in)
		}
	}
	for _, n := range l.body.nodes {
		for _, out := range n.outputs {
			delete(t.values, out)
			delete(t.refused, out)
		}
	}
	for key, v := range l.s.values {
		if v := l.given(v); v != nil {
			if err := t.spend(v.size()); err != nil {
				return nil, err
			}
			t.values[key] = v
		}
	}
	need := map[string]bool{name: true}
	var nodes []*nodeProto // the last one first
	for k := len(l.body.nodes) - 1; k >= 0; k-- {
		n := l.body.nodes[k]
		wanted := false
		for _, out := range n.outputs {
			wanted = wanted || out != "" && need[out] && t.values[out] == nil
		}
		if !wanted {
			continue
		}
		if ops[n.op] == nil || cells[n.op] || len(n.graphs()) > 0 || n.domain != "" && n.domain != "ai.onnx" {
			return nil, fmt.Errorf("node %q (%s): which is not known beside a cell in a loop", n.name, n.op)
		}
		nodes = append(nodes, n)
		for _, in := range n.inputs {
			need[in] = true
		}
	}
	for k := len(nodes) - 1; k >= 0; k-- {
		if err := ops[nodes[k].op](t, nodes[k]); err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", nodes[k].name, nodes[k].op, err)
		}
	}
	v, err := t.named(name)
	if err != nil {
		return nil, err
	}
	if v.constant() || v.last || len(v.shape) >= maxDims {
		return nil, errors.New("found a constant, or a value of the last step")
	}
	return v, t.settle(v)
}

// within reports whether the nodes are those of a single step.
func (t *translation) within() bool { return t.around != nil || t.inside }
