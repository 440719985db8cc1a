package onnx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// What depends on several steps, or on how many there are, is not what a program for
// one step can compute: it is refused. For one step each of these is what it seems.
func TestManySteps(t *testing.T) {
	_, _, head := lstm("bidirectional")
	cell := node("LSTM", in("x", "W", "R"), in("Y"), word("direction", "bidirectional"))
	shape := [][]byte{node("Shape", in("x"), in("s")), node("Gather", in("s", "zero"), in("T")), node("Sub", in("T", "one"), in("T-1"))}
	y := in("y")
	for name, c := range map[string]struct {
		parts [][]byte
		want  string
	}{
		"a cell along the streams": {[][]byte{
			node("Transpose", in("Y"), in("t"), integers("perm", 2, 0, 1, 3)), constantIntegers("to", 0, 0, 2*units), node("Reshape", in("t", "to"), in("streams")),
			constant("W2", make([]float32, 2*units*units), true, 1, units, 2*units), constant("R2", make([]float32, units*units), true, 1, units, units),
			named("second", "RNN", in("streams", "W2", "R2"), y)},
			"found nodes that run along different dimensions of the input"},
		"streams and steps": {[][]byte{node("Transpose", in("Y"), in("t"), integers("perm", 2, 1, 0, 3)), node("Add", in("Y", "t"), y)},
			"of which different dimensions are time steps or streams"},
		"steps after features": {[][]byte{constantIntegers("to", 2*units, -1), node("Reshape", in("Y", "to"), in("t")), node("Transpose", in("t"), y)},
			"of which all steps or streams are made features"},
		"steps of another place": {[][]byte{constantIntegers("to", 2, 1, units, -1), node("Reshape", in("Y", "to"), y)},
			"of which all steps or streams are made features"},
		"a mean":          {append(shape, node("Cast", in("T"), in("f"), number("to", 1)), node("Div", in("Y", "f"), y)), "found numbers computed from the length of the input"},
		"a mean of all":   {[][]byte{node("Size", in("x"), in("n")), node("Cast", in("n"), in("f"), number("to", 1)), node("Div", in("Y", "f"), y)}, "found numbers computed from the length of the input"},
		"positions":       {append(shape, node("Range", in("zero", "T", "one"), in("r")), node("Cast", in("r"), in("f"), number("to", 1)), node("Add", in("Y", "f"), y)), "found numbers computed from the length of the input"},
		"an index":        {append(shape, node("Gather", in("Y", "T-1"), y)), `found the index "T-1" computed from the length of the input`},
		"a start":         {append(shape, node("Slice", in("Y", "T-1", "T"), y)), `found starts "T-1" computed from the length of the input`},
		"all but one":     {append(shape, node("Slice", in("Y", "zero", "T-1"), y)), `found the end "T-1" of axis 0 computed from the length of the input`},
		"padded":          {append(shape, node("Concat", in("T-1", "zero", "zero", "zero", "zero", "zero", "zero", "zero"), in("pads"), number("axis", 0)), node("Pad", in("Y", "pads"), y)), `found pads "pads" computed from the length`},
		"one more":        {append(shape, constantIntegers("two", 2), node("Add", in("T", "one"), in("more")), node("Div", in("more", "two"), in("half")), node("LSTM", in("x", "W", "R", "", "half"), y, word("direction", "bidirectional"))), "found the constant sequence_lens 1"},
		"only one":        {append(shape, node("LSTM", in("x", "W", "R", "", "one"), y, word("direction", "bidirectional"))), "found the constant sequence_lens 1"},
		"a token at last": {[][]byte{node("Gather", in("x", "last"), in("l")), node("LSTM", in("l", "W", "R"), y, word("direction", "bidirectional"))}, "found X of the last time step only"},
		"a condition": {append(shape, node("Equal", in("T", "one"), in("e")), node("If", in("e"), y,
			branch("then_branch", node("Tanh", in("Y"), in("a")), value(12, "a", 0)), branch("else_branch", node("Relu", in("Y"), in("b")), value(12, "b", 0)))),
			"found a condition (If) on the number of time steps"},
	} {
		parts := append(head[1:len(head):len(head)], value(11, "x", 0, 0, features), value(12, "y", 0), constantIntegers("zero", 0), constantIntegers("one", 1), constantIntegers("last", -1), cell)
		_, _, _, err := onnx.Read("m.onnx", model(append(parts, c.parts...)...), nil)
		require.ErrorContains(t, err, c.want, name)
	}
}

// Steps of the same number as features are told apart by their place.
func TestStepsLikeFeatures(t *testing.T) {
	m, _, _, err := onnx.Read("m.onnx", model(value(11, "x", 4, 1, 4), value(12, "y", 4, 4), constantIntegers("to", 4, -1),
		node("Reshape", in("x", "to"), in("r")), node("Softmax", in("r"), in("y"))), nil)
	require.NoError(t, err)
	require.Len(t, m.Layers, 1)
}

// The number of streams of a state is not the length of what is dimension 1 of the input.
func TestStateBesideSteps(t *testing.T) {
	_, _, head := lstm("")
	for name, ends := range map[string]int64{"": 7, "found index or slice": 2} {
		_, _, _, err := onnx.Read("m.onnx", model(append(head[1:len(head):len(head)], value(11, "x", 2, 7, features), value(11, "h", 1, 2, units), value(12, "y", 2, 7, 1, units),
			constantIntegers("zero", 0), constantIntegers("one", 1), constantIntegers("end", ends), node("Slice", in("x", "zero", "end", "one"), in("all")),
			node("Transpose", in("all"), in("t"), integers("perm", 1, 0, 2)), node("LSTM", in("t", "W", "R", "", "", "h"), in("y")))...), nil)
		if name == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, name)
		}
	}
}

// One input cannot be the state of two nodes, once one of them gives it back.
func TestSharedState(t *testing.T) {
	_, _, head := lstm("")
	parts := append(head, value(11, "h", 1, 1, units), value(12, "y", 0, 1, 1, units),
		named("a", "LSTM", in("x", "W", "R", "", "", "h"), in("Y", "ha")), named("b", "LSTM", in("x", "W", "R", "", "", "h"), in("Z")), node("Add", in("Y", "Z"), in("y")))
	_, _, notes, err := onnx.Read("m.onnx", model(parts...), nil)
	require.NoError(t, err)
	require.Len(t, notes, 2)
	_, _, _, err = onnx.Read("m.onnx", model(append(parts, value(12, "ha", 1, 1, units))...), nil)
	require.EqualError(t, err, `m.onnx: input "h": found it as the initial state of several nodes, of which one comes back as output "ha", supported is an input for each`)
}
