package onnx_test

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

type vec = []float64

// each applies f to every feature.
func each(f func(float64) float64) func(vec) vec {
	return func(x vec) vec {
		y := make(vec, len(x))
		for k, v := range x {
			y[k] = f(v)
		}
		return y
	}
}

// normal is x with mean 0 and variance 1.
func normal(x vec, epsilon float64) vec {
	var mean, variance float64
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	return each(func(v float64) float64 { return (v - mean) / math.Sqrt(variance+epsilon) })(x)
}

func softmax(x vec) vec {
	var sum float64
	for _, v := range x {
		sum += math.Exp(v)
	}
	return each(func(v float64) float64 { return math.Exp(v) / sum })(x)
}

func elu(x, alpha float64) float64 {
	if x >= 0 {
		return x
	}
	return alpha * math.Expm1(x)
}

// gelu is the form with tanh.
func gelu(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func clamp(x, lo, hi float64) float64 { return min(max(x, lo), hi) }

// constants of the graphs in opCases.
var (
	square = vec{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
	four   = vec{2, -0.3, 1.7, 0.9} // c
	eye    = vec{0.5, -1, 2, 0.25, 1.5, -0.75, 0.1, 3, -2, 1, 0.3, -0.6}
)

func product(x vec, at func(j, k int) float64, n int) vec {
	y := make(vec, n)
	for j := range y {
		for k, v := range x {
			y[j] += at(j, k) * v
		}
	}
	return y
}

// An opCase is a graph from x, four features, to y, and what it computes.
type opCase struct {
	name  string
	parts [][]byte
	want  func(vec) vec
}

func in(names ...string) []string { return names }

var opCases = []opCase{
	{"LeakyRelu", [][]byte{node("LeakyRelu", in("x"), in("y"))}, each(func(v float64) float64 { return max(v, 0.01*v) })},
	{"LeakyRelu alpha", [][]byte{node("LeakyRelu", in("x"), in("y"), float("alpha", 0.5))}, each(func(v float64) float64 { return max(v, 0.5*v) })},
	{"PRelu", [][]byte{constant("s", []float32{0.25}, true, 1), node("PRelu", in("x", "s"), in("y"))}, each(func(v float64) float64 { return max(v, 0.25*v) })},
	{"PRelu of each feature", [][]byte{node("PRelu", in("x", "c"), in("y"))}, func(x vec) vec {
		y := make(vec, 4)
		for k, v := range x {
			y[k] = max(v, 0) + four[k]*min(v, 0)
		}
		return y
	}},
	{"Elu", [][]byte{node("Elu", in("x"), in("y"), float("alpha", 0.5))}, each(func(v float64) float64 { return elu(v, 0.5) })},
	{"Selu", [][]byte{node("Selu", in("x"), in("y"))}, each(func(v float64) float64 { return 1.0507010 * elu(v, 1.6732632) })},
	{"HardSigmoid", [][]byte{node("HardSigmoid", in("x"), in("y"))}, each(func(v float64) float64 { return clamp(0.2*v+0.5, 0, 1) })},
	{"HardSigmoid alpha, beta", [][]byte{node("HardSigmoid", in("x"), in("y"), float("alpha", 0.5), float("beta", 0.25))}, each(func(v float64) float64 { return clamp(0.5*v+0.25, 0, 1) })},
	{"HardSwish", [][]byte{node("HardSwish", in("x"), in("y"))}, each(func(v float64) float64 { return v * clamp(v/6+0.5, 0, 1) })},
	{"Gelu", [][]byte{node("Gelu", in("x"), in("y"), word("approximate", "tanh"))}, each(gelu)},
	{"Gelu of a layer", [][]byte{constant("I", narrow(square), true, 4, 4), node("MatMul", in("x", "I"), in("m")), node("Gelu", in("m"), in("y"), word("approximate", "tanh"))}, each(gelu)},
	{"Mish", [][]byte{node("Mish", in("x"), in("y"))}, each(func(v float64) float64 { return v * math.Tanh(math.Log1p(math.Exp(v))) })},
	{"Softplus", [][]byte{node("Softplus", in("x"), in("y"))}, each(func(v float64) float64 { return math.Log1p(math.Exp(v)) })},
	{"Softsign", [][]byte{node("Softsign", in("x"), in("y"))}, each(func(v float64) float64 { return v / (1 + math.Abs(v)) })},
	{"softsign written out", [][]byte{constant("one", []float32{1}, true), node("Abs", in("x"), in("a")), node("Add", in("one", "a"), in("b")), node("Div", in("x", "b"), in("y"))},
		each(func(v float64) float64 { return v / (1 + math.Abs(v)) })},
	{"ThresholdedRelu", [][]byte{node("ThresholdedRelu", in("x"), in("y"), float("alpha", 0.5))}, each(func(v float64) float64 {
		if v > 0.5 {
			return v
		}
		return 0
	})},
	{"Clip attributes", [][]byte{node("Clip", in("x"), in("y"), float("min", -0.5), float("max", 1))}, each(func(v float64) float64 { return clamp(v, -0.5, 1) })},
	{"Clip inputs", [][]byte{constant("lo", []float32{-0.5}, true), node("Clip", in("x", "lo"), in("y"))}, each(func(v float64) float64 { return max(v, -0.5) })},
	{"Clip from 0", [][]byte{node("Clip", in("x"), in("y"), float("min", 0))}, each(func(v float64) float64 { return max(v, 0) })},
	{"Min", [][]byte{constant("m", []float32{0.25}, true, 1), node("Min", in("m", "x"), in("y"))}, each(func(v float64) float64 { return min(v, 0.25) })},
	{"Max", [][]byte{constant("m", []float32{0.25}, true, 1), node("Max", in("x", "m"), in("y"))}, each(func(v float64) float64 { return max(v, 0.25) })},

	{"Neg", [][]byte{node("Neg", in("x"), in("y"))}, each(func(v float64) float64 { return -v })},
	{"Add constant", [][]byte{node("Add", in("c", "x"), in("y"))}, func(x vec) vec { return vec{x[0] + 2, x[1] - 0.3, x[2] + 1.7, x[3] + 0.9} }},
	{"Sub constant", [][]byte{node("Sub", in("x", "c"), in("y"))}, func(x vec) vec { return vec{x[0] - 2, x[1] + 0.3, x[2] - 1.7, x[3] - 0.9} }},
	{"constant Sub", [][]byte{node("Sub", in("c", "x"), in("y"))}, func(x vec) vec { return vec{2 - x[0], -0.3 - x[1], 1.7 - x[2], 0.9 - x[3]} }},
	{"Mul and Add constants", [][]byte{node("Mul", in("x", "c"), in("m")), node("Add", in("m", "c"), in("y"))},
		func(x vec) vec { return vec{2*x[0] + 2, -0.3*x[1] - 0.3, 1.7*x[2] + 1.7, 0.9*x[3] + 0.9} }},
	{"Div constant", [][]byte{node("Div", in("x", "c"), in("y"))}, func(x vec) vec { return vec{x[0] / 2, x[1] / -0.3, x[2] / 1.7, x[3] / 0.9} }},
	{"Mul of two", [][]byte{node("Tanh", in("x"), in("t")), node("Mul", in("x", "t"), in("y"))}, each(func(v float64) float64 { return v * math.Tanh(v) })},
	{"Sub of two", [][]byte{node("Tanh", in("x"), in("t")), node("Sub", in("x", "t"), in("y"))}, each(func(v float64) float64 { return v - math.Tanh(v) })},
	{"Sum", [][]byte{node("Tanh", in("x"), in("t")), node("Sum", in("x", "t", "c"), in("y"))}, func(x vec) vec {
		y := make(vec, 4)
		for k, v := range x {
			y[k] = v + math.Tanh(v) + four[k]
		}
		return y
	}},
	{"Pow 3", [][]byte{constant("three", []float32{3}, true), node("Pow", in("x", "three"), in("y"))}, each(func(v float64) float64 { return v * v * v })},
	{"Pow 3 of a layer", [][]byte{constant("three", []float32{3}, true), constant("I", narrow(square), true, 4, 4), node("MatMul", in("x", "I"), in("m")), node("Pow", in("m", "three"), in("y"))},
		each(func(v float64) float64 { return v * v * v })},
	{"Pow", [][]byte{constant("two", []float32{2}, true), node("Pow", in("x", "two"), in("y"))}, each(func(v float64) float64 { return v * v })},

	{"LayerNormalization", [][]byte{node("LayerNormalization", in("x", "c", "c"), in("y"), float("epsilon", 0.25))}, func(x vec) vec {
		y := normal(x, 0.25)
		for k := range y {
			y[k] = y[k]*four[k] + four[k]
		}
		return y
	}},
	{"layer normalisation written out", [][]byte{
		constant("two", []float32{2}, true), constant("e", []float32{0.25}, true),
		node("ReduceMean", in("x"), in("m"), integers("axes", -1)), node("Sub", in("x", "m"), in("d")), node("Pow", in("d", "two"), in("p")),
		node("ReduceMean", in("p"), in("v"), integers("axes", -1)), node("Add", in("v", "e"), in("ve")), node("Sqrt", in("ve"), in("s")),
		node("Div", in("d", "s"), in("y")),
	}, func(x vec) vec { return normal(x, 0.25) }},
	{"layer normalisation with a reciprocal", [][]byte{
		constantIntegers("last", -1), constant("e", []float32{0.25}, true, 1),
		node("ReduceMean", in("x", "last"), in("m")), node("Sub", in("x", "m"), in("d")), node("Sub", in("x", "m"), in("d2")), node("Mul", in("d2", "d2"), in("p")),
		node("ReduceMean", in("p", "last"), in("v")), node("Add", in("e", "v"), in("ve")), node("Sqrt", in("ve"), in("s")), node("Reciprocal", in("s"), in("r")),
		node("Mul", in("r", "d"), in("y")),
	}, func(x vec) vec { return normal(x, 0.25) }},
	{"BatchNormalization", [][]byte{constant("var", []float32{1, 4, 0.25, 2}, true, 4), node("BatchNormalization", in("x", "c", "c", "c", "var"), in("y"))}, func(x vec) vec {
		y := make(vec, 4)
		for k, v := range (vec{1, 4, 0.25, 2}) {
			y[k] = (x[k]-four[k])/math.Sqrt(v+1e-5)*four[k] + four[k]
		}
		return y
	}},
	{"Softmax", [][]byte{node("Softmax", in("x"), in("y"))}, softmax},
	{"LogSoftmax", [][]byte{node("LogSoftmax", in("x"), in("y"))}, func(x vec) vec { return each(math.Log)(softmax(x)) }},

	{"Gemm", [][]byte{constant("W", narrow(eye), true, 4, 3), node("Transpose", in("x"), in("t")),
		node("Gemm", in("t", "W", "b"), in("y"), number("transA", 1), float("alpha", 0.3), float("beta", 0.7)), constant("b", []float32{1, 2, 3}, true, 3)},
		func(x vec) vec {
			y := product(x, func(j, k int) float64 { return 0.3 * eye[k*3+j] }, 3)
			return vec{y[0] + 0.7, y[1] + 1.4, y[2] + 2.1}
		}},
	{"Gemm transB, computed C", [][]byte{constant("W", narrow(eye[:8]), true, 2, 4), node("Gemm", in("x", "W"), in("h"), number("transB", 1)),
		node("Gemm", in("x", "W", "h"), in("y"), number("transB", 1))},
		func(x vec) vec { return product(x, func(j, k int) float64 { return 2 * eye[j*4+k] }, 2) }},
	{"constant MatMul", [][]byte{constant("W", narrow(eye), true, 3, 4), node("Transpose", in("x"), in("t")), node("MatMul", in("W", "t"), in("y"))},
		func(x vec) vec { return product(x, func(j, k int) float64 { return eye[j*4+k] }, 3) }},
	{"Conv of one step", [][]byte{constant("W", narrow(eye), true, 3, 4, 1), constant("b", []float32{1, 2, 3}, true, 3), constantIntegers("two", 2),
		node("Unsqueeze", in("x", "two"), in("u")), node("Conv", in("u", "W", "b"), in("y"))},
		func(x vec) vec {
			y := product(x, func(j, k int) float64 { return eye[j*4+k] }, 3)
			return vec{y[0] + 1, y[1] + 2, y[2] + 3}
		}},

	{"Slice backwards", [][]byte{constantIntegers("from", -1), constantIntegers("to", math.MinInt64), constantIntegers("one", 1), node("Slice", in("x", "from", "to", "one", "from"), in("s")), node("Tanh", in("s"), in("y"))},
		func(x vec) vec { return each(math.Tanh)(vec{x[3], x[2], x[1], x[0]}) }},
	{"Slice backwards by two", [][]byte{constantIntegers("from", 9), constantIntegers("to", 0), constantIntegers("one", 1), constantIntegers("step", -2), node("Slice", in("x", "from", "to", "one", "step"), in("s")), node("Tanh", in("s"), in("y"))},
		func(x vec) vec { return each(math.Tanh)(vec{x[3], x[1]}) }},
	{"Slice", [][]byte{constantIntegers("one", 1), constantIntegers("three", 3), node("Slice", in("x", "one", "three", "one"), in("s")), node("Tanh", in("s"), in("y"))},
		func(x vec) vec { return each(math.Tanh)(x[1:3]) }},
	{"Split and Concat", [][]byte{constantIntegers("sizes", 1, 3), node("Split", in("x", "sizes"), in("a", "b"), number("axis", 1)), node("Concat", in("b", "a"), in("y"), number("axis", -1))},
		func(x vec) vec { return vec{x[1], x[2], x[3], x[0]} }},
	{"Gather", [][]byte{constantIntegers("i", 3, 0, 0), node("Gather", in("x", "i"), in("y"), number("axis", 1))}, func(x vec) vec { return vec{x[3], x[0], x[0]} }},
	{"Transpose in features", [][]byte{constantIntegers("to", -1, 2, 2), node("Reshape", in("x", "to"), in("r")), node("Transpose", in("r"), in("y"), integers("perm", 0, 2, 1))},
		func(x vec) vec { return vec{x[0], x[2], x[1], x[3]} }},
	{"a gate of one feature", [][]byte{constantIntegers("zero", 0), constantIntegers("one", 1), node("Slice", in("x", "zero", "one", "one"), in("g")), node("Mul", in("x", "g"), in("y"))},
		func(x vec) vec { return vec{x[0] * x[0], x[0] * x[1], x[0] * x[2], x[0] * x[3]} }},
	{"shapes", [][]byte{
		constantIntegers("zero", 0), constantIntegers("two", 2), constantIntegers("four", 4), constantIntegers("one", 1), constantIntegers("minus", -1),
		node("Shape", in("x"), in("s")), node("Gather", in("s", "one"), in("f")), node("Equal", in("f", "four"), in("e")), node("Not", in("e"), in("ne")),
		node("Or", in("e", "ne"), in("o")), node("Where", in("o", "two", "zero"), in("w")), node("Div", in("f", "w"), in("h")), node("Neg", in("minus"), in("p")),
		node("Mul", in("h", "p"), in("h2")), node("Concat", in("minus", "w", "h2"), in("to"), number("axis", 0)), node("Reshape", in("x", "to"), in("r")),
		node("Shape", in("x"), in("width"), number("start", 1)), node("ReduceProd", in("width"), in("p4"), number("keepdims", 0)), node("Sub", in("p4", "four"), in("start")),
		node("Range", in("start", "f", "one"), in("range")), node("Tile", in("range", "one"), in("tile")),
		node("Flatten", in("r"), in("flat")), node("Gather", in("flat", "tile"), in("g"), number("axis", 1)), node("Tanh", in("g"), in("y")),
	}, each(math.Tanh)},
	{"If", [][]byte{
		constantIntegers("one", 1), constantIntegers("four", 4), node("Shape", in("x"), in("s"), number("start", 1)), node("Equal", in("s", "four"), in("e")),
		node("If", in("e"), in("y"),
			branch("then_branch", constantIntegers("three", 3), node("Slice", in("x", "one", "three", "one"), in("t")), value(12, "t", 0, 2)),
			branch("else_branch", node("Loop", in("x"), in("l")), value(12, "l", 0, 4))),
	}, func(x vec) vec { return x[1:3] }},
}

func narrow(v vec) []float32 {
	f := make([]float32, len(v))
	for k := range v {
		f[k] = float32(v[k])
	}
	return f
}

// file is the ONNX model of the case.
func (k opCase) file() []byte {
	head := [][]byte{value(11, "x", 0, 4), value(12, "y", 0, 4), constant("c", narrow(four), true, 4)}
	return model(append(head, k.parts...)...)
}

func TestOps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, k := range opCases {
		t.Run(k.name, func(t *testing.T) {
			m, _, _, err := onnx.Read("m.onnx", k.file(), nil)
			require.NoError(t, err)
			var xs []float32
			var want vec
			for range 50 {
				x := make(vec, 4)
				for j := range x {
					xs = append(xs, float32(rng.NormFloat64()*3))
					x[j] = float64(xs[len(xs)-1])
				}
				want = append(want, k.want(x)...)
			}
			got := engine(t, m, xs)
			require.Len(t, got, len(want))
			for j, w := range want {
				require.InDelta(t, w, got[j], 2e-6*max(1, math.Abs(w)), "%d", j)
			}
		})
	}
}

// What can become part of a dense layer without rounding does, and nothing else.
func TestFolding(t *testing.T) {
	head := [][]byte{value(11, "x", 0, 4), value(12, "y", 0, 3), constant("W", narrow(eye), true, 4, 3), constant("b", []float32{1, 0.5, -2}, true, 3),
		constant("two", []float32{2}, true), constant("third", []float32{1. / 3}, true), node("MatMul", in("x", "W"), in("m"))}
	for name, c := range map[string]struct {
		layers int
		parts  [][]byte
	}{
		"bias":                   {1, [][]byte{node("Add", in("b", "m"), in("y"))}},
		"bias and function":      {1, [][]byte{node("Sub", in("m", "b"), in("s")), node("Tanh", in("s"), in("y"))}},
		"power of two":           {1, [][]byte{node("Add", in("m", "b"), in("a")), node("Mul", in("a", "two"), in("y"))}},
		"negative":               {1, [][]byte{node("Sub", in("b", "m"), in("s")), node("Neg", in("s"), in("y"))}},
		"a third":                {2, [][]byte{node("Mul", in("m", "third"), in("y"))}},
		"a third, and an offset": {2, [][]byte{node("Mul", in("m", "third"), in("a")), node("Add", in("a", "b"), in("y"))}},
		"read twice":             {3, [][]byte{node("Add", in("m", "b"), in("a")), node("Add", in("a", "m"), in("y"))}},
		"nothing":                {1, [][]byte{node("Dropout", in("m"), in("d")), node("Identity", in("d"), in("y"))}},
	} {
		m, _, _, err := onnx.Read("m.onnx", model(append(head[:len(head):len(head)], c.parts...)...), nil)
		require.NoError(t, err, name)
		require.Len(t, m.Layers, c.layers, name)
	}
}

// A condition on how many steps or streams there are is taken for one, which is said.
func TestConditional(t *testing.T) {
	one := constantIntegers("one", 1)
	m, _, notes, err := onnx.Read("m.onnx", model(value(11, "x", 0, 4), value(12, "y", 4), one, constantIntegers("zero", 0),
		node("Shape", in("x"), in("s"), number("end", 1)), node("Equal", in("s", "one"), in("e")),
		node("If", in("e"), in("z"),
			branch("then_branch", node("Squeeze", in("x", "zero"), in("t")), value(12, "t", 4)),
			branch("else_branch", node("Identity", in("x"), in("i")), value(12, "i", 0, 4))),
		node("Tanh", in("z"), in("y"))), nil)
	require.NoError(t, err)
	require.Len(t, m.Layers, 1)
	require.Equal(t, []string{`node "the If" (If): its condition was taken as it is for a time step of one stream`}, notes)
}

// Shapes with the fixed length of the input mean one step of it.
func TestFixedLength(t *testing.T) {
	for _, to := range [][]int64{{7, 1, 4}, {7, -1}, {-1, 4}, {1, 7, 4}, {7, 2, 2}} {
		m, _, _, err := onnx.Read("m.onnx", model(value(11, "x", 7, 1, 4), value(12, "y", 7, 4), constantIntegers("to", to...),
			node("Tanh", in("x"), in("t")), node("Reshape", in("t", "to"), in("r")), node("Neg", in("r"), in("y"))), nil)
		require.NoError(t, err, "%v", to)
		require.Len(t, m.Layers, 2)
	}
}

// Graphs inside graphs must not use up the stack.
func TestNested(t *testing.T) {
	inner := node("Identity", in("x"), in("y"))
	for range 1000 {
		inner = node("If", in("c"), in("y"), branch("then_branch", inner, value(12, "y", 0, 4)))
	}
	err := hostiletest.Read(t, func() error { return read(model(value(11, "x", 0, 4), value(12, "y", 0, 4), inner)) })
	require.EqualError(t, err, "m.onnx: found graphs inside graphs, more than 8 deep")
}

// Time can be turned around by ops too.
func TestReversed(t *testing.T) {
	for name, parts := range map[string][][]byte{
		"slice": {constantIntegers("last", -1), constantIntegers("first", math.MinInt64), constantIntegers("axis", 0), node("Slice", in("x", "last", "first", "axis", "last"), in("y"))},
		"sequence": {constantIntegers("first", 0), constantIntegers("one", 1), node("Shape", in("x"), in("s")), node("Gather", in("s", "first"), in("n")),
			node("ReverseSequence", in("x", "n"), in("y"), number("time_axis", 0), number("batch_axis", 1))},
	} {
		m, _, _, err := onnx.Read("m.onnx", model(append(parts, value(11, "x", 0, 1, 2), value(12, "y", 0, 1, 2))...), nil)
		require.NoError(t, err, name)
		require.False(t, m.Streams(), name)
		require.Equal(t, []float32{5, 6, 3, 4, 1, 2}, engine(t, m, []float32{1, 2, 3, 4, 5, 6}), name)
	}
}

// A mask is called that, whether it is of tokens or of features.
func TestMask(t *testing.T) {
	data, err := os.ReadFile("testdata/keras_gru_masked.onnx")
	require.NoError(t, err)
	_, _, _, err = onnx.Read("m.onnx", data, nil)
	require.ErrorContains(t, err, `(Not): found a mask, by which steps of the input "x" are skipped, as Keras makes it (Masking, mask_zero); supported is that every step counts: export the model without it, and give a padded sequence its length with Session.RunLength`)
	parts := func(dims ...int64) [][]byte {
		return [][]byte{
			typed(11, "token", 7, dims...), constantIntegers("zero", 0), node("Equal", in("token", "zero"), in("is")), node("Not", in("is"), in("not")),
			node("Cast", in("not"), in("number"), number("to", 1)), node("Tanh", in("number"), in("y")),
		}
	}
	_, _, _, err = onnx.Read("m.onnx", model(append(parts(0, 0), value(12, "y", 0, 0))...), nil)
	require.ErrorContains(t, err, `found a mask, by which steps of the input "token"`)
	_, _, _, err = onnx.Read("m.onnx", model(append(parts(1), value(12, "y", 0, 0))...), nil)
	require.ErrorContains(t, err, `node "the Equal" (Equal): found "token", a graph input or computed from one`)
}

// Ops around a cell that cannot be are refused by name, with what would help.
func TestRefusedOps(t *testing.T) {
	x := value(11, "x", 0, 4)
	wide := make([]int64, 80)
	for k := range wide {
		wide[k] = int64(79 - k)
	}
	tanh := node("Tanh", in("x"), in("t"))
	y := in("y")
	for want, parts := range map[string][][]byte{
		`node "the Gelu" (Gelu): found approximate="none", which takes erf, as a gelu does that is not approximated; supported is the gelu with tanh: nn.GELU("tanh"), in training, too`: {
			x, node("Gelu", in("x"), y)},
		`node "the Erf" (Erf): found op Erf, which takes erf, as a gelu does that is not approximated; supported is the gelu with tanh: nn.GELU("tanh"), in training, too`:                       {x, node("Erf", in("x"), y)},
		`node "the STFT" (STFT): found op STFT, which reads several time steps or frames at once; supported is what works on the features of one: export the model from its features on`:         {x, node("STFT", in("x"), y)},
		`node "the Loop" (Loop): found a body with 0 inputs and 0 outputs for a node with 1 and 1`:                                                                                               {x, node("Loop", in("x"), y, branch("body"))},
		`node "the Einsum" (Einsum): found op Einsum, which is not known; supported are RNN, GRU, LSTM and what works on the features of one time step around them: export the model without it`: {x, node("Einsum", in("x"), y)},
		`node "the ReduceMean" (ReduceMean): found op ReduceMean, which reduces a dimension; supported is that inside a layer normalisation over the features: export the model without it`: {
			x, node("ReduceMean", in("x"), y)},
		`node "the Conv" (Conv): found a convolution with a kernel of [3], which reads several time steps or frames at once, and 0 zeros in front; supported is a kernel of 1, and one along time that is causal, with 2 zeros in front of the first step: export the model from its features on`: {
			value(11, "x", 1, 4, 0), constant("W", make([]float32, 12), true, 1, 4, 3), node("Transpose", in("x2"), in("t")), value(11, "u", 0, 4), constantIntegers("two", 2),
			node("Unsqueeze", in("u", "two"), in("v")), node("Conv", in("v", "W"), y)},
		`node "the Div" (Div): found a computed value divided by another, supported is that in a layer normalisation over the features only`: {x, tanh, node("Div", in("x", "t"), y)},
		`node "the Div" (Div): found a constant divided by a computed value, supported is a value divided by a constant`:                     {x, node("Div", in("c", "x"), y)},
		`node "the Div" (Div): found a computed value divided by zero`:                                                                       {x, constant("z", []float32{0}, true), node("Div", in("x", "z"), y)},
		`node "the Pow" (Pow): found the exponent 4, supported are 2 and 3`:                                                                  {x, constant("e", []float32{4}, true), node("Pow", in("x", "e"), y)},
		`node "the Max" (Max): found values that are not one computed and one constant number, supported is that`:                            {x, tanh, node("Max", in("x", "t"), y)},
		`node "the Softmax" (Softmax): found axis 0 of a value of shape [1 4], supported are all features of a time step`:                    {x, node("Softmax", in("x"), y, number("axis", 0))},
		`node "the LayerNormalization" (LayerNormalization): found the statistics "m" in use, supported is the normalised value`: {
			x, node("LayerNormalization", in("x", "c"), in("l", "m")), node("Add", in("l", "m"), y)},
		`node "the BatchNormalization" (BatchNormalization): found training_mode 1, supported is inference`:                                       {x, node("BatchNormalization", in("x", "c", "c", "c", "c"), y, number("training_mode", 1))},
		`node "the BatchNormalization" (BatchNormalization): found numbers that cannot be: element 1 of the variance is -0.3, expected 0 or more`: {x, node("BatchNormalization", in("x", "c", "c", "c", "c"), y)},
		`node "the Relu" (Relu): found no outputs, expected one or more`:                                                                          {x, tanh, node("Relu", in("x"), nil)},
		`node "the MatMul" (MatMul): found a product that is not of a computed value and constant floats, supported is that`: {
			x, tanh, node("MatMul", in("x", "t"), y)},
		`node "the Add" (Add): found the last time step combined with every time step, supported are values of the same step`: {
			x, constantIntegers("i", -1), node("Gather", in("x", "i"), in("l")), node("Add", in("x", "l"), y)},
		`node "the Concat" (Concat): found the last time step beside every time step, supported are values of the same step`: {
			x, constantIntegers("i", -1), node("Gather", in("x", "i"), in("l")), node("Concat", in("x", "l"), y)},
		`node "the Gather" (Gather): found index or slice 0 of axis 0, time steps or streams; supported are all, the last (-1), and the first (0) of a direction that runs backward; where the steps of a cell are written out one by one, export it as a node (PyTorch: dynamo=False)`: {
			x, constantIntegers("i", 0), node("Gather", in("x", "i"), y)},
		`node "the Mul" (Mul): found values of shapes [1 1] and [1 1] of which different dimensions are time steps or streams, supported are two values at the same step`: {
			value(11, "x", 0, 1), node("Transpose", in("x"), in("t")), node("Mul", in("x", "t"), y)},
		`node "the Add" (Add): found a value of shape [1 4] at one time step combined to shape [3 4], with numbers of their own for time steps or streams; supported are the same for all`: {
			x, constant("k", []float32{1, 2, 3}, true, 3, 1), node("Add", in("x", "k"), y)},
		`node "the Tanh" (Tanh): found a value that rearranges input "w" in 80 parts, supported are up to 64`: {
			value(11, "w", 0, 80), constantIntegers("i", wide...), node("Gather", in("w", "i"), in("g"), number("axis", 1)), node("Tanh", in("g"), y)},
		`node "the If" (If): found the condition "x", a graph input or computed from one, supported is one that is known when the model is converted: give the value of the input that decides with -bind`: {
			x, node("If", in("x"), y, branch("then_branch", value(12, "x", 0, 4)), branch("else_branch", value(12, "x", 0, 4)))},
		`node "the If" (If): node "the Scan" (Scan): found no body, or a loop inside another; supported is a loop around the step of a cell`: {
			x, constantIntegers("yes", 1), node("If", in("yes"), y, branch("then_branch", node("Scan", in("x"), in("s")), value(12, "s", 0, 4)))},
		`output "y": found the input as it is, supported are models with a layer`: {x, node("Identity", in("x"), y)},
		`node "the If" (If): found no else_branch`:                                {x, constantIntegers("no", 0), node("If", in("no"), y)},
		`node "the ReverseSequence" (ReverseSequence): found sequence lengths "n" that are not the length of the input, supported is a whole sequence`: {
			value(11, "x", 0, 1, 4), constantIntegers("n", 1), node("ReverseSequence", in("x", "n"), y)},
		`node "the Flatten" (Flatten): found a value of shape [1 1 4] at one time step of which all steps or streams are made features, supported is one step`: {
			value(11, "x", 1, 0, 4), node("Flatten", in("x"), y)},
		`node "the Reshape" (Reshape): found shape [1 -1]: found a value of shape [1 1 4] at one time step of which all steps or streams are made features, supported is one step`: {
			value(11, "x", 1, 0, 4), constantIntegers("to", 1, -1), node("Reshape", in("x", "to"), y)},
		`node "the Reshape" (Reshape): found shape [2 3]: found a value of shape [1 4] at one time step, expected as many elements: export with dynamic or single time and batch dimensions`: {
			x, constantIntegers("to", 2, 3), node("Reshape", in("x", "to"), y)},
		`node "the Pad" (Pad): found pads [0 1 0 0] of a value of shape [1 4] at one time step, supported are zeros in front of the first time step for a causal convolution: export the model from its features on`: {
			x, node("Pad", in("x"), y, integers("pads", 0, 1, 0, 0))},
		`node "the Tile" (Tile): found a computed value repeated 2 times along axis 1, supported is that of constants`: {x, constantIntegers("r", 1, 2), node("Tile", in("x", "r"), y)},
	} {
		parts = append(slices.Clone(parts), value(12, "y", 0, 4), constant("c", narrow(four), true, 4))
		_, _, _, err := onnx.Read("m.onnx", model(parts...), nil)
		require.EqualError(t, err, "m.onnx: "+want)
	}
}
