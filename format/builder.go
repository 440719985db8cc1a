package format

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/quant"
)

// A Builder puts a Model together layer by layer from row-major float32 weights,
// in the gate orders that the layer types document, and packs them:
//
//	b := format.NewBuilder(40)
//	h := b.LSTM("lstm", format.Input, format.Weights{W: w, R: r, B: bias})
//	b.Output(b.Dense("head", h, headW, headB, format.Linear))
//	m, err := b.Model()
//
// The first mistake stays and is what Model returns; what is added after it does
// not count. Weights are copied.
type Builder struct {
	m   Model
	err error
}

// Weights are the tensors of a recurrent layer with H units and G gates on an
// input of width I. In an LSTM with a projection the state h has H floats, and U
// units take the place of H elsewhere.
type Weights struct {
	W, R        []float32 // [G·H, I] and [G·H, H], row-major
	B           []float32 // [G·H], nil for none; two biases that are only ever added come as their sum
	BR          []float32 // GRU, reset after: [G·H], the bias inside r·(R·h + BR); nil for none
	P           []float32 // LSTM [3H] for i, f, o, CoupledLSTM [2H] for i, o: peepholes; nil for none
	Norm        []float32 // LSTM [G·H]: gains of a layer normalisation; nil for none
	Proj, ProjB []float32 // LSTM [H, U], [H]: projection of the U units to the state; nil for none
	H0, C0      []float32 // initial states, nil for zeros; C0 is for an LSTM, others have none
}

// NegateGate returns w with the weights, biases and peephole of one of its gates
// negated, which turns a sigmoid gate a into 1 − a: σ(−z) = 1 − σ(z), and a hard
// sigmoid around ½ likewise. So the update gate of a GRU with h = u·n + (1−u)·h, gate 1 of
// 3, becomes the one of this format, and the forget gate of a coupled LSTM with
// i = 1 − f its input gate, 0 of 3. Nothing is rounded; w is not changed.
func (w Weights) NegateGate(gate, gates int) Weights {
	negate := func(v []float32, block, blocks int) []float32 {
		if len(v) == 0 {
			return v
		}
		v = slices.Clone(v)
		n := len(v) / blocks
		for i := range v[block*n : (block+1)*n] {
			v[block*n+i] = -v[block*n+i]
		}
		return v
	}
	w.W, w.R, w.B, w.BR = negate(w.W, gate, gates), negate(w.R, gate, gates), negate(w.B, gate, gates), negate(w.BR, gate, gates)
	if candidate := gates - 2; gate != candidate { // it has no peephole
		peephole := gate
		if gate > candidate {
			peephole--
		}
		w.P = negate(w.P, peephole, gates-1)
	}
	return w
}

// A CellOption changes what a recurrent layer computes.
type CellOption func(c *cellOptions)

type cellOptions struct {
	functions                []Function
	clip, cellClip, projClip float32
}

// WithFunctions replaces the element-wise functions of a cell: one of an RNN, gate
// and candidate of a GRU, gate, candidate and output of an LSTM.
func WithFunctions(fs ...Function) CellOption { return func(c *cellOptions) { c.functions = fs } }

// WithClip limits the arguments of gate and candidate functions to ±limit, as ONNX
// has it.
func WithClip(limit float32) CellOption { return func(c *cellOptions) { c.clip = limit } }

// WithCellClip limits an LSTM's cell state to ±limit, as TensorFlow has it.
func WithCellClip(limit float32) CellOption { return func(c *cellOptions) { c.cellClip = limit } }

// WithProjectionClip limits an LSTM's projected state to ±limit.
func WithProjectionClip(limit float32) CellOption { return func(c *cellOptions) { c.projClip = limit } }

// NewBuilder returns a builder for a model whose input has this many floats: 1
// for a token.
func NewBuilder(input int) *Builder {
	b := new(Builder)
	b.buffer(input)
	return b
}

