package onnx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// What PyTorch exports unasked has its weights in a file beside it.
func TestExternalData(t *testing.T) {
	const file = "testdata/external/gru.onnx"
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	m, _, _, err := onnx.Read(file, data, nil)
	require.NoError(t, err)
	z, err := npy.ReadArchive("testdata/external/gru.npz")
	require.NoError(t, err)
	x, err := z.Array("x")
	require.NoError(t, err)
	y, err := z.Array("y")
	require.NoError(t, err)
	e := worst(t, engine(t, m, x.Float32()), y.Float64())
	t.Logf("error %.3g", e)
	require.LessOrEqual(t, e, 1e-6)
}

// A model cannot name a file elsewhere, or more bytes than there are.
func TestExternalRefusals(t *testing.T) {
	data, err := os.ReadFile("testdata/external/gru.onnx")
	require.NoError(t, err)
	weights, err := os.ReadFile("testdata/external/gru.onnx.data")
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "gru.onnx.fold"), 0o700))
	beside := filepath.Join(folder, "gru.onnx.data")
	for _, c := range []struct {
		edits   []string // old and new, of the same lengths
		weights []byte
		want    string
	}{
		{[]string{"gru.onnx.data", "../.onnx.data"}, weights, `found its data in "../.onnx.data", supported are files in the folder of the model`},
		{[]string{"gru.onnx.data", "/ru.onnx.data"}, weights, "supported are files in the folder of the model"},
		{[]string{"gru.onnx.data", "gru.onnx.fold"}, weights, `found its data in "gru.onnx.fold", which is no file`},
		{[]string{"gru.onnx.data", "gru.onnx.dat2"}, weights, "expected that file beside the model: put it there, or export with external_data=False"},
		{[]string{"768", "9e9"}, weights, `length "9e9", expected 0 to `},
		{[]string{"768", "-68"}, weights, `length "-68", expected 0 to `},
		{[]string{"768", "764"}, weights, "found 764 elements or bytes of data, expected 768"},
		{[]string{"offset", "0ffset", "288", "989"}, weights, "more data in all tensors together than the "},
		{[]string{"768", "768"}, weights[:100], ", expected 0 to "},
	} {
		require.NoError(t, os.WriteFile(beside, c.weights, 0o600))
		_, _, _, err := onnx.Read(filepath.Join(folder, "gru.onnx"), []byte(strings.NewReplacer(c.edits...).Replace(string(data))), nil)
		require.ErrorContains(t, err, c.want, c.edits)
		require.ErrorContains(t, err, "gru.onnx: ")
	}
}
