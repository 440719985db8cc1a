package asm

import (
	"fmt"
	"os"
	"strings"
)

// Kernels is the table of functions of one instruction set. It is immutable and
// safe for concurrent use.
//
// All slices are the caller's; no function keeps, allocates or grows one. The
// assembly does not check lengths: what a comment below requires, the caller
// guarantees. Unless said otherwise, arguments must not overlap.
type Kernels struct {
	// Name is the name that ByName and RNNEDGE_ISA know: "generic", "avx2", "neon".
	Name string

	// MatVecF32 computes y = b + W·x over panels of 64 rows.
	//
	//	len(y) is the number of rows, a multiple of 16
	//	len(b) = len(y), or 0 for a zero start; b may be y
	//	len(w) = len(y)·len(x), in panels
	MatVecF32 func(y, b, w, x []float32)

	// MatVecF32At is MatVecF32 with its arguments where they lie. A step of a small model would
	// take as long to pass slices, on their way into assembly, as to multiply: so the kernels
	// of the steps that are most common exist in this form, too.
	MatVecF32At func(a *MatVecF32)

	// MatVec4F32 computes y += W·x over four panels of 64 rows, some columns of each: the
	// bits that MatVecF32 gives for one after the other. The panels are read side by side,
	// which on AVX2 is the faster way for a matrix that lies in memory rather than in a
	// cache; where that has not been measured it is MatVecF32, four times.
	//
	//	len(y) = 256
	//	panel p begins at w[p·stride:], stride ≥ 64·len(x)
	MatVec4F32 func(y, w, x []float32, stride int)

	// MatMulF32 computes y = b + W·x for each vector of a block: the bits that as many
	// calls of MatVecF32 give, with each weight read once for several vectors.
	//
	//	len(w) = d.Rows·d.Cols, in panels; d.Rows is a multiple of 16
	//	y, b, x as d says; b may be y with d.StrideB = d.StrideY
	MatMulF32 func(y, b, w, x []float32, d Block)

	// NarrowF32 computes y = b + W·x over row-major rows of padded columns.
	//
	//	len(y) is the number of rows, any
	//	len(b) ≥ len(y)
	//	len(w) = len(y)·(len(x) rounded up to 16), zeros in the padding
	NarrowF32 func(y, b, w, x []float32)

	// LSTMF32 is the cell update of an LSTM, from pre-activations in two parts:
	//
	//	i = σ(zx[0:H] + zh[0:H])        f = σ(zx[H:2H] + zh[H:2H])
	//	g = tanh(zx[2H:3H] + zh[2H:3H]) o = σ(zx[3H:4H] + zh[3H:4H])
	//	c = f·c + i·g                   h = o·tanh(c)
	//
	//	len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H
	LSTMF32   func(h, c, zx, zh []float32)
	LSTMF32At func(a *CellF32)

	// LSTMPeepholeF32 is LSTMF32 with peepholes (Gers, Schraudolph and Schmidhuber,
	// Learning precise timing with LSTM recurrent networks, 2002): i and f also
	// see the old c, o the new one, each through a weight of its own.
	//
	//	i = σ(p[0:H]·c + zx[0:H] + zh[0:H])  f = σ(p[H:2H]·c + …)  o = σ(p[2H:3H]·c′ + …)
	//
	//	lengths as LSTMF32, len(p) ≥ 3H
	LSTMPeepholeF32 func(h, c, zx, zh, p []float32)

	// LSTMCoupledF32 is the cell update of an LSTM whose forget gate is 1 − i
	// (Greff et al., LSTM: a search space odyssey, 2017, "CIFG"). There are three
	// gates, i, g and o, in the places 0:H, H:2H and 2H:3H.
	//
	//	c = (1−i)·c + i·g                h = o·tanh(c)
	//
	//	len(h) = len(c) = H, len(zx) and len(zh) ≥ 3H
	LSTMCoupledF32 func(h, c, zx, zh []float32)

	// LSTMCoupledPeepholeF32 is both: i sees the old c through p[0:H], o the new one
	// through p[H:2H].
	//
	//	lengths as LSTMCoupledF32, len(p) ≥ 2H
	LSTMCoupledPeepholeF32 func(h, c, zx, zh, p []float32)

	// GRUF32 is the state update of a GRU whose reset gate acts after the
	// recurrent product (PyTorch, cuDNN, Keras reset_after):
	//
	//	r = σ(zx[0:H] + zh[0:H])        u = σ(zx[H:2H] + zh[H:2H])
	//	n = tanh(zx[2H:3H] + r·zh[2H:3H])
	//	h = u·h + (1−u)·n
	//
	//	len(h) = H, len(zx) and len(zh) ≥ 3H
	GRUF32   func(h, zx, zh []float32)
	GRUF32At func(a *CellF32)

	// GRUResetF32 and GRUBeforeF32 are the two halves of a GRU whose reset gate acts
	// before the recurrent product (Cho et al., 2014; ONNX by default, Keras with
	// reset_after off). Between them zh[2H:3H] = R_n·rh is computed.
	//
	//	rh = σ(zx[0:H] + zh[0:H])·h
	//
	//	u = σ(zx[H:2H] + zh[H:2H])      n = tanh(zx[2H:3H] + zh[2H:3H])
	//	h = u·h + (1−u)·n
	//
	//	len(rh) = len(h) = H, len(zx) and len(zh) ≥ 3H
	GRUResetF32  func(rh, h, zx, zh []float32)
	GRUBeforeF32 func(h, zx, zh []float32)

	// RNNTanhF32 and RNNReluF32 are the state updates of a vanilla RNN:
	// h = tanh(zx + zh), h = max(zx + zh, 0).
	//
	//	len(h) = H, len(zx) and len(zh) ≥ H
	RNNTanhF32, RNNReluF32 func(h, zx, zh []float32)

	// SigmoidF32, TanhF32 and ReluF32 apply an activation to each element.
	//
	//	len(x) ≥ len(y); x may be y
	SigmoidF32, TanhF32, ReluF32 func(y, x []float32)

	// WithinF32 reports whether every |x[i]| ≤ limit; false if any is a NaN.
	//
	//	limit is finite and not negative
	WithinF32 func(x []float32, limit float32) bool

	// MatVecI8 computes y = b + W·x with int8 weights, over panels of 64 rows: the sum
	// of each row exactly, in integers, and then
	//
	//	y[r] = fma(sum, s[r]·sx, b[r])
	//
	//	len(y) = len(s) is the number of rows, a multiple of 16
	//	len(b) = len(y), or 0 for a zero start; b may be y
	//	len(x) is a multiple of 4, at most MaxColsI8
	//	len(w) = len(y)·len(x), in panels, four columns of a row together
	//	no w and no x is −128
	MatVecI8   func(y, b []float32, w []int8, s []float32, x []int8, sx float32)
	MatVecI8At func(a *MatVecI8)

	// MatVec2I8 is MatVecI8 with both digits of a vector of 16 bits, with the bits of two calls,
	// y = b + W·x and y = y + W·low; nil where that reads no less.
	MatVec2I8 func(a *MatVec2I8)

	// MatVec4I8 computes y += (s·sx)·(W·x) over four panels of 64 rows, some columns of each:
	// the bits that MatVecI8 gives for one after the other. What MatVec4F32 is for, this is
	// for int8; nil where it has not been measured to gain.
	//
	//	len(y) = len(s) = len(comp) = 256, x as in MatVecI8
	//	panel p begins at w[p·stride:], stride ≥ 64·len(x)
	//	comp is what CompensationI8 gives for these columns of the panels
	MatVec4I8 func(y []float32, w []int8, s []float32, comp []int32, x []int8, sx float32, stride int)

	// MatMulI8 is MatVecI8 for each vector of a block, with the same bits. sx[v] is the
	// scale of vector v.
	//
	//	len(s) = d.Rows, len(sx) = d.N, d.Cols is what len(x) is there
	//	len(w), y, b, x as in MatMulF32
	MatMulI8 func(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block)

	// QuantizeI8 quantises a vector by its own largest magnitude: each element to the
	// nearest whole number, to even where two are as near.
	//
	//	inv, a.Scale = ScaleI8(MaxAbsF32(a.X))
	//	a.Q[i] = round(a.X[i]·inv), 0 from len(a.X) on
	//
	//	len(a.Q) is len(a.X) rounded up to a multiple of 4; no x is a NaN or infinite
	QuantizeI8 func(a *QuantizeI8)

	// DigitsI8 computes two digits of each x[i]: a whole number as QuantizeI8 has it, and one
	// of what that leaves. Either is limited to ±127.
	//
	//	high[i] = round(x[i]·inv)
	//	low[i] = round(fma(−scale, high[i], x[i])·invLow)
	//
	//	len(high) = len(low) = len(x); every product is finite
	DigitsI8 func(high, low []int8, x []float32, inv, scale, invLow float32)

	// MaxAbsF32 returns the largest |x[i]|, 0 for no x. No x is a NaN.
	MaxAbsF32 func(x []float32) float32
}

