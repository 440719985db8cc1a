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
	rh      int   // size of r·h, which follows
	states  int   // floats of all states together, padding included
	packed  int   // and without the padding
	floats  int   // of the whole arena
	zeros   []float32
	checked bool // some layer's state is checked at each step
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
			p.checked = p.checked || l.F == format.Relu
		case *format.LSTM:
			alias(l.Y, l.H)
			p.gates(m, l.W, l.R)
		case *format.CoupledLSTM:
			alias(l.Y, l.H)
			p.gates(m, l.W, l.R)
		case *format.GRU:
			alias(l.Y, l.H)
			p.gates(m, l.W, l.R)
		case *format.GRUBefore:
			alias(l.Y, l.H)
			p.gates(m, l.W, l.R)
			// RN·(r·h) goes behind the first two gates, with its padding; r·h behind zh.
			H := m.States[l.H].Size
			p.z = max(p.z, 2*H+quant.Pad(H))
			p.rh = max(p.rh, quant.Pad(H))
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
	p.floats += 2*p.z + p.rh

	// What a narrow product without a bias starts from.
	p.zeros = make([]float32, asm.RowPad)
	return p
}

func (p *plan) gates(m *format.Model, w, r format.TensorID) {
	p.z = max(p.z, quant.Pad(m.Tensors[w].Rows), quant.Pad(m.Tensors[r].Rows))
}
