package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// An operation is a layer bound to the memory of one session.
type operation interface {
	// step computes one time step; false if a state left its bounds.
	step() bool
}

// dense is y = f(b + W·x).
type dense struct {
	product
	f    func(y, x []float32) // nil if linear
	x, y []float32
}

func (o *dense) step() bool {
	o.mul(o.y, o.x)
	if o.f != nil {
		inSlices(o.f, o.y, o.y)
	}
	return true
}

// recurrent is what the cells share: the two halves of the pre-activations,
// zx = b + W·x and zh = br + R·h.
type recurrent struct {
	w, r         product
	x, h, zx, zh []float32
}

func (o *recurrent) preactivate() {
	o.w.mul(o.zx, o.x)
	o.r.mul(o.zh, o.h)
}

// rnn is h = f(zx + zh).
type rnn struct {
	recurrent
	f func(h, zx, zh []float32)
}

func (o *rnn) step() bool {
	o.preactivate()
	o.f(o.h, o.zx, o.zh)
	return true
}

// reluRNN is an rnn whose state may grow: each step is checked.
type reluRNN struct {
	rnn
	within func(x []float32, limit float32) bool
	limit  float32
}

func (o *reluRNN) step() bool {
	o.rnn.step()
	return o.within(o.h, o.limit)
}

// lstm is c = f·c + i·g, h = o·tanh(c), with a forget gate or with f = 1−i.
type lstm struct {
	recurrent
	update func(h, c, zx, zh []float32)
	c      []float32
}

func (o *lstm) step() bool {
	o.preactivate()
	o.update(o.h, o.c, o.zx, o.zh)
	return true
}

// peepholeLSTM is an lstm whose gates also see c through p.
type peepholeLSTM struct {
	recurrent
	update func(h, c, zx, zh, p []float32)
	c, p   []float32
}

func (o *peepholeLSTM) step() bool {
	o.preactivate()
	o.update(o.h, o.c, o.zx, o.zh, o.p)
	return true
}

// gru is h = u·h + (1−u)·n, the reset gate inside n.
type gru struct {
	recurrent
	update func(h, zx, zh []float32)
}

func (o *gru) step() bool {
	o.preactivate()
	o.update(o.h, o.zx, o.zh)
	return true
}

// gruBefore is h = u·h + (1−u)·n, n from the product with r·h.
type gruBefore struct {
	recurrent
	reset  func(rh, h, zx, zh []float32)
	update func(h, zx, zh []float32)
	rn     product
	rh, n  []float32 // n is the candidate's part of zh
}

func (o *gruBefore) step() bool {
	o.preactivate()
	o.reset(o.rh, o.h, o.zx, o.zh)
	o.rn.mul(o.n, o.rh)
	o.update(o.h, o.zx, o.zh)
	return true
}

// embedding is y = table[x]; the session has checked the token.
type embedding struct{ table, x, y []float32 }

func (o *embedding) step() bool {
	copy(o.y, o.table[int(o.x[0])*len(o.y):])
	return true
}

// elementwise is y = f(x), element by element.
type elementwise struct {
	f    func(y, x []float32)
	x, y []float32
}

func (o *elementwise) step() bool {
	inSlices(o.f, o.y, o.x)
	return true
}

// elementwiseFloats is how many elements one call of an element-wise kernel may
// take: such a call cannot be preempted either, see kernelFloats.
const elementwiseFloats = 4096

// inSlices computes y = f(x) a slice at a time.
func inSlices(f func(y, x []float32), y, x []float32) {
	for len(y) > elementwiseFloats {
		f(y[:elementwiseFloats], x[:elementwiseFloats])
		y, x = y[elementwiseFloats:], x[elementwiseFloats:]
	}
	f(y, x)
}

// softmax is y = softmax(x), in Go, all at once.
type softmax struct{ x, y []float32 }

func (o *softmax) step() bool {
	asm.SoftmaxF32(o.y, o.x)
	return true
}

// add is y = a + b.
type add struct{ a, b, y []float32 }

func (o *add) step() bool {
	for i := range o.y {
		o.y[i] = o.a[i] + o.b[i]
	}
	return true
}

// concat is y = xs[0], xs[1], …
type concat struct {
	xs [][]float32
	y  []float32
}