// Model returns the model, checked, or the first mistake.
func (b *Builder) Model() (*Model, error) {
	err := b.err
	if err == nil {
		err = b.m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	m := b.m
	return &m, nil
}

// Output makes the buffer y what a step hands out.
func (b *Builder) Output(y Buffer) { b.m.Output = y }

// Meta adds an entry of metadata.
func (b *Builder) Meta(key, value string) { b.m.Meta = append(b.m.Meta, Meta{key, value}) }

// Width returns the number of floats in a buffer.
func (b *Builder) Width(x Buffer) int {
	if int64(x) >= int64(len(b.m.Buffers)) {
		b.fail("no buffer %d", x)
		return 1
	}
	return b.m.Buffers[x]
}

// Dense adds f(w·x + bias); w is [n, width of x], bias [n] or nil.
func (b *Builder) Dense(name string, x Buffer, w, bias []float32, f Activation) Buffer {
	cols := b.Width(x)
	if len(w) == 0 || len(w)%cols != 0 {
		b.fail("layer %q: weights of %d floats, want a multiple of the input's %d", name, len(w), cols)
		return Input
	}
	rows := len(w) / cols
	l := &Dense{Name: name, X: x, Y: b.buffer(rows), F: f}
	l.W = b.matrix(name+".W", w, rows, cols)
	l.B = b.vector(name+".B", bias, rows)
	return b.layer(l, l.Y)
}

// RNN adds a vanilla recurrent layer.
func (b *Builder) RNN(name string, x Buffer, w Weights, f Activation, opts ...CellOption) Buffer {
	o := b.options(name, opts, Function{Kind: f})
	H := b.units(name, w, 1)
	b.noBR(name, w)
	b.noCell(name, w, o)
	l := &RNN{Name: name, X: x, Y: b.buffer(H), H: b.state(name+".h", w.H0, H), F: o.functions[0], Clip: o.clip}
	l.W, l.R, l.B = b.gates(name, x, w, H, H)
	return b.layer(l, l.Y)
}

// LSTM adds an LSTM; gates in the order i, f, g, o.
func (b *Builder) LSTM(name string, x Buffer, w Weights, opts ...CellOption) Buffer {
	return b.lstm(name, x, w, false, opts)
}

// CoupledLSTM adds an LSTM with f = 1 − i; gates in the order i, g, o.
func (b *Builder) CoupledLSTM(name string, x Buffer, w Weights, opts ...CellOption) Buffer {
	return b.lstm(name, x, w, true, opts)
}

func (b *Builder) lstm(name string, x Buffer, w Weights, coupled bool, opts []CellOption) Buffer {
	o := b.options(name, opts, Function{Kind: Sigmoid}, Function{Kind: Tanh}, Function{Kind: Tanh})
	b.noBR(name, w)
	l := &LSTM{
		Name: name, X: x, Coupled: coupled, Proj: None, ProjB: None,
		Gate: o.functions[0], Candidate: o.functions[1], Output: o.functions[2],
		Clip: o.clip, CellClip: o.cellClip, ProjClip: o.projClip,
	}
	H, U := b.projected(name, x, w, l.Gates())
	l.Y, l.H, l.C = b.buffer(H), b.state(name+".h", w.H0, H), b.state(name+".c", w.C0, U)
	l.W, l.R, l.B = b.gates(name, x, w, l.Gates()*U, H)
	l.P = b.vector(name+".P", w.P, (l.Gates()-1)*U)
	l.Norm = b.vector(name+".Norm", w.Norm, l.Gates()*U)
	if w.Proj != nil {
		l.Proj = b.matrix(name+".Proj", w.Proj, H, U)
	}
	l.ProjB = b.vector(name+".ProjB", w.ProjB, H)
	return b.layer(l, l.Y)
}

// GRU adds a GRU, reset after the product; gates in the order r, z, n.
func (b *Builder) GRU(name string, x Buffer, w Weights, opts ...CellOption) Buffer {
	l := b.gru(name, x, w, opts)
	l.W, l.R, l.B = b.gates(name, x, w, 3*b.Width(l.Y), b.Width(l.Y))
	l.BR = b.vector(name+".BR", w.BR, 3*b.Width(l.Y))
	return b.layer(l, l.Y)
}

// GRUBefore adds a GRU, reset before the product; gates in the order r, z, n, and
// R in one piece, [3H, H].
func (b *Builder) GRUBefore(name string, x Buffer, w Weights, opts ...CellOption) Buffer {
	b.noBR(name, w)
	l := b.gru(name, x, w, opts)
	H := b.Width(l.Y)
	if len(w.R) != 3*H*H {
		return b.layer(l, l.Y) // units has said what is wrong
	}
	l.W = b.matrix(name+".W", w.W, 3*H, b.Width(x))
	l.R = b.matrix(name+".R", w.R[:2*H*H], 2*H, H)
	l.RN = b.matrix(name+".RN", w.R[2*H*H:], H, H)
	l.B = b.vector(name+".B", w.B, 3*H)
	return b.layer(l, l.Y)
}

// gru makes what both forms share.
func (b *Builder) gru(name string, x Buffer, w Weights, opts []CellOption) *GRU {
	o := b.options(name, opts, Function{Kind: Sigmoid}, Function{Kind: Tanh})
	H := b.units(name, w, 3)
	b.noCell(name, w, o)
	return &GRU{
		Name: name, X: x, Y: b.buffer(H), H: b.state(name+".h", w.H0, H), B: None, BR: None, RN: None,
		Gate: o.functions[0], Candidate: o.functions[1], Clip: o.clip,
	}
}

// Embedding adds a look-up of the input token in table, [vocabulary, dim].
func (b *Builder) Embedding(name string, table []float32, dim int) Buffer {
	if dim < 1 || len(table)%dim != 0 || len(table) == 0 {
		b.fail("layer %q: table of %d floats, want a multiple of %d", name, len(table), dim)
		return Input
	}
	l := &Embedding{Name: name, X: Input, Y: b.buffer(dim)}
	l.Table = b.tensor(Tensor{Name: name + ".Table", Layout: Table, Rows: len(table) / dim, Cols: dim, F32: slices.Clone(table)})
	return b.layer(l, l.Y)
}

// Activate adds f(x), element by element; f has no parameters.
func (b *Builder) Activate(name string, x Buffer, f Activation) Buffer {
	return b.Function(name, x, Function{Kind: f})
}

// Function adds f(x), element by element.
func (b *Builder) Function(name string, x Buffer, f Function) Buffer {
	l := &Activate{Name: name, X: x, Y: b.buffer(b.Width(x)), F: f}
	return b.layer(l, l.Y)
}

// Softmax adds exp(x[i]) / Σ exp(x[j]).
func (b *Builder) Softmax(name string, x Buffer) Buffer {
	l := &Softmax{Name: name, X: x, Y: b.buffer(b.Width(x))}
	return b.layer(l, l.Y)
}

// LogSoftmax adds x[i] − log Σ exp(x[j]).
func (b *Builder) LogSoftmax(name string, x Buffer) Buffer {
	l := &LogSoftmax{Name: name, X: x, Y: b.buffer(b.Width(x))}
	return b.layer(l, l.Y)
}

// Normalize adds (x − mean) / √(variance + epsilon).
func (b *Builder) Normalize(name string, x Buffer, epsilon float32) Buffer {
	l := &Normalize{Name: name, X: x, Y: b.buffer(b.Width(x)), Epsilon: epsilon}
	return b.layer(l, l.Y)
}

// Reverse adds x with time turned around: the model will need whole sequences.
func (b *Builder) Reverse(name string, x Buffer) Buffer {
	l := &Reverse{Name: name, X: x, Y: b.buffer(b.Width(x))}
	return b.layer(l, l.Y)
}

// DelayLine adds x of the steps t−(taps−1)·dilation, …, t−dilation, t, one after the other,
// zeros being what was before the first step; taps is 2 or more. It holds
// (taps−1)·dilation steps. A Dense on it is a causal convolution: DelayLine says how its
// weights lie.
func (b *Builder) DelayLine(name string, x Buffer, taps, dilation int) Buffer {
	width := b.Width(x)
	if taps < 2 || taps > MaxWidth/width || dilation < 1 || dilation > MaxWidth/(width*(taps-1)) {
		b.fail("layer %q: %d taps of %d floats, %d steps apart, want 2 or more, 1 or more, and at most %d floats in all taps and in the state", name, taps, width, dilation, MaxWidth)
		return Input
	}
	l := &DelayLine{Name: name, X: x, Y: b.buffer(taps * width), H: b.state(name+".h", nil, (taps-1)*dilation*width), Dilation: dilation}
	return b.layer(l, l.Y)
}

// Add adds x + y, which have the same width: a skip connection.
func (b *Builder) Add(name string, x, y Buffer) Buffer {
	l := &Add{Name: name, A: x, B: y, Y: b.buffer(b.Width(x))}
	return b.layer(l, l.Y)
}

// Mul adds x·y, element by element; they have the same width.
func (b *Builder) Mul(name string, x, y Buffer) Buffer {
	l := &Mul{Name: name, A: x, B: y, Y: b.buffer(b.Width(x))}
	return b.layer(l, l.Y)
}

// Scale adds s·x + shift, element by element; s and shift are as wide as x, or nil
// for 1 and 0.
func (b *Builder) Scale(name string, x Buffer, s, shift []float32) Buffer {
	n := b.Width(x)
	l := &Scale{Name: name, X: x, Y: b.buffer(n), S: b.vector(name+".S", s, n), B: b.vector(name+".B", shift, n)}
	return b.layer(l, l.Y)
}

// Slice adds the n floats of x from index from on.
func (b *Builder) Slice(name string, x Buffer, from, n int) Buffer {
	if from < 0 {
		b.fail("layer %q: slice from %d, want 0 or more", name, from)
		from = 0
	}
	l := &Slice{Name: name, X: x, Y: b.buffer(n), From: from}
	return b.layer(l, l.Y)
}

// Concat adds the vectors xs one after the other.
func (b *Builder) Concat(name string, xs ...Buffer) Buffer {
	width := 0
	for _, x := range xs {
		width += b.Width(x)
	}
	l := &Concat{Name: name, Xs: slices.Clone(xs), Y: b.buffer(width)}
	return b.layer(l, l.Y)
}

func (b *Builder) fail(format string, a ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, a...)
	}
}

