package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// gateCount is the number of gates in an op's W, R and B.
var gateCount = map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}

// cell translates RNN, GRU and LSTM.
func (t *translation) cell(n *nodeProto) error {
	if d := n.text("direction", "forward"); d != "forward" {
		return fmt.Errorf("found direction %q, which cannot stream, supported is forward", d)
	}
	if a := n.attributes["clip"]; a != nil && a.f != 0 {
		return fmt.Errorf("found clip %v, supported is none", a.f)
	}
	if a := n.attributes["activation_alpha"]; a != nil && len(a.floats) > 0 {
		return errors.New("found activation_alpha, supported are activations without parameters")
	}
	if v, err := t.value(n, 4); err != nil {
		return err
	} else if v != nil {
		return fmt.Errorf("found sequence_lens %q, supported is none: each step is part of the sequence", n.input(4))
	}
	f, err := n.cellActivation()
	if err != nil {
		return err
	}
	W, err := t.parameter(n, 1, "W")
	if err != nil {
		return err
	}
	R, err := t.parameter(n, 2, "R")
	if err != nil {
		return err
	}
	gates := gateCount[n.op]
	if len(R.shape) != 3 || R.shape[0] != 1 || R.shape[2] < 1 || R.shape[1] != gates*R.shape[2] {
		return fmt.Errorf("found R of shape %v, expected [1, %d·H, H]", R.shape, gates)
	}
	H := R.shape[2]
	if a := n.attributes["hidden_size"]; a != nil && a.i != int64(H) {
		return fmt.Errorf("found hidden_size %d with R of shape %v", a.i, R.shape)
	}
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if len(x.shape) != 3 || x.shape[0] != 1 || x.shape[1] != 1 {
		return fmt.Errorf("found X of shape %v at one time step, expected [1, 1, features]: export with dynamic or single time and batch dimensions", x.shape)
	}
	if len(W.shape) != 3 || W.shape[0] != 1 || W.shape[1] != gates*H || W.shape[2] != x.shape[2] {
		return fmt.Errorf("found W of shape %v, expected [1, %d, %d]", W.shape, gates*H, x.shape[2])
	}
	wb, rb, err := t.biases(n, gates*H)
	if err != nil {
		return err
	}
	P, err := t.peepholes(n, H)
	if err != nil {
		return err
	}
	if err := t.spend(len(W.f) + len(R.f) + 3*H); err != nil {
		return err
	}
	name := n.layerName()
	buf, err := t.whole(name+".input", x)
	if err != nil {
		return err
	}
	h0, hIn, err := t.initial(n, 5, "initial_h", H)
	if err != nil {
		return err
	}
	w := format.Weights{H0: h0}
	var cIn []ref
	if n.op == "LSTM" {
		if w.C0, cIn, err = t.initial(n, 6, "initial_c", H); err != nil {
			return err
		}
	}
	order := func(gates ...int) {
		w.W, w.R = rows(W.f, H*x.shape[2], gates), rows(R.f, H*H, gates)
		if n.op == "GRU" && n.integer("linear_before_reset", 0) != 0 {
			w.B, w.BR = rows(wb, H, gates), rows(rb, H, gates)
		} else {
			w.B = rows(sum(wb, rb), H, gates)
		}
	}
	var y format.Buffer
	switch {
	case n.op == "RNN":
		order(0)
		y = t.builder.RNN(name, buf, w, f)
	case n.op == "GRU":
		order(1, 0, 2) // z, r, h
		if n.integer("linear_before_reset", 0) != 0 {
			y = t.builder.GRU(name, buf, w)
		} else {
			y = t.builder.GRUBefore(name, buf, w)
		}
	case n.integer("input_forget", 0) != 0: // f = 1 − i; f's parameters do not count
		order(0, 3, 1) // i, o, f, c
		w.P = rows(P, H, []int{0, 1})
		y = t.builder.CoupledLSTM(name, buf, w)
	default:
		order(0, 2, 3, 1)
		w.P = rows(P, H, []int{0, 2, 1}) // i, o, f
		y = t.builder.LSTM(name, buf, w)
	}
	t.cellOutputs(n, x, H, y, hIn, cIn)
	return nil
}

