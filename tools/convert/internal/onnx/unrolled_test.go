package onnx

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
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

// joined is steps of a cell with a layer on each h, that of some steps another one, joined in
// this order, once for each twenty of them.
func joined(norm bool, order []int, other ...int) *Graph {
	g := new(Graph)
	g.Input("x", 1, len(order), 2)
	g.Ints("time", []int{1})
	g.Floats("W", []int{2, 2}, []float32{1, 2, -1, 4})
	g.Floats("R", []int{2, 2}, []float32{0.5, -0.5, 0.25, 1})
	g.Floats("V", []int{2, 2}, []float32{0.5, -0.5, 0.25, 2})
	g.Floats("V2", []int{2, 2}, []float32{0.5, -0.5, 0.25, 3})
	h, all := "", []string{}
	for k := range order {
		name := func(s string) string { return fmt.Sprint(s, k) }
		g.Ints(name("at"), []int{k})
		g.Node("Gather", name("x"), []string{"x", name("at")}, []string{name("xs")}, map[string]any{"axis": 1})
		g.Node("Squeeze", name("x"), []string{name("xs"), "time"}, []string{name("x")}, nil)
		g.Node("MatMul", name("in"), []string{name("x"), "W"}, []string{name("z")}, nil)
		z := name("z")
		if k > 0 {
			g.Node("MatMul", name("back"), []string{h, "R"}, []string{name("r")}, nil)
			g.Node("Add", name("sum"), []string{z, name("r")}, []string{name("s")}, nil)
			z = name("s")
		}
		h = name("h")
		g.Node("Tanh", name("tanh"), []string{z}, []string{h}, nil)
		v, y := "V", h
		if slices.Contains(other, k) {
			v = "V2"
		}
		if norm {
			g.Node("LayerNormalization", name("norm"), []string{h}, []string{name("n")}, nil)
			y = name("n")
		}
		g.Node("MatMul", name("out"), []string{y, v}, []string{name("v")}, nil)
		g.Node("Sigmoid", name("sigmoid"), []string{name("v")}, []string{name("y")}, nil)
		g.Node("Unsqueeze", name("step"), []string{name("y"), "time"}, []string{name("u")}, nil)
		all = append(all, name("u"))
	}
	var in []string
	for _, k := range order {
		in = append(in, all[k])
	}
	for k := range len(order)/20 + 1 {
		g.Node("Concat", "join", in, []string{fmt.Sprint("y of ", k)}, map[string]any{"axis": 1})
	}
	g.Output("y of 0")
	return g
}

// Many steps take time in proportion.
func TestManyJoined(t *testing.T) {
	order := make([]int, 400)
	for k := range order {
		order[k] = k
	}
	require.NoError(t, hostiletest.Read(t, func() error {
		_, _, err := joined(false, order).Model()
		return err
	}))
}

// A layer on the state of each step is one behind the cell if it is the same at all steps,
// also where it is not looked into.
func TestJoined(t *testing.T) {
	for _, norm := range []bool{false, true} {
		m, notes, err := joined(norm, []int{0, 1, 2}).Model()
		require.NoError(t, err)
		assert.Equal(t, 2, m.InputSize())
		assert.Contains(t, fmt.Sprint(notes), "the steps are written out, 3 of them: the model takes any number")
		for k := range 3 {
			_, _, err := joined(norm, []int{0, 1, 2}, k).Model()
			require.ErrorContains(t, err, "found steps that are written out", "%v %d", norm, k)
		}
		for _, order := range [][]int{{0, 1, 1}, {0, 0, 2}, {0, 0, 1}, {1, 1, 2}, {0, 2, 1}, {2, 1, 0}, {0, 0, 0}, {2, 1, 2}} {
			_, _, err := joined(norm, order).Model()
			require.Error(t, err, "%v %v", norm, order)
		}
	}
}