func (o *concat) step() bool {
	y := o.y
	for _, x := range o.xs {
		y = y[copy(y, x):]
	}
	return true
}

// binder turns layers into operations on one arena.
type binder struct {
	*Model
	arena []float32
}

func (b *binder) buffer(id format.Buffer) []float32 {
	return b.arena[b.plan.buffer[id]:][:b.file.Buffers[id]]
}

// padded is a buffer with the room that its padding to 16 needs.
func (b *binder) padded(id format.Buffer) []float32 {
	return b.arena[b.plan.buffer[id]:][:quant.Pad(b.file.Buffers[id])]
}

func (b *binder) state(id format.StateID) []float32 {
	return b.arena[b.plan.state[id]:][:b.file.States[id].Size]
}

func (b *binder) product(w, bias format.TensorID) product {
	return newProduct(b.kernels, &b.plan, b.file.Tensor(w), b.file.Tensor(bias))
}

func (b *binder) recurrent(x format.Buffer, h format.StateID, w, r, bias, biasR format.TensorID) recurrent {
	z := b.arena[b.plan.scratch:]
	return recurrent{
		w: b.product(w, bias), r: b.product(r, biasR),
		x: b.buffer(x), h: b.state(h), zx: z[:b.plan.z], zh: z[b.plan.z:][:b.plan.z],
	}
}

func (b *binder) activation(f format.Activation) func(y, x []float32) {
	switch f {
	case format.Sigmoid:
		return b.kernels.SigmoidF32
	case format.Tanh:
		return b.kernels.TanhF32
	case format.Relu:
		return b.kernels.ReluF32
	}
	return nil
}

func (b *binder) bind(l format.Layer) operation {
	k := b.kernels
	switch l := l.(type) {
	case *format.Dense:
		return &dense{b.product(l.W, l.B), b.activation(l.F), b.buffer(l.X), b.padded(l.Y)}
	case *format.RNN:
		r := b.recurrent(l.X, l.H, l.W, l.R, l.B, format.None)
		if l.F == format.Relu {
			return &reluRNN{rnn{r, k.RNNReluF32}, k.WithinF32, b.bounds.limit}
		}
		return &rnn{r, k.RNNTanhF32}
	case *format.LSTM:
		r := b.recurrent(l.X, l.H, l.W, l.R, l.B, format.None)
		if p := b.file.Tensor(l.P); p != nil {
			return &peepholeLSTM{r, k.LSTMPeepholeF32, b.state(l.C), p.F32}
		}
		return &lstm{r, k.LSTMF32, b.state(l.C)}
	case *format.CoupledLSTM:
		r := b.recurrent(l.X, l.H, l.W, l.R, l.B, format.None)
		if p := b.file.Tensor(l.P); p != nil {
			return &peepholeLSTM{r, k.LSTMCoupledPeepholeF32, b.state(l.C), p.F32}
		}
		return &lstm{r, k.LSTMCoupledF32, b.state(l.C)}
	case *format.GRUBefore:
		r := b.recurrent(l.X, l.H, l.W, l.R, l.B, format.None)
		rh := b.arena[b.plan.scratch+2*b.plan.z:][:len(r.h)]
		return &gruBefore{r, k.GRUResetF32, k.GRUBeforeF32, b.product(l.RN, format.None), rh, r.zh[2*len(r.h):]}
	case *format.GRU:
		return &gru{b.recurrent(l.X, l.H, l.W, l.R, l.B, l.BR), k.GRUF32}
	case *format.Embedding:
		return &embedding{b.file.Tensors[l.Table].F32, b.buffer(l.X), b.buffer(l.Y)}
	case *format.Activate:
		f := b.activation(l.F)
		if f == nil {
			f = func(y, x []float32) { copy(y, x) }
		}
		return &elementwise{f, b.buffer(l.X), b.buffer(l.Y)}
	case *format.Softmax:
		return &softmax{b.buffer(l.X), b.buffer(l.Y)}
	case *format.Add:
		return &add{b.buffer(l.A), b.buffer(l.B), b.buffer(l.Y)}
	case *format.Concat:
		o := &concat{y: b.buffer(l.Y)}
		for _, x := range l.Xs {
			o.xs = append(o.xs, b.buffer(x))
		}
		return o
	}
	// format's reader refuses layers it does not know.
	panic("infer: no operation for layer " + l.Op().String())
}
