package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// The forms of cells that people train most have update kernels of their own in each
// table. Any other is an asm form, passes over its gates. Its products, which are most
// of the work, go through the kernels in any case.

var (
	sigmoid = format.Function{Kind: format.Sigmoid}
	tanh    = format.Function{Kind: format.Tanh}
	relu    = format.Function{Kind: format.Relu}
)

// Rare reports whether the update of a recurrent layer runs as Go code instead of
// a kernel of the CPU's. Its products use the kernels in any case.
func Rare(l format.Layer) bool {
	switch l := l.(type) {
	case *format.RNN:
		return l.Clip != 0 || l.F != tanh && l.F != relu
	case *format.LSTM:
		return l.Clip != 0 || l.CellClip != 0 || l.Norm != format.None || l.Gate != sigmoid || l.Candidate != tanh || l.Output != tanh
	case *format.GRU:
		return l.Clip != 0 || l.Gate != sigmoid || l.Candidate != tanh
	}
	return false
}

// cell is what all cells share.
func (b *binder) cell(x, y format.Buffer, h format.StateID, w, r, bias, biasR format.TensorID) *cell {
	c := &cell{y: b.buffer(y), zx: b.zx(), h: b.state(h), zh: b.zh()}
	c.w = b.product(c.zx, w, b.buffer(x), bias)
	c.r = b.product(c.zh, r, c.h, biasR)
	c.turns = outgrow32K(&c.w, &c.r)
	if m := c.r.i8; m != nil { // h is quantised beside x, before the product of x is done
		m.scratch(b.i8[b.slots*b.plan.i8:], b.scales()[b.slots:], b.slots+b.streams)
	}
	return c
}

// checked makes a cell check its states after each step, if they may grow.
func (b *binder) checked(i int, c *cell) *cell {
	if b.bounds.checked[i] {
		c.within, c.limit = b.kernels.WithinF32, b.bounds.limit
		for _, id := range format.FieldsOf(b.file.Layers[i]).States {
			c.grow = append(c.grow, b.state(id))
		}
	}
	return c
}

// rnn is h = f(zx + zh).
func (b *binder) rnn(l *format.RNN) *cell {
	o := b.cell(l.X, l.Y, l.H, l.W, l.R, l.B, format.None)
	update := b.kernels.RNNTanhF32
	switch {
	case Rare(l):
		update = (&asm.RNNForm{Kernels: b.kernels, F: l.F, Clip: l.Clip}).Update
	case l.F == relu:
		update = b.kernels.RNNReluF32
	}
	o.update = update3(update, o.h, o.zx, o.zh)
	return o
}

// gru is h = u·h + (1−u)·n. Where the reset gate acts before the product, n waits for
// RN·(r·h): update is then the first half and the rest comes second.
func (b *binder) gru(l *format.GRU) *cell {
	o := b.cell(l.X, l.Y, l.H, l.W, l.R, l.B, l.BR)
	form := &asm.GRUForm{Kernels: b.kernels, Gate: l.Gate, Candidate: l.Candidate, Clip: l.Clip}
	update, reset, before := b.kernels.GRUF32, b.kernels.GRUResetF32, b.kernels.GRUBeforeF32
	if Rare(l) {
		update, reset, before = form.Update, form.Reset, form.UpdateBefore
	}
	h, zx, zh := o.h, o.zx, o.zh
	if l.RN == format.None {
		o.update = update3(update, h, zx, zh)
		if !Rare(l) {
			o.update.at, o.update.args = b.kernels.GRUF32At, asm.CellF32{H: h.one, ZX: zx.one, ZH: zh.one}
		}
		return o
	}
	rh := b.spare(h.size())
	o.update = update4(reset, rh, h, zx, zh)
	o.second = &second{
		product: b.product(zh.from(2*h.size()), l.RN, rh, format.None),
		finish:  update3(before, h, zx, zh),
	}
	return o
}

// lstm is c = f·c + i·g, m = o·tanh(c), in any of its forms; m is h, or what a
// projection then makes h from.
func (b *binder) lstm(l *format.LSTM) *cell {
	bias := l.B
	if l.Norm != format.None {
		bias = format.None // it comes after the normalisation
	}
	o := b.cell(l.X, l.Y, l.H, l.W, l.R, bias, format.None)
	c, m := b.state(l.C), o.h
	if l.Proj != format.None {
		m = b.spare(c.size())
		o.second = &second{product: b.product(o.h, l.Proj, m, l.ProjB)}
		if h, clip := o.h, l.ProjClip; clip > 0 {
			o.second.finish = update{
				each: func(_, s int) { asm.LimitF32(h.at(s), clip) },
				one:  func() { asm.LimitF32(h.one, clip) },
			}
		}
	}
	o.update = b.lstmUpdate(l, m, c, o.zx, o.zh)
	return o
}

func (b *binder) lstmUpdate(l *format.LSTM, m, c, zx, zh vectors) update {
	k, p := b.kernels, b.vector(l.P)
	form := &asm.LSTMForm{
		Kernels: k, Gate: l.Gate, Candidate: l.Candidate, Output: l.Output,
		Clip: l.Clip, CellClip: l.CellClip, Coupled: l.Coupled,
	}
	if l.Norm != format.None {
		gain, bias := b.vector(l.Norm), b.vector(l.B)
		return update5(func(m, c, zx, zh, p []float32) { form.UpdateNorm(m, c, zx, zh, p, gain, bias) }, m, c, zx, zh, p)
	}
	if p == nil && !Rare(l) {
		if l.Coupled {
			return update4(k.LSTMCoupledF32, m, c, zx, zh)
		}
		u := update4(k.LSTMF32, m, c, zx, zh)
		u.at, u.args = k.LSTMF32At, asm.CellF32{H: m.one, C: c.one, ZX: zx.one, ZH: zh.one}
		return u
	}
	update := k.LSTMPeepholeF32
	switch {
	case Rare(l):
		update = form.Update
	case l.Coupled:
		update = k.LSTMCoupledPeepholeF32
	}
	return update5(update, m, c, zx, zh, p)
}

// update3, update4 and update5 bind updates to their vectors: zx of each slot, the others of
// each stream; p are weights.

func update3(f func(h, zx, zh []float32), h, zx, zh vectors) update {
	h1, zx1, zh1 := h.one, zx.one, zh.one
	return update{
		each: func(i, s int) { f(h.at(s), zx.at(i), zh.at(s)) },
		one:  func() { f(h1, zx1, zh1) },
	}
}

func update4(f func(h, c, zx, zh []float32), h, c, zx, zh vectors) update {
	h1, c1, zx1, zh1 := h.one, c.one, zx.one, zh.one
	return update{
		each: func(i, s int) { f(h.at(s), c.at(s), zx.at(i), zh.at(s)) },
		one:  func() { f(h1, c1, zx1, zh1) },
	}
}

func update5(f func(h, c, zx, zh, p []float32), h, c, zx, zh vectors, p []float32) update {
	h1, c1, zx1, zh1 := h.one, c.one, zx.one, zh.one
	return update{
		each: func(i, s int) { f(h.at(s), c.at(s), zx.at(i), zh.at(s), p) },
		one:  func() { f(h1, c1, zx1, zh1, p) },
	}
}
