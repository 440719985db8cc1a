package infer

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/internal/reference"
)

// The engine stays within the stated distance of float64 over 300 steps: float32
// rounding, damped by the cells, and no more.
func TestAgainstFloat64(t *testing.T) {
	const tolerance = 2e-6
	files := map[string][]byte{"every layer": everyLayer(t), "token": tokenModel(t)}
	for _, cell := range cells {
		for _, shape := range [][2]int{{1, 1}, {3, 5}, {40, 3}, {16, 16}, {7, 20}, {1, 64}, {33, 126}} {
			files[fmt.Sprintf("%s %d→%d", cell, shape[0], shape[1])] = cellModel(t, cell, shape[0], shape[1])
		}
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			m, err := FromBytes(file)
			require.NoError(t, err)
			s, ref, r := m.NewSession(), reference.New(m.Format()), newRandom(5)
			y := make([]float32, m.OutputSize())
			worst := 0.0
			for range 300 {
				x := input(m, r)
				require.NoError(t, s.Step(y, x))
				for i, want := range ref.Step(x) {
					worst = max(worst, math.Abs(float64(y[i])-want)/max(1, math.Abs(want)))
				}
			}
			t.Logf("worst error %.2e", worst)
			if strings.HasPrefix(name, "normalised") {
				// Where the arguments of a gate are nearly equal, as those of one input near
				// zero, normalising them magnifies what rounding left of their differences.
				worst /= 20
			}
			require.LessOrEqual(t, worst, tolerance)
		})
	}
}

// input returns a random input of the kind the model takes.
func input(m *Model, r random) []float32 {
	if v := m.Vocabulary(); v > 0 {
		return []float32{float32(r.IntN(v))}
	}
	return r.uniform(m.InputSize(), 2)
}

// A GRU whose update gate lets the candidate through, as Torch7's char-rnn has it, and a
// coupled LSTM that stores its forget gate, as TensorFlow Lite has it, both straight from
// their equations, become what the format has by negating that gate.
func TestNegatedGates(t *testing.T) {
	const I, H, T = 3, 5, 20
	σ := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	r := newRandom(12)
	gru, lstm := r.weights(3, I, H, false), r.weights(3, I, H, false)
	gru.H0, lstm.H0, lstm.P = nil, nil, r.uniform(2*H, 1)
	xs := r.uniform(T*I, 2)
	run := func(add func(b *format.Builder) format.Buffer) []float32 {
		b := format.NewBuilder(I)
		b.Output(add(b))
		m, err := FromBytes(marshal(t, b))
		require.NoError(t, err)
		ys := make([]float32, T*H)
		_, err = m.NewSession().Run(ys, xs)
		require.NoError(t, err)
		return ys
	}
	// dot is row j of gate g of W·x + b + R·h.
	dot := func(w format.Weights, g, j int, x []float32, h []float64) float64 {
		row := g*H + j
		sum := float64(w.B[row])
		for k, v := range x {
			sum += float64(w.W[row*I+k]) * float64(v)
		}
		for k, v := range h {
			sum += float64(w.R[row*H+k]) * v
		}
		return sum
	}

	ys := run(func(b *format.Builder) format.Buffer { return b.GRUBefore("gru", format.Input, gru.NegateGate(1, 3)) })
	h := make([]float64, H)
	for i := range T {
		x, reset, next := xs[i*I:][:I], make([]float64, H), make([]float64, H)
		for j := range h {
			reset[j] = σ(dot(gru, 0, j, x, h)) * h[j]
		}
		for j := range h {
			u := σ(dot(gru, 1, j, x, h))
			next[j] = u*math.Tanh(dot(gru, 2, j, x, reset)) + (1-u)*h[j]
		}
		h = next
		for j, want := range h {
			require.InDelta(t, want, ys[i*H+j], 1e-6, "gru, step %d", i)
		}
	}

	ys = run(func(b *format.Builder) format.Buffer {
		return b.CoupledLSTM("lstm", format.Input, lstm.NegateGate(0, 3))
	})
	h, c := make([]float64, H), make([]float64, H)
	for i := range T {
		x, next := xs[i*I:][:I], make([]float64, H)
		for j := range h {
			f := σ(dot(lstm, 0, j, x, h) + float64(lstm.P[j])*c[j])
			c[j] = f*c[j] + (1-f)*math.Tanh(dot(lstm, 1, j, x, h))
			next[j] = σ(dot(lstm, 2, j, x, h)+float64(lstm.P[H+j])*c[j]) * math.Tanh(c[j])
		}
		h = next
		for j, want := range h {
			require.InDelta(t, want, ys[i*H+j], 1e-6, "lstm, step %d", i)
		}
	}
}
