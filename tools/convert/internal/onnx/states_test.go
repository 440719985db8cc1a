package onnx_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// lstm is a small LSTM, its weights, and the head of a model with it: x, W and R.
func lstm(direction string) (k cellCase, w cellWeights, parts [][]byte) {
	k = cellCase{op: "LSTM", direction: direction}
	w = k.weights(rand.New(rand.NewPCG(9, 9)))
	D := int64(k.directions())
	return k, w, [][]byte{value(11, "x", 0, 1, features), constant("W", w.w, true, D, 4*units, features), constant("R", w.r, true, D, 4*units, units)}
}

func somewhere(steps int) []float32 {
	rng := rand.New(rand.NewPCG(10, 10))
	xs := make([]float32, steps*features)
	for i := range xs {
		xs[i] = float32(rng.NormFloat64())
	}
	return xs
}

// Whichever outputs a node has, one is the model's, and the others are states.
func TestOutputs(t *testing.T) {
	k, w, head := lstm("bidirectional")
	const steps = 4
	want := k.equations(w, somewhere(steps), units)
	last := append(append([]float64{}, want[(steps-1)*2*units:][:units]...), want[units:2*units]...) // Y_h: the sequence's first step backward
	yh, yc := value(12, "h", 2, 1, units), value(12, "c", 2, 1, units)
	y := value(12, "y", 0, 2, 1, units)
	for name, c := range map[string]struct {
		outputs []string
		values  [][]byte
		notes   []string
		whole   bool
	}{
		"Y": {[]string{"y"}, [][]byte{y}, nil, true},
		"Y, Y_h, Y_c": {[]string{"y", "h", "c"}, [][]byte{y, yh, yc}, []string{
			`output "h" is left aside: after the last step it is the state "the LSTM.h", "the LSTM.reverse.h", for Session.ReadState`,
			`output "c" is left aside: after the last step it is the state "the LSTM.c", "the LSTM.reverse.c", for Session.ReadState`,
		}, true},
		"Y_h": {[]string{"", "h"}, [][]byte{yh}, []string{`output "h" is what the model gives at the last step of a sequence`}, false},
		"Y_h, Y_c": {[]string{"", "h", "c"}, [][]byte{yc, yh}, []string{
			`output "c" is left aside: after the last step it is the state "the LSTM.c", "the LSTM.reverse.c", for Session.ReadState`,
			`output "h" is what the model gives at the last step of a sequence`,
		}, false},
		"Y_c": {[]string{"", "", "c"}, [][]byte{yc}, []string{
			`output "c" is what the model gives at the last step of a sequence`,
			`output "c" is the state "the LSTM.c", "the LSTM.reverse.c", for Session.ReadState; the model's output is the hidden state in its place`,
		}, false},
	} {
		data := model(append(append(head[:len(head):len(head)], c.values...), node("LSTM", []string{"x", "W", "R"}, c.outputs, word("direction", "bidirectional")))...)
		m, _, notes, err := onnx.Read("m.onnx", data, nil)
		require.NoError(t, err, name)
		require.Equal(t, c.notes, notes, name)
		ys := engine(t, m, somewhere(steps))
		if c.whole {
			require.LessOrEqual(t, worst(t, ys, want), 1e-6, name)
		} else {
			require.LessOrEqual(t, worst(t, ys[(steps-1)*2*units:], last), 1e-6, name)
		}
	}
}

// An initial state from outside is the session's, whether it comes back or not.
func TestInitialStates(t *testing.T) {
	_, _, head := lstm("")
	cell := []string{"x", "W", "R", "", "", "h0", "c0"}
	h0, c0 := value(11, "h0", 1, 4, units), value(11, "c0", 1, 0, units)
	y := value(12, "y", 0, 1, 1, units)
	data := model(append(head, h0, c0, y, value(12, "c", 1, 1, units), node("LSTM", cell, []string{"y", "", "c"}))...)
	m, _, notes, err := onnx.Read("m.onnx", data, nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		`input "h0": dimension 1 of 4 was taken as 1, a time step of one stream`,
		`input "h0" is the initial state "the LSTM.h", which starts from zeros: set it with Session.WriteState, or give its value with -bind`,
		`input "c0" and output "c" are the state "the LSTM.c", which starts from zeros`,
	}, notes)
	require.Equal(t, []format.State{{Name: "the LSTM.h", Size: units, Init: format.None}, {Name: "the LSTM.c", Size: units, Init: format.None}}, m.States)

	// Each direction has its own share of what goes in and comes back.
	_, _, head = lstm("bidirectional")
	data = model(append(head, value(11, "h0", 2, 1, units), value(11, "c0", 2, 1, units), value(12, "y", 0, 2, 1, units), value(12, "h", 2, 1, units),
		node("LSTM", cell, []string{"y", "h"}, word("direction", "bidirectional")))...)
	m, _, notes, err = onnx.Read("m.onnx", data, nil)
	require.NoError(t, err)
	require.Len(t, m.States, 4)
	require.Equal(t, []string{
		`input "h0" and output "h" are the state "the LSTM.h", which starts from zeros`,
		`input "c0" is the initial state "the LSTM.c", which starts from zeros: set it with Session.WriteState, or give its value with -bind`,
		`input "h0" and output "h" are the state "the LSTM.reverse.h", which starts from zeros`,
		`input "c0" is the initial state "the LSTM.reverse.c", which starts from zeros: set it with Session.WriteState, or give its value with -bind`,
	}, notes)

	// At one step Y is Y_h; h in another order is not the state.
	h := []int64{1, 1, 1, units}
	step := func(back ...[]byte) ([]string, error) {
		parts := [][]byte{value(11, "x", 1, 1, features), value(11, "h0", h...), value(12, "back", h...), value(12, "z", h...),
			constant("W", make([]float32, units*features), true, 1, units, features), constant("R", make([]float32, units*units), true, 1, units, units),
			node("Squeeze", []string{"h0"}, []string{"h"}, integers("axes", 0)),
			node("RNN", []string{"x", "W", "R", "", "", "h"}, []string{"y"}), node("Sigmoid", []string{"y"}, []string{"z"})}
		_, _, notes, err := onnx.Read("m.onnx", model(append(parts, back...)...), nil)
		return notes, err
	}
	notes, err = step(node("Identity", []string{"y"}, []string{"back"}))
	require.NoError(t, err)
	require.Equal(t, []string{`input "h0" and output "back" are the state "the RNN.h", which starts from zeros`}, notes)
	notes, err = step(node("Split", []string{"y"}, []string{"a", "b"}, integers("split", 2, 3), number("axis", 3)), node("Concat", []string{"b", "a"}, []string{"back"}, number("axis", 3)))
	require.EqualError(t, err, `m.onnx: found the outputs ["back" "z"], supported is one that is not a state`)
}

