//go:build !purego

package asm

import "github.com/klauspost/cpuid/v2"

var neon = Kernels{
	Name:                   "neon",
	MatVecF32:              matVecF32NEON,
	MatVecF32At:            matVecF32AtNEON,
	MatVec4F32:             matVec4By(matVecF32NEON),
	MatMulF32:              matMulF32NEON,
	NarrowF32:              narrowF32NEON,
	LSTMF32:                lstmF32NEON,
	LSTMF32At:              lstmF32AtNEON,
	LSTMPeepholeF32:        lstmPeepholeF32NEON,
	LSTMCoupledF32:         lstmCoupledF32NEON,
	LSTMCoupledPeepholeF32: lstmCoupledPeepholeF32NEON,
	GRUF32:                 gruF32NEON,
	GRUF32At:               gruF32AtNEON,
	GRUResetF32:            gruResetF32NEON,
	GRUBeforeF32:           gruBeforeF32NEON,
	RNNTanhF32:             rnnTanhF32NEON,
	RNNReluF32:             rnnReluF32NEON,
	SigmoidF32:             sigmoidF32NEON,
	TanhF32:                tanhF32NEON,
	ReluF32:                reluF32NEON,
	WithinF32:              withinF32NEON,
	MatVecI8:               matVecI8NEON,
	MatVecI8At:             matVecI8AtNEON,
	MatMulI8:               matMulI8By(matVecI8NEON),
	QuantizeI8:             quantizeI8NEON,
	DigitsI8:               digitsI8NEON,
	MaxAbsF32:              maxAbsF32NEON,
}

// dotprod is neon with the dot products of ARMv8.2.
var dotprod = func() Kernels {
	k := neon
	k.Name = "dotprod"
	k.MatVecI8, k.MatVecI8At = matVecI8DotProd, matVecI8AtDotProd
	k.MatMulI8 = matMulI8DotProd
	return k
}()

// native returns the tables in assembly that this CPU can run, best first.
//
// For neon nothing is asked of the CPU: it uses ARMv8.0 instructions only, and Go code
// for arm64 uses them without asking, too (bits.OnesCount64 is a VCNT). Asking
// would lose machines: on Windows, iOS and the BSDs cpuid cannot tell, and says
// that there is no ASIMD. There dotprod is lost.
func native() (tables []*Kernels) {
	if cpuid.CPU.Supports(cpuid.ASIMDDP) {
		tables = append(tables, &dotprod)
	}
	return append(tables, &neon)
}

//go:noescape
func matMulF32NEON(y, b, w, x []float32, d Block)

//go:noescape
func matMulI8DotProd(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block)

//go:noescape
func matVecI8AtNEON(a *MatVecI8)

func matVecI8NEON(y, b []float32, w []int8, s []float32, x []int8, sx float32) {
	matVecI8AtNEON(&MatVecI8{y, b, w, s, x, sx})
}

//go:noescape
func matVecI8AtDotProd(a *MatVecI8)

func matVecI8DotProd(y, b []float32, w []int8, s []float32, x []int8, sx float32) {
	matVecI8AtDotProd(&MatVecI8{y, b, w, s, x, sx})
}

//go:noescape
func quantizeI8NEON(a *QuantizeI8)

//go:noescape
func digitsI8NEON(high, low []int8, x []float32, inv, scale, invLow float32)

//go:noescape
func maxAbsF32NEON(x []float32) float32

//go:noescape
func matVecF32AtNEON(a *MatVecF32)

func matVecF32NEON(y, b, w, x []float32) { matVecF32AtNEON(&MatVecF32{y, b, w, x}) }

//go:noescape
func narrowF32NEON(y, b, w, x []float32)

//go:noescape
func lstmF32AtNEON(a *CellF32)

func lstmF32NEON(h, c, zx, zh []float32) { lstmF32AtNEON(&CellF32{h, c, zx, zh}) }

//go:noescape
func lstmPeepholeF32NEON(h, c, zx, zh, p []float32)

//go:noescape
func lstmCoupledF32NEON(h, c, zx, zh []float32)

//go:noescape
func lstmCoupledPeepholeF32NEON(h, c, zx, zh, p []float32)

//go:noescape
func gruResetF32NEON(rh, h, zx, zh []float32)

//go:noescape
func gruBeforeF32NEON(h, zx, zh []float32)

//go:noescape
func gruF32AtNEON(a *CellF32)

func gruF32NEON(h, zx, zh []float32) { gruF32AtNEON(&CellF32{H: h, ZX: zx, ZH: zh}) }

//go:noescape
func rnnTanhF32NEON(h, zx, zh []float32)

//go:noescape
func rnnReluF32NEON(h, zx, zh []float32)

//go:noescape
func sigmoidF32NEON(y, x []float32)

//go:noescape
func tanhF32NEON(y, x []float32)

//go:noescape
func reluF32NEON(y, x []float32)

//go:noescape
func withinF32NEON(x []float32, limit float32) bool

// zeros is where a product without a bias starts: one column of a panel.
var zeros [PanelRows]float32
