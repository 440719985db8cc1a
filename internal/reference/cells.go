package reference

import "github.com/rnnedge/rnnedge/format"

// normEpsilon is what the layer normalisation inside an LSTM adds to the variance,
// the value of TensorFlow Lite's kernel.
const normEpsilon = 1e-8

// The cells compute one step from the input x: they advance their states and
// return the new hidden state.

// rnn is h = f(W·x + R·h + b).
func (s *Stream) rnn(l *format.RNN, x []float64) []float64 {
	h := s.states[l.H]
	H := len(h)
	z := plus(s.product(l.W, 0, H, x), s.product(l.R, 0, H, h), s.vector(l.B, 0, H))
	s.states[l.H] = apply(l.F, limited(z, l.Clip))
	return s.states[l.H]
}

// lstm is c = f·c + i·g, h = o·tanh(c), with all that may be added to it.
func (s *Stream) lstm(l *format.LSTM, x []float64) []float64 {
	h, c := s.states[l.H], s.states[l.C]
	U := len(c)

	// gate is F(W·x + R·h + p·c + b) of the gate in place n of the tensors, where p·c
	// is the cell as its peephole shows it.
	gate := func(n int, f format.Function, peephole []float64) []float64 {
		z := plus(s.product(l.W, n*U, U, x), s.product(l.R, n*U, U, h), peephole)
		if l.Norm != format.None {
			z = times(s.vector(l.Norm, n*U, U), normalized(z, normEpsilon))
		}
		return apply(f, limited(plus(z, s.vector(l.B, n*U, U)), l.Clip))
	}
	peephole := func(n int, c []float64) []float64 { return times(s.vector(l.P, n*U, U), c) }
	blind := make([]float64, U)

	var i, f, g, o []float64
	if l.Coupled { // gates i, g, o; peepholes i, o
		i = gate(0, l.Gate, peephole(0, c))
		f = complement(i)
		g = gate(1, l.Candidate, blind)
		c = limited(plus(times(f, c), times(i, g)), l.CellClip)
		o = gate(2, l.Gate, peephole(1, c))
	} else { // gates i, f, g, o; peepholes i, f, o
		i = gate(0, l.Gate, peephole(0, c))
		f = gate(1, l.Gate, peephole(1, c))
		g = gate(2, l.Candidate, blind)
		c = limited(plus(times(f, c), times(i, g)), l.CellClip)
		o = gate(3, l.Gate, peephole(2, c))
	}

	m := times(o, apply(l.Output, c))
	if l.Proj != format.None {
		H := len(h)
		m = limited(plus(s.product(l.Proj, 0, H, m), s.vector(l.ProjB, 0, H)), l.ProjClip)
	}
	s.states[l.H], s.states[l.C] = m, c
	return m
}

// gru is h = u·h + (1−u)·n, the reset gate before or after the candidate's product.
func (s *Stream) gru(l *format.GRU, x []float64) []float64 {
	h := s.states[l.H]
	H := len(h)
	input := func(n int) []float64 {
		return plus(s.product(l.W, n*H, H, x), s.vector(l.B, n*H, H))
	}
	recurrent := func(n int) []float64 {
		return plus(s.product(l.R, n*H, H, h), s.vector(l.BR, n*H, H))
	}
	gate := func(n int) []float64 { return apply(l.Gate, limited(plus(input(n), recurrent(n)), l.Clip)) }

	r, u := gate(0), gate(1)
	var z []float64
	if l.RN != format.None {
		z = plus(input(2), s.product(l.RN, 0, H, times(r, h)))
	} else {
		z = plus(input(2), times(r, recurrent(2)))
	}
	n := apply(l.Candidate, limited(z, l.Clip))
	s.states[l.H] = plus(times(u, h), times(complement(u), n))
	return s.states[l.H]
}

// delayLine is x(t−(n−1)·d), …, x(t−d), x(t), from the steps that the state holds and this
// one.
func (s *Stream) delayLine(l *format.DelayLine, x []float64) (y []float64) {
	all := append(s.states[l.H], x...)
	for at := 0; at < len(all); at += l.Dilation * len(x) {
		y = append(y, all[at:][:len(x)]...)
	}
	s.states[l.H] = all[len(x):]
	return y
}
