package onnx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bands is a net that reads three parts of a vector, each after the one before, as steps of
// a cell would, but with weights of their own unless they share them.
func bands(shared bool) *Graph {
	g := new(Graph)
	g.Input("x", 1, 6)
	g.Ints("axis", []int{1})
	g.Floats("R", []int{2, 2}, []float32{0.5, -0.5, 0.25, 1})
	h := ""
	for k := range 3 {
		name := func(s string) string { return fmt.Sprint(s, k) }
		g.Ints(name("from"), []int{2 * k})
		g.Ints(name("to"), []int{2*k + 2})
		g.Node("Slice", name("slice"), []string{"x", name("from"), name("to"), "axis"}, []string{name("x")}, nil)
		w := "W0"
		if !shared || k == 0 {
			w = name("W")
			g.Floats(w, []int{2, 2}, []float32{1, 2, float32(k), 4})
		}
		g.Node("MatMul", name("in"), []string{name("x"), w}, []string{name("z")}, nil)
		z := name("z")
		if k > 0 {
			g.Node("MatMul", name("back"), []string{h, "R"}, []string{name("r")}, nil)
			g.Node("Add", name("sum"), []string{z, name("r")}, []string{name("s")}, nil)
			z = name("s")
		}
		h = name("h")
		g.Node("Tanh", name("tanh"), []string{z}, []string{h}, nil)
	}
	g.Output(h)
	return g
}

// A net that only looks like steps of a cell stays what it is: parts of one vector.
func TestNotUnrolled(t *testing.T) {
	m, notes, err := bands(false).Model()
	require.NoError(t, err)
	assert.Equal(t, 6, m.InputSize())
	assert.Empty(t, m.States, notes)

	m, notes, err = bands(true).Model()
	require.NoError(t, err)
	assert.Equal(t, 2, m.InputSize())
	assert.Len(t, m.States, 1)
	assert.Contains(t, fmt.Sprint(notes), "the input of the model is 3 steps of 2 floats")
}
