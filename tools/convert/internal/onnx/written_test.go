package onnx_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// The second network of DTLN has two LSTMs written out, with both states of both in one
// input, between convolutions with a kernel of 1.
func TestDTLNSecond(t *testing.T) {
	file := filepath.Join(shared, "dtln/model_2.onnx")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Skip("no ../shared/models/dtln")
	}
	m, _, notes, err := onnx.Read("model_2.onnx", data, nil)
	require.NoError(t, err)
	t.Log(notes)
	var cells []string
	for _, l := range m.Layers {
		if l.Op() == format.OpLSTM {
			cells = append(cells, l.LayerName())
		}
	}
	require.Len(t, cells, 2)
	z, err := npy.ReadArchive(filepath.Join(shared, "dtln/derived_io/model_2.npz"))
	require.NoError(t, err)
	x, err := z.Array("x")
	require.NoError(t, err)
	y, err := z.Array("conv1d_3")
	require.NoError(t, err)
	got, want := engine(t, m, x.Float32()), y.Float64()
	require.Len(t, got, len(want))
	var worst float64
	for k, w := range want {
		worst = max(worst, math.Abs(float64(got[k])-w)/max(1, math.Abs(w)))
	}
	t.Logf("worst error %.2g", worst)
	require.LessOrEqual(t, worst, 2e-6)
}

// stepFile is h' = tanh(x·W + h·R) for one step, of one stream or more.
func stepFile(more ...[]byte) []byte {
	return model(append([][]byte{
		value(11, "x", 0, 3), value(11, "h", 0, 2), value(12, "h'", 0, 2), constant("W", loopW, true, 3, 2), constant("R", loopR, true, 2, 2),
		node("MatMul", in("x", "W"), in("zx")), node("MatMul", in("h", "R"), in("zh")), node("Add", in("zx", "zh"), in("z")), node("Tanh", in("z"), in("h'")),
	}, more...)...)
}

// A step with a state is a cell, one with something else in its place is not.
func TestStep(t *testing.T) {
	m, _, notes, err := onnx.Read("m.onnx", stepFile(), nil)
	require.NoError(t, err)
	require.Len(t, m.Layers, 1)
	require.Equal(t, []string{
		`node "the Tanh" and those before it are one cell that was written out: RNN`,
		`input "h" and output "h'" are the state "the Tanh.h", which starts from zeros`,
	}, notes)
	products := func(x, h []byte) []byte {
		return model(x, h, constant("W", loopW, true, 3, 2), constant("R", loopR, true, 2, 2), node("MatMul", in("x", "W"), in("zx")),
			node("MatMul", in("h", "R"), in("zh")), node("Add", in("zx", "zh"), in("z")), node("Tanh", in("z"), in("y")), value(12, "y", 0, 2))
	}
	for want, data := range map[string][]byte{
		`node "the Tanh" (a cell): found a cell that is written out for one step, and several steps or streams in its input for one state "h"; supported is a step`: products(value(11, "x", 0, 3), value(11, "h", 1, 2)),
		`node "the Tanh" (a cell): found a cell that is written out for one step, and several`:                                                                      products(value(11, "x", 0, 0, 3), value(11, "h", 0, 1, 2)),
		`found inputs "x" and "h", supported is one that is not a state`:                                                                                            model(value(11, "x", 0, 3), value(11, "h", 0, 3), node("Add", in("x", "h"), in("z")), node("Tanh", in("z"), in("y")), value(12, "y", 0, 3)),
		`node "the a cell" (a cell): found an op that no exporter writes`:                                                                                           model(value(11, "x", 0, 3), node("a cell", in("x"), in("y")), value(12, "y", 0, 3)),
	} {
		_, _, _, err := onnx.Read("m.onnx", data, nil)
		require.ErrorContains(t, err, want)
	}
}

// Where the input of a step has the shape of its state and the cell reads both alike, it has
// to be told which is which.
func TestEither(t *testing.T) {
	W, R := []float32{1, 2, 3, 4}, []float32{0.5, -0.5, 0.25, 1}
	same := model(value(11, "a", 1, 2), value(11, "b", 1, 2), value(12, "y", 1, 2), constant("W", W, true, 2, 2), constant("R", R, true, 2, 2),
		node("MatMul", in("a", "W"), in("za")), node("MatMul", in("b", "R"), in("zb")), node("Add", in("za", "zb"), in("z")), node("Tanh", in("z"), in("y")))
	_, _, _, err := onnx.Read("m.onnx", same, nil)
	require.EqualError(t, err, `m.onnx: node "the Tanh" (Tanh): found the step of a cell of which "a" and "b", of one shape, may be the state: name the inputs that are states, all of them, with -state`)
	for state, weights := range map[string][2][]float32{"b": {W, R}, "a": {R, W}} {
		m, _, _, err := onnx.Read("m.onnx", same, nil, state)
		require.NoError(t, err)
		require.Len(t, m.Layers, 1)
		var h [2]float64
		var want []float64
		xs := []float32{1, -1, 0.5, 0.25}
		for step := range 2 {
			x, old := xs[2*step:], h
			for k := range 2 {
				z := 0.0
				for e := range 2 {
					z += float64(weights[0][2*e+k])*float64(x[e]) + float64(weights[1][2*e+k])*old[e]
				}
				h[k] = math.Tanh(z)
			}
			want = append(want, h[:]...)
		}
		require.LessOrEqual(t, worst(t, engine(t, m, xs), want), 1e-6, state)
	}
	_, _, _, err = onnx.Read("m.onnx", same, nil, "c")
	require.EqualError(t, err, `m.onnx: found no input "c" of floats that may be a state`)
	_, _, _, err = onnx.Read("m.onnx", same, nil, "a", "b")
	require.ErrorContains(t, err, `may be the state`)
	// One of another shape needs no name, but may have it.
	for _, states := range [][]string{nil, {"h"}} {
		_, _, _, err = onnx.Read("m.onnx", stepFile(), nil, states...)
		require.NoError(t, err)
	}
	_, _, _, err = onnx.Read("m.onnx", stepFile(), nil, "x")
	require.ErrorContains(t, err, `found inputs "x" and "h", supported is one that is not a state`)
}

// States that are too large for the file are not tried.
func TestLargeStep(t *testing.T) {
	parts := [][]byte{value(11, "x", 1, 1<<20), value(11, "h", 1, 1<<20), node("Add", in("x", "h"), in("z0"))}
	for k := range 100 {
		parts = append(parts, node("Mul", in(fmt.Sprint("z", k), "h"), in(fmt.Sprint("z", k+1))))
	}
	parts = append(parts, node("Tanh", in("z100"), in("y")), value(12, "y", 1, 1<<20))
	err := hostiletest.Read(t, func() error { return read(model(parts...)) })
	require.Error(t, err)
}
