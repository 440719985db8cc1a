package asm

import (
	"fmt"
	"math"
)

// Activation is the kind of an element-wise function, by its code in a .rnn file.
type Activation uint32

// The kinds; α and β are the parameters of a Function, 0 where it does not have them.
const (
	Linear          Activation = 0  // x
	Sigmoid         Activation = 1  // 1 / (1 + exp(−x))
	Tanh            Activation = 2  // tanh(x)
	Relu            Activation = 3  // max(x, 0)
	LeakyRelu       Activation = 4  // x if x ≥ 0, else αx
	HardSigmoid     Activation = 5  // min(max(αx + β, 0), 1)
	Elu             Activation = 6  // x if x ≥ 0, else α(exp(x) − 1)
	Softsign        Activation = 7  // x / (1 + |x|)
	Softplus        Activation = 8  // log(1 + exp(x))
	ThresholdedRelu Activation = 9  // x if x > α, else 0
	ScaledTanh      Activation = 10 // α·tanh(βx)
	Affine          Activation = 11 // αx + β
	Clip            Activation = 12 // min(max(x, α), β)
)

// A Function is an element-wise function with its parameters. Sigmoid, Tanh and
// Relu are kernels of each table; the others are Go code, one statement to one
// rounding like all of generic.go, and so the same on every machine.
type Function struct {
	Kind        Activation
	Alpha, Beta float32
}

// Parameters is how many parameters a has: 0, 1 for alpha, 2 for alpha and beta.
func (a Activation) Parameters() int {
	switch a {
	case LeakyRelu, Elu, ThresholdedRelu:
		return 1
	case HardSigmoid, ScaledTanh, Affine, Clip:
		return 2
	}
	return 0
}

// String returns the activation's name.
func (a Activation) String() string {
	names := [...]string{
		"linear", "sigmoid", "tanh", "relu", "leaky relu", "hard sigmoid", "elu", "softsign", "softplus",
		"thresholded relu", "scaled tanh", "affine", "clip",
	}
	if int64(a) < int64(len(names)) {
		return names[a]
	}
	return fmt.Sprintf("activation %d", uint32(a))
}

// String returns the function's name and parameters.
func (f Function) String() string {
	switch f.Kind.Parameters() {
	case 1:
		return fmt.Sprintf("%v(%g)", f.Kind, f.Alpha)
	case 2:
		return fmt.Sprintf("%v(%g, %g)", f.Kind, f.Alpha, f.Beta)
	}
	return f.Kind.String()
}

// ApplyF32 computes y = f(x), element by element, with the kernels of k for those
// functions that have one.
//
//	len(x) ≥ len(y); x may be y
func (k *Kernels) ApplyF32(f Function, y, x []float32) {
	// Assembly cannot be preempted: not more than this in one call.
	const most = 4096
	for len(y) > most {
		k.applyF32(f, y[:most], x[:most])
		y, x = y[most:], x[most:]
	}
	k.applyF32(f, y, x)
}

func (k *Kernels) applyF32(f Function, y, x []float32) {
	x = x[:len(y)]
	switch f.Kind {
	case Sigmoid:
		k.SigmoidF32(y, x)
	case Tanh:
		k.TanhF32(y, x)
	case Relu:
		k.ReluF32(y, x)
	case Linear:
		copy(y, x)
	case LeakyRelu:
		for i, v := range x {
			if v < 0 {
				v = float32(f.Alpha * v)
			}
			y[i] = v
		}
	case HardSigmoid:
		for i, v := range x {
			y[i] = within(fma32(f.Alpha, v, f.Beta), 0, 1)
		}
	case Elu:
		for i, v := range x {
			if v < 0 {
				v = float32(f.Alpha * expm1(v))
			}
			y[i] = v
		}
	case Softsign:
		for i, v := range x {
			y[i] = v / (1 + abs(v))
		}
	case Softplus:
		for i, v := range x {
			y[i] = softplus(v)
		}
	case ThresholdedRelu:
		for i, v := range x {
			if !(v > f.Alpha) {
				v = 0
			}
			y[i] = v
		}
	case ScaledTanh:
		for i, v := range x {
			y[i] = float32(f.Alpha * tanh(float32(f.Beta*v)))
		}
	case Affine:
		for i, v := range x {
			y[i] = fma32(f.Alpha, v, f.Beta)
		}
	case Clip:
		for i, v := range x {
			y[i] = within(v, f.Alpha, f.Beta)
		}
	}
}

// within limits v to [low, high].
func within(v, low, high float32) float32 {
	if v < low {
		return low
	}
	if v > high {
		return high
	}
	return v
}

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// expm1 is exp(v) − 1 for v ≤ 0.
func expm1(v float32) float32 {
	s, m := expParts(max(v, -64))
	return fma32(s, m, s-1)
}

// softplus is log(1 + exp(v)) = max(v, 0) + log1p(exp(−|v|)), the logarithm in
// float64. Below −87 it stays at 1.6e-38, which is a normal number yet.
func softplus(v float32) float32 {
	s, m := expParts(max(-abs(v), -87))
	return float32(float64(max(v, 0)) + log1p(float64(fma32(s, m, s))))
}

// log1p is log(1 + t) for 0 ≤ t ≤ 1, as 2·atanh(t/(2+t)).
func log1p(t float64) float64 { return 2 * atanh(t/(2+t)) }

// log is the natural logarithm of v, positive and normal: with v = m·2ⁿ and m
// from 1 on and below 2, n·log 2 + 2·atanh((m−1)/(m+1)).
func log(v float64) float64 {
	bits := math.Float64bits(v)
	n := float64(int(bits>>52) - 1023)
	m := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	return float64(n*math.Ln2) + 2*atanh((m-1)/(m+1))
}

// atanh is s·(1 + s²/3 + s⁴/5 + …) for 0 ≤ s ≤ ⅓. What is left off, s²⁶/27 + …, is
// below 2e-14 of it. The functions of package math are assembly on some machines, which
// need not agree.
func atanh(s float64) float64 {
	square := float64(s * s)
	var q float64
	for _, c := range atanhSeries {
		q = float64(q*square) + c
	}
	return float64(s * q)
}

var atanhSeries = [13]float64{1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1}
