package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// A plan is the layout of the memory that a model runs in. A block (see block.go) has it
// for some streams, and for some slots, one for each step of each stream:
//
//	states   [streams]  all states of a stream, one after the other
//	zh       [streams]  pre-activations of the state, shared by the recurrent layers
//	spare    [streams]  one more vector: r·h, or what is projected to h
//	buffers  [slots]    each buffer in turn
//	zx       [slots]    pre-activations of the input
//	scales   [slots], [streams]  of quantised vectors: inputs, then states; and again for
//	                             second digits
//
// Sizes and offsets are in floats, of one stream or one slot. Each vector has the room
// that its padding to a multiple of 16 needs. The strides, of states, z, spare and each
// buffer, are apart.
type plan struct {
	state   []int  // offset of each state
	rings   []bool // of each state: it is a delay line's, with an index behind it
	states  int    // of all states together
	packed  int    // and without the padding
	buffer  []int  // offset of each buffer
	buffers int    // of all buffers together
	z       int    // size of zx and of zh
	spare   int
	i8      int // bytes of the longest quantised vector, with its digits
	digits  int // of those that have the most, at least 1
	zeros   []float32

	cells map[format.Buffer]format.StateID // for each buffer that a cell writes, its h

	segments   []segment // of a model that does not stream; nil for one that does
	kept       []int     // offset of each buffer that is kept for all steps, in floats of one
	keptFloats int       // and of all of them
}

func newPlan(m *format.Model) (p plan) {
	p.rings = make([]bool, len(m.States))
	p.cells = make(map[format.Buffer]format.StateID)
	for _, l := range m.Layers {
		if l, ok := l.(*format.DelayLine); ok {
			p.rings[l.H] = true
		}
	}
	for i, s := range m.States {
		size := s.Size
		if p.rings[i] {
			size++
		}
		p.state = append(p.state, p.states)
		p.states += quant.Pad(size)
		p.packed += s.Size
	}
	for _, n := range m.Buffers {
		p.buffer = append(p.buffer, p.buffers)
		p.buffers += apart(quant.Pad(n))
	}
	for _, l := range m.Layers {
		switch l := l.(type) {
		case *format.RNN:
			p.cells[l.Y] = l.H
			p.gates(m, l.W, l.R)
		case *format.LSTM:
			p.cells[l.Y] = l.H
			p.gates(m, l.W, l.R)
			if l.Proj != format.None {
				p.spare = max(p.spare, quant.Pad(m.States[l.C].Size))
			}
		case *format.GRU:
			p.cells[l.Y] = l.H
			p.gates(m, l.W, l.R)
			if l.RN != format.None {
				// RN·(r·h) goes behind the first two gates, with its padding.
				H := m.States[l.H].Size
				p.z = max(p.z, quant.Pad(2*H+quant.Pad(H)))
				p.spare = max(p.spare, quant.Pad(H))
			}
		}
	}
	for i := range m.Tensors {
		if t := &m.Tensors[i]; t.Type == format.Int8 {
			p.i8, p.digits = max(p.i8, t.I8.Digits*quant.PadI8(t.Cols)), max(p.digits, t.I8.Digits)
		}
	}
	p.digits = max(p.digits, 1)
	p.states, p.z, p.spare = apart(p.states), apart(p.z), apart(p.spare)
	p.keep(m)

	// What a narrow product without a bias starts from.
	p.zeros = make([]float32, asm.RowPad)
	return p
}

// apart is a stride of at least n floats, a multiple of 16 like n, that puts the same element of
// many vectors into different sets of a cache: an odd number of cache lines. (Of vectors 4 KB
// apart a first-level cache keeps eight or twelve.) What a model does not have takes nothing.
func apart(n int) int {
	if n > 0 && n/asm.RowPad%2 == 0 {
		n += asm.RowPad
	}
	return n
}

func (p *plan) gates(m *format.Model, w, r format.TensorID) {
	p.z = max(p.z, quant.Pad(m.Tensors[w].Rows), quant.Pad(m.Tensors[r].Rows))
}

// floats is the size of a block's arena.
func (p *plan) floats(slots, streams int) int {
	return streams*(p.states+p.z+p.spare) + slots*(p.buffers+p.z) + quant.Pad(p.digits*(slots+streams))
}

// bytes is the memory of a block, with 15 floats so that its arena can start on a cache
// line.
func (p *plan) bytes(slots, streams int) int {
	return 4*(p.floats(slots, streams)+15) + (slots+streams)*p.i8
}

// fit is how many slots, a multiple of least and at most most, fit into these bytes.
func (p *plan) fit(bytes, least, most int) int {
	n := bytes / (4*(p.buffers+p.z) + p.i8)
	return max(least, min(n, most)/least*least)
}
