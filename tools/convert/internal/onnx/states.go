package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// An initial is where a node's initial state, h or c of all directions, comes from:
// a constant, or a graph input; zeros for neither.
type initial struct {
	constant []float32
	refs     []ref
}

// A fedState is an initial state that comes from a graph input.
type fedState struct {
	state string // the model's name for it
	from  []ref  // into the graph input
	final int32  // the source that holds the state after the step
}

// cellInputs are the graph inputs that feed recurrent nodes otherwise than as X.
type cellInputs struct {
	stateIn  map[string]bool // initial states
	streams  map[string]int  // initial states of one node as they are: the dimension that counts streams
	lengthIn map[string]bool // sequence lengths
}

// findStates follows the initial states and sequence lengths of cells back to graph
// inputs.
func (t *translation) findStates(live []bool) {
	t.cellInputs = cellInputs{stateIn: map[string]bool{}, streams: map[string]int{}, lengthIn: map[string]bool{}}
	var nodes []*nodeProto
	for k, n := range t.graph.nodes {
		if live[k] {
			nodes = n.all(nodes)
		}
	}
	producer := map[string]*nodeProto{}
	for _, n := range nodes {
		for _, out := range n.outputs {
			producer[out] = n
		}
	}
	var states, lengths []string
	for _, n := range nodes {
		if n.found != nil {
			for _, name := range n.inputs[:n.found.states()] {
				states = append(states, name)
				if len(n.found.shape) == 2 {
					t.streams[name] = 0
				}
			}
		}
		for k, name := range n.carries() {
			states = append(states, name)
			if dims := n.attributes["body"].graph.inputs[k].dims; len(dims) == 2 {
				t.streams[name] = 0
			}
		}
		if !cells[n.op] {
			continue
		}
		for _, name := range []string{n.input(5), n.input(6)} {
			states = append(states, name)
			t.streams[name] = 1
			if n.integer("layout", 0) != 0 {
				t.streams[name] = 0
			}
		}
		lengths = append(lengths, n.input(4))
	}
	upstream(producer, lengths, t.lengthIn, func(n *nodeProto) []string {
		if n.op == "Shape" {
			return nil
		}
		return n.inputs
	})
	upstream(producer, states, t.stateIn, func(n *nodeProto) []string {
		switch n.op {
		case "Concat":
			return n.inputs
		case "Identity", "Slice", "Squeeze", "Unsqueeze", "Transpose", "Reshape", "Flatten", "Gather", "Split", "Cast":
			return n.inputs[:min(1, len(n.inputs))]
		}
		return nil
	})
}

// upstream adds to roots what names come from and no node computes. inputs says
// which inputs of a node count.
func upstream(producer map[string]*nodeProto, names []string, roots map[string]bool, inputs func(*nodeProto) []string) {
	seen := map[string]bool{"": true}
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		if seen[name] {
			continue
		}
		seen[name] = true
		if n := producer[name]; n != nil {
			names = append(names, inputs(n)...)
		} else {
			roots[name] = true
		}
	}
}

// initial reads an initial state.
func (t *translation) initial(c *cell, k int, slot string) (initial, error) {
	var none initial
	v, err := t.value(c.n, k)
	if err != nil || v == nil {
		return none, err
	}
	size := c.directions * c.H
	if v.kind == floats {
		if err := v.known(); err != nil {
			return none, err
		}
		f, ok := c.oneStream(v)
		if !ok {
			return none, fmt.Errorf("found %s of shape %v, expected %d floats for one stream", slot, v.shape, size)
		}
		if !slices.ContainsFunc(f, func(f float32) bool { return f != 0 }) {
			return none, nil
		}
		return initial{constant: f}, nil
	}
	if v.size() != size || v.kind != activation {
		return none, fmt.Errorf("found %s of shape %v, expected %d floats for one stream", slot, v.shape, size)
	}
	for _, r := range v.refs {
		if t.sources[r.source].kind != fromInput || r.source != v.refs[0].source {
			return none, fmt.Errorf("found %s computed from %s, supported are a constant and a graph input", slot, t.describe(r.source))
		}
	}
	return initial{refs: v.refs}, nil
}

// oneStream is a constant state for one stream: the model may have been exported
// for several that start alike.
func (c *cell) oneStream(v *tensor) ([]float32, bool) {
	_, batch := c.dimensions()
	if len(v.shape) != 3 || v.shape[2] != c.H || v.shape[1-batch] != c.directions || v.shape[batch] < 1 {
		return v.f, len(v.f) == c.directions*c.H
	}
	// Row k of v is of direction k/streams, or k%directions where streams come first.
	streams := v.shape[batch]
	var one []float32
	for d := range c.directions {
		for s := range streams {
			k := d*streams + s
			if c.batchFirst {
				k = s*c.directions + d
			}
			row := v.f[k*c.H:][:c.H]
			if s == 0 {
				one = append(one, row...)
			} else if !slices.Equal(row, one[d*c.H:]) {
				return nil, false
			}
		}
	}
	return one, true
}

// sequenceLength verifies that every step is part of the sequence, or that its
// length is for the user to give.
func (t *translation) sequenceLength(c *cell) error {
	v, err := t.value(c.n, 4)
	if err != nil || v == nil {
		return err
	}
	name := c.n.input(4)
	if v.kind == activation {
		for _, r := range v.refs {
			if s := t.sources[r.source]; s.kind != fromInput || !t.lengthIn[s.name] {
				return fmt.Errorf("found sequence_lens computed from %s, supported are a constant and a graph input", t.describe(r.source))
			}
		}
		return nil
	}
	if v.kind != ints || len(v.i) == 0 || slices.ContainsFunc(v.i, func(i int64) bool { return i != v.i[0] }) {
		return errors.New("found sequence_lens that are not integers or differ from stream to stream, supported is one length")
	}
	time, _ := c.dimensions()
	steps, m := v.i[0], c.x.free[time]
	measured := !slices.ContainsFunc(v.dyn, func(from mark) bool { return from != m })
	switch length, fixed := t.steps[m]; {
	case steps == 1 && measured && (v.dyn != nil || m == 0), fixed && steps == length && union(v.dyn) == 0:
		return nil
	}
	return fmt.Errorf("found the constant sequence_lens %d, supported is the number of time steps in X or a graph input: remove %q, or export it as an input and give the length to Session.RunLength", steps, name)
}

// carries are the inputs of a loop that are states at first, by the input of its body:
// what the body does not hand on as it came.
func (n *nodeProto) carries() map[int]string {
	a := n.attributes["body"]
	if a == nil || a.graph == nil || n.op != "Loop" && n.op != "Scan" {
		return nil
	}
	ahead := 1 // outputs of a Loop's body have no number of the step
	if n.op == "Scan" {
		ahead = 0
	}
	out := map[int]string{}
	for k := 2 * ahead; k < len(n.inputs) && k < len(a.graph.inputs) && k-ahead < len(a.graph.outputs); k++ {
		if n.op == "Scan" && int64(k) >= int64(len(n.inputs))-n.integer("num_scan_inputs", 0) {
			break
		}
		if a.graph.outputs[k-ahead].name != a.graph.inputs[k].name {
			out[k] = n.inputs[k]
		}
	}
	return out
}
