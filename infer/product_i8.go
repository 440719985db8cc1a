package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// A matrixI8 is an int8 matrix and what its products need: each x is quantised, by its
// own largest magnitude or for the input that the tensor names, the sums are exact
// integers.
type matrixI8 struct {
	matVec func(*asm.MatVecI8)
	one    asm.MatVecI8 // the arguments for a single step

	w      []int8
	s      []float32
	q      []int8    // scratch for each x, with its padding
	sx     []float32 // and for the scale of each
	stride int       // of q, and the padded columns
	input  float32   // 0: each x has a scale of its own
}

func (b *binder) matrixI8(t *format.Tensor) *matrixI8 {
	return &matrixI8{
		matVec: b.kernels.MatVecI8At,
		w:      t.I8.Elements, s: t.I8.Scales, q: b.i8, sx: b.scales(),
		stride: quant.PadI8(t.Cols), input: t.I8.Input,
	}
}

// mulI8 computes the first n y, of vectors that are quantised.
//
// As with float32, a large matrix goes to the kernel in slices of whole panels, and
// every matrix in blocks of asm.MaxColsI8 columns: there the contract itself has a
// chain over the blocks.
func (p *product) mulI8(n int) {
	m := p.i8
	// One vector waits for the weights, several for their multiplications.
	panels := kernelBytes
	if n > 1 {
		panels = kernelMACs / vectorsAtOnce
	}
	panels = max(1, panels/(asm.PanelRows*m.stride))
	if m.stride > asm.MaxColsI8 {
		panels = 1
	}
	height := panels * asm.PanelRows
	slices := (p.rows + height - 1) / height
	for i := range slices {
		first := p.turn(i, slices) * height
		last := min(p.rows, first+height)
		w := m.w[first*m.stride:]
		for k := 0; k < m.stride; k += asm.MaxColsI8 {
			cols := min(m.stride-k, asm.MaxColsI8)
			size := (last - first) * cols
			if n == 1 {
				y := p.one.Y[first:last]
				p.kernels.MatVecI8(y, p.startI8(y, first, last, k), w[:size], m.s[first:last], m.q[k:k+cols], m.sx[0])
			} else {
				p.mulBlockI8(w[:size], first, last, k, cols, n)
			}
			w = w[size:]
		}
	}
	p.back = !p.back
}

// mulBlockI8 is rows first … last−1 and cols columns from k on, of n vectors.
func (p *product) mulBlockI8(w []int8, first, last, k, cols, n int) {
	m := p.i8
	d := asm.Block{Rows: last - first, Cols: cols, StrideY: p.y.stride, StrideX: m.stride}
	if k > 0 {
		d.StrideB = p.y.stride
	}
	atOnce := max(1, kernelMACs/(vectorsAtOnce*d.Rows*d.Cols)) * vectorsAtOnce
	for v := 0; v < n; v += d.N {
		d.N = min(n-v, atOnce)
		y := p.y.all[v*p.y.stride+first:]
		p.kernels.MatMulI8(y, p.startI8(y, first, last, k), w, m.s[first:last], m.q[v*m.stride+k:], m.sx[v:v+d.N], d)
	}
}

// startI8 is what rows start from at column k: their bias, nil for zero, and then y itself.
func (p *product) startI8(y []float32, first, last, k int) []float32 {
	if k > 0 {
		return y
	}
	return p.start(first, last-first)
}

// quantize makes q, with its padding, and sx of vector v, which is x.
func (p *product) quantize(v int, x []float32) {
	m := p.i8
	largest := m.input
	if largest == 0 {
		largest = p.kernels.MaxAbsF32(x)
	}
	var inv float32
	inv, m.sx[v] = quant.ScaleI8(largest)
	q := m.q[v*m.stride:][:m.stride]
	p.kernels.QuantizeI8(q[:len(x)], x, inv)
	clear(q[len(x):])
}
