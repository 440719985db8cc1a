package tflite

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
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

// sequence checks that an operator goes along the axis of steps.
func (r *reader) sequence(x value, timeMajor bool) error {
	if in := r.values[r.g.in[0]]; x.steps != in.steps {
		return fmt.Errorf("runs once, after a sequence of %d steps, supported are cells that run at each step", in.steps)
	}
	want := 1
	if timeMajor {
		want = 0
	}
	if x.time >= 0 && x.time != want {
		return fmt.Errorf("runs along axis %d, but the steps are on axis %d", want, x.time)
	}
	return nil
}

func (r *reader) lstm(n node, x value) (value, error) {
	o := n.settings
	timeMajor := x.time == 0
	if n.op == opBothLSTM {
		timeMajor = o.byteOr(4, 1) != 0
	} else if n.op == opSequenceLSTM {
		timeMajor = o.byte(3) != 0
		if o.byte(5) != 0 {
			return x, fmt.Errorf("has diagonal recurrent weights, supported are full ones")
		}
	} else if o.byte(3) != 0 {
		return x, fmt.Errorf("is a BASIC kernel, supported is FULL")
	} else if x.steps > 1 {
		return x, fmt.Errorf("takes one step, but its input has %d", x.steps)
	}
	if err := r.sequence(x, timeMajor); err != nil {
		return x, err
	}
	if err := r.state(n, inH, "output state"); err != nil {
		return x, err
	}
	if err := r.state(n, inC, "cell state"); err != nil {
		return x, err
	}
	if !n.there(inW + 1) {
		return x, fmt.Errorf("lacks weights")
	}
	U := r.g.tensors[n.in[inC]].elements
	H := r.g.tensors[n.in[inH]].elements
	coupled := !n.there(inW)
	first := 0
	if coupled {
		first = 1
	}
	var err error
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
			var c []float32
			if c, err = r.constant(n.in[i], what, each); err != nil {
				return nil
			}
			v = append(v, c...)
		}
		return v
	}
	gates := func(base int) []int { return []int{base, base + 1, base + 2, base + 3}[first:] }
	w := format.Weights{
		W:    gather("input weights", gates(inW), U*x.width, true),
		R:    gather("recurrent weights", gates(inR), U*H, true),
		B:    gather("bias", gates(inB), U, true),
		P:    gather("peepholes", []int{inP, inP + 1, inP + 2}[first:], U, false),
		Norm: gather("layer normalisation", gates(inNorm), U, false),
		Proj: gather("projection", []int{inProj}, H*U, false),
	}
	w.ProjB = gather("projection bias", []int{inProjB}, H, false)
	if err != nil {
		return x, err
	}
	if w.Proj == nil && H != U {
		return x, fmt.Errorf("has %d units and an output of %d without a projection", U, H)
	}
	f, err := fused(o.byte(0))
	if err != nil {
		return x, err
	}
	if kind := r.g.tensors[n.in[0]].kind; kind != typeFloat32 && f.Kind != format.Tanh {
		return x, fmt.Errorf("ends in activation %d and computes with integers, where TFLite takes TANH whatever is said", o.byte(0))
	}
	opts := []format.CellOption{format.WithFunctions(format.Function{Kind: format.Sigmoid}, f, f)}
	if clip := o.float(1); clip != 0 {
		opts = append(opts, format.WithCellClip(clip))
	}
	if clip := o.float(2); clip != 0 && w.Proj != nil {
		opts = append(opts, format.WithProjectionClip(clip))
	}
	name := fmt.Sprintf("lstm%d%s", n.index, n.way)
	if coupled { // i = 1 − f here, f = 1 − i there
		x.buf = r.b.CoupledLSTM(name, x.buf, w.NegateGate(0, 3), opts...)
	} else {
		x.buf = r.b.LSTM(name, x.buf, w, opts...)
	}
	x.width = H
	return x, nil
}

