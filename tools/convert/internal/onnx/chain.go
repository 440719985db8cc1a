package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// PyTorch's newest exporter writes out all steps of an RNN that it knows the length of:
//
//	P  = MatMul(x, W) + b             e1 = P[0], e2 = P[1], …
//	s1 = Tanh(c + e1)                 c  = MatMul(h0, R) + br
//	s2 = Tanh(MatMul(s1, R) + br + e2)
//	…                                 Concat(s1, s2, …) along time, or the last s
//
// An RNN node takes the place of such a chain, wherever it stands, and runs along dimension 0
// of x; in a direction that runs backward P is turned around, and Concat has the last state
// first. How many steps the chain has is compared with the length of x when the node is
// translated. Whatever is not exactly this stays as it is.
type chain struct {
	p        pattern
	g        *graphProto
	function *nodeProto // of the first step
	states   []string   // in the order of the chain
	sequence string     // P
	R        string
	bias     string       // br, "" for none
	initial  string       // h0, "" for zeros
	zeros    *tensorProto // what h0 gives in the first step, folded
}

// maxChains is the most layers and directions that are looked for.
const maxChains = 256

// stepsAttribute is how many steps an RNN that was written out has.
const stepsAttribute = "steps written out"

// chains puts RNN nodes in the place of steps of a RNN.
func (t *translation) chains() {
	p := patterns(t.graph)
	readers := map[string][]*nodeProto{}
	for _, n := range t.graph.nodes {
		for _, in := range n.reads() {
			readers[in] = append(readers[in], n)
		}
	}
	before, found := t.live(), 0
	for _, n := range slices.Clone(t.graph.nodes) {
		if found == maxChains {
			break
		}
		if c := (chain{p: p, g: t.graph, function: n}); c.first() && c.follow(readers) && c.replace(readers) {
			t.note("node %q and those after it are %d steps of an RNN that were written out: the model takes any number", n.name, len(c.states))
			found++
		}
	}
	if found > 0 {
		t.prune(before)
	}
}

// element is the value of which name is one element along dimension 0, and which one.
func (c *chain) element(name string) (of string, index int64, ok bool) {
	n := c.p.made(name, "Squeeze", "Gather")
	if n == nil {
		return "", 0, false
	}
	if n.op == "Gather" {
		i := c.p.known(n.input(1))
		return n.input(0), lone(i), n.integer("axis", 0) == 0 && lone(i) >= 0 && len(i.shape) == 0
	}
	part := c.p.made(n.input(0), "Slice", "Split")
	if axes := c.p.axes(n); part == nil || !slices.Equal(axes, []int64{0}) {
		return "", 0, false
	}
	if part.op == "Split" {
		sizes := c.p.known(part.input(1))
		if part.integer("axis", 0) != 0 || sizes != nil && slices.ContainsFunc(sizes.i, func(s int64) bool { return s != 1 }) {
			return "", 0, false
		}
		return part.input(0), int64(slices.Index(part.outputs, n.input(0))), true // one that Squeeze leaves 1 of
	}
	from, to, axis := lone(c.p.known(part.input(1))), lone(c.p.known(part.input(2))), lone(c.p.known(part.input(3)))
	ok = from >= 0 && to == from+1 && axis == 0 && (part.input(4) == "" || lone(c.p.known(part.input(4))) == 1)
	return part.input(0), from, ok
}

// lone is the only number of a constant, −1 for anything else.
func lone(v *tensor) int64 {
	if v == nil || len(v.i) != 1 {
		return -1
	}
	return v.i[0]
}

// sum is which input of an Add is an element of a sequence, and the other one.
func (c *chain) sum(n *nodeProto) (of string, index int64, other string, ok bool) {
	for k := range n.inputs {
		if of, index, ok = c.element(n.inputs[k]); ok && len(n.inputs) == 2 {
			return of, index, n.inputs[1-k], true
		}
	}
	return "", 0, "", false
}

// product takes apart MatMul(x, weights) + bias, both constants.
func (c *chain) product(name string) (x, weights, bias string, ok bool) {
	if n := c.p.made(name, "Add"); n != nil && len(n.inputs) == 2 {
		k := 0
		if c.p.stored[n.inputs[0]] == nil {
			k = 1
		}
		bias, name = n.inputs[k], n.inputs[1-k]
		if b := c.p.stored[bias]; b == nil || len(b.dims) != 1 {
			return "", "", "", false
		}
	}
	n := c.p.made(name, "MatMul")
	if n == nil || c.p.stored[n.input(1)] == nil || len(c.p.stored[n.input(1)].dims) != 2 {
		return "", "", "", false
	}
	return n.input(0), n.input(1), bias, true
}

