package onnx

import (
	"errors"
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/format"
)

// gateCount is the number of gates in an op's W, R and B.
var gateCount = map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}

// A cell is a RNN, GRU or LSTM node: one layer for each direction.
type cell struct {
	n          *nodeProto
	directions int
	backward   bool // the only direction is reverse
	batchFirst bool // layout 1
	functions  [][]format.Function
	clip       float32

	x          *tensor // one time step of one stream
	H          int
	W, R, B, P []float32 // of all directions; B and P nil for none
	h0, c0     initial
}

// cell translates RNN, GRU and LSTM.
func (t *translation) cell(n *nodeProto) error {
	if t.step != nil {
		return errors.New("found a cell inside a step")
	}
	c := &cell{n: n}
	if err := t.attributes(c); err != nil {
		return err
	}
	if err := t.weights(c); err != nil {
		return err
	}
	if err := t.writtenSteps(c); err != nil {
		return err
	}
	if err := t.sequenceLength(c); err != nil {
		return err
	}
	var err error
	if c.h0, err = t.initial(c, 5, "initial_h"); err != nil {
		return err
	}
	if n.op == "LSTM" {
		if c.c0, err = t.initial(c, 6, "initial_c"); err != nil {
			return err
		}
	}
	return t.directions(c)
}

// attributes reads what the node's attributes say.
func (t *translation) attributes(c *cell) (err error) {
	n := c.n
	switch d := n.text("direction", "forward"); d {
	case "forward":
		c.directions = 1
	case "reverse":
		c.directions, c.backward = 1, true
	case "bidirectional":
		c.directions = 2
	default:
		return fmt.Errorf("found direction %q, supported are forward, reverse and bidirectional", d)
	}
	switch l := n.integer("layout", 0); l {
	case 0, 1:
		c.batchFirst = l == 1
	default:
		return fmt.Errorf("found layout %d, supported are 0 and 1", l)
	}
	if n.integer("output_sequence", 1) == 0 {
		return errors.New("found output_sequence 0 of opset 1, supported is opset 7 and later: convert the model to it")
	}
	if a := n.attributes["clip"]; a != nil {
		if !(a.f >= 0) {
			return fmt.Errorf("found clip %v, supported is a positive number", a.f)
		}
		if a.f <= math.MaxFloat32 {
			c.clip = a.f
		}
	}
	c.functions, err = t.cellFunctions(n, c.directions)
	return err
}

// weights reads X, W, R, B and P and verifies their shapes.
func (t *translation) weights(c *cell) error {
	n, D := c.n, c.directions
	W, err := t.parameter(n, 1, "W")
	if err != nil {
		return err
	}
	R, err := t.parameter(n, 2, "R")
	if err != nil {
		return err
	}
	gates := gateCount[n.op]
	if len(R.shape) != 3 || R.shape[0] != D || R.shape[2] < 1 || R.shape[1] != gates*R.shape[2] {
		return fmt.Errorf("found R of shape %v, expected [%d, %d·H, H]", R.shape, D, gates)
	}
	c.H = R.shape[2]
	if a := n.attributes["hidden_size"]; a != nil && a.i != int64(c.H) {
		return fmt.Errorf("found hidden_size %d with R of shape %v", a.i, R.shape)
	}
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if len(x.shape) != 3 || x.shape[0] != 1 || x.shape[1] != 1 {
		return fmt.Errorf("found X of shape %v at one time step, expected [1, 1, features]: export with dynamic or single time and batch dimensions", x.shape)
	}
	if x.last {
		return errors.New("found X of the last time step only, supported is one of every step")
	}
	if x.free[2] != 0 {
		return mixing(x)
	}
	time, _ := c.dimensions()
	if err := t.along(x.free[time]); err != nil {
		return err
	}
	if len(W.shape) != 3 || W.shape[0] != D || W.shape[1] != gates*c.H || W.shape[2] != x.shape[2] {
		return fmt.Errorf("found W of shape %v, expected [%d, %d, %d]", W.shape, D, gates*c.H, x.shape[2])
	}
	c.x, c.W, c.R = x, W.f, R.f
	if c.B, err = t.vectors(c, 3, "B", 2*gates*c.H); err != nil {
		return err
	}
	if n.op == "LSTM" {
		if c.P, err = t.vectors(c, 7, "P", 3*c.H); err != nil {
			return err
		}
	}
	return t.spend(len(W.f) + len(R.f) + 3*D*c.H)
}

// vectors returns an optional input of a vector for each direction, nil for none.
func (t *translation) vectors(c *cell, k int, role string, size int) ([]float32, error) {
	if c.n.input(k) == "" {
		return nil, nil
	}
	v, err := t.parameter(c.n, k, role)
	if err != nil {
		return nil, err
	}
	if len(v.f) != c.directions*size {
		return nil, fmt.Errorf("found %s of shape %v, expected [%d, %d]", role, v.shape, c.directions, size)
	}
	return v.f, nil
}

