package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// A matrixI8 is an int8 matrix and what its products need: each x is quantised by its own
// largest magnitude, into one digit or two, the sums are exact integers.
type matrixI8 struct {
	matVec func(*asm.MatVecI8)
	one    asm.QuantizeI8 // the arguments for one digit of a single step's x
	slot   asm.QuantizeI8 // and of a slot's
	all    [2]digit
	digits int // how many of them there are, the first one first

	// Both digits of one vector in one call, where there are two and a kernel for them.
	matVec2 func(*asm.MatVec2I8)
	both    asm.MatVec2I8

	w      []int8
	s      []float32
	comp   []int32 // see compensation; nil where no kernel takes four panels of it
	cols   int     // padded
	stride int     // from one x to the next: its digits, one after the other
}

// A digit is scratch for one digit of each x.
type digit struct {
	one   asm.MatVecI8 // the arguments for a single step
	q     []int8       // with its padding
	scale []float32    // of each x
}

func (b *binder) matrixI8(t *format.Tensor) *matrixI8 {
	m := &matrixI8{
		matVec: b.kernels.MatVecI8At, digits: t.I8.Digits,
		w: t.I8.Elements, s: t.I8.Scales, comp: b.comp[t], cols: quant.PadI8(t.Cols),
	}
	m.stride = m.digits * m.cols
	if m.digits == 2 {
		m.matVec2 = b.kernels.MatVec2I8
	}
	m.scratch(b.i8, b.scales(), b.slots+b.streams)
	return m
}

// each is the digits that there are.
func (m *matrixI8) each() []digit { return m.all[:m.digits] }

// scratch puts the digits into q and their scales into scales, those of a second digit this
// many floats on.
func (m *matrixI8) scratch(q []int8, scales []float32, next int) {
	for i := range m.each() {
		d := &m.all[i]
		d.q, d.scale = q[i*m.cols:], scales[i*next:]
		d.one.X = d.q[:m.cols]
	}
	m.one.Q = m.all[0].one.X
	m.both.X, m.both.Low = m.all[0].one.X, m.all[1].one.X
}

// start binds a single step: it gives y, and starts from b, for x.
func (m *matrixI8) start(y, b, x []float32) {
	m.one.X = x
	for i := range m.each() {
		d := &m.all[i]
		d.one = asm.MatVecI8{Y: y, B: b, W: m.w, S: m.s, X: d.one.X}
		b = y
	}
	m.both.MatVecI8 = m.all[0].one
}

// step is the product of a single step.
func (m *matrixI8) step() {
	if m.matVec2 != nil {
		m.both.SX, m.both.SLow = m.all[0].scale[0], m.all[1].scale[0]
		m.matVec2(&m.both)
		return
	}
	m.all[0].step(m.matVec)
	if m.digits == 2 {
		m.all[1].step(m.matVec)
	}
}

// multiplyBoth is y = b + w·x with both digits of cols elements of one x, from k on.
func (m *matrixI8) multiplyBoth(y, b []float32, w []int8, s []float32, k, cols int) {
	high, low, a := &m.all[0], &m.all[1], &m.both
	a.Y, a.B, a.W, a.S = y, b, w, s
	a.X, a.SX = high.q[k:k+cols], high.scale[0]
	a.Low, a.SLow = low.q[k:k+cols], low.scale[0]
	m.matVec2(a)
}

func (d *digit) step(matVec func(*asm.MatVecI8)) {
	d.one.SX = d.scale[0]
	matVec(&d.one)
}

// mulI8 computes the first n y, of vectors that are quantised; for one, as in mulSlices,
// four panels at a time where the matrix lies in memory, to and fro.
func (p *product) mulI8(n int) {
	fours := 0
	if n == 1 {
		fours = p.fours()
	}
	if p.back {
		p.mulPanelsI8(n, fours)
		p.mulFoursI8(fours)
	} else {
		p.mulFoursI8(fours)
		p.mulPanelsI8(n, fours)
	}
	p.back = !p.back
}

