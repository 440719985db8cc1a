package infer

import (
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/format"
)

// bounds is what keeps every number inside a model finite.
//
// With |x| ≤ limit, no sum in the program can leave ±2¹²⁶: that is shown once,
// when the model is opened, by interval arithmetic over the layers, with
// |W·x| ≤ columns · max|W| · max|x|. The outputs of LSTM, GRU and tanh RNN lie
// in [−1, 1] whatever goes in, so for most models this bounds everything for
// ever. The state of a relu RNN can grow from step to step; it is checked
// against limit at each step instead.
type bounds struct {
	limit float32
	state []float32 // largest magnitude of each state that SetState may restore
}

// safe is the largest magnitude that a sum may have. It leaves two powers of two
// to the largest float32 for what rounding adds.
const safe = 0x1p126

func newBounds(m *format.Model) (bounds, error) {
	largest := make([]float64, len(m.Tensors))
	for i := range m.Tensors {
		for j, v := range m.Tensors[i].F32 {
			a := math.Abs(float64(v))
			if !(a <= math.MaxFloat32) {
				return bounds{}, fmt.Errorf("tensor %d (%s): element %d is %v, want a finite number", i, m.Tensors[i].Name, j, v)
			}
			largest[i] = max(largest[i], a)
		}
	}
	for e := 126; e >= 0; e-- {
		p := propagation{model: m, largest: largest, limit: math.Ldexp(1, e), buffers: make([]float64, len(m.Buffers))}
		if p.run() {
			b := bounds{limit: float32(p.limit), state: make([]float32, len(m.States))}
			for i, v := range p.states() {
				b.state[i] = float32(v)
			}
			return b, p.checkInitial()
		}
	}
	return bounds{}, fmt.Errorf("weights are so large that an input of 1 could overflow float32")
}

// propagation bounds the magnitude of each buffer, given a limit on the input.
type propagation struct {
	model   *format.Model
	largest []float64 // of each tensor
	limit   float64
	buffers []float64
	unsafe  bool
}

func (p *propagation) run() bool {
	m, b := p.model, p.buffers
	b[format.Input] = p.limit
	if v := m.Vocabulary(); v > 0 {
		b[format.Input] = float64(v)
	}
	states := p.states()
	for _, l := range m.Layers {
		switch l := l.(type) {
		case *format.Dense:
			b[l.Y] = activated(l.F, p.sum(p.product(l.W, b[l.X]), p.of(l.B)))
		case *format.RNN:
			p.sum(p.product(l.W, b[l.X]), p.of(l.B), p.product(l.R, states[l.H]))
			b[l.Y] = states[l.H]
		case *format.LSTM:
			p.sum(p.product(l.W, b[l.X]), p.of(l.B), p.product(l.R, states[l.H]))
			b[l.Y] = states[l.H]
		case *format.CoupledLSTM:
			p.sum(p.product(l.W, b[l.X]), p.of(l.B), p.product(l.R, states[l.H]))
			b[l.Y] = states[l.H]
		case *format.GRUBefore:
			p.sum(p.product(l.W, b[l.X]), p.of(l.B), p.product(l.R, states[l.H]), p.product(l.RN, states[l.H]))
			b[l.Y] = states[l.H]
		case *format.GRU:
			p.sum(p.product(l.W, b[l.X]), p.of(l.B), p.product(l.R, states[l.H]), p.of(l.BR))
			b[l.Y] = states[l.H]
		case *format.Embedding:
			b[l.Y] = p.of(l.Table)
		case *format.Activate:
			b[l.Y] = activated(l.F, b[l.X])
		case *format.Softmax:
			b[l.Y] = 1
		case *format.Add:
			b[l.Y] = p.sum(b[l.A], b[l.B])
		case *format.Concat:
			for _, x := range l.Xs {
				b[l.Y] = max(b[l.Y], b[x])
			}
		}
	}
	return !p.unsafe
}

// states returns the largest magnitude that each state can have.
func (p *propagation) states() []float64 {
	s := make([]float64, len(p.model.States))
	for i, state := range p.model.States {
		s[i] = max(1, p.of(state.Init))
	}
	for _, l := range p.model.Layers {
		switch l := l.(type) {
		case *format.LSTM:
			// |c| grows by at most 1 a step and f·c + i·g never overflows. A peephole's
			// p·c may, to an infinity that σ takes to 0 or 1, as it would the number.
			s[l.C] = math.MaxFloat32
		case *format.CoupledLSTM:
			s[l.C] = math.MaxFloat32
		case *format.RNN:
			if l.F == format.Relu {
				s[l.H] = p.limit
			}
		}
	}
	return s
}

// checkInitial refuses a relu RNN that starts beyond what its steps may reach.
func (p *propagation) checkInitial() error {
	for _, l := range p.model.Layers {
		if r, ok := l.(*format.RNN); ok && r.F == format.Relu {
			if s := p.model.States[r.H]; p.of(s.Init) > p.limit {
				return fmt.Errorf("state %d (%s) starts at ±%v, want at most ±%g", r.H, s.Name, float32(p.of(s.Init)), p.limit)
			}
		}
	}
	return nil
}

// of is the largest magnitude in a tensor, 0 for None.
func (p *propagation) of(t format.TensorID) float64 {
	if t == format.None {
		return 0
	}
	return p.largest[t]
}

func (p *propagation) product(w format.TensorID, x float64) float64 {
	return float64(p.model.Tensors[w].Cols) * p.largest[w] * x
}

func (p *propagation) sum(terms ...float64) (sum float64) {
	for _, t := range terms {
		sum += t
	}
	p.unsafe = p.unsafe || sum > safe
	return sum
}

func activated(f format.Activation, x float64) float64 {
	if f == format.Sigmoid || f == format.Tanh {
		return 1
	}
	return x
}