// cellOutputs makes Y, Y_h and Y_c values and remembers states that were fed in.
func (t *translation) cellOutputs(n *nodeProto, x *tensor, H int, buf format.Buffer, hIn, cIn []ref) {
	time, batch := x.free[0], x.free[1]
	y, yFree := []int{1, 1, 1, H}, []bool{time, false, batch, false}
	last, lastFree := []int{1, 1, H}, []bool{false, batch, false}
	if n.integer("layout", 0) != 0 {
		yFree = []bool{x.free[0], x.free[1], false, false}
		lastFree = []bool{x.free[0], false, false}
	}
	out := t.computed(y, yFree, buf)
	t.set(n, 0, out)
	final := func(k sourceKind) *tensor {
		return &tensor{shape: last, free: lastFree, kind: activation, refs: t.addSource(source{kind: k, width: H, of: out.refs[0].source})}
	}
	h := final(hiddenLast)
	t.set(n, 1, h)
	if hIn != nil {
		t.states = append(t.states, fedState{n, "initial_h", hIn, h.refs[0].source})
	}
	if n.op == "LSTM" {
		c := final(cellLast)
		t.set(n, 2, c)
		if cIn != nil {
			t.states = append(t.states, fedState{n, "initial_c", cIn, c.refs[0].source})
		}
	}
}

// cellActivation checks the activations: the defaults, and Relu for an RNN.
func (n *nodeProto) cellActivation() (format.Activation, error) {
	want := map[string][]string{"RNN": {"tanh"}, "GRU": {"sigmoid", "tanh"}, "LSTM": {"sigmoid", "tanh", "tanh"}}[n.op]
	a := n.attributes["activations"]
	if a == nil || len(a.strings) == 0 {
		return format.Tanh, nil
	}
	var have []string
	for _, s := range a.strings {
		have = append(have, strings.ToLower(s))
	}
	if n.op == "RNN" && slices.Equal(have, []string{"relu"}) {
		return format.Relu, nil
	}
	if !slices.Equal(have, want) {
		return 0, fmt.Errorf("found activations %q, supported are %q", a.strings, want)
	}
	return format.Tanh, nil
}

// parameter returns an input that has to be constant floats.
func (t *translation) parameter(n *nodeProto, k int, role string) (*tensor, error) {
	if n.input(k) == "" {
		return nil, fmt.Errorf("found no %s", role)
	}
	v, err := t.value(n, k)
	if err != nil {
		return nil, err
	}
	if v.kind == activation {
		what := "a computed value"
		for _, in := range t.graph.inputs {
			if in.name == n.input(k) {
				what = "the graph input"
			}
		}
		return nil, fmt.Errorf("found %s in %s %q, supported are weights stored in the file", role, what, n.input(k))
	}
	if v.kind != floats {
		return nil, fmt.Errorf("found %s of integers, expected floats", role)
	}
	return v, nil
}

// biases returns the two halves of B, nil for none.
func (t *translation) biases(n *nodeProto, size int) (wb, rb []float32, err error) {
	if n.input(3) == "" {
		return nil, nil, nil
	}
	B, err := t.parameter(n, 3, "B")
	if err != nil {
		return nil, nil, err
	}
	if len(B.f) != 2*size {
		return nil, nil, fmt.Errorf("found B of shape %v, expected [1, %d]", B.shape, 2*size)
	}
	return B.f[:size], B.f[size:], nil
}

func (t *translation) peepholes(n *nodeProto, H int) ([]float32, error) {
	if n.op != "LSTM" || n.input(7) == "" {
		return nil, nil
	}
	P, err := t.parameter(n, 7, "P")
	if err != nil {
		return nil, err
	}
	if len(P.f) != 3*H {
		return nil, fmt.Errorf("found P of shape %v, expected [1, %d]", P.shape, 3*H)
	}
	return P.f, nil
}

// initial returns an initial state: constant, or the graph input it is fed from;
// neither for zeros.
func (t *translation) initial(n *nodeProto, k int, slot string, H int) ([]float32, []ref, error) {
	v, err := t.value(n, k)
	if err != nil || v == nil {
		return nil, nil, err
	}
	if v.size() != H || v.kind == ints {
		return nil, nil, fmt.Errorf("found %s of shape %v, expected %d floats for one stream", slot, v.shape, H)
	}
	if v.kind == floats {
		if !slices.ContainsFunc(v.f, func(f float32) bool { return f != 0 }) {
			return nil, nil, nil
		}
		return v.f, nil, nil
	}
	for _, r := range v.refs {
		if t.sources[r.source].kind != fromInput || r.source != v.refs[0].source {
			return nil, nil, fmt.Errorf("found %s computed from %s, supported are a constant and a graph input", slot, t.describe(r.source))
		}
	}
	return nil, v.refs, nil
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
	if name == "" && len(n.outputs) > 0 {
		name = n.outputs[0]
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
