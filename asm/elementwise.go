package asm

import "math"

// Go loops that every table shares: they run once a step over a vector, beside
// products that read whole matrices.

// AddF32 computes y[i] = a[i] + b[i]. len(a), len(b) ≥ len(y); a and b may be y.
func AddF32(y, a, b []float32) {
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

// LimitF32 limits every x to ±limit.
func LimitF32(x []float32, limit float32) {
	for i, v := range x {
		x[i] = within(v, -limit, limit)
	}
}

// MulF32 computes y[i] = a[i]·b[i]. len(a), len(b) ≥ len(y); a and b may be y.
func MulF32(y, a, b []float32) {
	for i := range y {
		y[i] = float32(a[i] * b[i])
	}
}

// ScaleF32 computes y[i] = s[i]·x[i] + b[i] with one rounding; a nil s is ones, a nil
// b zeros. len(x) ≥ len(y), and so s and b; x may be y.
func ScaleF32(y, x, s, b []float32) {
	switch {
	case s == nil && b == nil:
		copy(y, x)
	case s == nil:
		for i := range y {
			y[i] = x[i] + b[i]
		}
	case b == nil:
		MulF32(y, x, s)
	default:
		for i := range y {
			y[i] = fma32(s[i], x[i], b[i])
		}
	}
}

// NormalizeF32 computes y[i] = (x[i] − mean) / √(variance + epsilon), mean and variance
// over x, summed in float64 in index order.
//
//	len(y) = len(x) > 0; y may be x
func NormalizeF32(y, x []float32, epsilon float32) {
	n := float64(len(x))
	var mean, variance float64
	for _, v := range x {
		mean += float64(v)
	}
	mean /= n
	for _, v := range x {
		d := float64(v) - mean
		variance += float64(d * d)
	}
	deviation := math.Sqrt(variance/n + float64(epsilon))
	for i, v := range x {
		y[i] = float32((float64(v) - mean) / deviation)
	}
}
