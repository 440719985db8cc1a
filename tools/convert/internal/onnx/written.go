package onnx

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// cellOp is the op of a node that stands for the nodes of a cell that was written out.
// Its inputs are h, then c of an LSTM, then the parts of x; its outputs h and c.
const cellOp = "a cell"

// writtenOut finds cells in a graph that is one step, whose states are inputs and come
// back as outputs, and puts one node in the place of each. An output may carry a state
// of an input if both have one shape, and if that is said to be a state where some are. A
// graph that is too large for that, or in which nothing is found, stays as it is; in which
// a state may as well be the input, is an error.
func (t *translation) writtenOut() error {
	var inputs []*valueProto
	for _, in := range t.graph.inputs {
		if _, stored := t.stored[in.name]; !stored && in.hasShape && (in.elem == typeFloat || in.elem == typeFloat16 || in.elem == typeDouble) {
			inputs = append(inputs, in)
		}
	}
	for _, name := range t.said {
		if !slices.ContainsFunc(inputs, func(in *valueProto) bool { return in.name == name }) {
			return fmt.Errorf("found no input %q of floats that may be a state", name)
		}
	}
	if len(inputs) < 2 {
		return nil
	}
	// Where all begin with one number, that counts streams.
	streams := !slices.ContainsFunc(inputs, func(in *valueProto) bool { return len(in.dims) != 2 || in.dims[0] != inputs[0].dims[0] })
	s := t.stepOf(t.graph)
	for name, p := range t.stored {
		s.stored[name] = p
	}
	for _, in := range inputs {
		shape := make([]int, len(in.dims))
		for k, d := range in.dims {
			shape[k] = max(1, int(min(d, 1<<30)))
			if k == 0 && len(shape) == 2 && streams {
				shape[k] = 1
			}
		}
		v, err := s.leaves(shape, make([]mark, len(shape)))
		if err != nil {
			continue // whoever reads it says so
		}
		s.values[in.name] = v
	}
	s.attempt(t.graph.nodes)
	after := map[cellmatch.Value]bool{}
	for _, in := range inputs {
		from := s.values[in.name]
		if len(t.said) > 0 && !slices.Contains(t.said, in.name) {
			continue
		}
		for _, o := range t.graph.outputs {
			v := s.values[o.name]
			if from == nil || v == nil || v.constant() || !slices.Equal(v.shape, from.shape) {
				continue
			}
			if s.spend(symbolCost*len(v.refs)) != nil {
				return nil
			}
			s.step.State(from.symbols(), v.symbols())
			for _, e := range v.symbols() {
				after[s.step.Canonical(e)] = true
			}
		}
	}
	if len(after) == 0 {
		return nil
	}
	names, err := s.lists(inputs)
	if err != nil {
		return nil
	}
	tried := map[string]bool{}
	before := t.live()
	found := false
	for _, n := range slices.Clone(t.graph.nodes) {
		for _, out := range n.outputs {
			v := s.values[out]
			if v == nil || v.constant() || v.size() == 0 || slices.ContainsFunc(v.symbols(), func(e cellmatch.Value) bool { return !after[s.step.Canonical(e)] }) {
				continue
			}
			key := s.keyOf(v.symbols())
			if tried[key] {
				continue
			}
			tried[key] = true
			c, err := s.step.Match(v.symbols())
			if err != nil {
				continue
			}
			if c.Either != nil {
				return s.either(n, inputs, c.Either)
			}
			if t.replace(s, names, n, out, c) {
				found = true
			}
		}
	}
	if found {
		t.prune(before)
	}
	return nil
}

// either is the error that one of these numbers is the state of a cell, and another its input.
func (t *translation) either(n *nodeProto, inputs []*valueProto, leaves []cellmatch.Value) error {
	var names []string
	for _, in := range inputs {
		if v := t.values[in.name]; v != nil && slices.ContainsFunc(v.symbols(), func(e cellmatch.Value) bool { return slices.Contains(leaves, e) }) {
			names = append(names, fmt.Sprintf("%q", in.name))
		}
	}
	return fmt.Errorf("node %q (%s): found the step of a cell of which %s, of one shape, may be the state: name the inputs that are states, all of them, with -state", n.name, n.op, strings.Join(names, " and "))
}

// lists are the values of a step by their numbers, the first one of each.
func (t *translation) lists(inputs []*valueProto) (map[string]string, error) {
	names := map[string]string{}
	add := func(name string) error {
		v := t.values[name]
		if v == nil || v.constant() || v.size() == 0 {
			return nil
		}
		if err := t.spend(v.size()); err != nil {
			return err
		}
		if key := t.keyOf(v.symbols()); names[key] == "" {
			names[key] = name
		}
		return nil
	}
	for _, in := range inputs {
		if err := add(in.name); err != nil {
			return nil, err
		}
	}
	for _, n := range t.graph.nodes {
		for _, out := range n.outputs {
			if err := add(out); err != nil {
				return nil, err
			}
		}
	}
	return names, nil
}

// maxNaming is how many elements of x are looked at to find the names of its parts: two
// vectors of 2048 side by side take 6 million, and one alone none.
const maxNaming = 1 << 23

