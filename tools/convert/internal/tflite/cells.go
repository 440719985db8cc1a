package tflite

import (
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// Inputs of the LSTM operators. Each group has the gates i, f, c, o; peepholes have no c.
const (
	inW, inR, inP, inB, inProj, inProjB, inH, inC, inNorm = 1, 5, 9, 12, 16, 17, 18, 19, 20
)

// state checks that a state is the operator's own, which TFLite starts from zeros.
func (r *reader) state(n node, i int, what string) error {
	if !n.there(i) || !r.g.tensors[n.in[i]].variable {
		return fmt.Errorf("has an %s that is not a variable of its own, as TFLite has it", what)
	}
	if r.g.tensors[n.in[i]].data != nil {
		return fmt.Errorf("has an %s with values in the file, supported are states that start from zeros", what)
	}
	if r.states[n.in[i]] {
		return fmt.Errorf("shares its %s with another state, supported are states of their own", what)
	}
	r.states[n.in[i]] = true
	return nil
}

// cell adds an operator that is a cell.
func (l *lowering) cell(n node, x string) error {
	if l.inside != nil {
		return fmt.Errorf("is a cell inside a loop, supported is one or the other")
	}
	var c onnx.Cell
	var err error
	switch n.op {
	case opBothLSTM, opBothRNN:
		return l.bothWays(n, x)
	case opSequenceLSTM, opLSTM:
		c, err = l.lstm(n)
	default:
		c, err = l.rnn(n)
	}
	if err != nil {
		return err
	}
	out := fmt.Sprint(l.prefix, n.out[0])
	l.to.Cell(fmt.Sprint(cellNames[n.op], n.index), x, out, c)
	l.names[n.out[0]] = out
	return nil
}

var cellNames = map[int]string{opLSTM: "lstm", opSequenceLSTM: "lstm", opBothLSTM: "lstm", opRNN: "rnn", opSequenceRNN: "rnn", opBothRNN: "rnn"}

// along is the axis that an operator runs along, of x [batch, steps, inputs] or
// [steps, batch, inputs]; −1 for one that takes one step, of x [batch, inputs].
func (l *lowering) along(n node, timeMajor bool) (axis, inputs int, err error) {
	x := l.g.tensors[n.in[0]].shape
	rank, axis := 3, 1
	if n.op == opLSTM || n.op == opRNN {
		rank, axis = 2, -1
	} else if timeMajor {
		axis = 0
	}
	if len(x) != rank {
		return 0, 0, fmt.Errorf("has x of shape %v, want %d dimensions", x, rank)
	}
	return axis, x[rank-1], nil
}

// wide is the last dimension of a state: a row for each stream.
func (l *lowering) wide(n node, i int) int {
	shape := l.g.tensors[n.in[i]].shape
	if len(shape) == 0 {
		return 0
	}
	return shape[len(shape)-1]
}

func (l *lowering) lstm(n node) (c onnx.Cell, err error) {
	o := n.settings
	timeMajor := false
	switch n.op {
	case opBothLSTM:
		timeMajor = o.byteOr(4, 1) != 0
	case opSequenceLSTM:
		timeMajor = o.byte(3) != 0
		if o.byte(5) != 0 {
			return c, fmt.Errorf("has diagonal recurrent weights, supported are full ones")
		}
	default:
		if o.byte(3) != 0 {
			return c, fmt.Errorf("is a BASIC kernel, supported is FULL")
		}
	}
	if c.Steps, c.Inputs, err = l.along(n, timeMajor); err != nil {
		return c, err
	}
	if err = l.state(n, inH, "output state"); err != nil {
		return c, err
	}
	if err = l.state(n, inC, "cell state"); err != nil {
		return c, err
	}
	if !n.there(inW + 1) {
		return c, fmt.Errorf("lacks weights")
	}
	U, H := l.wide(n, inC), l.wide(n, inH)
	coupled := !n.there(inW)
	first := 0
	if coupled {
		first = 1
	}
	// gather joins the tensors of some gates; all of them or none are there.
	gather := func(what string, inputs []int, each int, must bool) (v []float32) {
		have := 0
		for _, i := range inputs {
			if n.there(i) {
				have++
			}
		}
		if err != nil || have == 0 && !must {
			return nil
		}
		if have != len(inputs) {
			err = fmt.Errorf("has %d tensors of %s, want %d", have, what, len(inputs))
			return nil
		}
		for _, i := range inputs {
			var part []float32
			if part, err = l.constant(n.in[i], what, each); err != nil {
				return nil
			}
			v = append(v, part...)
		}
		return v
	}
	gates := func(base int) []int { return []int{base, base + 1, base + 2, base + 3}[first:] }
	w := format.Weights{
		W:    gather("input weights", gates(inW), U*c.Inputs, true),
		R:    gather("recurrent weights", gates(inR), U*H, true),
		B:    gather("bias", gates(inB), U, true),
		P:    gather("peepholes", []int{inP, inP + 1, inP + 2}[first:], U, false),
		Norm: gather("layer normalisation", gates(inNorm), U, false),
		Proj: gather("projection", []int{inProj}, H*U, false),
	}
	w.ProjB = gather("projection bias", []int{inProjB}, H, false)
	if err != nil {
		return c, err
	}
	if w.Proj == nil && H != U {
		return c, fmt.Errorf("has %d units and an output of %d without a projection", U, H)
	}
	f, err := fused(o.byte(0))
	if err != nil {
		return c, err
	}
	if kind := l.g.tensors[n.in[0]].kind; kind != typeFloat32 && f.Kind != format.Tanh {
		return c, fmt.Errorf("ends in activation %d and computes with integers, where TFLite takes TANH whatever is said", o.byte(0))
	}
	opts := []format.CellOption{format.WithFunctions(format.Function{Kind: format.Sigmoid}, f, f)}
	if clip := o.float(1); clip != 0 {
		opts = append(opts, format.WithCellClip(clip))
	}
	if clip := o.float(2); clip != 0 && w.Proj != nil {
		opts = append(opts, format.WithProjectionClip(clip))
	}
	c.Outputs, c.Parameters = H, len(w.W)+len(w.R)+len(w.Proj)
	c.Add = func(b *format.Builder, name string, x format.Buffer) format.Buffer {
		if coupled { // i = 1 − f here, f = 1 − i there
			return b.CoupledLSTM(name, x, w.NegateGate(0, 3), opts...)
		}
		return b.LSTM(name, x, w, opts...)
	}
	return c, nil
}

// rnn has the inputs x, W, R, bias and the state.
func (l *lowering) rnn(n node) (c onnx.Cell, err error) {
	code, timeMajor := n.settings.byte(0), false
	if n.op != opRNN {
		timeMajor, code = n.settings.byte(0) != 0, n.settings.byte(1)
	}
	if c.Steps, c.Inputs, err = l.along(n, timeMajor); err != nil {
		return c, err
	}
	if err := l.state(n, 4, "hidden state"); err != nil {
		return c, err
	}
	if !n.there(1) || !n.there(2) || !n.there(3) {
		return c, fmt.Errorf("lacks weights or bias")
	}
	H := l.wide(n, 4)
	f, err := fused(code)
	if err != nil {
		return c, err
	}
	var w format.Weights
	if w.W, err = l.constant(n.in[1], "input weights", H*c.Inputs); err != nil {
		return c, err
	}
	if w.R, err = l.constant(n.in[2], "recurrent weights", H*H); err != nil {
		return c, err
	}
	if w.B, err = l.constant(n.in[3], "bias", H); err != nil {
		return c, err
	}
	c.Outputs, c.Parameters = H, len(w.W)+len(w.R)
	c.Add = func(b *format.Builder, name string, x format.Buffer) format.Buffer {
		return b.RNN(name, x, w, format.Linear, format.WithFunctions(f))
	}
	return c, nil
}

// bothWays is an operator that holds a cell for each direction: the inputs of both, in the
// order of the operator that goes one way, and x beside x of the layer before, which it may
// read apart (aux).
func (l *lowering) bothWays(n node, x string) error {
	cell, aux := l.rnn, 9
	forward, backward := []int{0, 1, 2, 3, 4}, []int{0, 5, 6, 7, 8}
	merge := n.settings.byte(2) != 0
	if n.op == opBothLSTM {
		cell, aux, merge = l.lstm, 39, n.settings.byte(3) != 0
		forward, backward = []int{0}, []int{0}
		for i := range 17 {
			forward, backward = append(forward, 1+i), append(backward, 18+i)
		}
		forward, backward = append(forward, 35, 36), append(backward, 37, 38)
	}
	for i := aux; i < len(n.in); i++ {
		if n.there(i) {
			return fmt.Errorf("has an input %d (aux), supported is one that reads x alone", i)
		}
	}
	if outputs := len(n.out); merge && outputs != 1 || !merge && outputs != 2 {
		return fmt.Errorf("has %d outputs, want one of both ways merged or one for each", outputs)
	}
	c, err := cell(n.part(forward))
	if err != nil {
		return fmt.Errorf("forward %w", err)
	}
	back, err := cell(n.part(backward))
	if err != nil {
		return fmt.Errorf("backward %w", err)
	}
	name := fmt.Sprint(cellNames[n.op], n.index)
	out := fmt.Sprint(l.prefix, n.out[0])
	ways := []string{out + ".forward", out + ".backward"}
	l.to.Cell(name+".forward", x, ways[0], c)
	l.to.Cell(name+".backward", l.turned(n, ".in", x, c.Steps), ways[1]+".turned", back)
	ways[1] = l.turned(n, ".out", ways[1]+".turned", c.Steps)
	if merge {
		l.add("Concat", n, map[string]any{"axis": -1}, ways...)
	} else {
		l.names[n.out[0]], l.names[n.out[1]] = ways[0], ways[1]
	}
	return nil
}

// turned is x with an axis in reverse order.
func (l *lowering) turned(n node, suffix, x string, axis int) string {
	return l.step("Slice", n, suffix, nil, x, l.integers(-1), l.integers(math.MinInt32), l.integers(axis), l.integers(-1))
}

// part is a node with some of the inputs.
func (n node) part(inputs []int) node {
	in := make([]int, len(inputs))
	for k, i := range inputs {
		if in[k] = -1; n.there(i) {
			in[k] = n.in[i]
		}
	}
	n.in = in
	return n
}
