package onnx_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// A dense layer that two nodes read is not changed for one of them; constants
// become part of one that only they read; the rest is added up.
func TestDenseAround(t *testing.T) {
	data := model(
		value(11, "x", 0, 2), value(12, "y", 0, 2),
		constant("W", []float32{1, 2, 3, 4}, true, 2, 2), constant("two", []float32{2}, true), constant("c", []float32{5, 6}, false, 2),
		node("MatMul", []string{"x", "W"}, []string{"a"}),
		node("Relu", []string{"a"}, []string{"r"}),
		node("Mul", []string{"x2", "two"}, []string{"m"}),
		node("Sub", []string{"c", "m"}, []string{"s"}),
		node("Add", []string{"a", "r"}, []string{"ar"}),
		node("Add", []string{"ar", "s"}, []string{"y"}),
	)
	_, _, _, err := onnx.Read("m.onnx", data, nil)
	require.EqualError(t, err, `m.onnx: node "the Mul" (Mul): found input "x2", which nothing before it computes`)
	data = model(
		value(11, "x", 0, 2), value(12, "y", 0, 2),
		constant("W", []float32{1, 2, 3, 4}, true, 2, 2), constant("two", []float32{2}, true), constant("c", []float32{5, 6}, false, 2),
		node("MatMul", []string{"x", "W"}, []string{"a"}),
		node("Relu", []string{"a"}, []string{"r"}),
		node("Gemm", []string{"x", "W", "c"}, []string{"x2"}, number("transB", 1)),
		node("Mul", []string{"x2", "two"}, []string{"m"}),
		node("Sub", []string{"c", "m"}, []string{"s"}),
		node("Add", []string{"a", "r"}, []string{"ar"}),
		node("Add", []string{"ar", "s"}, []string{"sum"}),
		node("Softmax", []string{"sum"}, []string{"y"}, number("axis", -1)),
	)
	m, _, _, err := onnx.Read("m.onnx", data, nil)
	require.NoError(t, err)
	x := []float32{0.5, -0.25, 0.125, 0.5}
	var want []float64
	for k := 0; k < len(x); k += 2 {
		x0, x1 := float64(x[k]), float64(x[k+1])
		a := []float64{x0 + 3*x1, 2*x0 + 4*x1}
		g := []float64{x0 + 2*x1 + 5, 3*x0 + 4*x1 + 6}
		e0 := math.Exp(a[0] + max(a[0], 0) + 5 - 2*g[0])
		e1 := math.Exp(a[1] + max(a[1], 0) + 6 - 2*g[1])
		want = append(want, e0/(e0+e1), e1/(e0+e1))
	}
	require.LessOrEqual(t, worst(t, engine(t, m, x), want), 1e-6)
}

// What would compute something else is refused, by name.
func TestRefused(t *testing.T) {
	w := []float32{1, 2, 3, 4}
	head := [][]byte{value(11, "x", 0, 1, 2), value(12, "y", 0, 1, 1, 2), constant("W", w, true, 1, 2, 2), constant("R", w, true, 1, 2, 2)}
	with := func(parts ...[]byte) []byte { return model(append(head[:len(head):len(head)], parts...)...) }
	cell := []string{"x", "W", "R"}
	y := []string{"y"}
	for want, data := range map[string][]byte{
		`node "the RNN" (RNN): found direction "sideways", supported are forward, reverse and bidirectional`:                                                                                                   with(node("RNN", cell, y, word("direction", "sideways"))),
		`node "the RNN" (RNN): found R of shape [1 2 2], expected [2, 1·H, H]`:                                                                                                                                 with(node("RNN", cell, y, word("direction", "bidirectional"))),
		`node "the RNN" (RNN): found activation Affine without a value in activation_alpha, which has no default`:                                                                                              with(node("RNN", cell, y, words("activations", "Affine"))),
		`node "the RNN" (RNN): found the 2 activations ["Tanh" "Relu"], expected 1 for each of 1 directions`:                                                                                                   with(node("RNN", cell, y, words("activations", "Tanh", "Relu"))),
		`node "the RNN" (RNN): found activation "Swish", supported are Relu, Tanh, Sigmoid, Affine, LeakyRelu, ThresholdedRelu, ScaledTanh, HardSigmoid, Elu, Softsign and Softplus`:                           with(node("RNN", cell, y, words("activations", "Swish"))),
		`node "the RNN" (RNN): found clip -1, supported is a positive number`:                                                                                                                                  with(node("RNN", cell, y, float("clip", -1))),
		`node "the RNN" (RNN): found layout 2, supported are 0 and 1`:                                                                                                                                          with(node("RNN", cell, y, number("layout", 2))),
		`node "the RNN" (RNN): found output_sequence 0 of opset 1, supported is opset 7 and later: convert the model to it`:                                                                                    with(node("RNN", cell, y, number("output_sequence", 0))),
		`node "the RNN" (RNN): found hidden_size 3 with R of shape [1 2 2]`:                                                                                                                                    with(node("RNN", cell, y, number("hidden_size", 3))),
		`node "the RNN" (RNN): found R in the graph input "r", supported are constants: if it is one, give its value with -bind r=FILE (.pb or .npy)`:                                                          with(value(11, "r", 1, 2, 2), node("RNN", []string{"x", "W", "r"}, y)),
		`node "the RNN" (RNN): found initial_h of shape [1 2 2], expected 2 floats for one stream`:                                                                                                             with(constant("h", w, true, 1, 2, 2), node("RNN", []string{"x", "W", "R", "", "", "h"}, y)),
		`node "the RNN" (RNN): found sequence_lens that are not integers or differ from stream to stream, supported is one length`:                                                                             with(constantIntegers("n", 3, 4), node("RNN", []string{"x", "W", "R", "", "n"}, y)),
		`node "the RNN" (RNN): found the constant sequence_lens 1, supported is the number of time steps in X or a graph input: remove "n", or export it as an input and give the length to Session.RunLength`: with(constantIntegers("n", 1), node("RNN", []string{"x", "W", "R", "", "n"}, y)),
		`node "the RNN" (RNN): input "n": found element type 9, supported are floats and integers`:                                                                                                             with(typed(11, "n", 9, 1), node("RNN", []string{"x", "W", "R", "", "n"}, y)),
		`node "another" (RNN): found X of the last time step only, supported is one of every step`:                                                                                                             with(node("RNN", cell, []string{"", "h"}), named("another", "RNN", []string{"h", "W", "R"}, y)),
		`node "the Gather" (Gather): found index or slice 0 of axis 0, time steps or streams; supported are all, the last (-1), and the first (0) of a direction that runs backward; where the steps of a cell are written out one by one, export it as a node (PyTorch: dynamo=False)`: with(constant("i0", nil, true, 0), node("Constant", nil, []string{"k"}, number("value_int", 0)), node("Gather", []string{"x", "k"}, y)),
	} {
		_, _, _, err := onnx.Read("m.onnx", data, nil)
		require.EqualError(t, err, "m.onnx: "+want)
	}
}