// A model that was exported for several streams that start alike serves one.
func TestInitialOfManyStreams(t *testing.T) {
	for _, batchFirst := range []bool{false, true} {
		k := cellCase{op: "GRU", direction: "bidirectional", batchFirst: batchFirst, initial: true}
		w := k.weights(rand.New(rand.NewPCG(11, 11)))
		xs := somewhere(6)
		want := k.equations(w, xs, units)
		a, b := w.h[:units], w.h[units:]
		shape, many := []int64{2, 3, units}, [][]float32{a, a, a, b, b, b}
		if batchFirst {
			shape, many = []int64{3, 2, units}, [][]float32{a, b, a, b, a, b}
		}
		var all []float32
		for _, row := range many {
			all = append(all, row...)
		}
		w.h = all
		m, _, _, err := onnx.Read("m.onnx", k.file(w, shape...), nil)
		require.NoError(t, err)
		require.LessOrEqual(t, worst(t, engine(t, m, xs), want), 1e-6)
	}
}

// The length of a sequence is the session's to know, or that of X.
func TestSequenceLength(t *testing.T) {
	_, _, head := lstm("")
	y := value(12, "y", 0, 1, 1, units)
	with := func(x []byte, parts ...[]byte) []byte {
		return model(append(append([][]byte{x}, head[1:]...), append(parts, y, node("LSTM", []string{"x", "W", "R", "", "n"}, []string{"y"}))...)...)
	}
	fixed, dynamic := value(11, "x", 7, 1, features), head[0]
	for _, c := range []struct {
		data  []byte
		notes []string
	}{
		{with(dynamic, typed(11, "n", 6, 3)), []string{`input "n" is the length of a padded sequence: it is for Session.RunLength, and counts for the whole model`}},
		{with(fixed, constantIntegers("n", 7, 7)), []string{`input "x": dimension 0 of 7 was taken as 1, a time step of one stream`}},
		{with(dynamic, constantIntegers("zero", 0), node("Shape", []string{"x"}, []string{"shape"}), node("Gather", []string{"shape", "zero"}, []string{"n"})), nil},
	} {
		_, _, notes, err := onnx.Read("m.onnx", c.data, nil)
		require.NoError(t, err)
		require.Equal(t, c.notes, notes)
	}
	_, _, _, err := onnx.Read("m.onnx", with(fixed, constantIntegers("n", 6)), nil)
	require.ErrorContains(t, err, "found the constant sequence_lens 6, supported is the number of time steps in X or a graph input")
}

// Inputs become constants: a TensorProto or a NumPy array, also in the place of an
// initializer.
func TestBind(t *testing.T) {
	k, w, head := lstm("")
	y := value(12, "y", 0, 1, 1, units)
	cell := node("LSTM", []string{"x", "W", "R"}, []string{"y"})
	open := model(head[0], y, value(11, "W", 1, 4*units, features), value(11, "R", 1, 4*units, units), constant("R", make([]float32, len(w.r)), true, 1, 4*units, units), cell)
	a, err := npy.New(w.w, 1, 4*units, features)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, npy.Write(&file, a))
	bind := map[string][]byte{"W": file.Bytes(), "R": tensor("any", w.r, []int{1, 4 * units, units})}
	m, _, notes, err := onnx.Read("m.onnx", open, bind)
	require.NoError(t, err)
	require.Empty(t, notes)
	xs := somewhere(5)
	require.LessOrEqual(t, worst(t, engine(t, m, xs), k.equations(w, xs, units)), 1e-6)

	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"V": {bind["R"], `m.onnx: found no input "V" to bind, there are x, W, R`},
		"R": {[]byte("not a tensor"), `m.onnx: input "R" is bound to what is neither a TensorProto nor a .npy array that is supported: `},
		"W": {bind["R"], `m.onnx: input "W" is bound to floats of shape [1 20 5], expected element type 1 and shape [1 20 3], with -1 for any`},
	} {
		_, _, _, err := onnx.Read("m.onnx", open, map[string][]byte{"R": bind["R"], "W": bind["W"], name: c.file})
		require.ErrorContains(t, err, c.want)
	}
}
