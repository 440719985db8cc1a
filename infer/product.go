package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// A product is y = b + W·x with a matrix of either type and layout, for one vector or
// for several at once. Each y has room for the padding of its rows.
//
// What a single step needs stands together and comes first: weights of 32 KB leave none of it
// in the first-level cache.
type product struct {
	small  bool // in panels, and for one vector one call of the kernel
	panels bool
	back   bool      // the next product with one vector goes from the last slice to the first
	i8     *matrixI8 // nil for float32
	matVec func(*asm.MatVecF32)
	one    asm.MatVecF32 // the arguments for a single step: y with its padding

	kernels *asm.Kernels
	y, x    vectors
	w, b    []float32
	rows    int // as the kernel counts them: padded in panels, as they are if narrow
	cols    int
}

func (b *binder) product(y vectors, w format.TensorID, x vectors, bias format.TensorID) product {
	t, start := b.file.Tensor(w), b.file.Tensor(bias)
	p := product{y: y, x: x, kernels: b.kernels, matVec: b.kernels.MatVecF32At, w: t.F32, rows: t.Rows, cols: t.Cols}
	if t.Layout == format.Panels {
		p.rows, p.panels = quant.Pad(t.Rows), true
	} else {
		p.b = b.plan.zeros
	}
	if start != nil {
		p.b = start.F32[:quant.Pad(start.Rows)]
	}
	if t.Type == format.Int8 {
		p.i8 = b.matrixI8(t)
	}
	p.small = p.panels && len(p.w) <= kernelFloats
	if p.i8 != nil {
		p.small = len(p.i8.w) <= kernelBytes && p.i8.cols <= asm.MaxColsI8
	}
	p.one = asm.MatVecF32{Y: y.all[:p.rows], B: p.b, W: p.w, X: x.one}
	if p.i8 != nil {
		p.i8.start(p.one.Y, p.b, x.one)
	}
	return p
}

// kernelBytes is how many weights one call of a kernel may read. Go cannot
// preempt assembly, so a call must end within about 100 µs: 128 KB at 1.3 GB/s,
// slower than the memory of any device this is for.
//
// A call with several vectors takes as long for its multiplications, of which
// kernelMACs at 2 a nanosecond are those 100 µs. It takes at least vectorsAtOnce
// vectors: what all register blocks of the kernels divide.
const (
	kernelBytes   = 128 << 10
	kernelFloats  = kernelBytes / 4
	kernelMACs    = 200_000
	vectorsAtOnce = 12

	// memoryBytes is how large a matrix is that is read four panels at a time: it comes from
	// far away. Measured on AVX2 (Zen 3): with 1 MB level, with 4 MB 4 % less time, with
	// 16 MB a quarter; on AVX-512 (Zen 5): with 4 MB 3 % more, with 8 MB 18 % more, with 9 MB
	// a tenth less, with 16 MB a third; int8 with AVX512-VNNI (Zen 4): with 8 MB level, with
	// 18 MB a tenth less, with 32 MB a quarter.
	memoryBytes = 9 << 20
	fourPanels  = 4 * asm.PanelRows

	// blockFloats is how many weights a call with several vectors reads: they stay in
	// half of a first-level cache while all vectors pass.
	blockFloats = 16 << 10 / 4
)

// outgrow32K reports whether two matrices, small ones, are together too large for a first-level
// cache of 32 KB: a step finds there what the step before read last, so that comes first.
func outgrow32K(a, b *product) bool {
	return a.small && b.small && a.bytes()+b.bytes() >= 32<<10
}

// bytes is how many bytes the weights are.
func (p *product) bytes() int {
	if p.i8 != nil {
		return len(p.i8.w)
	}
	return 4 * len(p.w)
}

// mulOne computes y of a single step.
func (p *product) mulOne() {
	p.prepareOne()
	p.multiplyOne()
}

// prepareOne is what a product does before it reads its weights.
func (p *product) prepareOne() {
	if p.i8 != nil {
		p.quantizeOne()
	}
}

func (p *product) multiplyOne() {
	switch {
	case p.i8 == nil && p.small:
		p.matVec(&p.one)
	case p.i8 == nil && p.panels:
		p.mulSlices(p.one.Y, p.one.X)
	case p.i8 == nil:
		p.mulNarrow(p.one.Y, p.one.X)
	case p.small:
		p.i8.step()
	default:
		p.mulI8(1)
	}
}

// mul computes the first n y.
//
// A large matrix goes to the kernel in slices: of rows if it is narrow, else of
// whole panels or, where one panel is too large, of some of its columns. None of
// this changes a bit: rows do not see each other, and a chain continued from its
// own result is the same chain.
func (p *product) mul(n int) {
	p.prepare(n)
	p.multiply(n)
}

func (p *product) prepare(n int) {
	if p.i8 != nil {
		for v := range n {
			p.quantize(v, p.x.at(v))
		}
	}
}

