package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// graphs are the graphs inside a node.
func (n *nodeProto) graphs() []*graphProto {
	var g []*graphProto
	for _, a := range n.attributes {
		if a.graph != nil {
			g = append(g, a.graph)
		}
	}
	return g
}

// reads are the names that a node reads: its inputs, and for a node with graphs
// inside all that is read there, of which some is computed there too.
func (n *nodeProto) reads() []string {
	names := slices.Clone(n.inputs)
	for _, g := range n.graphs() {
		for _, inner := range g.nodes {
			names = append(names, inner.reads()...)
		}
		for _, o := range g.outputs {
			names = append(names, o.name)
		}
	}
	return names
}

// all appends n and the nodes of the graphs inside it.
func (n *nodeProto) all(to []*nodeProto) []*nodeProto {
	to = append(to, n)
	for _, g := range n.graphs() {
		for _, inner := range g.nodes {
			to = inner.all(to)
		}
	}
	return to
}

var errConditions = errors.New("found a condition (If) on the number of time steps, supported is one that is the same for every length")

// conditional translates If: the condition has to be known, and chooses the branch,
// whose nodes take the place of the If.
func (t *translation) conditional(n *nodeProto) error {
	cond, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if cond.kind != ints || cond.size() != 1 {
		return fmt.Errorf("found the condition %q, a graph input or computed from one, supported is one that is known when the model is converted: give the value of the input that decides with -bind", n.input(0))
	}
	if union(cond.dyn) != 0 {
		t.note("node %q (If): its condition was taken as it is for a time step of one stream", n.name)
		if t.conditions |= union(cond.dyn); t.timed && t.conditions&t.time != 0 {
			return errConditions
		}
	}
	name := "then_branch"
	if cond.i[0] == 0 {
		name = "else_branch"
	}
	a := n.attributes[name]
	if a == nil || a.graph == nil {
		return fmt.Errorf("found no %s", name)
	}
	g := a.graph
	if len(g.outputs) != len(n.outputs) {
		return fmt.Errorf("found %d outputs of %s for %d of the node", len(g.outputs), name, len(n.outputs))
	}
	if g.sparse {
		return errors.New("found sparse initializers, supported are dense ones")
	}
	for _, p := range g.initializers {
		if t.stored[p.name] != nil || t.values[p.name] != nil {
			return fmt.Errorf("found initializer %q again in %s, expected names of their own", p.name, name)
		}
		t.stored[p.name] = p
	}
	recognise(g)
	for _, inner := range g.nodes {
		for _, out := range inner.outputs {
			if out != "" && (t.stored[out] != nil || t.values[out] != nil) {
				return fmt.Errorf("found output %q again in %s, expected names of their own", out, name)
			}
		}
	}
	if err := t.nodes(g.nodes, needed(g)); err != nil {
		return err
	}
	for k, o := range g.outputs {
		v, err := t.named(o.name)
		if err != nil {
			return err
		}
		t.set(n, k, v)
	}
	return nil
}

// needed reports which nodes the outputs of a branch need.
func needed(g *graphProto) []bool {
	live := make([]bool, len(g.nodes))
	need := map[string]bool{}
	for _, o := range g.outputs {
		need[o.name] = true
	}
	for k := len(g.nodes) - 1; k >= 0; k-- { // ONNX sorts nodes
		for _, out := range g.nodes[k].outputs {
			live[k] = live[k] || (out != "" && need[out])
		}
		if live[k] {
			for _, in := range g.nodes[k].reads() {
				need[in] = true
			}
		}
	}
	return live
}
