package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// A loop is a Loop or Scan node around the body of one step. What goes from one run of
// the body to the next is a state, a constant, or the number of the step; a sequence is
// read at the number of the step, or by Scan itself. The cells are then found in the
// body, and the loop is their layers:
//
//	x ── Loop(h0, c0) ─┬─ h, c after the last step
//	   body: LSTM      └─ h of every step
type loop struct {
	t    *translation // of the graph around it
	s    *translation // of the body
	n    *nodeProto
	body *graphProto

	carried []carried
	counter map[string]bool   // values of the body that are the number of the step
	alias   map[string]string // inputs of the body that stay what they are outside
	known   map[cellmatch.Value]ref
	time    mark
	timed   bool
	makes   map[string]*nodeProto // the nodes of the body, by what they compute
	failed  map[string]error
}

// carried is a value that goes from one run of the body to the next.
type carried struct {
	k       int    // the input of the node that it starts from
	in, out string // in the body
	shape   []int  // of the input in the body, nil for not said
	leaves  *tensor
	next    *tensor
	name    string // of the state, once a cell has it
	final   []ref
}

// loop translates Loop.
func (t *translation) loop(n *nodeProto) error {
	l, err := t.loopOf(n)
	if err != nil {
		return err
	}
	g, states := l.body, len(n.inputs)-2
	if states < 0 || len(g.inputs) != 2+states || len(g.outputs) < 1+states || len(n.outputs) > len(g.outputs)-1 {
		return fmt.Errorf("found a body with %d inputs and %d outputs for a node with %d and %d", len(g.inputs), len(g.outputs), len(n.inputs), len(n.outputs))
	}
	l.counter[g.inputs[0].name] = true
	for k := range states {
		if err := l.carry(2+k, g.inputs[2+k], g.outputs[1+k].name); err != nil {
			return err
		}
	}
	l.count()
	if err := l.run(); err != nil {
		return err
	}
	if err := l.trips(); err != nil {
		return err
	}
	if err := l.cells(); err != nil {
		return err
	}
	return l.outputs(states, g.outputs[1+states:], nil)
}

// scan translates Scan.
func (t *translation) scan(n *nodeProto) error {
	l, err := t.loopOf(n)
	if err != nil {
		return err
	}
	g := l.body
	sequences := int(min(max(n.integer("num_scan_inputs", 0), 0), int64(len(n.inputs))))
	states := len(n.inputs) - sequences
	if t.opset < 9 || sequences == 0 || len(g.inputs) != len(n.inputs) || len(g.outputs) < states || len(n.outputs) > len(g.outputs) {
		return fmt.Errorf("found opset %d and a body with %d inputs and %d outputs for a node with %d, of which %d are sequences; supported is opset 9 and later", t.opset, len(g.inputs), len(g.outputs), len(n.inputs), sequences)
	}
	for _, name := range []string{"scan_input_directions", "scan_output_directions"} {
		if a := n.attributes[name]; a != nil && slices.ContainsFunc(a.ints, func(d int64) bool { return d != 0 }) {
			return fmt.Errorf("found %s %v, supported is forward", name, a.ints)
		}
	}
	for k := range states {
		if err := l.carry(k, g.inputs[k], g.outputs[k].name); err != nil {
			return err
		}
	}
	axes := n.attributes["scan_input_axes"]
	for k := range sequences {
		a := int64(0)
		if axes != nil && k < len(axes.ints) {
			a = axes.ints[k]
		}
		v, err := t.must(n, states+k)
		if err != nil {
			return err
		}
		if v, err = l.element(n.input(states+k), v, a); err != nil {
			return err
		}
		l.s.values[g.inputs[states+k].name] = v
	}
	if err := l.run(); err != nil {
		return err
	}
	if err := l.cells(); err != nil {
		return err
	}
	var places []int64
	if a := n.attributes["scan_output_axes"]; a != nil {
		places = a.ints
	}
	return l.outputs(states, g.outputs[states:], places)
}

// loopOf reads what Loop and Scan have in common.
func (t *translation) loopOf(n *nodeProto) (*loop, error) {
	a := n.attributes["body"]
	if t.step != nil || a == nil || a.graph == nil {
		return nil, errors.New("found no body, or a loop inside another; supported is a loop around the step of a cell")
	}
	if a.graph.sparse {
		return nil, errors.New("found sparse initializers, supported are dense ones")
	}
	recognise(a.graph)
	l := &loop{
		t: t, n: n, body: a.graph, s: t.stepOf(a.graph),
		counter: map[string]bool{}, alias: map[string]string{}, known: map[cellmatch.Value]ref{}, makes: map[string]*nodeProto{},
	}
	l.s.outer, l.s.around = t, l
	for _, p := range a.graph.initializers {
		l.s.stored[p.name] = p
	}
	for _, inner := range a.graph.nodes {
		for _, out := range inner.outputs {
			l.makes[out] = inner
		}
	}
	delete(l.makes, "")
	return l, nil
}

