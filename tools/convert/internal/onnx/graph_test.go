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
	_, _, _, err := onnx.Read("m.onnx", data)
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
	m, _, _, err := onnx.Read("m.onnx", data)
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
		`node "the RNN" (RNN): found direction "reverse", which cannot stream, supported is forward`:                                                             with(node("RNN", cell, y, word("direction", "reverse"))),
		`node "the RNN" (RNN): found activations ["Affine"], supported are ["tanh"]`:                                                                             with(node("RNN", cell, y, words("activations", "Affine"))),
		`node "the RNN" (RNN): found hidden_size 3 with R of shape [1 2 2]`:                                                                                      with(node("RNN", cell, y, number("hidden_size", 3))),
		`node "the RNN" (RNN): found R in the graph input "r", supported are weights stored in the file`:                                                         with(value(11, "r", 1, 2, 2), node("RNN", []string{"x", "W", "r"}, y)),
		`node "the RNN" (RNN): found initial_h from graph input "h" and no graph output that returns it in the same place, supported is a state that comes back`: with(value(11, "h", 1, 1, 2), node("RNN", []string{"x", "W", "R", "", "", "h"}, y)),
		`node "the Gather" (Gather): found index 0 into time steps or streams, supported is -1, the last`:                                                        with(constant("i0", nil, true, 0), node("Constant", nil, []string{"k"}, number("value_int", 0)), node("Gather", []string{"x", "k"}, y)),
		`node "the Mul" (Mul): found two computed values, supported is that with Add only`:                                                                       with(node("Mul", []string{"x", "x"}, y)),
	} {
		_, _, _, err := onnx.Read("m.onnx", data)
		require.EqualError(t, err, "m.onnx: "+want)
	}
}
