package proof

import (
	"math"
	"slices"
)

// Errors say how far the engine is from float64.
type Errors struct {
	Step  []float64 // the largest error of each step's outputs
	Max   float64   // the largest of all
	Worst int       // the step where it is
	RMS   float64   // of the errors of all outputs

	// SNR is the power of the output over that of the error, in dB; +Inf if there is no
	// error, −Inf if all of the output should be 0 and is not. Layers has that of each layer's output, and NaN for a layer that only moves
	// numbers or was not looked at.
	SNR    float64
	Layers []float64

	// Growth is how many times as large the error of a step is in the last tenth as in
	// the second one, where the start is over: by medians, and of the errors as they are
	// and of those relative to the output the smaller. +Inf: the
	// second tenth has no errors and the last has. NaN: there are too few steps, or the
	// second tenth has neither errors nor signal.
	Growth float64

	// Flips are the steps in which another output is the largest, if the outputs are
	// classes, and Margin how far the largest was ahead of it, at most.
	Flips  int
	Margin float64
}

// Grows reports whether the error is still growing at the end, more than chance explains.
func (e *Errors) Grows() bool { return e.Growth > 2 }

// A power sums squares of signal and error.
type power struct{ signal, noise float64 }

func (p *power) add(want, got float64) {
	p.signal += want * want
	p.noise += (got - want) * (got - want)
}

// snr is the ratio in dB: +Inf without an error.
func (p power) snr() float64 {
	if p.noise == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(p.signal/p.noise)
}

// growthSteps is how many steps growth needs: medians of five.
const growthSteps = 50

// growth compares errors of steps, and what they are of signals, late and early.
func growth(errors, signals []float64) float64 {
	tenth := len(errors) / 10
	if len(errors) < growthSteps {
		return math.NaN()
	}
	early := func(v []float64) float64 { return median(v[tenth : 2*tenth]) }
	late := func(v []float64) float64 { return median(v[len(v)-tenth:]) }
	switch {
	case late(errors) == 0:
		return 0
	case early(errors) == 0 && early(signals) == 0: // silence has no errors and tells nothing
		return math.NaN()
	}
	g := late(errors) / early(errors)
	if early(signals) > 0 && late(signals) > 0 {
		g = min(g, g/(late(signals)/early(signals)))
	}
	return g
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