// A Block says where the vectors of a matrix product lie. Vector v of N is
//
//	y[v·StrideY:][:Rows] = b[v·StrideB:][:Rows] + W·x[v·StrideX:][:Cols]
//
// and len(b) = 0 is a zero start. StrideB is 0 then, and where all start from one bias. No
// other stride is less than the length of its vectors.
type Block struct {
	Rows, Cols, N             int
	StrideY, StrideB, StrideX int
}

// MatVecF32, MatVecI8, MatVec2I8, QuantizeI8 and CellF32 are the arguments of Kernels' MatVecF32,
// MatVecI8, MatVec2I8, QuantizeI8, LSTMF32 and GRUF32, to be prepared once and passed in one word.
// Low and SLow are the second digits and their scale; QuantizeI8's Scale is a result; C is
// the LSTM's alone.
type (
	MatVecF32 struct{ Y, B, W, X []float32 }
	MatVecI8  struct {
		Y, B []float32
		W    []int8
		S    []float32
		X    []int8
		SX   float32
	}
	MatVec2I8 struct {
		MatVecI8
		Low  []int8
		SLow float32
	}
	QuantizeI8 struct {
		Q     []int8
		X     []float32
		Scale float32
	}
	CellF32 struct{ H, C, ZX, ZH []float32 }
)

// EnvISA is the environment variable that names the table Best returns.
const EnvISA = "RNNEDGE_ISA"

// All returns the tables that this CPU can run, best first, generic last.
func All() []*Kernels {
	return append(native(), &generic)
}

// ByName returns the table of that name. The error says which tables this CPU
// can run.
func ByName(name string) (*Kernels, error) {
	var names []string
	for _, k := range All() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return nil, fmt.Errorf("asm: no kernels %q on this CPU, which can run: %s", name, strings.Join(names, ", "))
}

// Best returns the table named by the environment variable RNNEDGE_ISA, or the
// best one for this CPU where that is unset or empty. A name that this CPU
// cannot run is an error, never a silent fallback.
func Best() (*Kernels, error) {
	if name := os.Getenv(EnvISA); name != "" {
		k, err := ByName(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", EnvISA, err)
		}
		return k, nil
	}
	return All()[0], nil
}
