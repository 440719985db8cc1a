package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
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

func (b *binder) rnn(l *format.RNN) operation {
	r := b.recurrent(l.X, l.H, l.W, l.R, l.B, format.None)
	switch {
	case Rare(l):
		form := &asm.RNNForm{Kernels: b.kernels, F: l.F, Clip: l.Clip}
		return &rnn{r, form.Update}
	case l.F == relu:
		return &rnn{r, b.kernels.RNNReluF32}
	}
	return &rnn{r, b.kernels.RNNTanhF32}
}

func (b *binder) gru(l *format.GRU) operation {
	r := b.recurrent(l.X, l.H, l.W, l.R, l.B, l.BR)
	form := &asm.GRUForm{Kernels: b.kernels, Gate: l.Gate, Candidate: l.Candidate, Clip: l.Clip}
	if l.RN == format.None {
		if Rare(l) {
			return &gru{r, form.Update}
		}
		return &gru{r, b.kernels.GRUF32}
	}
	o := &gruBefore{
		recurrent: r, reset: b.kernels.GRUResetF32, update: b.kernels.GRUBeforeF32,
		rn: b.product(l.RN, format.None), rh: b.spare(len(r.h)), n: r.zh[2*len(r.h):],
	}
	if Rare(l) {
		o.reset, o.update = form.Reset, form.UpdateBefore
	}
	return o
}

func (b *binder) lstm(l *format.LSTM) operation {
	bias := l.B
	if l.Norm != format.None {
		bias = format.None // it comes after the normalisation
	}
	r := b.recurrent(l.X, l.H, l.W, l.R, bias, format.None)
	c, m, p := b.state(l.C), r.h, b.vector(l.P)
	if l.Proj != format.None {
		m = b.spare(len(c))
	}
	o := b.lstmUpdate(l, r, m, c, p)
	if l.Proj == format.None {
		return o
	}
	return &projected{
		operation: o, product: b.product(l.Proj, l.ProjB),
		h: b.arena[b.plan.state[l.H]:][:quant.Pad(len(r.h))], m: m, clip: l.ProjClip,
	}
}

func (b *binder) lstmUpdate(l *format.LSTM, r recurrent, m, c, p []float32) operation {
	k := b.kernels
	form := asm.LSTMForm{
		Kernels: k, Gate: l.Gate, Candidate: l.Candidate, Output: l.Output,
		Clip: l.Clip, CellClip: l.CellClip, Coupled: l.Coupled,
	}
	switch {
	case l.Norm != format.None:
		return &normLSTM{r, form, m, c, p, b.vector(l.Norm), b.vector(l.B)}
	case Rare(l):
		return &peepholeLSTM{r, form.Update, m, c, p}
	case l.Coupled && p != nil:
		return &peepholeLSTM{r, k.LSTMCoupledPeepholeF32, m, c, p}
	case l.Coupled:
		return &lstm{r, k.LSTMCoupledF32, m, c}
	case p != nil:
		return &peepholeLSTM{r, k.LSTMPeepholeF32, m, c, p}
	}
	return &lstm{r, k.LSTMF32, m, c}
}

// spare is n floats of scratch behind zx and zh.
func (b *binder) spare(n int) []float32 { return b.arena[b.plan.scratch+2*b.plan.z:][:n] }
