package asm

import "math"

// MaxColsI8 is how many columns one call of MatVecI8 takes at most: then the sum of a
// row is at most 1024·127² < 2²⁴ in magnitude, and a float32 holds it exactly.
const MaxColsI8 = 1024

func matVecI8(y, b []float32, w []int8, s []float32, x []int8, sx float32) {
	if len(b) == 0 {
		clear(y)
	} else {
		copy(y, b)
	}
	for len(y) > 0 {
		panel := y[:min(PanelRows, len(y))]
		var sums [PanelRows]int32
		for k := 0; k < len(x); k += 4 {
			x0, x1, x2, x3 := int32(x[k]), int32(x[k+1]), int32(x[k+2]), int32(x[k+3])
			for r := range panel {
				q := w[4*r : 4*r+4]
				sums[r] += int32(q[0])*x0 + int32(q[1])*x1 + int32(q[2])*x2 + int32(q[3])*x3
			}
			w = w[4*len(panel):]
		}
		for r := range panel {
			panel[r] = fma32(float32(sums[r]), float32(s[r]*sx), panel[r])
		}
		y, s = y[len(panel):], s[len(panel):]
	}
}

// CompensationI8 computes what makes a product by x+128, added to it, one by x:
//
//	comp[r] = −128·(w[r,0] + w[r,1] + …)
//
// over the columns in w, at most MaxColsI8: comp is then at most 2²⁴ in magnitude, the product
// twice that, and no sum on the way overflows an int32.
//
//	len(comp) is the number of rows, a multiple of 16
//	len(w) = len(comp)·(a multiple of 4), in panels
func CompensationI8(comp []int32, w []int8) {
	if len(comp) == 0 {
		return
	}
	cols := len(w) / len(comp)
	clear(comp)
	for len(comp) > 0 {
		panel := comp[:min(PanelRows, len(comp))]
		for range cols / 4 {
			for r := range panel {
				q := w[4*r : 4*r+4]
				panel[r] -= 128 * (int32(q[0]) + int32(q[1]) + int32(q[2]) + int32(q[3]))
			}
			w = w[4*len(panel):]
		}
		comp = comp[len(panel):]
	}
}

// zeroI8 is the largest magnitude below which a vector counts as zeros.
const zeroI8 = 0x1p-100

// ScaleI8 returns what a vector whose largest magnitude is largest is multiplied by
// before it is rounded to int8, and what the result stands for: 127/largest and
// largest/127. A vector below 2⁻¹⁰⁰ counts as zeros.
func ScaleI8(largest float32) (inv, scale float32) {
	if largest < zeroI8 {
		return 0, 0
	}
	return 127 / largest, largest / 127
}

// ScaleLowI8 returns for the second digit of a vector what ScaleI8 returned for the first one.
// What that leaves is at most half its scale, which becomes 127: both numbers are ordinary
// ones for every vector that does not count as zeros.
func ScaleLowI8(inv, scale float32) (invLow, scaleLow float32) { return 254 * inv, scale / 254 }

func quantizeI8(a *QuantizeI8) {
	inv, scale := ScaleI8(maxAbsF32(a.X))
	for i, v := range a.X {
		a.Q[i] = int8(math.RoundToEven(float64(float32(v * inv))))
	}
	clear(a.Q[len(a.X):])
	a.Scale = scale
}

func digitsI8(high, low []int8, x []float32, inv, scale, invLow float32) {
	for i, v := range x {
		d := math.RoundToEven(float64(within(float32(v*inv), -127, 127)))
		rest := fma32(-scale, float32(d), v)
		high[i] = int8(d)
		low[i] = int8(math.RoundToEven(float64(within(float32(rest*invLow), -127, 127))))
	}
}

func maxAbsF32(x []float32) float32 {
	// As integers, magnitudes order like the floats they are.
	var m uint32
	for _, v := range x {
		m = max(m, math.Float32bits(v)&0x7fffffff)
	}
	return math.Float32frombits(m)
}
