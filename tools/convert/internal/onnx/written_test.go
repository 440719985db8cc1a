package onnx_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
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
