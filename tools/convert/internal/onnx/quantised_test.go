package onnx_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// ONNX Runtime quantises the activations of a quantised model as well, which is what its
// results differ by; TestExports holds the float model that these files stand for.
func TestQuantised(t *testing.T) {
	files, err := filepath.Glob("testdata/quantised_*.onnx")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		m, _, notes, err := onnx.Read(file, data, nil)
		require.NoError(t, err, file)
		require.Contains(t, strings.Join(notes, "\n"), "were taken back to float32", file)
		z, err := npy.ReadArchive(strings.TrimSuffix(file, ".onnx") + ".npz")
		require.NoError(t, err)
		x, err := z.Array("x")
		require.NoError(t, err)
		y, err := z.Array("quantised")
		require.NoError(t, err)
		e := worst(t, engine(t, m, x.Float32()), y.Float64())
		t.Logf("%s: off by %.2g from the quantised activations", file, e)
		require.LessOrEqual(t, e, 0.02, file)
		require.NotZero(t, e, file)
	}
}

// bytes8 is an initializer of 8-bit integers.
func bytes8(name string, elem int64, v []int8, dims ...int64) []byte {
	var b []byte
	for _, d := range dims {
		b = append(b, varint(1, d)...)
	}
	raw := make([]byte, len(v))
	for k, q := range v {
		raw[k] = byte(q)
	}
	return message(5, join(b, varint(2, elem), text(8, name), message(9, raw)))
}

// quantisedCase is x·W with W in 8 bits, and what the weights are.
func quantisedCase(nodes ...[]byte) []byte {
	return model(append([][]byte{
		value(11, "x", 0, 2), value(12, "y", 0, 3), bytes8("q", 3, []int8{-128, 0, 127, 1, 2, -3}, 2, 3), bytes8("u", 2, []int8{-128, 0, 127, 1, 2, -3}, 2, 3),
		constant("s", []float32{0.1}, true), constant("s3", []float32{0.1, 0.2, 0.3}, true, 3), bytes8("z", 3, []int8{5}), bytes8("z3", 3, []int8{5, -6, 7}, 3),
		bytes8("uz", 2, []int8{-128}), bytes8("low", 2, []int8{0}), constant("w", []float32{-1, 0.26, 0.25, 100, 0.05, 0}, true, 2, 3), constant("bias", []float32{1, 2, 3}, true, 3),
	}, nodes...)...)
}

