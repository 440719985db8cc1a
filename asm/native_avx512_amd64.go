//go:build !purego

package asm

var avx512 = Kernels{
	Name:                   "avx512",
	MatVecF32:              matVecF32AVX512,
	MatVecF32At:            matVecF32AtAVX512,
	MatVec4F32:             matVec4F32AVX512,
	MatMulF32:              matMulF32AVX512,
	NarrowF32:              narrowF32AVX512,
	LSTMF32:                lstmF32AVX512,
	LSTMF32At:              lstmF32AtAVX512,
	LSTMPeepholeF32:        lstmPeepholeF32AVX512,
	LSTMCoupledF32:         lstmCoupledF32AVX512,
	LSTMCoupledPeepholeF32: lstmCoupledPeepholeF32AVX512,
	GRUF32:                 gruF32AVX512,
	GRUF32At:               gruF32AtAVX512,
	GRUResetF32:            gruResetF32AVX512,
	GRUBeforeF32:           gruBeforeF32AVX512,
	RNNTanhF32:             rnnTanhF32AVX512,
	RNNReluF32:             rnnReluF32AVX512,
	SigmoidF32:             sigmoidF32AVX512,
	TanhF32:                tanhF32AVX512,
	ReluF32:                reluF32AVX512,
	WithinF32:              withinF32AVX512,
	MatVecI8:               matVecI8AVX512,
	MatVecI8At:             matVecI8AtAVX512,
	MatMulI8:               matMulI8By(matVecI8AVX512),
	QuantizeI8:             quantizeI8AVX512,
	DigitsI8:               digitsI8AVX512,
	MaxAbsF32:              maxAbsF32AVX512,
}

// avx512vnni is avx512 with the dot products of AVX512-VNNI, avxvnni is avx2 with those of
// AVX-VNNI.
var (
	avx512vnni = withDots(avx512, "avx512vnni", matVecI8AVX512VNNI, matVecI8AtAVX512VNNI, matMul48I8AVX512VNNI)
	avxvnni    = withDots(avx2, "avxvnni", matVecI8AVXVNNI, matVecI8AtAVXVNNI, matMul48I8AVXVNNI)
)

func init() {
	avx512vnni.MatVec2I8, avx512vnni.MatVec4I8 = matVec2I8AVX512VNNI, matVec4I8AVX512VNNI
}

func withDots(k Kernels, name string,
	matVec func(y, b []float32, w []int8, s []float32, x []int8, sx float32),
	matVecAt func(a *MatVecI8),
	matMul48 func(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block),
) Kernels {
	k.Name, k.MatVecI8, k.MatVecI8At = name, matVec, matVecAt
	// A call takes at most 48 vectors, whose sums it keeps.
	k.MatMulI8 = func(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block) {
		for left := d.N; left > 0; left -= d.N {
			d.N = min(left, 48)
			matMul48(y, b, w, s, x, sx, d)
			if left == d.N {
				return
			}
			y, x, sx = y[d.N*d.StrideY:], x[d.N*d.StrideX:], sx[d.N:]
			if len(b) > 0 {
				b = b[d.N*d.StrideB:]
			}
		}
	}
	return k
}

//go:noescape
func matVecF32AtAVX512(a *MatVecF32)

func matVecF32AVX512(y, b, w, x []float32) { matVecF32AtAVX512(&MatVecF32{y, b, w, x}) }

//go:noescape
func matVec4F32AVX512(y, w, x []float32, stride int)

//go:noescape
func matMulF32AVX512(y, b, w, x []float32, d Block)

//go:noescape
func narrowF32AVX512(y, b, w, x []float32)

//go:noescape
func lstmF32AtAVX512(a *CellF32)

func lstmF32AVX512(h, c, zx, zh []float32) { lstmF32AtAVX512(&CellF32{h, c, zx, zh}) }

//go:noescape
func lstmPeepholeF32AVX512(h, c, zx, zh, p []float32)

//go:noescape
func lstmCoupledF32AVX512(h, c, zx, zh []float32)

//go:noescape
func lstmCoupledPeepholeF32AVX512(h, c, zx, zh, p []float32)

//go:noescape
func gruResetF32AVX512(rh, h, zx, zh []float32)

//go:noescape
func gruBeforeF32AVX512(h, zx, zh []float32)

//go:noescape
func gruF32AtAVX512(a *CellF32)

func gruF32AVX512(h, zx, zh []float32) { gruF32AtAVX512(&CellF32{H: h, ZX: zx, ZH: zh}) }

//go:noescape
func rnnTanhF32AVX512(h, zx, zh []float32)

//go:noescape
func rnnReluF32AVX512(h, zx, zh []float32)

//go:noescape
func sigmoidF32AVX512(y, x []float32)

//go:noescape
func tanhF32AVX512(y, x []float32)

//go:noescape
func reluF32AVX512(y, x []float32)

//go:noescape
func withinF32AVX512(x []float32, limit float32) bool

//go:noescape
func matVecI8AtAVX512(a *MatVecI8)

func matVecI8AVX512(y, b []float32, w []int8, s []float32, x []int8, sx float32) {
	matVecI8AtAVX512(&MatVecI8{y, b, w, s, x, sx})
}

//go:noescape
func quantizeI8AVX512(a *QuantizeI8)

//go:noescape
func digitsI8AVX512(high, low []int8, x []float32, inv, scale, invLow float32)

//go:noescape
func maxAbsF32AVX512(x []float32) float32

//go:noescape
func matVecI8AtAVX512VNNI(a *MatVecI8)

func matVecI8AVX512VNNI(y, b []float32, w []int8, s []float32, x []int8, sx float32) {
	matVecI8AtAVX512VNNI(&MatVecI8{y, b, w, s, x, sx})
}

//go:noescape
func matVec2I8AVX512VNNI(a *MatVec2I8)

//go:noescape
func matVec4I8AVX512VNNI(y []float32, w []int8, s []float32, comp []int32, x []int8, sx float32, stride int)

//go:noescape
func matVecI8AtAVXVNNI(a *MatVecI8)

func matVecI8AVXVNNI(y, b []float32, w []int8, s []float32, x []int8, sx float32) {
	matVecI8AtAVXVNNI(&MatVecI8{y, b, w, s, x, sx})
}

//go:noescape
func matMul48I8AVX512VNNI(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block)

//go:noescape
func matMul48I8AVXVNNI(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block)
