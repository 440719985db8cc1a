package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// binder turns layers into operations on one arena.
type binder struct {
	*Model
	arena []float32
	i8    []int8 // one quantised vector
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
	return newProduct(b.kernels, &b.plan, b.file.Tensor(w), b.file.Tensor(bias), b.i8)
}

// vector is the elements of a vector without its padding, nil for None.
func (b *binder) vector(id format.TensorID) []float32 {
	if t := b.file.Tensor(id); t != nil {
		return t.F32[:t.Rows]
	}
	return nil
}

func (b *binder) recurrent(x format.Buffer, h format.StateID, w, r, bias, biasR format.TensorID) recurrent {
	z := b.arena[b.plan.scratch:]
	return recurrent{
		w: b.product(w, bias), r: b.product(r, biasR),
		x: b.buffer(x), h: b.state(h), zx: z[:b.plan.z], zh: z[b.plan.z:][:b.plan.z],
	}
}

func (b *binder) bind(i int) operation {
	o := b.operation(b.file.Layers[i])
	if !b.bounds.checked[i] {
		return o
	}
	c := &checked{operation: o, within: b.kernels.WithinF32, limit: b.bounds.limit}
	for _, id := range format.FieldsOf(b.file.Layers[i]).States {
		c.states = append(c.states, b.state(id))
	}
	return c
}

func (b *binder) operation(l format.Layer) operation {
	switch l := l.(type) {
	case *format.Dense:
		return &dense{b.product(l.W, l.B), b.kernels, asm.Function{Kind: l.F}, b.buffer(l.X), b.padded(l.Y)}
	case *format.RNN:
		return b.rnn(l)
	case *format.LSTM:
		return b.lstm(l)
	case *format.GRU:
		return b.gru(l)
	case *format.Embedding:
		return &embedding{b.file.Tensors[l.Table].F32, b.buffer(l.X), b.buffer(l.Y)}
	case *format.Activate:
		return &elementwise{b.kernels, l.F, b.buffer(l.X), b.buffer(l.Y)}
	case *format.Softmax:
		return &whole{asm.SoftmaxF32, b.buffer(l.X), b.buffer(l.Y)}
	case *format.LogSoftmax:
		return &whole{asm.LogSoftmaxF32, b.buffer(l.X), b.buffer(l.Y)}
	case *format.Normalize:
		return &normalize{b.buffer(l.X), b.buffer(l.Y), l.Epsilon}
	case *format.Add:
		return &add{b.buffer(l.A), b.buffer(l.B), b.buffer(l.Y)}
	case *format.Mul:
		return &mul{b.buffer(l.A), b.buffer(l.B), b.buffer(l.Y)}
	case *format.Scale:
		return &scale{b.buffer(l.X), b.buffer(l.Y), b.vector(l.S), b.vector(l.B)}
	case *format.Slice:
		return &copied{b.buffer(l.X)[l.From:], b.buffer(l.Y)}
	case *format.Concat:
		o := &concat{y: b.buffer(l.Y)}
		for _, x := range l.Xs {
			o.xs = append(o.xs, b.buffer(x))
		}
		return o
	case *format.Reverse:
		return nil // between segments; see sequence
	}
	// format's reader refuses layers it does not know.
	panic("infer: no operation for layer " + l.Op().String())
}
