package asm

// A product with a block of vectors is, by contract, as many products with one. Weights
// are what a product waits for; a kernel that reads each once for several vectors does
// the same operations on every output in the same order.

// matVec4By is MatVec4F32 by a table's MatVecF32, one panel after the other.
func matVec4By(matVec func(y, b, w, x []float32)) func(y, w, x []float32, stride int) {
	return func(y, w, x []float32, stride int) {
		for p := range 4 {
			panel := y[p*PanelRows:][:PanelRows]
			matVec(panel, panel, w[p*stride:][:PanelRows*len(x)], x)
		}
	}
}

// matMulBy is MatMulF32 by a table's MatVecF32.
func matMulBy(matVec func(y, b, w, x []float32)) func(y, b, w, x []float32, d Block) {
	return func(y, b, w, x []float32, d Block) {
		for v := range d.N {
			var start []float32
			if len(b) > 0 {
				start = b[v*d.StrideB:][:d.Rows]
			}
			matVec(y[v*d.StrideY:][:d.Rows], start, w, x[v*d.StrideX:][:d.Cols])
		}
	}
}

// matMulI8By is MatMulI8 by a table's MatVecI8.
func matMulI8By(matVec func(y, b []float32, w []int8, s []float32, x []int8, sx float32)) func(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block) {
	return func(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block) {
		for v := range d.N {
			var start []float32
			if len(b) > 0 {
				start = b[v*d.StrideB:][:d.Rows]
			}
			matVec(y[v*d.StrideY:][:d.Rows], start, w, s, x[v*d.StrideX:][:d.Cols], sx[v])
		}
	}
}
