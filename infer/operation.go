package infer

import "github.com/rnnedge/rnnedge/asm"

// An operation is a layer bound to the memory of one session.
type operation interface {
	// step computes one time step; false if a state left its bounds.
	step() bool
}

// dense is y = f(b + W·x).
type dense struct {
	product
	kernels *asm.Kernels
	f       asm.Function
	x, y    []float32
}

func (o *dense) step() bool {
	o.mul(o.y, o.x)
	if o.f.Kind != asm.Linear {
		o.kernels.ApplyF32(o.f, o.y, o.y)
	}
	return true
}

// recurrent is what the cells share: the two halves of the pre-activations,
// zx = b + W·x and zh = br + R·h.
type recurrent struct {
	w, r         product
	x, h, zx, zh []float32
}

func (o *recurrent) preactivate() {
	o.w.mul(o.zx, o.x)
	o.r.mul(o.zh, o.h)
}

// rnn is h = f(zx + zh).
type rnn struct {
	recurrent
	update func(h, zx, zh []float32)
}

func (o *rnn) step() bool {
	o.preactivate()
	o.update(o.h, o.zx, o.zh)
	return true
}

// lstm is c = f·c + i·g, m = o·tanh(c), in any of its forms; m is h, or what a
// projection makes h from.
type lstm struct {
	recurrent
	update func(m, c, zx, zh []float32)
	m, c   []float32
}

func (o *lstm) step() bool {
	o.preactivate()
	o.update(o.m, o.c, o.zx, o.zh)
	return true
}

// peepholeLSTM is an lstm whose gates also see c through p.
type peepholeLSTM struct {
	recurrent
	update  func(m, c, zx, zh, p []float32)
	m, c, p []float32
}

func (o *peepholeLSTM) step() bool {
	o.preactivate()
	o.update(o.m, o.c, o.zx, o.zh, o.p)
	return true
}

// normLSTM is an lstm whose pre-activations are normalised, gate by gate.
type normLSTM struct {
	recurrent
	form             asm.LSTMForm
	m, c, p, gain, b []float32
}

func (o *normLSTM) step() bool {
	o.preactivate()
	o.form.UpdateNorm(o.m, o.c, o.zx, o.zh, o.p, o.gain, o.b)
	return true
}

// projected is an LSTM followed by h = b + Proj·m.
type projected struct {
	operation
	product
	h, m []float32
	clip float32 // 0: none
}

func (o *projected) step() bool {
	o.operation.step()
	o.mul(o.h, o.m)
	if o.clip > 0 {
		for i, v := range o.h {
			o.h[i] = min(max(v, -o.clip), o.clip)
		}
	}
	return true
}

// gru is h = u·h + (1−u)·n, the reset gate inside n.
type gru struct {
	recurrent
	update func(h, zx, zh []float32)
}

func (o *gru) step() bool {
	o.preactivate()
	o.update(o.h, o.zx, o.zh)
	return true
}

// gruBefore is h = u·h + (1−u)·n, n from the product with r·h.
type gruBefore struct {
	recurrent
	reset  func(rh, h, zx, zh []float32)
	update func(h, zx, zh []float32)
	rn     product
	rh, n  []float32 // n is the candidate's part of zh
}

func (o *gruBefore) step() bool {
	o.preactivate()
	o.reset(o.rh, o.h, o.zx, o.zh)
	o.rn.mul(o.n, o.rh)
	o.update(o.h, o.zx, o.zh)
	return true
}

// checked is a cell whose states may grow: each step is checked.
type checked struct {
	operation
	within func(x []float32, limit float32) bool
	limit  float32
	states [][]float32
}

func (o *checked) step() bool {
	o.operation.step()
	for _, s := range o.states {
		if !o.within(s, o.limit) {
			return false
		}
	}
	return true
}

// embedding is y = table[x]; the session has checked the token.
type embedding struct{ table, x, y []float32 }

func (o *embedding) step() bool {
	copy(o.y, o.table[int(o.x[0])*len(o.y):])
	return true
}

// elementwise is y = f(x), element by element.
type elementwise struct {
	kernels *asm.Kernels
	f       asm.Function
	x, y    []float32
}

func (o *elementwise) step() bool {
	o.kernels.ApplyF32(o.f, o.y, o.x)
	return true
}

// whole is y = f(x) of a function that sees all elements together, in Go.
type whole struct {
	f    func(y, x []float32)
	x, y []float32
}

func (o *whole) step() bool {
	o.f(o.y, o.x)
	return true
}

// normalize is y = (x − mean) / √(variance + ε).
type normalize struct {
	x, y    []float32
	epsilon float32
}

func (o *normalize) step() bool {
	asm.NormalizeF32(o.y, o.x, o.epsilon)
	return true
}

// add is y = a + b.
type add struct{ a, b, y []float32 }

func (o *add) step() bool {
	for i := range o.y {
		o.y[i] = o.a[i] + o.b[i]
	}
	return true
}

// mul is y = a·b.
type mul struct{ a, b, y []float32 }

func (o *mul) step() bool {
	asm.MulF32(o.y, o.a, o.b)
	return true
}

// scale is y = s·x + b.
type scale struct{ x, y, s, b []float32 }

func (o *scale) step() bool {
	asm.ScaleF32(o.y, o.x, o.s, o.b)
	return true
}

// copied is y = x: a slice of a buffer.
type copied struct{ x, y []float32 }

func (o *copied) step() bool {
	copy(o.y, o.x)
	return true
}

// concat is y = xs[0], xs[1], …
type concat struct {
	xs [][]float32
	y  []float32
}

func (o *concat) step() bool {
	y := o.y
	for _, x := range o.xs {
		y = y[copy(y, x):]
	}
	return true
}
