package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// A plan is the layout of a session's arena, in floats: states, buffers, then
// pre-activation vectors that the recurrent layers share. Each part starts
// on a multiple of 16 floats and has room for its padding.
type plan struct {
	state   []int // offset of each state
	buffer  []int // offset of each buffer
	scratch int   // offset of zx; zh follows
	z       int   // size of zx and of zh
	spare   int   // size of one more vector, which follows: r·h, or what is projected to h
	states  int   // floats of all states together, padding included
	packed  int   // and without the padding
	floats  int   // of the whole arena
	i8      int   // bytes of the longest quantised vector
	zeros   []float32

	segments   []segment // of a model that does not stream; nil for one that does
	kept       []int     // offset of each buffer that is kept for all steps, in floats of one
	keptFloats int       // and of all of them
}

func newPlan(m *format.Model) (p plan) {
	for _, s := range m.States {
		p.state = append(p.state, p.floats)
		p.floats += quant.Pad(s.Size)
		p.packed += s.Size
	}
	p.states = p.floats

	p.buffer = make([]int, len(m.Buffers))
	aliased := make([]bool, len(m.Buffers))
	alias := func(y format.Buffer, h format.StateID) {
		p.buffer[y], aliased[y] = p.state[h], true
	}
	for _, l := range m.Layers {
		switch l := l.(type) {
		case *format.RNN:
			alias(l.Y, l.H)
			p.gates(m, l.W, l.R)
		case *format.LSTM:
			alias(l.Y, l.H)
			p.gates(m, l.W, l.R)
			if l.Proj != format.None {
				p.spare = max(p.spare, quant.Pad(m.States[l.C].Size))
			}
		case *format.GRU:
			alias(l.Y, l.H)
			p.gates(m, l.W, l.R)
			if l.RN != format.None {
				// RN·(r·h) goes behind the first two gates, with its padding; r·h behind zh.
				H := m.States[l.H].Size
				p.z = max(p.z, 2*H+quant.Pad(H))
				p.spare = max(p.spare, quant.Pad(H))
			}
		}
	}
	for i, n := range m.Buffers {
		if !aliased[i] {
			p.buffer[i] = p.floats
			p.floats += quant.Pad(n)
		}
	}
	p.scratch = p.floats
	p.z = quant.Pad(p.z)
	p.floats += 2*p.z + p.spare

	for i := range m.Tensors {
		if t := &m.Tensors[i]; t.Type == format.Int8 {
			p.i8 = max(p.i8, quant.PadI8(t.Cols))
		}
	}
	p.keep(m)

	// What a narrow product without a bias starts from.
	p.zeros = make([]float32, asm.RowPad)
	return p
}

func (p *plan) gates(m *format.Model, w, r format.TensorID) {
	p.z = max(p.z, quant.Pad(m.Tensors[w].Rows), quant.Pad(m.Tensors[r].Rows))
}