func (p *product) multiply(n int) {
	switch {
	case n == 1 && !p.x.apart():
		p.multiplyOne()
	case p.i8 != nil:
		p.mulI8(n)
	case !p.panels:
		for v := range n {
			p.mulNarrow(p.y.all[v*p.y.stride:][:p.rows], p.x.at(v))
		}
	case n < 3: // too few to wait for anything but their weights
		for v := range n {
			p.mulSlices(p.y.all[v*p.y.stride:][:p.rows], p.x.at(v))
		}
	default:
		p.mulBlock(n)
	}
}

func (p *product) mulNarrow(y, x []float32) {
	if len(p.w) <= kernelFloats {
		p.kernels.NarrowF32(y, p.b, p.w, x)
		return
	}
	stride := len(p.w) / p.rows
	rows := max(1, kernelFloats/stride)
	for first := 0; first < p.rows; first += rows {
		last := min(p.rows, first+rows)
		p.kernels.NarrowF32(y[first:last], p.b[first:], p.w[first*stride:last*stride], x)
	}
}

// mulSlices goes through a matrix that is too large for a cache to and fro: what one step
// read last, the next reads first.
func (p *product) mulSlices(y, x []float32) {
	fours := p.fours()
	if p.back {
		p.mulPanels(y, x, fours)
		p.mulFours(y, x, fours)
	} else {
		p.mulFours(y, x, fours)
		p.mulPanels(y, x, fours)
	}
	p.back = !p.back
}

// fours is how many rows are read four panels at a time, for one vector.
func (p *product) fours() int {
	if p.bytes() < memoryBytes || p.i8 != nil && p.i8.comp == nil {
		return 0
	}
	return p.rows / fourPanels * fourPanels
}

// mulPanels computes the rows from begin on, one panel after the other.
func (p *product) mulPanels(y, x []float32, begin int) {
	if begin == p.rows {
		return
	}
	height, _ := p.slice(begin, kernelFloats)
	slices := (p.rows - begin + height - 1) / height
	for i := range slices {
		first := begin + p.turn(i, slices)*height
		rows, columns := p.slice(first, kernelFloats)
		w, out := p.w[first*p.cols:], y[first:first+rows]
		start := p.start(first, rows)
		for k := 0; k < p.cols; {
			cols := min(p.cols-k, columns)
			p.kernels.MatVecF32(out, start, w[:rows*cols], x[k:k+cols])
			w, start = w[rows*cols:], out
			k += cols
		}
	}
}

// mulFours computes the rows before end, four panels at a time.
func (p *product) mulFours(y, x []float32, end int) {
	const columns = kernelFloats / fourPanels
	stride := asm.PanelRows * p.cols
	for i := range end / fourPanels {
		first := p.turn(i, end/fourPanels) * fourPanels
		w, out := p.w[first*p.cols:][:4*stride], y[first:first+fourPanels]
		clear(out)
		copy(out, p.start(first, fourPanels))
		for k := 0; k < p.cols; k += columns {
			p.kernels.MatVec4F32(out, w[asm.PanelRows*k:], x[k:min(k+columns, p.cols)], stride)
		}
	}
}

// turn is which of n slices comes at place i.
func (p *product) turn(i, n int) int {
	if p.back {
		return n - 1 - i
	}
	return i
}

func (p *product) mulBlock(n int) {
	y, x, w := &p.y, &p.x, p.w
	for first := 0; first < p.rows; {
		rows, columns := p.slice(first, blockFloats)
		for k := 0; k < p.cols; {
			d := asm.Block{Rows: rows, Cols: min(p.cols-k, columns), StrideY: y.stride, StrideX: x.stride}
			atOnce := max(vectorsAtOnce, kernelMACs/(d.Rows*d.Cols)/vectorsAtOnce*vectorsAtOnce)
			for v := 0; v < n; v += d.N {
				d.N = min(n-v, atOnce)
				out := y.all[v*y.stride+first:]
				start := p.start(first, rows)
				if k > 0 {
					start, d.StrideB = out, y.stride
				}
				p.kernels.MatMulF32(out, start, w[:d.Rows*d.Cols], x.all[v*x.stride+k:], d)
			}
			w = w[d.Rows*d.Cols:]
			k += d.Cols
		}
		first += rows
	}
}

// slice is how many rows from first on, and how many of their columns at a time, are at
// most this many weights: whole panels, or columns of one.
func (p *product) slice(first, weights int) (rows, columns int) {
	rows = min(p.rows-first, max(1, weights/(asm.PanelRows*p.cols))*asm.PanelRows)
	if rows > asm.PanelRows {
		return rows, p.cols
	}
	return rows, max(1, weights/asm.PanelRows)
}

// start is what some rows start from, nil for zero.
func (p *product) start(first, rows int) []float32 {
	if p.b == nil {
		return nil
	}
	return p.b[first : first+rows]
}
