package onnx

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// rnnSteps is an RNN of two units that is written out for three steps, and what may be
// different about one of them.
type rnnSteps struct {
	length                      int    // of x; 0 for three
	P, R, bias, function, sum   string // another one in the last step
	from                        string
	first                       []float32
	state, turn, noConcat, seen bool
	flat                        bool     // a first state of two dimensions
	order                       []string // of Concat
}

func (s rnnSteps) graph() *Graph {
	g := new(Graph)
	g.Input("x", max(s.length, 3), 1, 2)
	g.Floats("W", []int{2, 2}, []float32{1, 2, -1, 0.5})
	g.Floats("R", []int{2, 2}, []float32{0.5, -0.5, 0.25, 1})
	g.Floats("R2", []int{2, 2}, []float32{0.5, -0.5, 0.5, 1})
	g.Floats("b", []int{2}, []float32{0.1, 0.2})
	g.Floats("br", []int{2}, []float32{0.3, -0.4})
	g.Floats("br2", []int{2}, []float32{0.3, -0.5})
	for k, i := range []int{-1, 0, 1, 2, 3} {
		g.Ints(fmt.Sprint("at ", k-1), []int{i})
	}
	g.Ints("far", []int{math.MinInt})
	if s.first == nil {
		s.first = []float32{0.3, -0.4}
	}
	shape := []int{1, 1, 2}
	if s.flat {
		shape = shape[1:]
	}
	g.Floats("c", shape, s.first)
	node := func(op string, out string, in ...string) { g.Node(op, out, in, []string{out}, nil) }
	pick := func(usual, other string, k int) string {
		if other != "" && k == 2 {
			return other
		}
		return usual
	}
	node("MatMul", "xW", "x", "W")
	node("Add", "P", "xW", "b")
	sequence := "P"
	if s.turn {
		node("Slice", "turned", "P", "at -1", "far", "at 0", "at -1")
		sequence = "turned"
	}
	h := ""
	if s.state {
		g.Input("start", shape...)
		h = "start"
	}
	for k := range 3 {
		name := func(what string) string { return fmt.Sprint(what, k) }
		from := pick(fmt.Sprint("at ", k), s.from, k)
		to := map[string]string{"at 0": "at 1", "at 1": "at 2", "at 2": "at 3"}[from]
		node("Slice", name("part"), pick(sequence, s.P, k), from, to, "at 0")
		node("Squeeze", name("e"), name("part"), "at 0")
		before := "c"
		if h != "" {
			node("MatMul", name("hR"), h, pick("R", s.R, k))
			node("Add", name("back"), name("hR"), pick("br", s.bias, k))
			before = name("back")
		}
		node(pick("Add", s.sum, k), name("z"), before, name("e"))
		h = name("h")
		node(pick("Tanh", s.function, k), h, name("z"))
	}
	if s.order == nil {
		s.order = []string{"h0", "h1", "h2"}
	}
	if s.seen {
		node("Sigmoid", "seen", "h1")
		g.Output("seen")
	}
	if s.noConcat {
		g.Output("h2")
		return g
	}
	g.Node("Concat", "join", s.order, []string{"y"}, map[string]any{"axis": 0})
	g.Output("y")
	return g
}

// Steps of an RNN that PyTorch wrote out are an RNN, forward and backward; that they are
// right is tested with its exports.
func TestChain(t *testing.T) {
	for name, s := range map[string]rnnSteps{
		"every step": {}, "the last": {noConcat: true}, "from a state": {state: true},
		"backward": {turn: true, order: []string{"h2", "h1", "h0"}},
	} {
		m, notes, err := s.graph().Model()
		require.NoError(t, err, name)
		require.Equal(t, 2, m.InputSize(), name)
		require.Contains(t, notes, `node "h0" and those after it are 3 steps of an RNN that were written out: the model takes any number`, name)
		var ops []format.Op
		for _, l := range m.Layers {
			ops = append(ops, l.Op())
		}
		want := []format.Op{format.OpRNN}
		if s.turn {
			want = []format.Op{format.OpReverse, format.OpRNN, format.OpReverse}
		}
		require.Equal(t, want, ops, name)
		if s.state {
			require.Contains(t, notes, `input "start" and output "y" are the state "h0.h", which starts from zeros`)
		}
	}
}

// Whatever is different about one step keeps them from being an RNN.
func TestNotAChain(t *testing.T) {
	for name, s := range map[string]rnnSteps{
		"another sequence":         {P: "xW"},
		"another R":                {R: "R2"},
		"another bias":             {bias: "br2"},
		"another bias, a state":    {bias: "br2", state: true},
		"another function":         {function: "Relu"},
		"a difference":             {sum: "Sub"},
		"two dimensions":           {flat: true},
		"an element again":         {from: "at 1"},
		"not from zeros":           {first: []float32{0.3, -0.3}},
		"a state that is read":     {seen: true, noConcat: true},
		"another order":            {order: []string{"h0", "h2", "h1"}},
		"backward in the order":    {turn: true},
		"forward in reverse order": {order: []string{"h2", "h1", "h0"}},
	} {
		_, notes, err := s.graph().Model()
		require.Error(t, err, name)
		assert.NotContains(t, fmt.Sprint(notes), "steps of an RNN", name)
		assert.NotContains(t, err.Error(), "written out, of a sequence", name)
	}
	_, _, err := rnnSteps{length: 4}.graph().Model()
	require.EqualError(t, err, `node "h0" (RNN): found 3 steps of an RNN that are written out, of a sequence of 4`)
	_, _, err = rnnSteps{state: true, flat: true}.graph().Model()
	require.EqualError(t, err, `node "h0" (RNN): found steps of an RNN that are written out, and a first state that has not three dimensions`)
}