func TestDequantised(t *testing.T) {
	y, product := in("y"), node("MatMul", in("x", "f"), in("y"))
	contribution := text(7, "com.microsoft")
	for name, c := range map[string]struct {
		data []byte
		want []float64
	}{
		"per tensor":         {quantisedCase(node("DequantizeLinear", in("q", "s", "z"), in("f")), product), []float64{-13.3, -0.5, 12.2, -0.4, -0.3, -0.8}},
		"no zero point":      {quantisedCase(node("DequantizeLinear", in("q", "s"), in("f")), product), []float64{-12.8, 0, 12.7, 0.1, 0.2, -0.3}},
		"per channel":        {quantisedCase(node("DequantizeLinear", in("q", "s3", "z3"), in("f"), number("axis", 1)), product), []float64{-13.3, 1.2, 36, -0.4, 1.6, -3}},
		"unsigned":           {quantisedCase(node("DequantizeLinear", in("u", "s", "uz"), in("f")), product), []float64{0, -12.8, -0.1, -12.7, -12.6, 12.5}},
		"in the graph":       {quantisedCase(node("QuantizeLinear", in("w", "s", "z"), in("a")), node("DequantizeLinear", in("a", "s", "z"), in("f")), product), []float64{-1, 0.3, 0.2, 12.2, 0, 0}},
		"dynamic":            {quantisedCase(named("d", "DynamicQuantizeMatMul", in("x", "q", "s3", "z3"), y, contribution)), []float64{-13.3, 1.2, 36, -0.4, 1.6, -3}},
		"dynamic with bias":  {quantisedCase(named("d", "DynamicQuantizeMatMul", in("x", "q", "s", "", "bias"), y, contribution)), []float64{-12.8, 0, 12.7, 0.1, 0.2, -0.3}},
		"an activation":      {quantisedCase(node("DequantizeLinear", in("q", "s"), in("f")), node("QuantizeLinear", in("x", "s", "z"), in("a")), node("DequantizeLinear", in("a", "s", "z"), in("b")), node("MatMul", in("b", "f"), y)), []float64{-12.8, 0, 12.7, 0.1, 0.2, -0.3}},
		"moved between them": {quantisedCase(node("DequantizeLinear", in("q", "s"), in("f")), node("QuantizeLinear", in("x", "s", "z"), in("a")), node("Identity", in("a"), in("i")), node("DequantizeLinear", in("i", "s", "z"), in("b")), node("MatMul", in("b", "f"), y)), []float64{-12.8, 0, 12.7, 0.1, 0.2, -0.3}},
	} {
		m, _, _, err := onnx.Read("m.onnx", c.data, nil)
		require.NoError(t, err, name)
		layers := 1
		if strings.Contains(name, "activation") || strings.Contains(name, "moved") {
			layers = 2 // its limits
		}
		require.Len(t, m.Layers, layers, name)
		bias := []float64{0, 0, 0}
		if strings.Contains(name, "bias") {
			bias = []float64{1, 2, 3}
		}
		got := engine(t, m, []float32{1, 0, 0, 1})
		for k, w := range c.want {
			require.InDelta(t, w+bias[k%3], got[k], 1e-6*max(1, math.Abs(w)), "%s %d", name, k)
		}
	}
	// The limits of a range are kept, as of a relu or clip that an exporter left away, unless
	// nothing is beyond them.
	around := func(f string) []byte {
		return quantisedCase(node("DequantizeLinear", in("q", "s"), in("f")), node("MatMul", in("x", "f"), in("m")), node(f, in("m"), in("v")),
			node("QuantizeLinear", in("v", "s", "low"), in("a")), node("DequantizeLinear", in("a", "s", "low"), y))
	}
	m, _, _, err := onnx.Read("m.onnx", around("Identity"), nil)
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0, 12.7}, engine(t, m, []float32{1, 0}))
	require.Equal(t, float32(25.5), engine(t, m, []float32{0, 1000})[0]) // 100, that is 255·0.1 at most
	m, _, _, err = onnx.Read("m.onnx", quantisedCase(node("DequantizeLinear", in("q", "s"), in("f")), node("MatMul", in("x", "f"), in("m")),
		node("QuantizeLinear", in("m", "s", "z"), in("a")), node("DequantizeLinear", in("a", "s", "z"), y)), nil)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float32{-12.8, 0, 12.2}, engine(t, m, []float32{1, 0}), 1e-5)
	require.InDeltaSlice(t, []float32{12.2, 12.2, -13.3}, engine(t, m, []float32{0, 1000}), 1e-5) // 122·0.1 and −133·0.1
	m, _, _, err = onnx.Read("m.onnx", around("Tanh"), nil)
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0, 1}, engine(t, m, []float32{1, 0}))
	m, _, _, err = onnx.Read("m.onnx", around("Sigmoid"), nil)
	require.NoError(t, err)
	require.Len(t, m.Layers, 1)
	require.Equal(t, format.OpDense, m.Layers[0].Op())
}