// mulPanelsI8 computes the rows from begin on.
//
// As with float32, a large matrix goes to the kernel in slices of whole panels, and
// every matrix in blocks of asm.MaxColsI8 columns: there the contract itself has a
// chain over the blocks, in each of them over the digits. A second digit finds the slice in a
// cache. (With slices of 16 KB, for a first-level cache, steps of 128 to 512 units took 4 % more
// and up on Zen 3, AVX2.)
func (p *product) mulPanelsI8(n, begin int) {
	m := p.i8
	// One vector waits for the weights, several for their multiplications.
	weights := kernelBytes
	if n > 1 {
		weights = kernelMACs / vectorsAtOnce
	}
	panels := max(1, weights/(asm.PanelRows*m.cols))
	if m.cols > asm.MaxColsI8 {
		panels = 1
	}
	height := panels * asm.PanelRows
	slices := (p.rows - begin + height - 1) / height
	for i := range slices {
		first := begin + p.turn(i, slices)*height
		last := min(p.rows, first+height)
		w := m.w[first*m.cols:]
		for k := 0; k < m.cols; k += asm.MaxColsI8 {
			cols := min(m.cols-k, asm.MaxColsI8)
			size := (last - first) * cols
			y := p.one.Y[first:last]
			if n == 1 && m.matVec2 != nil {
				m.multiplyBoth(y, p.startI8(y, first, last, k > 0), w[:size], m.s[first:last], k, cols)
				w = w[size:]
				continue
			}
			for place := range m.each() {
				d, chained := &m.all[place], k > 0 || place > 0
				if n == 1 {
					p.kernels.MatVecI8(y, p.startI8(y, first, last, chained), w[:size], m.s[first:last], d.q[k:k+cols], d.scale[0])
				} else {
					p.mulBlockI8(w[:size], d, first, last, k, cols, n, chained)
				}
			}
			w = w[size:]
		}
	}
}

// mulFoursI8 computes the rows before end of one vector, four panels at a time. A call reads
// 256 KB, as those are machines whose memory gives more than 1.3 GB a second.
func (p *product) mulFoursI8(end int) {
	m := p.i8
	stride := asm.PanelRows * m.cols
	for i := range end / fourPanels {
		first := p.turn(i, end/fourPanels) * fourPanels
		w, out, s := m.w[first*m.cols:][:4*stride], p.one.Y[first:first+fourPanels], m.s[first:first+fourPanels]
		clear(out)
		copy(out, p.start(first, fourPanels))
		for k := 0; k < m.cols; k += asm.MaxColsI8 {
			cols, comp := min(m.cols-k, asm.MaxColsI8), m.comp[k/asm.MaxColsI8*p.rows+first:][:fourPanels]
			for place := range m.each() {
				d := &m.all[place]
				p.kernels.MatVec4I8(out, w[asm.PanelRows*k:], s, comp, d.q[k:k+cols], d.scale[0], stride)
			}
		}
	}
}

// mulBlockI8 is rows first … last−1 and cols columns from k on, of one digit of n vectors.
func (p *product) mulBlockI8(w []int8, digit *digit, first, last, k, cols, n int, chained bool) {
	m := p.i8
	d := asm.Block{Rows: last - first, Cols: cols, StrideY: p.y.stride, StrideX: m.stride}
	if chained {
		d.StrideB = p.y.stride
	}
	atOnce := max(1, kernelMACs/(vectorsAtOnce*d.Rows*d.Cols)) * vectorsAtOnce
	for v := 0; v < n; v += d.N {
		d.N = min(n-v, atOnce)
		y := p.y.all[v*p.y.stride+first:]
		p.kernels.MatMulI8(y, p.startI8(y, first, last, chained), w, m.s[first:last], digit.q[v*m.stride+k:], digit.scale[v:v+d.N], d)
	}
}

// startI8 is what rows start from: y itself where a chain goes on, else their bias, nil for
// zero.
func (p *product) startI8(y []float32, first, last int, chained bool) []float32 {
	if chained {
		return y
	}
	return p.start(first, last-first)
}

// quantizeOne is quantize for a single step.
func (p *product) quantizeOne() {
	if m := p.i8; m.digits == 1 {
		p.kernels.QuantizeI8(&m.one)
		m.all[0].scale[0] = m.one.Scale
	} else {
		p.twoDigits(0, p.x.one)
	}
}

// quantize makes the digits, with their padding, and their scales of vector v, which is x.
func (p *product) quantize(v int, x []float32) {
	if m := p.i8; m.digits == 1 {
		d := &m.all[0]
		m.slot.Q, m.slot.X = d.q[v*m.stride:][:m.cols], x
		p.kernels.QuantizeI8(&m.slot)
		d.scale[v] = m.slot.Scale
	} else {
		p.twoDigits(v, x)
	}
}

func (p *product) twoDigits(v int, x []float32) {
	m := p.i8
	high, low := &m.all[0], &m.all[1]
	q, rest := high.q[v*m.stride:][:m.cols], low.q[v*m.stride:][:m.cols]
	clear(q[len(x):])
	clear(rest[len(x):])
	inv, scale := asm.ScaleI8(p.kernels.MaxAbsF32(x))
	high.scale[v] = scale
	var invLow float32
	invLow, low.scale[v] = asm.ScaleLowI8(inv, scale)
	p.kernels.DigitsI8(q[:len(x)], rest[:len(x)], x, inv, scale, invLow)
}
