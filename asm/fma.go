package asm

import "math"

// fma32 returns x·y + z with one rounding: IEEE-754 fusedMultiplyAdd for
// float32, on every GOARCH.
//
// A product of two float32 is exact in float64, so only the sum rounds before
// the result does. Rounding twice goes wrong just where the float64 sum lies
// half-way between two float32, or below the normal range, where the half-way
// points lie elsewhere; those go to fma32Odd.
func fma32(x, y, z float32) float32 {
	p := float64(x) * float64(y)
	s := p + float64(z)
	if settled(s) {
		return float32(s)
	}
	return fma32Odd(p, float64(z), s)
}

// settled reports whether rounding s to float32 gives the float32 nearest to the
// exact number that s was rounded from.
func settled(s float64) bool {
	const half, minNormal = 1 << 28, 1023 - 126
	b := math.Float64bits(s)
	return b&(half<<1-1) != half && b>>52&0x7ff >= minNormal
}

// fma32Odd rounds p+z to odd in float64, then to float32. With at least two
// spare bits this equals a single rounding (Boldo and Melquiond, Emulation of
// FMA and correctly rounded sums: proved algorithms using rounding to odd, 2008).
// s is p+z rounded to nearest.
//
//go:noinline
func fma32Odd(p, z, s float64) float32 {
	// Knuth's two-sum: what the rounding of s lost.
	t := s - p
	lost := (p - (s - t)) + (z - t)
	if b := math.Float64bits(s); lost != 0 && b&1 == 0 {
		if (lost > 0) == (s > 0) {
			b++
		} else {
			b--
		}
		s = math.Float64frombits(b)
	}
	return float32(s)
}
