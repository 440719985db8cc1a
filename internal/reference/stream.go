// Package reference is a second implementation of every layer, in float64,
// straight from the published equations, gate by gate. It shares no code with the
// engine and is what the engine's numbers are held against.
//
//   - LSTM: Hochreiter and Schmidhuber, Long short-term memory, 1997, with the
//     forget gate of Gers, Schmidhuber and Cummins, Learning to forget, 2000, the
//     peepholes of Gers, Schraudolph and Schmidhuber, Learning precise timing with
//     LSTM recurrent networks, 2002, the projection of Sak, Senior and Beaufays,
//     Long short-term memory recurrent neural network architectures for large scale
//     acoustic modeling, 2014, the layer normalisation of Ba, Kiros and Hinton,
//     Layer normalization, 2016, and the coupled gates of Greff et al., LSTM: a
//     search space odyssey, 2017.
//   - GRU: Cho et al., Learning phrase representations using RNN encoder-decoder,
//     2014, and with the reset gate after the product, as cuDNN and PyTorch have it.
//   - RNN: Elman, Finding structure in time, 1990.
//   - Delay line: Waibel et al., Phoneme recognition using time-delay neural networks,
//     1989.
//   - Backward in time: Schuster and Paliwal, Bidirectional recurrent neural
//     networks, 1997.
package reference

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
)

// A Stream is one stream through a model, in float64.
type Stream struct {
	m       *format.Model
	states  [][]float64
	tensors [][]float64 // row-major, without padding
}

// New returns a stream in the model's initial state.
func New(m *format.Model) *Stream {
	s := &Stream{m: m}
	for i := range m.Tensors {
		s.tensors = append(s.tensors, wide(m.Tensors[i].Matrix()))
	}
	for _, state := range m.States {
		s.states = append(s.states, s.vector(state.Init, 0, state.Size))
	}
	return s
}

// Step computes one time step of a model that streams; x has the floats of its
// input. It panics on a model that needs whole sequences.
func (s *Stream) Step(x []float32) []float64 {
	if !s.m.Streams() {
		panic("reference: Step on a model that needs whole sequences; use Run")
	}
	return s.Run(x, 1)[0]
}

// Run computes the sequence in the first steps of xs, from the states that the
// stream is in, one layer after the other over all steps. It returns the output of
// each step. What lies in xs behind the sequence is not looked at.
func (s *Stream) Run(xs []float32, steps int) [][]float64 {
	buffers := make([][][]float64, len(s.m.Buffers)) // [buffer][step][width]
	for b := range buffers {
		buffers[b] = make([][]float64, steps)
	}
	for t := range steps {
		I := s.m.InputSize()
		buffers[format.Input][t] = wide(xs[t*I:][:I])
	}
	for _, l := range s.m.Layers {
		if l, ok := l.(*format.Reverse); ok {
			for t := range steps {
				buffers[l.Y][t] = buffers[l.X][steps-1-t]
			}
			continue
		}
		for t := range steps {
			y, v := s.layer(l, func(b format.Buffer) []float64 { return buffers[b][t] })
			buffers[y][t] = v
		}
	}
	return buffers[s.m.Output]
}

// State returns the state of that index, as the last step left it. It must not be
// written.
func (s *Stream) State(id format.StateID) []float64 { return s.states[id] }

// layer computes one layer at one step, whose buffers at gives: the buffer that it
// writes, and what.
func (s *Stream) layer(l format.Layer, at func(format.Buffer) []float64) (format.Buffer, []float64) {
	switch l := l.(type) {
	case *format.RNN:
		return l.Y, s.rnn(l, at(l.X))
	case *format.LSTM:
		return l.Y, s.lstm(l, at(l.X))
	case *format.GRU:
		return l.Y, s.gru(l, at(l.X))
	case *format.Dense:
		n := s.m.Buffers[l.Y]
		return l.Y, apply(format.Function{Kind: l.F}, plus(s.product(l.W, 0, n, at(l.X)), s.vector(l.B, 0, n)))
	case *format.Embedding:
		n := s.m.Buffers[l.Y]
		return l.Y, s.vector(l.Table, int(at(l.X)[0])*n, n)
	case *format.Activate:
		return l.Y, apply(l.F, at(l.X))
	case *format.Softmax:
		return l.Y, softmax(at(l.X))
	case *format.LogSoftmax:
		return l.Y, logSoftmax(at(l.X))
	case *format.Normalize:
		return l.Y, normalized(at(l.X), float64(l.Epsilon))
	case *format.Add:
		return l.Y, plus(at(l.A), at(l.B))
	case *format.Mul:
		return l.Y, times(at(l.A), at(l.B))
	case *format.Scale:
		y := at(l.X)
		if l.S != format.None {
			y = times(s.vector(l.S, 0, len(y)), y)
		}
		return l.Y, plus(y, s.vector(l.B, 0, len(y)))
	case *format.Slice:
		return l.Y, at(l.X)[l.From:][:s.m.Buffers[l.Y]]
	case *format.Concat:
		var y []float64
		for _, x := range l.Xs {
			y = append(y, at(x)...)
		}
		return l.Y, y
	case *format.DelayLine:
		return l.Y, s.delayLine(l, at(l.X))
	}
	panic(fmt.Sprintf("reference: no equations for layer %v", l.Op()))
}

// product is W·x over the rows of W from row on, n of them.
func (s *Stream) product(w format.TensorID, row, n int, x []float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		for k, weight := range s.tensors[w][(row+i)*len(x):][:len(x)] {
			y[i] += weight * x[k]
		}
	}
	return y
}

// vector is a copy of n elements of a tensor, from element from on: zeros where
// there is no tensor.
func (s *Stream) vector(id format.TensorID, from, n int) []float64 {
	v := make([]float64, n)
	if id != format.None {
		copy(v, s.tensors[id][from:][:n])
	}
	return v
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
