package onnx

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// momentsGraph is a layer normalisation as it is written out with its moments; other says
// what is in the place of a value that a node reads.
func momentsGraph(rank int, mean string, other map[string]string) *Graph {
	g := new(Graph)
	g.Input("input", []int{1, -1, 3}...)
	g.Floats("ε", []int{1}, []float32{1e-5})
	g.Floats("γ", []int{3}, []float32{1, 2, 3})
	g.Floats("β", []int{3}, []float32{4, 5, 6})
	g.Ints("axes", []int{0})
	read := func(name string) string {
		if o := other[name]; o != "" {
			return o
		}
		return name
	}
	node := func(op, out string, in ...string) { g.Node(op, out, in, []string{out}, nil) }
	if rank == 4 {
		node("Unsqueeze", "wide", "input", "axes")
		node("Tanh", "x", "wide")
	} else {
		node("Tanh", "x", "input")
	}
	node("Sigmoid", "x2", "input")
	moment := func(out, in string) {
		if mean == "ReduceMean" {
			g.Node(mean, out, []string{in}, []string{out}, map[string]any{"axes": []int{2}})
		} else {
			node(mean, out, in)
		}
	}
	moment("m", read("x of the mean"))
	node("Sub", "d", read("x of the difference"), "m")
	node("Mul", "d2", "d", read("d"))
	moment("v", "d2")
	node("Add", "vε", "v", "ε")
	node("Sqrt", "root", "vε")
	node("Reciprocal", "r", "root")
	node("Mul", "s", "r", "γ")
	node("Mul", "xs", read("x"), "s")
	node("Mul", "ms", "m", read("s"))
	node("Sub", "shift", "β", "ms")
	node("Add", "y", "xs", "shift")
	g.Output("y")
	return g
}

// What Keras writes out is a layer normalisation, and what only looks like one is not.
func TestMoments(t *testing.T) {
	usual := map[string]string{"x of the mean": "x", "x of the difference": "x"}
	for _, mean := range []string{"ReduceMean", "GlobalAveragePool"} {
		m, _, err := momentsGraph(3, mean, usual).Model()
		require.NoError(t, err, mean)
		require.Equal(t, format.OpNormalize, m.Layers[1].Op())
		for _, with := range [][2]string{{"x", "x2"}, {"s", "r"}, {"d", "x"}, {"x of the mean", "x2"}, {"x of the difference", "x2"}} {
			other := map[string]string{"x of the mean": "x", "x of the difference": "x"}
			other[with[0]] = with[1]
			_, _, err := momentsGraph(3, mean, other).Model()
			require.ErrorContains(t, err, `node "m" (`+mean+`): found op `+mean, "%s %v", mean, with)
		}
	}
	_, _, err := momentsGraph(4, "GlobalAveragePool", usual).Model() // which is over time, too
	require.EqualError(t, err, `node "y" (LayerNormalization): found a layer normalisation of a part of a value of shape [1 1 1 3], supported are all features of a time step`)
}
