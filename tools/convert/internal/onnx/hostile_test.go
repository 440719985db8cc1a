package onnx_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// whole is a small model with most kinds of fields.
func whole() []byte {
	k := cellCase{op: "LSTM", bias: true, peephole: true, initial: true}
	return k.file(k.weights(rand.New(rand.NewPCG(1, 1))))
}

func read(data []byte) error {
	onnx.Sniff(data)
	_, _, _, err := onnx.Read("m.onnx", data, nil)
	return err
}

func TestHostile(t *testing.T) {
	padded := causalParts(node("Pad", in("x", "front"), in("p")), conv("p", "y"))
	for _, data := range [][]byte{whole(), loopCase{}.file(), stepFile(), padded} {
		hostiletest.Truncations(t, data, read)
		hostiletest.Flips(t, data, read, nil)
	}
}

// Doubling a constant again and again must not double memory for ever.
func TestDoubling(t *testing.T) {
	parts := [][]byte{value(11, "x", 1, 1, 3), value(12, "y", 1, 3), constant("c0", []float32{1, 2}, true, 2)}
	name := "c0"
	for k := range 60 {
		next := "c" + string(rune('A'+k))
		parts = append(parts, node("Concat", []string{name, name}, []string{next}, number("axis", 0)))
		name = next
	}
	parts = append(parts, node("MatMul", []string{"x", name}, []string{"y"}))
	err := hostiletest.Read(t, func() error { return read(model(parts...)) })
	require.ErrorContains(t, err, "more computed elements")
}

func TestSniff(t *testing.T) {
	require.True(t, onnx.Sniff(whole()))
	for _, other := range []string{"", "{\"a\": 1}", "PK\x03\x04aaaa", "\x89HDF\r\n\x1a\n", "\x80\x02}q\x00.", "\x08\x00\x00\x00\x00\x00\x00\x00{}      ", "\x1c\x00\x00\x00TFL3", "\x89rnn"} {
		require.False(t, onnx.Sniff([]byte(other)), "%q", other)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(whole())
	f.Add(model(value(11, "x", 0, 3), value(12, "y", 0, 2), constant("w", make([]float32, 6), true, 3, 2),
		node("MatMul", []string{"x", "w"}, []string{"m"}), node("Softmax", []string{"m"}, []string{"y"})))
	for _, k := range []cellCase{
		{op: "GRU", direction: "bidirectional", lbr: true, initial: true, functions: []string{"HardSigmoid", "Elu", "Sigmoid", "Affine"}, alpha: []float32{1, 2, 3}},
		{op: "LSTM", direction: "reverse", batchFirst: true, coupled: true, clip: 1},
	} {
		f.Add(k.file(k.weights(rand.New(rand.NewPCG(1, 1)))))
	}
	for _, k := range opCases {
		f.Add(k.file())
	}
	for _, k := range goodLoops {
		f.Add(k.file())
	}
	f.Add(stepFile())
	f.Add(causalParts(node("Pad", in("x", "front"), in("p")), conv("p", "y")))
	f.Add(causalParts(conv("x", "c", integers("pads", 4, 4)), node("Slice", in("c", "zero", "minus four", "two"), in("y"))))
	for _, name := range []string{"step_script_lstm_peephole", "step_dynamo_gru_before", "keras_loop_cells", "quantised_dynamic_lstm_channels", "quantised_dynamic_embedding", "quantised_qdq_gru_channels", "external/gru", "dynamo_rnn_last_no_bias", "keras_lstm_layernorm"} {
		data, err := os.ReadFile("testdata/" + name + ".onnx")
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { _ = read(data) })
}

// What is bound is as hostile as a model.
func FuzzBind(f *testing.F) {
	f.Add(tensor("W", make([]float32, 4), []int{1, 2, 2}))
	f.Add([]byte("\x93NUMPY\x01\x00"))
	data := model(value(11, "x", 0, 1, 2), value(12, "y", 0, 1, 1, 2), value(11, "W", 1, 2, 2), constant("R", make([]float32, 4), true, 1, 2, 2),
		node("RNN", []string{"x", "W", "R"}, []string{"y"}))
	f.Fuzz(func(_ *testing.T, bound []byte) {
		_, _, _, _ = onnx.Read("m.onnx", data, map[string][]byte{"W": bound})
	})
}

// Many states and many outputs must not be compared each with each for ever.
func TestManyStates(t *testing.T) {
	parts := [][]byte{value(11, "x", 0, 1, 1), constant("W", []float32{1}, true, 1, 1, 1)}
	for k := range 4000 {
		h := fmt.Sprint("h", k)
		parts = append(parts, value(11, h, 1, 1, 1), node("RNN", []string{"x", "W", "W", "", "", h}, []string{"", "f" + h}), value(12, "fh0", 1, 1, 1), value(12, "f"+h, 1, 1, 1))
	}
	err := hostiletest.Read(t, func() error { return read(model(parts...)) })
	require.ErrorContains(t, err, "more computed elements")
}
