package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// A product is y = b + W·x with a matrix of either type and layout.
type product struct {
	i8     *productI8 // nil for float32
	kernel func(y, b, w, x []float32)
	w, b   []float32
	rows   int // as the kernel counts them: padded in panels, as they are if narrow
	cols   int
	panels bool
}

func newProduct(k *asm.Kernels, p *plan, w, b *format.Tensor, scratch []int8) product {
	if w.Type == format.Int8 {
		return product{i8: newProductI8(k, w, b, scratch)}
	}
	q := product{kernel: k.NarrowF32, w: w.F32, b: p.zeros, rows: w.Rows, cols: w.Cols}
	if w.Layout == format.Panels {
		q.kernel, q.b, q.rows, q.panels = k.MatVecF32, nil, quant.Pad(w.Rows), true
	}
	if b != nil {
		q.b = b.F32[:quant.Pad(b.Rows)]
	}
	return q
}

// kernelBytes is how many weights one call of a kernel may read. Go cannot
// preempt assembly, so a call must end within about 100 µs: 128 KB at 1.3 GB/s,
// slower than the memory of any device this is for.
const (
	kernelBytes  = 128 << 10
	kernelFloats = kernelBytes / 4
)

// mul computes y = b + W·x. len(y) ≥ rows, len(x) = cols.
//
// A large matrix goes to the kernel in slices: of rows if it is narrow, else of
// whole panels or, where one panel is too large, of some of its columns. None of
// this changes a bit: rows do not see each other, and a chain continued from its
// own result is the same chain.
func (p *product) mul(y, x []float32) {
	if p.i8 != nil {
		p.i8.mul(y, x)
		return
	}
	if len(p.w) <= kernelFloats {
		p.kernel(y[:p.rows], p.b, p.w, x)
		return
	}
	if !p.panels {
		stride := len(p.w) / p.rows
		rows := max(1, kernelFloats/stride)
		for first := 0; first < p.rows; first += rows {
			last := min(p.rows, first+rows)
			p.kernel(y[first:last], p.b[first:], p.w[first*stride:last*stride], x)
		}
		return
	}
	w, b := p.w, p.b
	for first := 0; first < p.rows; {
		rows := min(p.rows-first, max(1, kernelFloats/(asm.PanelRows*p.cols))*asm.PanelRows)
		out, start := y[first:first+rows], b
		if b != nil {
			start = b[first : first+rows]
		}
		for k := 0; k < p.cols; {
			cols := p.cols
			if rows <= asm.PanelRows {
				cols = min(p.cols-k, kernelFloats/asm.PanelRows)
			}
			p.kernel(out, start, w[:rows*cols], x[k:k+cols])
			w, start = w[rows*cols:], out
			k += cols
		}
		first += rows
	}
}
