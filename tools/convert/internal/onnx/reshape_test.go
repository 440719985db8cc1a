package onnx

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// merged makes steps and streams one dimension and takes them apart again.
func merged(dims ...int) *Graph {
	g := new(Graph)
	g.Input("x", dims...)
	g.Floats("W", []int{2, 2}, []float32{1, 2, 3, 4})
	g.Ints("rows", []int{-1, 2})
	g.Ints("apart", []int{-1, 3, 2})
	g.Node("Reshape", "merge", []string{"x", "rows"}, []string{"r"}, nil)
	g.Node("MatMul", "dense", []string{"r", "W"}, []string{"d"}, nil)
	g.Node("Reshape", "split", []string{"d", "apart"}, []string{"y"}, nil)
	g.Output("y")
	return g
}

// Time is known by its length where the number of streams is not given; where both have a
// length, it is not told which is which.
func TestMerged(t *testing.T) {
	m, _, err := merged(-1, 3, 2).Model()
	require.NoError(t, err)
	require.Len(t, m.Layers, 1)
	for range 20 { // in whichever order the lengths come
		_, _, err = merged(4, 3, 2).Model()
		require.EqualError(t, err, `node "split" (Reshape): found shape [-1 3 2]: found a value of shape [1 2] at one time step, expected as many elements: export with dynamic or single time and batch dimensions`)
	}
}
