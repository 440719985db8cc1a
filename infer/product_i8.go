package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// A productI8 is y = b + W·x with an int8 matrix: x is quantised, by its own largest
// magnitude or for the input that the tensor names, the sums are exact integers.
type productI8 struct {
	matVec   func(y, b []float32, w []int8, s []float32, x []int8, sx float32)
	quantize func(q []int8, x []float32, inv float32)
	maxAbs   func(x []float32) float32

	w     []int8
	s, b  []float32
	q     []int8  // scratch for x, with its padding
	cols  int     // without it
	input float32 // 0: each x has a scale of its own
	rows  int     // padded
}

func newProductI8(k *asm.Kernels, w, b *format.Tensor, scratch []int8) *productI8 {
	p := &productI8{
		matVec: k.MatVecI8, quantize: k.QuantizeI8, maxAbs: k.MaxAbsF32,
		w: w.I8.Elements, s: w.I8.Scales, q: scratch[:quant.PadI8(w.Cols)], cols: w.Cols, input: w.I8.Input, rows: quant.Pad(w.Rows),
	}
	if b != nil {
		p.b = b.F32[:p.rows]
	}
	return p
}

// mul computes y = b + W·x. len(y) ≥ rows, len(x) is the number of columns.
//
// As with float32, a large matrix goes to the kernel in slices of whole panels, and
// every matrix in blocks of asm.MaxColsI8 columns: there the contract itself has a
// chain over the blocks.
func (p *productI8) mul(y, x []float32) {
	largest := p.input
	if largest == 0 {
		largest = p.maxAbs(x)
	}
	inv, sx := quant.ScaleI8(largest)
	p.quantize(p.q[:p.cols], x, inv)
	clear(p.q[p.cols:])
	cols := len(p.q)
	if cols <= asm.MaxColsI8 {
		panels := max(1, kernelBytes/(asm.PanelRows*cols))
		w := p.w
		for first := 0; first < p.rows; first += panels * asm.PanelRows {
			last := min(p.rows, first+panels*asm.PanelRows)
			n := (last - first) * cols
			var b []float32
			if p.b != nil {
				b = p.b[first:last]
			}
			p.matVec(y[first:last], b, w[:n], p.s[first:last], p.q, sx)
			w = w[n:]
		}
		return
	}
	w := p.w
	for first := 0; first < p.rows; first += asm.PanelRows {
		last := min(p.rows, first+asm.PanelRows)
		out := y[first:last]
		var start []float32
		if p.b != nil {
			start = p.b[first:last]
		}
		for k := 0; k < cols; k += asm.MaxColsI8 {
			q := p.q[k:min(cols, k+asm.MaxColsI8)]
			n := len(q) * len(out)
			p.matVec(out, start, w[:n], p.s[first:last], q, sx)
			w, start = w[n:], out
		}
	}
}
