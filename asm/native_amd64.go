//go:build !purego

package asm

import "github.com/klauspost/cpuid/v2"

var avx2 = Kernels{
	Name:                   "avx2",
	MatVecF32:              matVecF32AVX2,
	MatVecF32At:            matVecF32AtAVX2,
	MatVec4F32:             matVec4F32AVX2,
	MatMulF32:              matMulF32AVX2,
	NarrowF32:              narrowF32AVX2,
	LSTMF32:                lstmF32AVX2,
	LSTMF32At:              lstmF32AtAVX2,
	LSTMPeepholeF32:        lstmPeepholeF32AVX2,
	LSTMCoupledF32:         lstmCoupledF32AVX2,
	LSTMCoupledPeepholeF32: lstmCoupledPeepholeF32AVX2,
	GRUF32:                 gruF32AVX2,
	GRUF32At:               gruF32AtAVX2,
	GRUResetF32:            gruResetF32AVX2,
	GRUBeforeF32:           gruBeforeF32AVX2,
	RNNTanhF32:             rnnTanhF32AVX2,
	RNNReluF32:             rnnReluF32AVX2,
	SigmoidF32:             sigmoidF32AVX2,
	TanhF32:                tanhF32AVX2,
	ReluF32:                reluF32AVX2,
	WithinF32:              withinF32AVX2,
	MatVecI8:               matVecI8AVX2,
	MatVecI8At:             matVecI8AtAVX2,
	MatMulI8:               matMulI8By(matVecI8AVX2),
	QuantizeI8:             quantizeI8AVX2,
	DigitsI8:               digitsI8AVX2,
	MaxAbsF32:              maxAbsF32AVX2,
}

// native returns the tables in assembly that this CPU can run, best first.
//
// cpuid reports AVX2 and AVX-512 only if the operating system saves the registers, too. XCR0
// says so, but on Darwin, which sets it for AVX-512 only once a program has used that: there
// cpuid asks the page where the kernel says what it supports.
func native() (tables []*Kernels) {
	cpu := &cpuid.CPU
	if !cpu.Supports(cpuid.AVX2, cpuid.FMA3) {
		return nil
	}
	if cpu.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512DQ, cpuid.BMI2) {
		if cpu.Supports(cpuid.AVX512VNNI) {
			tables = append(tables, &avx512vnni)
		}
		tables = append(tables, &avx512)
	}
	if cpu.Supports(cpuid.AVXVNNI) {
		tables = append(tables, &avxvnni)
	}
	return append(tables, &avx2)
}

//go:noescape
func matVecF32AtAVX2(a *MatVecF32)

func matVecF32AVX2(y, b, w, x []float32) { matVecF32AtAVX2(&MatVecF32{y, b, w, x}) }

//go:noescape
func matVec4F32AVX2(y, w, x []float32, stride int)

//go:noescape
func matMulF32AVX2(y, b, w, x []float32, d Block)

//go:noescape
func narrowF32AVX2(y, b, w, x []float32)

//go:noescape
func lstmF32AtAVX2(a *CellF32)

func lstmF32AVX2(h, c, zx, zh []float32) { lstmF32AtAVX2(&CellF32{h, c, zx, zh}) }

//go:noescape
func lstmPeepholeF32AVX2(h, c, zx, zh, p []float32)

//go:noescape
func lstmCoupledF32AVX2(h, c, zx, zh []float32)

//go:noescape
func lstmCoupledPeepholeF32AVX2(h, c, zx, zh, p []float32)

//go:noescape
func gruResetF32AVX2(rh, h, zx, zh []float32)

//go:noescape
func gruBeforeF32AVX2(h, zx, zh []float32)

//go:noescape
func gruF32AtAVX2(a *CellF32)

func gruF32AVX2(h, zx, zh []float32) { gruF32AtAVX2(&CellF32{H: h, ZX: zx, ZH: zh}) }

//go:noescape
func rnnTanhF32AVX2(h, zx, zh []float32)

//go:noescape
func rnnReluF32AVX2(h, zx, zh []float32)

//go:noescape
func sigmoidF32AVX2(y, x []float32)

//go:noescape
func tanhF32AVX2(y, x []float32)

//go:noescape
func reluF32AVX2(y, x []float32)

//go:noescape
func withinF32AVX2(x []float32, limit float32) bool

//go:noescape
func matVecI8AtAVX2(a *MatVecI8)

func matVecI8AVX2(y, b []float32, w []int8, s []float32, x []int8, sx float32) {
	matVecI8AtAVX2(&MatVecI8{y, b, w, s, x, sx})
}

//go:noescape
func quantizeI8AVX2(a *QuantizeI8)

//go:noescape
func digitsI8AVX2(high, low []int8, x []float32, inv, scale, invLow float32)

//go:noescape
func maxAbsF32AVX2(x []float32) float32

// prefetchAhead is how many bytes ahead of what they read the products with one vector
// prefetch. On Zen 5 that is worth up to two fifths of the time of a matrix in the second-level
// cache. Zen 4 finds its way alone, and loses a quarter of what the third level gives at any
// distance from 512 bytes to 8 KB: with 0 a line is prefetched as it is read.
var prefetchAhead = ahead(&cpuid.CPU)

func ahead(cpu *cpuid.CPUInfo) int {
	const zen3And4 = 0x19
	if cpu.VendorID == cpuid.AMD && cpu.Family == zen3And4 && cpu.Supports(cpuid.AVX512F) {
		return 0
	}
	return 2048
}

// limitI8 are the largest and the least int8 that a number is quantised to, leastI8 is the
// least largest magnitude of a vector that does not count as zeros, packOrder undoes what packing
// within the halves of a register does to the order.
var (
	limitI8   = [2]float32{127, -127}
	leastI8   = float32(zeroI8)
	packOrder = [8]int32{0, 4, 1, 5, 2, 6, 3, 7}
)

// tailMask, read at element 16−n, is a mask of n lanes.
var tailMask = [32]int32{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}

// zeros is where a product without a bias starts: one column of a panel.
var zeros [PanelRows]float32
