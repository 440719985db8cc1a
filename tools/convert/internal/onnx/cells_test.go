package onnx_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/internal/reference"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// A cellCase is one node: its attributes, and which optional inputs it has.
type cellCase struct {
	op                      string
	direction               string // "" for forward
	batchFirst              bool
	lbr, coupled            bool
	functions               []string // nil for the defaults
	alpha, beta             []float32
	clip                    float32
	bias, peephole, initial bool
}

const units, features = 5, 3

// cellWeights are the inputs of a node but X, in ONNX's layout.
type cellWeights struct{ w, r, b, p, h, c []float32 }

func (k cellCase) gates() int { return map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[k.op] }

func (k cellCase) directions() int {
	if k.direction == "bidirectional" {
		return 2
	}
	return 1
}

func (k cellCase) weights(rng *rand.Rand) cellWeights {
	some := func(there bool, n int) []float32 {
		if !there {
			return nil
		}
		v := make([]float32, k.directions()*n)
		for i := range v {
			v[i] = float32(rng.NormFloat64() / 2)
		}
		return v
	}
	g, lstm := k.gates()*units, k.op == "LSTM"
	return cellWeights{
		some(true, g*features), some(true, g*units), some(k.bias, 2*g), some(k.peephole && lstm, 3*units),
		some(k.initial, units), some(k.initial && lstm, units),
	}
}

// file is the ONNX model of the case, of which Y, [T, D, N, H] or [N, T, D, H], is
// reshaped to a vector for each step. The initial states are of one stream, or of a
// shape.
func (k cellCase) file(w cellWeights, shape ...int64) []byte {
	D, g := int64(k.directions()), int64(k.gates()*units)
	in := []string{"x", "W", "R", "", "", "", "", ""}
	parts := [][]byte{value(11, "x", 0, 1, features), value(12, "y", 0, 1, D*units),
		constant("W", w.w, true, D, g, features), constant("R", w.r, false, D, g, units)}
	add := func(slot int, name string, v []float32, dims ...int64) {
		if v != nil {
			in[slot] = name
			parts = append(parts, constant(name, v, slot%2 == 0, dims...))
		}
	}
	state, perm := []int64{D, 1, units}, []int64{0, 2, 1, 3}
	if k.batchFirst {
		parts[0] = value(11, "x", 1, 0, features)
		state, perm = []int64{1, D, units}, []int64{1, 0, 2, 3}
	}
	if shape != nil {
		state = shape
	}
	add(3, "B", w.b, D, 2*g)
	add(5, "h0", w.h, state...)
	add(6, "c0", w.c, state...)
	add(7, "P", w.p, D, 3*units)
	attributes := [][]byte{number("hidden_size", units)}
	if k.direction != "" {
		attributes = append(attributes, word("direction", k.direction))
	}
	for name, on := range map[string]bool{"linear_before_reset": k.lbr, "input_forget": k.coupled, "layout": k.batchFirst} {
		if on {
			attributes = append(attributes, number(name, 1))
		}
	}
	if k.clip != 0 {
		attributes = append(attributes, float("clip", k.clip))
	}
	if k.functions != nil {
		attributes = append(attributes, words("activations", k.functions...))
	}
	if k.alpha != nil {
		attributes = append(attributes, numbers("activation_alpha", k.alpha...))
	}
	if k.beta != nil {
		attributes = append(attributes, numbers("activation_beta", k.beta...))
	}
	return model(append(parts, constantIntegers("shape", 0, 0, -1), node(k.op, in, []string{"Y"}, attributes...),
		node("Transpose", []string{"Y"}, []string{"turned"}, integers("perm", perm...)),
		node("Reshape", []string{"turned", "shape"}, []string{"y"}))...)
}

// Every form of every cell computes what ONNX's equations say, in the engine and
// in the reference.
func TestCells(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	cases := []cellCase{
		{op: "RNN"}, {op: "RNN", functions: []string{"Relu"}, bias: true}, {op: "RNN", functions: []string{"Tanh", "Tanh"}},
		{op: "GRU"}, {op: "GRU", lbr: true}, {op: "LSTM"},
		{op: "LSTM", bias: true, peephole: true}, {op: "LSTM", bias: true, coupled: true}, {op: "LSTM", coupled: true, peephole: true, initial: true},
		{op: "LSTM", direction: "bidirectional", functions: []string{"HardSigmoid", "ScaledTanh", "Softsign", "Sigmoid", "Elu", "Tanh"},
			alpha: []float32{0.3, 1.5, 0.5}, beta: []float32{0.4, 0.75}, bias: true},
		{op: "GRU", direction: "bidirectional", lbr: true, functions: []string{"HardSigmoid", "Softplus", "Sigmoid", "LeakyRelu"}, bias: true},
		{op: "RNN", direction: "bidirectional", functions: []string{"Affine", "ThresholdedRelu"}, alpha: []float32{0.5}, initial: true},
		{op: "RNN", functions: []string{"Affine"}, alpha: []float32{0.25}, beta: []float32{0.5}},
		{op: "RNN", functions: []string{"thresholdedRELU"}, alpha: []float32{0.125}, bias: true},
	}
	for _, op := range []string{"RNN", "GRU", "LSTM"} {
		for _, direction := range []string{"forward", "reverse", "bidirectional"} {
			for _, batchFirst := range []bool{false, true} {
				for _, clip := range []float32{0, 0.25} {
					k := cellCase{op: op, direction: direction, batchFirst: batchFirst, clip: clip, bias: true, initial: true}
					cases = append(cases, k)
					k.lbr, k.peephole = true, true
					cases = append(cases, k)
					k.coupled, k.bias = true, false
					cases = append(cases, k)
				}
			}
		}
	}
	const steps = 12
	for _, k := range cases {
		w := k.weights(rng)
		m, from, notes, err := onnx.Read("m.onnx", k.file(w), nil)
		require.NoError(t, err, "%+v", k)
		require.Equal(t, "ONNX opset 17", from)
		require.Empty(t, notes)
		require.Equal(t, k.direction == "" || k.direction == "forward", m.Streams())
		xs := make([]float32, steps*features)
		for i := range xs {
			xs[i] = float32(rng.NormFloat64())
		}
		want := k.equations(w, xs, units)
		limit := 2e-6
		for _, v := range want {
			limit = max(limit, 1e-6*v)
		}
		require.LessOrEqual(t, worst(t, engine(t, m, xs), want), limit, "%+v", k)
		for i, ys := range reference.New(m).Run(xs, steps) {
			require.InDeltaSlice(t, want[i*len(ys):][:len(ys)], ys, limit, "%+v", k)
		}
	}
}

// Two files of ONNX Runtime that come without outputs.
func TestRuntimeModels(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for name, k := range map[string]cellCase{"gru_1.pb": {op: "GRU"}, "lstm_1.onnx": {op: "LSTM"}} {
		file := filepath.Join(shared, "ort-rnn-tests", name)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Skip("no ../shared/models/ort-rnn-tests")
		}
		require.True(t, onnx.Sniff(data))
		m, _, _, err := onnx.Read(name, data, nil)
		require.NoError(t, err)
		c, err := onnx.Initializers(data)
		require.NoError(t, err)
		xs := make([]float32, 20*m.InputSize())
		for i := range xs {
			xs[i] = float32(rng.NormFloat64())
		}
		want := k.equations(cellWeights{w: c["W"], r: c["R"], b: c["B"]}, xs, m.OutputSize())
		e := worst(t, engine(t, m, xs), want)
		t.Logf("%s: worst error %.2g", name, e)
		require.LessOrEqual(t, e, 2e-6)
	}
}
