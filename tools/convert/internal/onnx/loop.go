package onnx

import (
	"errors"
	"fmt"
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
