package asm

import "math"

// Both activations are quotients of e = eʸ:
//
//	sigmoid(x) = e / (e + 1)          y = x
//	tanh(x)    = (e − 1) / (e + 1)    y = 2x
//
// and e comes as a power of two s and a small m = expm1(r):
//
//	n = round(y·log₂e)   r = y − n·ln 2, |r| ≤ ½·ln 2   s = 2ⁿ
//	m = r + r²·(c2 + c3·r + c4·r² + c5·r³ + c6·r⁴)
//	eʸ = s·m + s         eʸ − 1 = s·m + (s − 1)
//
// so tanh keeps its relative accuracy down to the smallest x: there n = 0 and
// tanh = m/(m+2). The polynomial is a minimax fit for the relative error of
// expm1 (testdata/fit_expm1.py derives it: 1.3e-8).
//
// Measured over every float32 (go test ./asm -run Activations -exhaustive):
// tanh within 2.57 ulp and 1.5e-7, sigmoid within 2.41 ulp and 9.0e-8. The usual
// choice, a rational minimax of degree 9/8 for tanh with sigmoid made from it,
// came to 5.1 ulp and 1.8e-7 over a dense sample, for four instructions less.
//
// The clamps: beyond ±9.1 tanh is ±1 in float32; at ±32 sigmoid is 1 or 1.3e-14,
// which keeps o·tanh(c) a normal number for every c above StateFloor.
const (
	tanhClamp    = 18.2 // on y = 2x
	sigmoidClamp = 32

	// StateFloor is the magnitude below which a state is written as +0: 2⁻⁶⁰.
	StateFloor = 0x1p-60

	log2e   = 0x1.715476p+0
	ln2High = 0x1.62e4p-1 // 15 bits, so that n·ln2High is exact
	ln2Low  = 0x1.7f7d1cp-20
	// Adding 1.5·2²³ leaves the nearest integer in the low bits of a float32.
	roundMagic = 0x1.8p+23
	c2         = 0.499999981541
	c3         = 0.16666543621
	c4         = 0.0416671998551
	c5         = 0.00836652057574
	c6         = 0.00138825217671
)

// constants is what the assembly reads, each value repeated to the width of the
// widest vector. The order is the one of constants.h.
var constants = func() (t [18][16]float32) {
	for i, v := range [len(t)]float32{
		log2e, roundMagic, -ln2High, -ln2Low,
		c6, c5, c4, c3, c2,
		1, 2,
		tanhClamp, -tanhClamp, sigmoidClamp, -sigmoidClamp,
		StateFloor, math.Float32frombits(0x7fffffff), 0,
	} {
		for lane := range t[i] {
			t[i][lane] = v
		}
	}
	return t
}()

// expParts returns s and m with eʸ = s·m + s; −87 ≤ y ≤ 64.
func expParts(y float32) (s, m float32) {
	t := fma32(y, log2e, roundMagic)
	n := t - roundMagic
	s = math.Float32frombits(math.Float32bits(t)<<23 + math.Float32bits(1))
	r := fma32(n, -ln2High, y)
	r = fma32(n, -ln2Low, r)
	q := fma32(c6, r, c5)
	q = fma32(q, r, c4)
	q = fma32(q, r, c3)
	q = fma32(q, r, c2)
	return s, fma32(float32(r*r), q, r)
}

// clamp limits y to [-limit, limit]. A NaN becomes limit, as with VMINPS and
// FMINNM.
func clamp(y, limit float32) float32 {
	if !(y < limit) {
		y = limit
	}
	if !(y > -limit) {
		y = -limit
	}
	return y
}

func sigmoid(x float32) float32 {
	s, m := expParts(clamp(x, sigmoidClamp))
	e := fma32(s, m, s)
	return e / (e + 1)
}

func tanh(x float32) float32 {
	s, m := expParts(clamp(x+x, tanhClamp))
	e := fma32(s, m, s-1)
	return e / (e + 2)
}

// relu returns +0 for a NaN and for −0.
func relu(x float32) float32 {
	if x > 0 {
		return x
	}
	return 0
}

// floor writes a state: StateFloor and the sign of zero go.
func floor(x float32) float32 {
	if x < StateFloor && x > -StateFloor {
		return 0
	}
	return x
}