// first reports whether the function may be that of the first step: its argument is an
// element of a sequence, and what a state before it gives.
func (c *chain) first() bool {
	n := c.function
	if n.op != "Tanh" && n.op != "Relu" || len(n.outputs) != 1 || c.p.made(n.outputs[0], n.op) != n {
		return false
	}
	add := c.p.made(n.input(0), "Add")
	if add == nil {
		return false
	}
	var other string
	var index int64
	var ok bool
	if c.sequence, index, other, ok = c.sum(add); !ok || index != 0 {
		return false
	}
	c.states = n.outputs
	if c.zeros = c.p.stored[other]; c.zeros == nil {
		if c.initial, c.R, c.bias, ok = c.product(other); !ok {
			return false
		}
		before := c.p.made(c.initial, "Tanh", "Relu")
		return before == nil || c.p.made(before.input(0), "Add") == nil // a step in the middle is not the first one
	}
	return len(c.zeros.dims) == 3 && c.zeros.dims[0] == 1 // follow compares it
}

// follow finds the steps after the first.
func (c *chain) follow(readers map[string][]*nodeProto) bool {
	for {
		state := c.states[len(c.states)-1]
		next := ""
		for _, product := range readers[state] {
			if product.op != "MatMul" || product.input(0) != state {
				continue
			}
			sums := []string{product.outputs[0]}
			for _, add := range readers[product.outputs[0]] {
				if add.op == "Add" {
					sums = append(sums, add.outputs[0])
				}
			}
			for _, name := range sums {
				out, ok := c.step(name, readers)
				if !ok {
					continue
				}
				if next != "" {
					return false
				}
				next = out
			}
		}
		if next == "" {
			break
		}
		c.states = append(c.states, next)
	}
	return len(c.states) > 1 && (c.zeros == nil || c.fromZeros())
}

// step is the state after the next step, of which name is the product with the state before.
func (c *chain) step(name string, readers map[string][]*nodeProto) (out string, ok bool) {
	x, R, bias, ok := c.product(name)
	if !ok || x != c.states[len(c.states)-1] || c.R != "" && (R != c.R || bias != c.bias) {
		return "", false
	}
	for _, add := range readers[name] {
		if add.op != "Add" {
			continue
		}
		of, index, other, ok := c.sum(add)
		if !ok || of != c.sequence || index != int64(len(c.states)) || other != name {
			continue
		}
		for _, f := range readers[add.outputs[0]] {
			// In a graph that gives a name twice, who reads and who makes need not agree.
			if f.op == c.function.op && len(f.outputs) == 1 && c.p.made(f.outputs[0], f.op) == f && c.p.made(f.input(0), "Add") == add {
				c.R, c.bias = R, bias
				return f.outputs[0], true
			}
		}
	}
	return "", false
}

// turned is what a sequence is the reverse of along dimension 0, or itself.
func (c *chain) turned(sequence string) (of string, back bool) {
	n := c.p.made(sequence, "Slice")
	if n == nil || len(n.inputs) != 5 || lone(c.p.known(n.inputs[3])) != 0 {
		return sequence, false
	}
	for k, is := range map[int]func(int64) bool{
		1: func(i int64) bool { return i == -1 }, 2: func(i int64) bool { return i <= math.MinInt32 }, 4: func(i int64) bool { return i == -1 },
	} {
		if v := c.p.known(n.inputs[k]); v == nil || len(v.i) != 1 || !is(v.i[0]) {
			return sequence, false
		}
	}
	return n.inputs[0], true
}

// fromZeros reports whether the first step reads what a state of zeros gives: the bias.
func (c *chain) fromZeros() bool {
	v, err := c.zeros.decode()
	if err != nil || v.kind != floats {
		return false
	}
	H := int(c.zeros.dims[2])
	want := make([]float32, H)
	if c.bias != "" {
		b, err := c.p.stored[c.bias].decode()
		if err != nil || len(b.f) != H {
			return false
		}
		want = b.f
	}
	for row := 0; row < len(v.f); row += H { // of each stream
		if !slices.Equal(v.f[row:][:H], want) {
			return false
		}
	}
	return true
}