// cellLayer adds the layer of direction d, which reads x in its own order of time.
func (t *translation) cellLayer(c *cell, d int, name string, x format.Buffer) format.Buffer {
	n, H, gates := c.n, c.H, gateCount[c.n.op]
	W, R, P := part(c.W, d, c.directions), part(c.R, d, c.directions), part(c.P, d, c.directions)
	var wb, rb []float32
	if B := part(c.B, d, c.directions); B != nil {
		wb, rb = B[:gates*H], B[gates*H:]
	}
	w := format.Weights{H0: part(c.h0.constant, d, c.directions), C0: part(c.c0.constant, d, c.directions)}
	after := n.op == "GRU" && n.integer("linear_before_reset", 0) != 0
	order := func(gates ...int) {
		w.W, w.R = rows(W, len(W)/gateCount[n.op], gates), rows(R, H*H, gates)
		if after {
			w.B, w.BR = rows(wb, H, gates), rows(rb, H, gates)
		} else {
			w.B = rows(sum(wb, rb), H, gates)
		}
	}
	opts := []format.CellOption{format.WithFunctions(c.functions[d]...), format.WithClip(c.clip)}
	switch {
	case n.op == "RNN":
		order(0)
		return t.builder.RNN(name, x, w, format.Tanh, opts...)
	case after:
		order(1, 0, 2) // z, r, h
		return t.builder.GRU(name, x, w, opts...)
	case n.op == "GRU":
		order(1, 0, 2)
		return t.builder.GRUBefore(name, x, w, opts...)
	case n.integer("input_forget", 0) != 0: // f = 1 − i; f's parameters do not count
		order(0, 3, 1) // i, o, f, c
		w.P = rows(P, H, []int{0, 1})
		return t.builder.CoupledLSTM(name, x, w, opts...)
	}
	order(0, 2, 3, 1)
	w.P = rows(P, H, []int{0, 2, 1}) // i, o, f
	return t.builder.LSTM(name, x, w, opts...)
}

// parameter returns an input that has to be constant floats.
func (t *translation) parameter(n *nodeProto, k int, role string) (*tensor, error) {
	name := n.input(k)
	if name == "" {
		return nil, fmt.Errorf("found no %s", role)
	}
	v, err := t.value(n, k)
	if err != nil {
		return nil, err
	}
	if v.kind == activation {
		for _, in := range t.graph.inputs {
			if in.name == name {
				return nil, fmt.Errorf("found %s in the graph input %q, supported are constants: if it is one, give its value with -bind %s=FILE (.pb or .npy)", role, name, name)
			}
		}
		return nil, fmt.Errorf("found %s in a computed value %q, supported are constants", role, name)
	}
	if v.kind != floats {
		return nil, fmt.Errorf("found %s of integers, expected floats", role)
	}
	return v, v.known()
}

// along makes a dimension the time of the model; there is one.
func (t *translation) along(m mark) error {
	if t.timed && m != t.time {
		return errors.New("found nodes that run along different dimensions of the input, as over time and over streams; supported is that all run over time")
	}
	if t.conditions&m != 0 {
		return errConditions
	}
	t.time, t.timed = m, true
	return nil
}

// part is the share of direction d in a tensor of all, nil for nil.
func part(v []float32, d, directions int) []float32 {
	if v == nil {
		return nil
	}
	size := len(v) / directions
	return v[d*size:][:size]
}

// rows gathers blocks of v, nil for nil.
func rows(v []float32, block int, order []int) []float32 {
	if v == nil {
		return nil
	}
	out := make([]float32, 0, len(order)*block)
	for _, g := range order {
		out = append(out, v[g*block:][:block]...)
	}
	return out
}

// sum adds with one rounding.
func sum(a, b []float32) []float32 {
	if a == nil {
		return nil
	}
	s := make([]float32, len(a))
	for k := range s {
		s[k] = a[k] + b[k]
	}
	return s
}

func (n *nodeProto) text(name, otherwise string) string {
	if a := n.attributes[name]; a != nil && a.s != "" {
		return a.s
	}
	return otherwise
}

func (n *nodeProto) integer(name string, otherwise int64) int64 {
	if a := n.attributes[name]; a != nil {
		return a.i
	}
	return otherwise
}

// layerName is what the layer is called: the node's name, or its first output's.
func (n *nodeProto) layerName() string {
	name := n.name
	for k := 0; name == "" && k < len(n.outputs); k++ {
		name = n.outputs[k]
	}
	if name == "" {
		name = n.op
	}
	const limit = format.MaxName - 16 // room for the tensors' endings
	if len(name) > limit {
		name = name[:limit]
	}
	return name
}