func TestRefusedQuantised(t *testing.T) {
	y := in("y")
	channels := func(scale string) [][]byte {
		return [][]byte{
			bytes8("qc", 3, []int8{1, 2, 3, 4, 5, 6}, 3, 2, 1), constantIntegers("last", -1), node("Unsqueeze", in("x", "last"), in("u")), node("DynamicQuantizeLinear", in("u"), in("a", "as", "az")),
			node("ConvInteger", in("a", "qc", "az", "z"), in("i")), node("Cast", in("i"), in("f"), number("to", 1)), node("Mul", in("as", scale), in("ss")), node("Mul", in("f", "ss"), in("c")),
			node("Squeeze", in("c", "last"), y),
		}
	}
	m, _, _, err := onnx.Read("m.onnx", quantisedCase(channels("s")...), nil)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float32{-4*.1 - 3*.2, -2*.1 - .2, .2}, engine(t, m, []float32{1, 2}), 1e-6)
	quantise := node("QuantizeLinear", in("x", "s", "z"), in("a"))
	for want, nodes := range map[string][][]byte{
		`node "the Relu" (Relu): found the quantised value "a", supported is that DequantizeLinear reads it`:                                     {quantise, node("Relu", in("a"), y)},
		`output "y": found a quantised value, supported is that DequantizeLinear reads it`:                                                       {node("QuantizeLinear", in("x", "s", "z"), y)},
		`node "the DequantizeLinear" (DequantizeLinear): found a computed value that QuantizeLinear with this scale and zero point did not make`: {quantise, node("DequantizeLinear", in("a", "s"), y)},
		`node "the DequantizeLinear" (DequantizeLinear): found scale "s3" of shape [3] for a value of shape [2 3]`:                               {node("DequantizeLinear", in("q", "s3"), in("f"), number("axis", 0)), node("MatMul", in("x", "f"), y)},
		`node "the DequantizeLinear" (DequantizeLinear): found scales of blocks`:                                                                 {node("DequantizeLinear", in("q", "s"), in("f"), number("block_size", 2)), node("MatMul", in("x", "f"), y)},
		`node "the DequantizeLinear" (DequantizeLinear): found weights that are not constant integers`:                                           {node("DequantizeLinear", in("w", "s"), in("f")), node("MatMul", in("x", "f"), y)},
		`node "the DequantizeLinear" (DequantizeLinear): found scale in the graph input "x"`:                                                     nil,
		`node "the QuantizeLinear" (QuantizeLinear): found element type 0 and scale 0.1, supported are int8 and uint8`:                           nil,
		`node "the QuantizeLinear" (QuantizeLinear): found scale "none" of shape [0] for a value of shape [2 0]`: {
			constant("none", nil, true, 0), constant("k", nil, true, 2, 0), constantIntegers("zero"), node("QuantizeLinear", in("k", "none", "zero"), y)},
		`node "the QuantizeLinear" (QuantizeLinear): found a scale for each feature of a computed value, supported is one`:                                                      nil,
		`node "the DynamicQuantizeLinear" (DynamicQuantizeLinear): found op DynamicQuantizeLinear, which computes with integers in another way than quantize_dynamic writes it`: nil,
		`node "l" (DynamicQuantizeLSTM): found W of shape [2 3], expected integers [directions, inputs, 4·H]`:                                                                   {named("l", "DynamicQuantizeLSTM", in("x", "q", "q"), y, text(7, "com.microsoft"))},
		`node "the DynamicQuantizeLinear" (DynamicQuantizeLinear): found op DynamicQuantizeLinear, which computes with integers in`:                                             channels("s3"),
		`node "the Gather" (Gather): found a look-up in a table of 8-bit integers, supported is that DequantizeLinear reads its rows`:                                           {typed(11, "token", 7, 1, 0), node("Gather", in("q", "token"), y)},
		`node "l" (OtherOp): found op com.microsoft.OtherOp`:                                                                                                                    {named("l", "OtherOp", in("x"), y, text(7, "com.microsoft"))},
	} {
		switch {
		case strings.Contains(want, "graph input"):
			nodes = [][]byte{node("DequantizeLinear", in("q", "x"), in("f")), node("MatMul", in("x", "f"), y)}
		case strings.Contains(want, "element type 0"):
			nodes = [][]byte{constantIntegers("zero", 0), node("QuantizeLinear", in("x", "s", "zero"), y)}
		case strings.Contains(want, "each feature"):
			nodes = [][]byte{constant("s2", []float32{1, 2}, true, 2), node("QuantizeLinear", in("x", "s2"), y)}
		case strings.Contains(want, "another way"):
			nodes = [][]byte{node("DynamicQuantizeLinear", in("x"), in("a", "as", "az")), node("MatMulInteger", in("a", "q", "az"), in("i")), node("Cast", in("i"), y, number("to", 1))}
		}
		_, _, _, err := onnx.Read("m.onnx", quantisedCase(nodes...), nil)
		require.ErrorContains(t, err, want)
	}
}