func (b *Builder) layer(l Layer, y Buffer) Buffer {
	b.m.Layers = append(b.m.Layers, l)
	return y
}

func (b *Builder) buffer(width int) Buffer {
	if width < 1 || width > MaxWidth {
		b.fail("buffer %d has %d floats, want 1 to %d", len(b.m.Buffers), width, MaxWidth)
		width = 1
	}
	b.m.Buffers = append(b.m.Buffers, width)
	return Buffer(len(b.m.Buffers) - 1)
}

func (b *Builder) state(name string, initial []float32, size int) StateID {
	b.m.States = append(b.m.States, State{Name: name, Size: size, Init: b.vector(name+"0", initial, size)})
	return StateID(len(b.m.States) - 1)
}

func (b *Builder) tensor(t Tensor) TensorID {
	t.Type = Float32
	b.m.Tensors = append(b.m.Tensors, t)
	return TensorID(len(b.m.Tensors) - 1)
}

// units derives H from the recurrent matrix, which has gates·H·H elements.
func (b *Builder) units(name string, w Weights, gates int) int {
	H := int(math.Round(math.Sqrt(float64(len(w.R)) / float64(gates))))
	if H < 1 || gates*H*H != len(w.R) {
		b.fail("layer %q: R of %d floats, want %d·H·H", name, len(w.R), gates)
		return 1
	}
	return H
}

