package asm

import "math"

// generic is the contract itself; see the package documentation.
var generic = Kernels{
	Name:                   "generic",
	MatVecF32:              matVecF32,
	MatVecF32At:            func(a *MatVecF32) { matVecF32(a.Y, a.B, a.W, a.X) },
	MatVec4F32:             matVec4By(matVecF32),
	MatMulF32:              matMulBy(matVecF32),
	NarrowF32:              narrowF32,
	LSTMF32:                lstmF32,
	LSTMF32At:              func(a *CellF32) { lstmF32(a.H, a.C, a.ZX, a.ZH) },
	LSTMPeepholeF32:        lstmPeepholeF32,
	LSTMCoupledF32:         lstmCoupledF32,
	LSTMCoupledPeepholeF32: lstmCoupledPeepholeF32,
	GRUF32:                 gruF32,
	GRUF32At:               func(a *CellF32) { gruF32(a.H, a.ZX, a.ZH) },
	GRUResetF32:            gruResetF32,
	GRUBeforeF32:           gruBeforeF32,
	RNNTanhF32:             rnnTanhF32,
	RNNReluF32:             rnnReluF32,
	SigmoidF32:             sigmoidF32,
	TanhF32:                tanhF32,
	ReluF32:                reluF32,
	WithinF32:              withinF32,
	MatVecI8:               matVecI8,
	MatVecI8At:             func(a *MatVecI8) { matVecI8(a.Y, a.B, a.W, a.S, a.X, a.SX) },
	MatMulI8:               matMulI8By(matVecI8),
	QuantizeI8:             quantizeI8,
	DigitsI8:               digitsI8,
	MaxAbsF32:              maxAbsF32,
}

// PanelRows is the number of rows in a full panel, RowPad the number that rows
// and the columns of a narrow matrix are padded to.
const (
	PanelRows = 64
	RowPad    = 16
)

func matVecF32(y, b, w, x []float32) {
	if len(b) == 0 {
		clear(y)
	} else {
		copy(y, b)
	}
	for len(y) > 0 {
		panel := y[:min(PanelRows, len(y))]
		for _, xk := range x {
			for r, wr := range w[:len(panel)] {
				// panel[r] = fma32(wr, xk, panel[r]), its usual path inlined.
				if s := float64(wr)*float64(xk) + float64(panel[r]); settled(s) {
					panel[r] = float32(s)
				} else {
					panel[r] = fma32(wr, xk, panel[r])
				}
			}
			w = w[len(panel):]
		}
		y = y[len(panel):]
	}
}

func narrowF32(y, b, w, x []float32) {
	for r := range y {
		var a [RowPad]float32
		for k := 0; k < len(x); k += RowPad {
			for j := range a {
				var xk float32
				if k+j < len(x) {
					xk = x[k+j]
				}
				a[j] = fma32(w[j], xk, a[j])
			}
			w = w[RowPad:]
		}
		for n := RowPad / 2; n > 0; n /= 2 {
			for j := range n {
				a[j] += a[j+n]
			}
		}
		y[r] = b[r] + a[0]
	}
}

func lstmF32(h, c, zx, zh []float32) {
	H := len(c)
	for j := range c {
		i := sigmoid(zx[j] + zh[j])
		f := sigmoid(zx[H+j] + zh[H+j])
		g := tanh(zx[2*H+j] + zh[2*H+j])
		o := sigmoid(zx[3*H+j] + zh[3*H+j])
		c[j] = floor(fma32(f, c[j], float32(i*g)))
		h[j] = float32(o * tanh(c[j]))
	}
}

func lstmPeepholeF32(h, c, zx, zh, p []float32) {
	H := len(c)
	for j := range c {
		i := sigmoid(fma32(p[j], c[j], zx[j]+zh[j]))
		f := sigmoid(fma32(p[H+j], c[j], zx[H+j]+zh[H+j]))
		g := tanh(zx[2*H+j] + zh[2*H+j])
		c[j] = floor(fma32(f, c[j], float32(i*g)))
		o := sigmoid(fma32(p[2*H+j], c[j], zx[3*H+j]+zh[3*H+j]))
		h[j] = float32(o * tanh(c[j]))
	}
}

func lstmCoupledF32(h, c, zx, zh []float32) {
	H := len(c)
	for j := range c {
		i := sigmoid(zx[j] + zh[j])
		g := tanh(zx[H+j] + zh[H+j])
		o := sigmoid(zx[2*H+j] + zh[2*H+j])
		c[j] = floor(fma32(1-i, c[j], float32(i*g)))
		h[j] = float32(o * tanh(c[j]))
	}
}

func lstmCoupledPeepholeF32(h, c, zx, zh, p []float32) {
	H := len(c)
	for j := range c {
		i := sigmoid(fma32(p[j], c[j], zx[j]+zh[j]))
		g := tanh(zx[H+j] + zh[H+j])
		c[j] = floor(fma32(1-i, c[j], float32(i*g)))
		o := sigmoid(fma32(p[H+j], c[j], zx[2*H+j]+zh[2*H+j]))
		h[j] = float32(o * tanh(c[j]))
	}
}

func gruF32(h, zx, zh []float32) {
	H := len(h)
	for j := range h {
		r := sigmoid(zx[j] + zh[j])
		u := sigmoid(zx[H+j] + zh[H+j])
		n := tanh(fma32(r, zh[2*H+j], zx[2*H+j]))
		// With u = 1 this holds h exactly; n + u·(h−n) would let it drift.
		h[j] = floor(fma32(u, h[j], float32((1-u)*n)))
	}
}

func gruResetF32(rh, h, zx, zh []float32) {
	for j := range h {
		rh[j] = float32(sigmoid(zx[j]+zh[j]) * h[j])
	}
}

func gruBeforeF32(h, zx, zh []float32) {
	H := len(h)
	for j := range h {
		u := sigmoid(zx[H+j] + zh[H+j])
		n := tanh(zx[2*H+j] + zh[2*H+j])
		h[j] = floor(fma32(u, h[j], float32((1-u)*n)))
	}
}

func rnnTanhF32(h, zx, zh []float32) {
	for j := range h {
		h[j] = floor(tanh(zx[j] + zh[j]))
	}
}

func rnnReluF32(h, zx, zh []float32) {
	for j := range h {
		h[j] = floor(relu(zx[j] + zh[j]))
	}
}

func sigmoidF32(y, x []float32) {
	for j := range y {
		y[j] = sigmoid(x[j])
	}
}

func tanhF32(y, x []float32) {
	for j := range y {
		y[j] = tanh(x[j])
	}
}

func reluF32(y, x []float32) {
	for j := range y {
		y[j] = relu(x[j])
	}
}

func withinF32(x []float32, limit float32) bool {
	// As integers, magnitudes order like the floats they are; NaN is largest.
	m := math.Float32bits(limit)
	for _, v := range x {
		if math.Float32bits(v)&0x7fffffff > m {
			return false
		}
	}
	return true
}
