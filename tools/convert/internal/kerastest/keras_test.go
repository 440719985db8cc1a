// Package kerastest holds the engine against recurrent layers of Keras 2, with the
// weights read as plain arrays: no importer is between them.
//
//   - Kernels are [in, gates·units], recurrent kernels [units, gates·units]: both are
//     transposed.
//   - Gates are i, f, c, o (LSTM), the order of package format, and z, r, h (GRU).
//   - The GRU resets before the product; z keeps the old state, as in package format.
//   - There is one bias, or none.
//   - hard_sigmoid, the default of LSTM and GRU until 2.3, is min(max(x/5 + ½, 0), 1).
//   - go_backwards runs from the end to the start and leaves the outputs in that order.
//     In a Bidirectional layer, the backward half's are put in order if all are returned;
//     if one is, it is the last that each half computed.
package kerastest

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// tolerance is the largest absolute difference from an expected output. In the
// fixtures, whose largest is 1.8, those and the weights are rounded to six decimals.
const tolerance = 3e-6

func compare(t *testing.T, want, have []float32) {
	require.Len(t, have, len(want))
	var worst float64
	for i, w := range want {
		worst = max(worst, math.Abs(float64(w)-float64(have[i])))
	}
	t.Logf("%d outputs, largest difference %.2e", len(want), worst)
	require.LessOrEqual(t, worst, tolerance)
}

// models returns a folder of the real models, or skips the test.
func models(t *testing.T, folder string) string {
	path := filepath.Join("../../../../../shared/models", folder)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no ../shared/models/%s: %v", folder, err)
	}
	return path
}

var (
	tanh        = format.Function{Kind: format.Tanh}
	sigmoid     = format.Function{Kind: format.Sigmoid}
	hardSigmoid = format.Function{Kind: format.HardSigmoid, Alpha: 0.2, Beta: 0.5}
)

// A layer is LSTM, GRU or SimpleRNN with its functions; gate is not used by SimpleRNN.
type layer struct {
	class            string
	activation, gate format.Function
}

// add builds the layer on x; w are its kernel, recurrent kernel and bias, if any.
func (l layer) add(b *format.Builder, name string, x format.Buffer, w [][]float32) format.Buffer {
	order := map[string][]int{"SimpleRNN": {0}, "LSTM": {0, 1, 2, 3}, "GRU": {1, 0, 2}}[l.class]
	weights := format.Weights{W: gates(w[0], b.Width(x), order)}
	units := len(w[0]) / b.Width(x) / len(order)
	weights.R = gates(w[1], units, order)
	if len(w) > 2 {
		weights.B = gates(w[2], 1, order)
	}
	switch l.class {
	case "LSTM":
		return b.LSTM(name, x, weights, format.WithFunctions(l.gate, l.activation, l.activation))
	case "GRU":
		return b.GRUBefore(name, x, weights, format.WithFunctions(l.gate, l.activation))
	}
	return b.RNN(name, x, weights, format.Tanh, format.WithFunctions(l.activation))
}

// gates transposes a kernel [in, gates·units] and puts its gates into this order.
func gates(kernel []float32, in int, order []int) []float32 {
	cols := len(kernel) / in
	units := cols / len(order)
	t := make([]float32, 0, len(kernel))
	for _, gate := range order {
		for u := range units {
			for i := range in {
				t = append(t, kernel[i*cols+gate*units+u])
			}
		}
	}
	return t
}

// bidirectional builds a layer on x both ways; sequences is return_sequences.
func (l layer) bidirectional(b *format.Builder, x format.Buffer, w [][]float32, merge string, sequences bool) format.Buffer {
	forward := l.add(b, "forward", x, w[:len(w)/2])
	backward := l.add(b, "backward", b.Reverse("turn", x), w[len(w)/2:])
	if sequences {
		backward = b.Reverse("turn back", backward)
	}
	switch merge {
	case "sum":
		return b.Add(merge, forward, backward)
	case "mul":
		return b.Mul(merge, forward, backward)
	case "ave":
		half := make([]float32, b.Width(forward))
		for i := range half {
			half[i] = 0.5
		}
		return b.Scale(merge, b.Add("sum", forward, backward), half, nil)
	}
	return b.Concat(merge, forward, backward)
}

// session opens the model that b has built, with this output.
func session(t *testing.T, b *format.Builder, output format.Buffer) *infer.Session {
	b.Output(output)
	m, err := b.Model()
	require.NoError(t, err)
	file, err := format.Marshal(m)
	require.NoError(t, err)
	engine, err := infer.FromBytes(file)
	require.NoError(t, err)
	return engine.NewSession()
}

// run runs a sequence, from the state that s is in.
func run(t *testing.T, s *infer.Session, xs []float32) []float32 {
	f := s.Model().Format()
	steps := len(xs) / f.InputSize()
	ys := make([]float32, steps*f.OutputSize())
	n, err := s.Run(ys, xs)
	require.NoError(t, err)
	require.Equal(t, steps, n)
	return ys
}