// projected derives the sizes of h and c, which differ only with a projection: W has
// gates·U rows, one for each float of the input, and Proj has H.
func (b *Builder) projected(name string, x Buffer, w Weights, gates int) (H, U int) {
	if w.Proj == nil {
		H = b.units(name, w, gates)
		return H, H
	}
	if U = len(w.W) / (gates * b.Width(x)); U > 0 {
		H = len(w.Proj) / U
	}
	if H < 1 || len(w.Proj) != H*U {
		b.fail("layer %q: W of %d floats on an input of %d and Proj of %d, want %d·U rows and H·U floats", name, len(w.W), b.Width(x), len(w.Proj), gates)
		return 1, 1
	}
	return H, U
}

// options applies opts over the default functions of a cell.
func (b *Builder) options(name string, opts []CellOption, functions ...Function) cellOptions {
	o := cellOptions{functions: functions}
	for _, opt := range opts {
		opt(&o)
	}
	if len(o.functions) != len(functions) {
		b.fail("layer %q: %d functions, want %d", name, len(o.functions), len(functions))
		o.functions = functions
	}
	return o
}

// noBR and noCell refuse what the layer would not read.
func (b *Builder) noBR(name string, w Weights) {
	if w.BR != nil {
		b.fail("layer %q: BR is for a GRU with the reset gate after the product; add it to B", name)
	}
}

func (b *Builder) noCell(name string, w Weights, o cellOptions) {
	for _, v := range []struct {
		name  string
		there bool
	}{
		{"P", w.P != nil}, {"Norm", w.Norm != nil}, {"Proj", w.Proj != nil}, {"ProjB", w.ProjB != nil}, {"C0", w.C0 != nil},
		{"a cell clip", o.cellClip != 0}, {"a projection clip", o.projClip != 0},
	} {
		if v.there {
			b.fail("layer %q: %s is for an LSTM", name, v.name)
		}
	}
}

// gates adds the tensors that all cells have, with a row for each unit of each gate.
func (b *Builder) gates(name string, x Buffer, w Weights, rows, H int) (W, R, B TensorID) {
	return b.matrix(name+".W", w.W, rows, b.Width(x)), b.matrix(name+".R", w.R, rows, H), b.vector(name+".B", w.B, rows)
}

func (b *Builder) matrix(name string, w []float32, rows, cols int) TensorID {
	if int64(len(w)) != int64(rows)*int64(cols) || len(w) == 0 {
		b.fail("tensor %q: %d floats, want %d×%d", name, len(w), rows, cols)
		return None
	}
	t := Tensor{Name: name, Layout: Panels, Rows: rows, Cols: cols}
	if quant.Narrow(rows, cols) {
		t.Layout = Narrow
		t.F32 = make([]float32, quant.NarrowFloats(rows, cols))
		quant.PackNarrow(t.F32, w, rows, cols)
	} else {
		t.F32 = make([]float32, quant.PanelFloats(rows, cols))
		quant.PackPanels(t.F32, w, rows, cols)
	}
	return b.tensor(t)
}

// vector adds v, padded; nil gives None.
func (b *Builder) vector(name string, v []float32, rows int) TensorID {
	if v == nil {
		return None
	}
	if len(v) != rows {
		b.fail("tensor %q: %d floats, want %d", name, len(v), rows)
		return None
	}
	t := Tensor{Name: name, Layout: Vector, Rows: rows, Cols: 1, F32: make([]float32, quant.Pad(rows))}
	copy(t.F32, v)
	return b.tensor(t)
}
