package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// binder turns layers into operations on one block.
type binder struct {
	*Model
	slots, streams int
	arena          []float32
	i8             []int8 // a quantised vector for each slot, then for each stream
}

// The parts of the arena, in the order of plan.

func (b *binder) state(id format.StateID) vectors {
	return newVectors(b.arena[b.plan.state[id]:], b.file.States[id].Size, b.plan.states)
}

// line is the state of a delay line, with the index behind it.
func (b *binder) line(id format.StateID) vectors {
	return newVectors(b.arena[b.plan.state[id]:], b.file.States[id].Size+1, b.plan.states)
}

func (b *binder) zh() vectors {
	return newVectors(b.arena[b.streams*b.plan.states:], b.plan.z, b.plan.z)
}

func (b *binder) spare(size int) vectors {
	return newVectors(b.arena[b.streams*(b.plan.states+b.plan.z):], size, b.plan.spare)
}

// slotted is what there is for each slot.
func (b *binder) slotted() []float32 {
	return b.arena[b.streams*(b.plan.states+b.plan.z+b.plan.spare):]
}

func (b *binder) buffer(id format.Buffer) vectors {
	first, size := b.plan.buffer[id], b.file.Buffers[id]
	next := b.plan.buffers
	if int(id)+1 < len(b.plan.buffer) {
		next = b.plan.buffer[id+1]
	}
	v := newVectors(b.slotted()[b.slots*first:], size, next-first)
	if h, ok := b.plan.cells[id]; ok {
		v.one = b.state(h).one
	}
	return v
}

func (b *binder) zx() vectors {
	return newVectors(b.slotted()[b.slots*b.plan.buffers:], b.plan.z, b.plan.z)
}

func (b *binder) scales() []float32 {
	return b.slotted()[b.slots*(b.plan.buffers+b.plan.z):]
}

// vector is the elements of a vector without its padding, nil for None.
func (b *binder) vector(id format.TensorID) []float32 {
	if t := b.file.Tensor(id); t != nil {
		return t.F32[:t.Rows]
	}
	return nil
}

// operation binds layer i.
func (b *binder) operation(i int, l format.Layer) operation {
	switch l := l.(type) {
	case *format.Dense:
		return &dense{b.product(b.buffer(l.Y), l.W, b.buffer(l.X), l.B), b.kernels, asm.Function{Kind: l.F}}
	case *format.RNN:
		return b.checked(i, b.rnn(l))
	case *format.LSTM:
		return b.checked(i, b.lstm(l))
	case *format.GRU:
		return b.checked(i, b.gru(l))
	case *format.Embedding:
		x, y, table := b.buffer(l.X), b.buffer(l.Y), b.file.Tensors[l.Table].F32
		return each(func(i int) { copy(y.at(i), table[int(x.at(i)[0])*y.size():]) })
	case *format.Activate:
		x, y, f, k := b.buffer(l.X), b.buffer(l.Y), l.F, b.kernels
		return each(func(i int) { k.ApplyF32(f, y.at(i), x.at(i)) })
	case *format.Softmax:
		x, y := b.buffer(l.X), b.buffer(l.Y)
		return each(func(i int) { asm.SoftmaxF32(y.at(i), x.at(i)) })
	case *format.LogSoftmax:
		x, y := b.buffer(l.X), b.buffer(l.Y)
		return each(func(i int) { asm.LogSoftmaxF32(y.at(i), x.at(i)) })
	case *format.Normalize:
		x, y, epsilon := b.buffer(l.X), b.buffer(l.Y), l.Epsilon
		return each(func(i int) { asm.NormalizeF32(y.at(i), x.at(i), epsilon) })
	case *format.Add:
		p, q, y := b.buffer(l.A), b.buffer(l.B), b.buffer(l.Y)
		return each(func(i int) { asm.AddF32(y.at(i), p.at(i), q.at(i)) })
	case *format.Mul:
		p, q, y := b.buffer(l.A), b.buffer(l.B), b.buffer(l.Y)
		return each(func(i int) { asm.MulF32(y.at(i), p.at(i), q.at(i)) })
	case *format.Scale:
		x, y, s, bias := b.buffer(l.X), b.buffer(l.Y), b.vector(l.S), b.vector(l.B)
		return each(func(i int) { asm.ScaleF32(y.at(i), x.at(i), s, bias) })
	case *format.Slice:
		x, y := b.buffer(l.X), b.buffer(l.Y)
		x = x.from(l.From)
		return each(func(i int) { copy(y.at(i), x.at(i)) })
	case *format.Concat:
		y := b.buffer(l.Y)
		var xs []vectors
		for _, x := range l.Xs {
			xs = append(xs, b.buffer(x))
		}
		return each(func(i int) {
			to := y.at(i)
			for k := range xs {
				to = to[copy(to, xs[k].at(i)):]
			}
		})
	case *format.DelayLine:
		return &delayLine{b.buffer(l.X), b.buffer(l.Y), b.line(l.H), b.file.Buffers[l.X] * l.Dilation}
	case *format.Reverse:
		return nil // between segments; see sequence
	}
	// format's reader refuses layers it does not know.
	panic("infer: no operation for layer " + l.Op().String())
}