// rnn has the inputs x, W, R, bias and the state.
func (r *reader) rnn(n node, x value) (value, error) {
	o := n.settings
	code, timeMajor := o.byte(0), x.time == 0
	if n.op == opSequenceRNN || n.op == opBothRNN {
		timeMajor, code = o.byte(0) != 0, o.byte(1)
	} else if x.steps > 1 {
		return x, fmt.Errorf("takes one step, but its input has %d", x.steps)
	}
	if err := r.sequence(x, timeMajor); err != nil {
		return x, err
	}
	if err := r.state(n, 4, "hidden state"); err != nil {
		return x, err
	}
	if !n.there(1) || !n.there(2) || !n.there(3) {
		return x, fmt.Errorf("lacks weights or bias")
	}
	H := r.g.tensors[n.in[4]].elements
	f, err := fused(code)
	if err != nil {
		return x, err
	}
	var w format.Weights
	if w.W, err = r.constant(n.in[1], "input weights", H*x.width); err != nil {
		return x, err
	}
	if w.R, err = r.constant(n.in[2], "recurrent weights", H*H); err != nil {
		return x, err
	}
	if w.B, err = r.constant(n.in[3], "bias", H); err != nil {
		return x, err
	}
	x.buf = r.b.RNN(fmt.Sprintf("rnn%d%s", n.index, n.way), x.buf, w, format.Linear, format.WithFunctions(f))
	x.width = H
	return x, nil
}

// bothWays is an operator that holds a cell for each direction: the inputs of both, in the
// order of the operator that goes one way, and x beside x of the layer before, which it may
// read apart (aux).
func (r *reader) bothWays(n node, x value) (value, error) {
	cell, aux := r.rnn, 9
	forward, backward := []int{0, 1, 2, 3, 4}, []int{0, 5, 6, 7, 8}
	merge := n.settings.byte(2) != 0
	if n.op == opBothLSTM {
		cell, aux, merge = r.lstm, 39, n.settings.byte(3) != 0
		forward, backward = []int{0}, []int{0}
		for i := range 17 {
			forward, backward = append(forward, 1+i), append(backward, 18+i)
		}
		forward, backward = append(forward, 35, 36), append(backward, 37, 38)
	}
	for i := aux; i < len(n.in); i++ {
		if n.there(i) {
			return x, fmt.Errorf("has an input %d (aux), supported is one that reads x alone", i)
		}
	}
	if merge != (len(n.out) == 1) {
		return x, fmt.Errorf("has %d outputs, want one of both ways merged or one for each", len(n.out))
	}
	name := fmt.Sprintf("node%d", n.index)
	y, err := cell(n.part(forward, ".forward"), x)
	if err != nil {
		return x, fmt.Errorf("forward %w", err)
	}
	turned := x
	turned.buf = r.b.Reverse(name+".reversed", x.buf)
	z, err := cell(n.part(backward, ".backward"), turned)
	if err != nil {
		return x, fmt.Errorf("backward %w", err)
	}
	z.buf = r.b.Reverse(name+".in_order", z.buf)
	if !merge {
		if z, err = r.place(z, n.out[1]); err == nil {
			r.values[n.out[1]] = z
		}
		return y, err
	}
	y.buf = r.b.Concat(name, y.buf, z.buf)
	y.width += z.width
	return y, nil
}

// part is a node with some of the inputs.
func (n node) part(inputs []int, way string) node {
	in := make([]int, len(inputs))
	for k, i := range inputs {
		if in[k] = -1; n.there(i) {
			in[k] = n.in[i]
		}
	}
	n.in, n.way = in, way
	return n
}

// reverse is REVERSE_V2 of the steps.
func (r *reader) reverse(n node, x value) (value, error) {
	axes, err := r.g.places(n, 1)
	if err != nil {
		return x, err
	}
	if len(axes) != 1 || x.time < 0 || axes[0] != x.time {
		return x, fmt.Errorf("reverses axes %v, supported is the one of steps", axes)
	}
	x.buf = r.b.Reverse(fmt.Sprintf("reverse%d", n.index), x.buf)
	return x, nil
}
