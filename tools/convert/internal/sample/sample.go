// Package sample makes random input for models of which no data is at hand: the same at each
// conversion, on every machine.
//
// It is tokens, or numbers in ±1. Where a layer scales the input before anything else, which
// is how data is normalised, it is the scaled input that lies in ±1.
package sample

import (
	"math"

	"github.com/rnnedge/rnnedge/format"
)

// Steps returns that many steps of input, without a mean, and what they are, for people.
func Steps(m *format.Model, seed uint64, steps int) (x []float32, name string) {
	x = make([]float32, steps*m.InputSize())
	w := format.Witness{Seed: seed}
	w.Input(m.Vocabulary()).Next(x)
	switch {
	case m.Vocabulary() > 0:
		return x, "random tokens"
	case unscale(m, x):
		return x, "random input that its first layer scales to ±1"
	}
	return x, "random input in ±1"
}

// Stream returns steps of input about a mean of their own, in ±2 where Steps has ±1: what is
// measured rarely has the mean zero.
func Stream(m *format.Model, seed uint64, steps int) []float32 {
	x := make([]float32, steps*m.InputSize())
	w := format.Witness{Seed: seed}
	in := w.Input(m.Vocabulary())
	if m.Vocabulary() > 0 {
		in.Next(x)
		return x
	}
	var mean [1]float32
	in.Next(mean[:])
	in.Next(x)
	for i := range x {
		x[i] += mean[0]
	}
	unscale(m, x)
	return x
}

// unscale makes x what the first layer that scales the input turns into x, but for features
// that it ignores, and tells whether there is such a layer.
func unscale(m *format.Model, x []float32) bool {
	for _, l := range m.Layers {
		s, ok := l.(*format.Scale)
		if !ok || s.X != format.Input {
			continue
		}
		I := m.InputSize()
		scale, shift := m.Tensor(s.S), m.Tensor(s.B)
		for i := range x {
			v := float64(x[i])
			if shift != nil {
				v -= float64(shift.F32[i%I])
			}
			if scale != nil {
				v /= float64(scale.F32[i%I])
			}
			if math.Abs(v) < 1e6 {
				x[i] = float32(v)
			}
		}
		return true
	}
	return false
}