// replace puts a node in the place of the one that computes h, or c if that is first,
// and reports whether all that the cell reads has a name.
func (t *translation) replace(s *translation, names map[string]string, n *nodeProto, h string, c *cellmatch.Cell) bool {
	to := &nodeProto{op: cellOp, name: n.name, outputs: []string{h}, attributes: map[string]*attributeProto{}}
	states := [][]cellmatch.Value{c.H}
	if c.C != nil {
		states = append(states, c.C)
	}
	for _, list := range states {
		name := names[s.keyOf(list)]
		if name == "" {
			return false
		}
		to.inputs = append(to.inputs, name)
	}
	for from, work := 0, 0; from < len(c.X); {
		end := len(c.X)
		for end > from && names[s.keyOf(c.X[from:end])] == "" {
			if work += end - from; work > maxNaming {
				return false
			}
			end--
		}
		if end == from {
			return false
		}
		to.inputs = append(to.inputs, names[s.keyOf(c.X[from:end])])
		from = end
	}
	at := slices.Index(t.graph.nodes, n)
	if c.C != nil {
		name := names[s.keyOf(c.NextC)]
		if name == "" {
			return false
		}
		to.outputs = append(to.outputs, name)
		for k, other := range t.graph.nodes {
			if slices.Contains(other.outputs, name) {
				at = min(at, k)
			}
		}
	}
	to.found = &writtenCell{c, s.values[h].shape}
	t.graph.nodes = slices.DeleteFunc(slices.Insert(slices.Clone(t.graph.nodes), at, to), func(n *nodeProto) bool {
		return n != to && slices.ContainsFunc(n.outputs, func(o string) bool { return slices.Contains(to.outputs, o) })
	})
	return true
}

// A writtenCell is a cell that was found, with the shape of its h.
type writtenCell struct {
	*cellmatch.Cell
	shape []int
}

// states is how many states the cell has.
func (c *writtenCell) states() int {
	if c.C != nil {
		return 2
	}
	return 1
}

// live are the names that the outputs need.
func (t *translation) live() map[string]bool {
	producer := map[string]*nodeProto{}
	for _, n := range t.graph.nodes {
		for _, out := range n.outputs {
			producer[out] = n
		}
	}
	need := map[string]bool{}
	var names []string
	for _, o := range t.graph.outputs {
		names = append(names, o.name)
	}
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		if need[name] {
			continue
		}
		need[name] = true
		if n := producer[name]; n != nil {
			names = append(names, n.reads()...)
		}
	}
	return need
}

// prune takes away what was needed before, and is not now.
func (t *translation) prune(before map[string]bool) {
	now := t.live()
	gone := func(name string) bool { return before[name] && !now[name] }
	t.graph.nodes = slices.DeleteFunc(t.graph.nodes, func(n *nodeProto) bool {
		return slices.ContainsFunc(n.outputs, gone) && !slices.ContainsFunc(n.outputs, func(o string) bool { return now[o] })
	})
	t.graph.initializers = slices.DeleteFunc(t.graph.initializers, func(p *tensorProto) bool { return gone(p.name) })
}

// written translates a cell that was written out for one step.
func (t *translation) written(n *nodeProto) error {
	c := n.found
	if c == nil {
		return errors.New("found an op that no exporter writes")
	}
	x := &tensor{kind: activation}
	for k := c.states(); k < len(n.inputs); k++ {
		v, err := t.must(n, k)
		if err != nil {
			return err
		}
		if v.constant() || v.last {
			return fmt.Errorf("found x in %q, a constant or the last step of a sequence, supported is a value of every step", n.inputs[k])
		}
		if x.free == nil {
			x.shape, x.free = v.shape, v.free
		}
		if union(v.free)&^union(x.free) != 0 {
			return errors.New("found parts of x with different dimensions of time steps or streams")
		}
		x.refs = slices.Concat(x.refs, v.refs)
	}
	around := &cell{n: n, directions: 1, H: len(c.H)}
	f := foundCell{Cell: c.Cell, name: n.layerName(), x: x}
	var err error
	if f.h0, err = t.initial(around, 0, "the state h"); err != nil {
		return err
	}
	if c.C != nil {
		if f.c0, err = t.initial(around, 1, "the state c"); err != nil {
			return err
		}
	}
	// Each stream has its own state: a dimension of x that is not one of h is time,
	// along which a cell that is one step does not run.
	h0 := t.values[n.inputs[0]]
	if bits.OnesCount16(uint16(union(x.free))) > len(slices.DeleteFunc(slices.Clone(h0.free), func(m mark) bool { return m == 0 })) {
		return fmt.Errorf("found a cell that is written out for one step, and several steps or streams in its input for one state %q; supported is a step", n.inputs[0])
	}
	if err := t.along(0); err != nil {
		return err
	}
	free := make([]mark, len(c.shape))
	for d := range free {
		switch {
		case len(x.shape) == len(c.shape):
			free[d] = x.free[d]
		case len(h0.shape) == len(c.shape) && h0.free[d] != 0:
			free[d] = union(x.free)
		}
	}
	h, _, last, err := t.addFound(f)
	if err != nil {
		return err
	}
	t.set(n, 0, &tensor{shape: c.shape, free: free, kind: activation, refs: h})
	if c.C != nil {
		t.set(n, 1, &tensor{shape: c.shape, free: free, kind: activation, refs: last})
	}
	t.note("node %q and those before it are one cell that was written out: %v", n.name, c.Kind)
	return nil
}
