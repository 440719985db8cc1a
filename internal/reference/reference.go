// Package reference is a second implementation of every layer, in float64,
// straight from the published equations, one unit at a time. It shares no code
// with the engine and is what the engine's numbers are held against.
//
//   - LSTM: Hochreiter and Schmidhuber, Long short-term memory, 1997, with the
//     forget gate of Gers, Schmidhuber and Cummins, Learning to forget, 2000, the
//     peepholes of Gers, Schraudolph and Schmidhuber, Learning precise timing with
//     LSTM recurrent networks, 2002, and the coupled gates of Greff et al., LSTM: a
//     search space odyssey, 2017.
//   - GRU: Cho et al., Learning phrase representations using RNN encoder-decoder,
//     2014, and with the reset gate after the product, as cuDNN and PyTorch have it.
//   - RNN: Elman, Finding structure in time, 1990.
package reference

import (
	"math"

	"github.com/rnnedge/rnnedge/format"
)

// A Stream is one stream through a model, in float64.
type Stream struct {
	m       *format.Model
	buffers [][]float64
	states  [][]float64
	tensors [][]float64 // row-major, without padding
}

// New returns a stream in the model's initial state.
func New(m *format.Model) *Stream {
	r := &Stream{m: m, buffers: make([][]float64, len(m.Buffers))}
	for i, n := range m.Buffers {
		r.buffers[i] = make([]float64, n)
	}
	for _, s := range m.States {
		r.states = append(r.states, make([]float64, s.Size))
	}
	for i := range m.Tensors {
		var wide []float64
		for _, v := range m.Tensors[i].Matrix() {
			wide = append(wide, float64(v))
		}
		r.tensors = append(r.tensors, wide)
	}
	for i, s := range m.States {
		if s.Init != format.None {
			copy(r.states[i], r.tensors[s.Init])
		}
	}
	return r
}

// affine is W·x + b.
func (r *Stream) affine(w, b format.TensorID, x []float64) []float64 {
	y := make([]float64, r.m.Tensor(w).Rows)
	for i := range y {
		row, sum := r.tensors[w][i*len(x):][:len(x)], 0.0
		for k, v := range x {
			sum += row[k] * v
		}
		if b != format.None {
			sum += r.tensors[b][i]
		}
		y[i] = sum
	}
	return y
}

// peephole is element j of a vector of peepholes, 0 where there are none.
func (r *Stream) peephole(p format.TensorID, j int) float64 {
	if p == format.None {
		return 0
	}
	return r.tensors[p][j]
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func activate64(f format.Activation, v []float64) {
	for i, x := range v {
		switch f {
		case format.Sigmoid:
			v[i] = logistic(x)
		case format.Tanh:
			v[i] = math.Tanh(x)
		case format.Relu:
			v[i] = max(x, 0)
		}
	}
}

// Step computes one time step. The result is valid until the next one.
func (r *Stream) Step(x []float32) []float64 {
	for i, v := range x {
		r.buffers[0][i] = float64(v)
	}
	for _, l := range r.m.Layers {
		switch l := l.(type) {
		case *format.Dense:
			y := r.affine(l.W, l.B, r.buffers[l.X])
			activate64(l.F, y)
			copy(r.buffers[l.Y], y)
		case *format.RNN:
			h := r.states[l.H]
			zx, zh := r.affine(l.W, l.B, r.buffers[l.X]), r.affine(l.R, format.None, h)
			for j := range h {
				h[j] = zx[j] + zh[j]
			}
			activate64(l.F, h)
			copy(r.buffers[l.Y], h)
		case *format.LSTM:
			h, c := r.states[l.H], r.states[l.C]
			zx, zh, H := r.affine(l.W, l.B, r.buffers[l.X]), r.affine(l.R, format.None, h), len(h)
			for j := range h {
				gate := func(g int) float64 { return zx[g*H+j] + zh[g*H+j] }
				i := logistic(gate(0) + r.peephole(l.P, j)*c[j])
				f := logistic(gate(1) + r.peephole(l.P, H+j)*c[j])
				c[j] = f*c[j] + i*math.Tanh(gate(2))
				h[j] = logistic(gate(3)+r.peephole(l.P, 2*H+j)*c[j]) * math.Tanh(c[j])
			}
			copy(r.buffers[l.Y], h)
		case *format.CoupledLSTM:
			h, c := r.states[l.H], r.states[l.C]
			zx, zh, H := r.affine(l.W, l.B, r.buffers[l.X]), r.affine(l.R, format.None, h), len(h)
			for j := range h {
				gate := func(g int) float64 { return zx[g*H+j] + zh[g*H+j] }
				i := logistic(gate(0) + r.peephole(l.P, j)*c[j])
				c[j] = (1-i)*c[j] + i*math.Tanh(gate(1))
				h[j] = logistic(gate(2)+r.peephole(l.P, H+j)*c[j]) * math.Tanh(c[j])
			}
			copy(r.buffers[l.Y], h)
		case *format.GRUBefore:
			h := r.states[l.H]
			zx, zh, H := r.affine(l.W, l.B, r.buffers[l.X]), r.affine(l.R, format.None, h), len(h)
			rh := make([]float64, H)
			for j := range h {
				rh[j] = logistic(zx[j]+zh[j]) * h[j]
			}
			candidate := r.affine(l.RN, format.None, rh)
			for j := range h {
				update := logistic(zx[H+j] + zh[H+j])
				h[j] = (1-update)*math.Tanh(zx[2*H+j]+candidate[j]) + update*h[j]
			}
			copy(r.buffers[l.Y], h)
		case *format.GRU:
			h := r.states[l.H]
			zx, zh, H := r.affine(l.W, l.B, r.buffers[l.X]), r.affine(l.R, l.BR, h), len(h)
			for j := range h {
				reset, update := logistic(zx[j]+zh[j]), logistic(zx[H+j]+zh[H+j])
				n := math.Tanh(zx[2*H+j] + reset*zh[2*H+j])
				h[j] = (1-update)*n + update*h[j]
			}
			copy(r.buffers[l.Y], h)
		case *format.Embedding:
			y := r.buffers[l.Y]
			copy(y, r.tensors[l.Table][int(x[0])*len(y):])
		case *format.Activate:
			copy(r.buffers[l.Y], r.buffers[l.X])
			activate64(l.F, r.buffers[l.Y])
		case *format.Softmax:
			sum := 0.0
			for _, v := range r.buffers[l.X] {
				sum += math.Exp(v)
			}
			for i, v := range r.buffers[l.X] {
				r.buffers[l.Y][i] = math.Exp(v) / sum
			}
		case *format.Add:
			for i, v := range r.buffers[l.A] {
				r.buffers[l.Y][i] = v + r.buffers[l.B][i]
			}
		case *format.Concat:
			y := r.buffers[l.Y]
			for _, b := range l.Xs {
				y = y[copy(y, r.buffers[b]):]
			}
		}
	}
	return r.buffers[r.m.Output]
}
