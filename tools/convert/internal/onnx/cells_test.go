package onnx_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/internal/reference"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// A cellCase is one node with its weights, in ONNX's layout.
type cellCase struct {
	op                     string
	lbr, coupled, relu     bool
	bias, peephole, states bool
}

const units, features = 5, 3

type cellWeights struct{ w, r, b, p, h, c []float32 }

func (k cellCase) gates() int { return map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[k.op] }

func (k cellCase) weights(rng *rand.Rand) cellWeights {
	some := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64() / 2)
		}
		return v
	}
	g := k.gates() * units
	return cellWeights{some(g * features), some(g * units), some(2 * g), some(3 * units), some(units), some(units)}
}

// file is the ONNX model of the case.
func (k cellCase) file(w cellWeights) []byte {
	g := int64(k.gates() * units)
	in := []string{"x", "W", "R", "", "", "", "", ""}
	parts := [][]byte{value(11, "x", 0, 1, features), value(12, "Y", 0, 1, 1, units),
		constant("W", w.w, true, 1, g, features), constant("R", w.r, false, 1, g, units)}
	add := func(slot int, name string, v []float32, dims ...int64) {
		in[slot] = name
		parts = append(parts, constant(name, v, slot%2 == 0, dims...))
	}
	if k.bias {
		add(3, "B", w.b, 1, 2*g)
	}
	if k.states {
		add(5, "h0", w.h, 1, 1, units)
	}
	if k.op == "LSTM" {
		if k.states {
			add(6, "c0", w.c, 1, 1, units)
		}
		if k.peephole {
			add(7, "P", w.p, 1, 3*units)
		}
	}
	attributes := [][]byte{number("hidden_size", units), word("direction", "forward")}
	if k.lbr {
		attributes = append(attributes, number("linear_before_reset", 1))
	}
	if k.coupled {
		attributes = append(attributes, number("input_forget", 1))
	}
	if k.relu {
		attributes = append(attributes, words("activations", "Relu"))
	}
	return model(append(parts, node(k.op, in, []string{"Y"}, attributes...))...)
}

// equations are ONNX's, gate by gate, in float64.
func (k cellCase) equations(w cellWeights, xs []float32) (ys []float64) {
	g := k.gates() * units
	h, c := make([]float64, units), make([]float64, units)
	for j := range h {
		if k.states {
			h[j], c[j] = float64(w.h[j]), float64(w.c[j])
		}
	}
	at := func(v []float32, on bool, i int) float64 {
		if !on {
			return 0
		}
		return float64(v[i])
	}
	dot := func(m []float32, row int, v []float64) (s float64) {
		for i, e := range v {
			s += float64(m[row*len(v)+i]) * e
		}
		return s
	}
	sigmoid := func(a float64) float64 { return 1 / (1 + math.Exp(-a)) }
	for ; len(xs) > 0; xs = xs[features:] {
		x := make([]float64, features)
		for i := range x {
			x[i] = float64(xs[i])
		}
		wx := func(row int) float64 { return dot(w.w, row, x) + at(w.b, k.bias, row) }
		rb := func(row int) float64 { return at(w.b, k.bias, g+row) }
		next, cell := make([]float64, units), make([]float64, units)
		z, r, rh := make([]float64, units), make([]float64, units), make([]float64, units)
		for j := range units {
			z[j] = sigmoid(wx(j) + dot(w.r, j, h) + rb(j))
			if k.op == "GRU" {
				r[j] = sigmoid(wx(units+j) + dot(w.r, units+j, h) + rb(units+j))
				rh[j] = r[j] * h[j]
			}
		}
		for j := range units {
			all := func(gate int) float64 {
				return wx(gate*units+j) + dot(w.r, gate*units+j, h) + rb(gate*units+j)
			}
			peep := func(n int, c float64) float64 { return at(w.p, k.peephole, n*units+j) * c }
			switch k.op {
			case "RNN":
				next[j] = math.Tanh(all(0))
				if k.relu {
					next[j] = max(all(0), 0)
				}
			case "GRU":
				row := 2*units + j
				n := wx(row) + dot(w.r, row, rh) + rb(row)
				if k.lbr {
					n = wx(row) + r[j]*(dot(w.r, row, h)+rb(row))
				}
				next[j] = (1-z[j])*math.Tanh(n) + z[j]*h[j]
			case "LSTM": // i, o, f, c; P i, o, f
				i := sigmoid(all(0) + peep(0, c[j]))
				f := sigmoid(all(2) + peep(2, c[j]))
				if k.coupled {
					f = 1 - i
				}
				cell[j] = f*c[j] + i*math.Tanh(all(3))
				next[j] = sigmoid(all(1)+peep(1, cell[j])) * math.Tanh(cell[j])
			}
		}
		h, c = next, cell
		ys = append(ys, h...)
	}
	return ys
}

// Every form of every cell computes what ONNX's equations say, in the engine and
// in the reference.
func TestCells(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, k := range []cellCase{
		{op: "RNN"}, {op: "RNN", bias: true, states: true}, {op: "RNN", relu: true, bias: true},
		{op: "GRU"}, {op: "GRU", bias: true, states: true}, {op: "GRU", lbr: true}, {op: "GRU", lbr: true, bias: true, states: true},
		{op: "LSTM"}, {op: "LSTM", bias: true, states: true}, {op: "LSTM", bias: true, peephole: true, states: true},
		{op: "LSTM", bias: true, coupled: true}, {op: "LSTM", bias: true, coupled: true, peephole: true, states: true},
	} {
		w := k.weights(rng)
		m, from, notes, err := onnx.Read("m.onnx", k.file(w))
		require.NoError(t, err, "%+v", k)
		require.Equal(t, "ONNX opset 17", from)
		require.Empty(t, notes)
		xs := make([]float32, 20*features)
		for i := range xs {
			xs[i] = float32(rng.NormFloat64())
		}
		want := k.equations(w, xs)
		limit := 2e-6
		if k.relu {
			for _, v := range want {
				limit = max(limit, 1e-6*v)
			}
		}
		require.LessOrEqual(t, worst(t, engine(t, m, xs), want), limit, "%+v", k)
		s := reference.New(m)
		for i := 0; i < len(xs); i += features {
			for j, v := range s.Step(xs[i:][:features]) {
				require.InDelta(t, want[i/features*units+j], v, limit, "%+v", k)
			}
		}
	}
}
