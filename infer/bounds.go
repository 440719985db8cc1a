package infer

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// bounds is what keeps every number inside a model finite.
//
// With |x| ≤ limit, no sum in the program can leave ±2¹²⁶: that is shown once,
// when the model is opened, by interval arithmetic over the layers, with
// |W·x| ≤ columns · max|W| · max|x|. The outputs of LSTM, GRU and tanh RNN lie
// in [−1, 1] whatever goes in, so for most models this bounds everything for
// ever. The state of a cell that is not bounded so, as that of a relu RNN, can grow
// from step to step; it is checked against limit at each step instead, and in limit it
// counts as bounded. So nothing is ∞ or NaN even inside a step, where a function such
// as relu could make an innocent number of it.
type bounds struct {
	limit   float32
	state   []float32 // largest magnitude of each state that SetState may restore
	checked []bool    // of each layer: its states are checked at each step
	any     bool      // one of them
}

// safe is the largest magnitude that a sum may have. It leaves two powers of two
// to the largest float32 for what rounding adds, that of weights and vectors to int8 among
// it, a 254th of the largest element of a vector after its first digit.
const safe = 0x1p126

// cellLimit and hiddenLimit are the largest magnitudes that a state may be set to. A
// cell state grows by its candidate at most, of up to candidateLimit, and stands still
// when that is less than half an ulp of it: none comes near. An initial hidden state
// may be larger than a step ever makes it.
const (
	cellLimit      = 0x1p60
	candidateLimit = 0x1p30
	hiddenLimit    = 0x1p20
)

func newBounds(m *format.Model) (bounds, error) {
	largest := make([]float64, len(m.Tensors))
	for i := range m.Tensors {
		if q := m.Tensors[i].I8; q != nil {
			largest[i] = 127 * float64(slices.Max(q.Scales))
		}
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
			b := bounds{limit: float32(p.limit), checked: p.checked()}
			b.any = slices.Contains(b.checked, true)
			for _, v := range p.states() {
				b.state = append(b.state, float32(v))
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
			b[l.Y] = p.function(format.Function{Kind: l.F}, p.sum(p.product(l.W, b[l.X]), p.of(l.B)))
		case *format.RNN:
			z := p.sum(p.product(l.W, b[l.X]), p.of(l.B), p.product(l.R, states[l.H]))
			p.function(l.F, clipped(z, l.Clip))
			b[l.Y] = states[l.H]
		case *format.LSTM:
			p.lstm(l, b[l.X], states[l.H], states[l.C])
			b[l.Y] = states[l.H]
		case *format.GRU:
			p.gru(l, b[l.X], states[l.H])
			b[l.Y] = states[l.H]
		case *format.Embedding:
			b[l.Y] = p.of(l.Table)
		case *format.Activate:
			b[l.Y] = p.function(l.F, b[l.X])
		case *format.Softmax:
			b[l.Y] = 1
		case *format.LogSoftmax:
			b[l.Y] = p.sum(2*b[l.X], 64)
		case *format.Normalize:
			b[l.Y] = normalized(m.Buffers[l.X])
		case *format.Add:
			b[l.Y] = p.sum(b[l.A], b[l.B])
		case *format.Mul:
			b[l.Y] = p.sum(b[l.A] * b[l.B])
		case *format.Scale:
			b[l.Y] = b[l.X]
			if l.S != format.None {
				b[l.Y] *= p.of(l.S)
			}
			b[l.Y] = p.sum(b[l.Y], p.of(l.B))
		case *format.Slice:
			b[l.Y] = b[l.X]
		case *format.Reverse:
			b[l.Y] = b[l.X]
		case *format.DelayLine:
			b[l.Y] = p.sum(p.line(l))
		case *format.Concat:
			for _, x := range l.Xs {
				b[l.Y] = max(b[l.Y], b[x])
			}
		}
	}
	return !p.unsafe
}

// lstm visits the sums inside an LSTM whose states are in bounds before the step and,
// since it fails otherwise, after it.
func (p *propagation) lstm(l *format.LSTM, x, h, c float64) {
	z := p.sum(p.product(l.W, x), p.of(l.B), p.product(l.R, h), p.of(l.P)*c)
	if l.Norm != format.None {
		z = p.sum(normalized(p.model.States[l.C].Size)*p.of(l.Norm), p.of(l.B))
	}
	z = clipped(z, l.Clip)
	gate := p.function(l.Gate, z)
	forget := gate
	if l.Coupled {
		forget = 1 + gate
	}
	p.sum(forget*c, gate*p.function(l.Candidate, z))
	m := p.sum(gate * p.function(l.Output, clipped(c, l.CellClip)))
	if l.Proj != format.None {
		p.sum(p.product(l.Proj, m), p.of(l.ProjB))
	}
}

// gru visits the sums inside a GRU.
func (p *propagation) gru(l *format.GRU, x, h float64) {
	zx, zh := p.sum(p.product(l.W, x), p.of(l.B)), p.sum(p.product(l.R, h), p.of(l.BR))
	gate := p.function(l.Gate, clipped(p.sum(zx, zh), l.Clip))
	n := gate * zh
	if l.RN != format.None {
		n = p.product(l.RN, p.sum(gate*h))
	}
	candidate := p.function(l.Candidate, clipped(p.sum(zx, n), l.Clip))
	p.sum(gate*h, (1+gate)*candidate)
}