// carry makes input k of the node, which is input in and output out of the body, a
// state, or what it is outside if the body hands it on as it came.
func (l *loop) carry(k int, in *valueProto, out string) error {
	if l.origin(out, "Identity") == in.name {
		l.alias[in.name] = l.n.input(k)
		if v, err := l.t.must(l.n, k); err != nil {
			return err
		} else if v.constant() {
			l.s.values[in.name] = v
		}
		return nil
	}
	l.carried = append(l.carried, carried{k: k, in: in.name, out: out})
	return nil
}

// origin follows a value of the body back through nodes of some ops.
func (l *loop) origin(name string, through ...string) string {
	for range 8 * maxNesting {
		n := l.makes[name]
		if n == nil || !slices.Contains(through, n.op) {
			break
		}
		name = n.input(0)
	}
	return name
}

// count takes those that count steps out of what is carried: from 0, one more each time.
func (l *loop) count() {
	l.carried = slices.DeleteFunc(l.carried, func(c carried) bool {
		add := l.makes[l.origin(c.out, "Identity", "Cast")]
		from, err := l.t.must(l.n, c.k)
		if err != nil || add == nil || add.op != "Add" || !from.is(0) {
			return false
		}
		for j, in := range add.inputs {
			if one, err := l.constant(add.input(1 - min(j, 1))); len(add.inputs) == 2 && in == c.in && err == nil && one.is(1) {
				l.counter[c.in] = true
				return true
			}
		}
		return false
	})
}

// constant is a constant of the body that is there before its nodes run.
func (l *loop) constant(name string) (*tensor, error) {
	if n := l.makes[name]; n != nil {
		if n.op != "Constant" {
			return nil, errors.New("found a computed value")
		}
		s := &translation{values: map[string]*tensor{}}
		if err := s.constantNode(n); err != nil {
			return nil, err
		}
		return s.values[name], nil
	}
	return l.s.named(name)
}

// is reports whether v is the constant number x.
func (v *tensor) is(x int64) bool {
	return v != nil && union(v.dyn) == 0 && (v.kind == ints && len(v.i) == 1 && v.i[0] == x || v.kind == floats && len(v.f) == 1 && v.f[0] == float32(x))
}

// element is one step of a sequence from outside: v without dimension axis, which is
// time.
func (l *loop) element(name string, v *tensor, a int64) (*tensor, error) {
	d, err := axis(a, len(v.shape))
	if err != nil {
		return nil, err
	}
	if v.constant() || v.last || v.shape[d] != 1 {
		return nil, fmt.Errorf("found %q of shape %v read along axis %d, supported is a computed sequence, time of any length", name, v.shape, d)
	}
	if l.timed && l.time != v.free[d] {
		return nil, errors.New("found sequences read along different dimensions of the input")
	}
	l.time, l.timed = v.free[d], true
	u, err := l.s.leaves(slices.Delete(slices.Clone(v.shape), d, d+1), slices.Delete(slices.Clone(v.free), d, d+1))
	if err != nil {
		return nil, err
	}
	for k, e := range u.symbols() {
		l.known[e] = v.refs[k]
	}
	return u, nil
}

// read translates Gather of a sequence at the number of the step; ok is false for any
// other.
func (l *loop) read(n *nodeProto) (v *tensor, ok bool, err error) {
	if !l.counter[l.origin(n.input(1), "Identity", "Cast")] {
		return nil, false, nil
	}
	name := n.input(0)
	if outside, ok := l.alias[name]; ok {
		name = outside
	}
	if l.makes[name] != nil || l.s.values[name] != nil && !l.s.values[name].constant() {
		return nil, true, fmt.Errorf("found %q, computed inside the loop, read at the number of the step; supported is a sequence from outside", name)
	}
	if v, err = l.t.named(name); err == nil {
		v, err = l.element(name, v, n.integer("axis", 0))
	}
	return v, true, err
}

// run computes the body once, with states of which nothing is known.
func (l *loop) run() error {
	for k := range l.carried {
		c := &l.carried[k]
		v, err := l.t.must(l.n, c.k)
		if err != nil {
			return err
		}
		if v.kind == ints {
			continue // whoever reads it says so
		}
		if c.leaves, err = l.s.leaves(v.shape, v.free); err != nil {
			return err
		}
		l.s.values[c.in] = c.leaves
	}
	l.failed = l.s.attempt(l.body.nodes)
	l.t.budget = l.s.budget
	for k := range l.carried {
		c := &l.carried[k]
		v, err := l.result(c.out)
		if err != nil {
			return err
		}
		if c.leaves == nil || v.constant() || len(v.refs) != len(c.leaves.refs) {
			return fmt.Errorf("found %q carried from step to step, which is neither a state of floats, a constant nor the number of the step", c.in)
		}
		c.next = v
		l.s.step.State(c.leaves.symbols(), v.symbols())
	}
	return nil
}

// result is an output of the body, or why there is none.
func (l *loop) result(name string) (*tensor, error) {
	if err := l.failed[name]; err != nil {
		return nil, err
	}
	if v := l.s.values[name]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("found the output %q of the body, which nothing in it computes", name)
}

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