// replace puts the RNN into the graph, if nothing but what joins all states reads one that
// is not the last.
func (c *chain) replace(readers map[string][]*nodeProto) bool {
	sequence, back := c.turned(c.sequence)
	inTime := slices.Clone(c.states)
	if back {
		slices.Reverse(inTime)
	}
	x, W, bias, ok := c.product(sequence)
	H := c.p.stored[c.R].dims
	if !ok || H[0] < 1 || H[0] > format.MaxWidth || H[0] != H[1] || c.p.stored[W].dims[1] != H[0] {
		return false
	}
	last := c.states[len(c.states)-1]
	joins := map[*nodeProto]bool{}
	for k, state := range c.states {
		for _, n := range readers[state] {
			if _, seen := joins[n]; !seen && n.op == "Concat" {
				joins[n] = n.integer("axis", -1) == 0 && slices.Equal(n.inputs, inTime)
			}
			if joins[n] {
				continue
			}
			if n.op != "MatMul" && state != last || k+1 < len(c.states) && n.op == "MatMul" && !slices.Contains(c.products(k+1), n) {
				return false
			}
		}
		if state != last && slices.ContainsFunc(c.g.outputs, func(o *valueProto) bool { return o.name == state }) {
			return false
		}
	}
	name := c.function.name
	at := func(what string) string { return last + " " + what }
	zeros, zero := at("zeros"), at("axis")
	c.g.initializers = append(c.g.initializers, &tensorProto{name: zero, dims: []int64{1}, typ: typeInt64, int64s: []int64{0}},
		&tensorProto{name: at("axis of directions"), dims: []int64{1}, typ: typeInt64, int64s: []int64{1}})
	node := func(op string, in []string, out string, a map[string]*attributeProto) *nodeProto {
		if a == nil {
			a = map[string]*attributeProto{}
		}
		return &nodeProto{op: op, name: name, inputs: in, outputs: []string{out}, attributes: a}
	}
	var nodes []*nodeProto
	for _, w := range []string{W, c.R} {
		nodes = append(nodes, node("Transpose", []string{w}, at(w), nil), node("Unsqueeze", []string{at(w), zero}, at(w+" of one direction"), nil))
	}
	b := []string{bias, c.bias}
	if bias == "" || c.bias == "" {
		c.g.initializers = append(c.g.initializers, &tensorProto{name: zeros, dims: H[:1], typ: typeFloat, floats: make([]float32, H[0])})
	}
	for k := range b {
		if b[k] == "" {
			b[k] = zeros
		}
	}
	nodes = append(nodes, node("Concat", b, at("biases"), map[string]*attributeProto{"axis": {}}), node("Unsqueeze", []string{at("biases"), zero}, at("B"), nil))
	rnn := node("RNN", []string{x, at(W + " of one direction"), at(c.R + " of one direction"), at("B"), "", c.initial}, at("Y"), map[string]*attributeProto{
		"hidden_size": {i: H[0]}, "activations": {strings: []string{c.function.op}}, stepsAttribute: {i: int64(len(c.states))},
	})
	if back {
		rnn.attributes["direction"] = &attributeProto{s: "reverse"}
	}
	rnn.outputs = append(rnn.outputs, last)
	nodes = append(nodes, rnn)
	for _, n := range c.g.nodes {
		if joins[n] {
			nodes = append(nodes, node("Squeeze", []string{at("Y"), at("axis of directions")}, n.outputs[0], nil))
		}
	}
	at0 := slices.IndexFunc(c.g.nodes, func(n *nodeProto) bool { return slices.Equal(n.outputs, []string{last}) })
	if at0 < 0 {
		return false
	}
	rest := slices.Clone(c.g.nodes[:at0])
	rest = slices.Concat(rest, nodes, c.g.nodes[at0+1:])
	c.g.nodes = slices.DeleteFunc(rest, func(n *nodeProto) bool { return joins[n] })
	return true
}

// products are the nodes that multiply the state before step k of the chain.
func (c *chain) products(k int) []*nodeProto {
	add := c.p.made(c.p.made(c.states[k], c.function.op).input(0), "Add")
	var nodes []*nodeProto
	for _, in := range add.inputs {
		for _, name := range append([]string{in}, c.inputsOf(in)...) {
			if n := c.p.made(name, "MatMul"); n != nil {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

func (c *chain) inputsOf(name string) []string {
	if n := c.p.made(name, "Add"); n != nil {
		return n.inputs
	}
	return nil
}

// writtenSteps verifies that an RNN that was written out has as many steps as x.
func (t *translation) writtenSteps(c *cell) error {
	a := c.n.attributes[stepsAttribute]
	if a == nil {
		return nil
	}
	if h0, err := t.value(c.n, 5); err != nil || h0 != nil && len(h0.shape) != 3 {
		return errors.New("found steps of an RNN that are written out, and a first state that has not three dimensions")
	}
	if length := t.steps[c.x.free[0]]; length != a.i {
		return fmt.Errorf("found %d steps of an RNN that are written out, of a sequence of %d", a.i, length)
	}
	return nil
}