// states returns the largest magnitude that each state can have.
func (p *propagation) states() []float64 {
	s := make([]float64, len(p.model.States))
	for i, state := range p.model.States {
		s[i] = p.of(state.Init)
	}
	for _, l := range p.model.Layers {
		switch l := l.(type) {
		case *format.RNN:
			s[l.H] = p.within(s[l.H], p.cell(l))
		case *format.GRU:
			s[l.H] = p.within(s[l.H], p.cell(l))
		case *format.LSTM:
			h := p.cell(l)
			s[l.H] = p.within(s[l.H], h)
			if math.IsInf(h, 1) {
				s[l.C] = p.limit
			} else {
				s[l.C] = max(s[l.C], cellLimit)
			}
		case *format.DelayLine:
			s[l.H] = p.line(l)
		}
	}
	return s
}

// line is the largest magnitude in a delay line, once X has its bound: of what it starts
// from and of X, twice for what rounding adds to that.
func (p *propagation) line(l *format.DelayLine) float64 {
	return max(p.of(p.model.States[l.H].Init), 2*p.buffers[l.X])
}

// within is the bound of a state that starts at initial and that a step leaves
// within bound, or that is checked where there is none.
func (p *propagation) within(initial, bound float64) float64 {
	if math.IsInf(bound, 1) {
		return p.limit
	}
	return max(hiddenLimit, initial, bound)
}

// checked tells for each layer whether it has states without a bound of their own.
func (p *propagation) checked() []bool {
	var c []bool
	for _, l := range p.model.Layers {
		c = append(c, math.IsInf(p.cell(l), 1))
	}
	return c
}

// cell is the largest magnitude of h after a step of a recurrent layer, whatever its
// arguments and provided that h and c were in bounds before; infinite if there is none.
func (p *propagation) cell(l format.Layer) float64 {
	if h := 2 * p.hidden(l); h <= safe { // twice for what rounding adds
		return h
	}
	return math.Inf(1)
}

// hidden is cell in real numbers.
func (p *propagation) hidden(l format.Layer) float64 {
	switch l := l.(type) {
	case *format.RNN:
		return limited(l.F, l.Clip)
	case *format.GRU:
		// h = u·h + (1−u)·n lies between h and n.
		if !unit(l.Gate) {
			return math.Inf(1)
		}
		return limited(l.Candidate, l.Clip)
	case *format.LSTM:
		// c = f·c + i·g grows by no more than g, if |f| ≤ 1.
		if limited(l.Gate, l.Clip) > 1 || l.Coupled && !unit(l.Gate) || limited(l.Candidate, l.Clip) > candidateLimit {
			return math.Inf(1)
		}
		h := limited(l.Output, l.CellClip)
		if l.Proj == format.None || h > safe {
			return h
		}
		return clipped(p.product(l.Proj, h)+p.of(l.ProjB), l.ProjClip)
	}
	return 0
}

// limited is the largest magnitude of f, its argument limited to ±clip unless that
// is 0.
func limited(f format.Function, clip float32) float64 {
	return reach(f, clipped(math.MaxFloat64, clip)) // not ∞, which times 0 is no number
}

// clipped bounds what is limited to ±clip, unless that is 0.
func clipped(x float64, clip float32) float64 {
	if clip > 0 {
		return min(x, float64(clip))
	}
	return x
}

// unit reports whether the values of f lie in [0, 1].
func unit(f format.Function) bool {
	return f.Kind == format.Sigmoid || f.Kind == format.HardSigmoid || f.Kind == format.Clip && f.Alpha >= 0 && f.Beta <= 1
}

// reach is the largest magnitude of f for arguments up to ±x.
func reach(f format.Function, x float64) float64 {
	a, b := math.Abs(float64(f.Alpha)), math.Abs(float64(f.Beta))
	switch f.Kind {
	case format.Sigmoid, format.Tanh, format.HardSigmoid, format.Softsign:
		return 1
	case format.LeakyRelu:
		return max(1, a) * x
	case format.Elu:
		return max(a, x)
	case format.Softplus:
		return x + 1
	case format.ScaledTanh:
		return a
	case format.Affine:
		return a*x + b
	case format.Clip: // one limit may be as good as none
		return min(max(a, b), max(x, float64(f.Alpha), -float64(f.Beta)))
	}
	return x
}

// function bounds f(x), whose inner products must be safe too.
func (p *propagation) function(f format.Function, x float64) float64 {
	a, b := math.Abs(float64(f.Alpha)), math.Abs(float64(f.Beta))
	switch f.Kind {
	case format.HardSigmoid:
		p.sum(a*x, b)
	case format.ScaledTanh:
		p.sum(b * x)
	}
	return p.sum(reach(f, x))
}

// normalized bounds an element of n with mean 0 and variance 1. NormalizeF32 sums in
// float64, which no square of a float32 overflows.
func normalized(n int) float64 { return math.Sqrt(float64(n)) }

// checkInitial refuses a checked layer that starts beyond what its steps may reach.
func (p *propagation) checkInitial() error {
	for i, checked := range p.checked() {
		if !checked {
			continue
		}
		for _, id := range format.FieldsOf(p.model.Layers[i]).States {
			if s := p.model.States[id]; p.of(s.Init) > p.limit {
				return fmt.Errorf("state %d (%s) starts at ±%v, want at most ±%g", id, s.Name, float32(p.of(s.Init)), p.limit)
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
	t := &p.model.Tensors[w]
	return float64(t.Cols) * p.largest[w] * x
}

func (p *propagation) sum(terms ...float64) (sum float64) {
	for _, t := range terms {
		sum += t
	}
	p.unsafe = p.unsafe || !(sum <= safe)
	return sum
}
