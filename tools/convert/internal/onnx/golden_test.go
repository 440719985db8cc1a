package onnx_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// engine runs a model step by step over xs.
func engine(t *testing.T, m *format.Model, xs []float32) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.rnn")
	b, err := format.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	model, err := infer.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, model.Close()) }()
	s := model.NewSession()
	ys := make([]float32, len(xs)/m.InputSize()*m.OutputSize())
	_, err = s.Run(ys, xs)
	require.NoError(t, err)
	return ys
}

func worst(t *testing.T, got []float32, want []float64) float64 {
	t.Helper()
	require.Len(t, got, len(want))
	var e float64
	for k := range got {
		e = max(e, math.Abs(float64(got[k])-want[k]))
	}
	return e
}

// Exports of PyTorch convert and compute what PyTorch computes in float64.
func TestExports(t *testing.T) {
	files, err := filepath.Glob("testdata/*.onnx")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".onnx"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.True(t, onnx.Sniff(data))
			m, _, notes, err := onnx.Read(file, data)
			if strings.Contains(file, "dynamo_rnn") { // written out as MatMul and Tanh
				require.ErrorContains(t, err, file+": node ")
				t.Log(err)
				return
			}
			require.NoError(t, err)
			z, err := npy.ReadArchive(strings.TrimSuffix(file, ".onnx") + ".npz")
			require.NoError(t, err)
			x, err := z.Array("x")
			require.NoError(t, err)
			y, err := z.Array("y")
			require.NoError(t, err)
			e := worst(t, engine(t, m, x.Float32()), y.Float64())
			t.Logf("worst error %.2g, notes %q", e, notes)
			require.LessOrEqual(t, e, 2e-6)
		})
	}
}

// Real models convert or are refused by name, whichever it is.
func TestRealFiles(t *testing.T) {
	const root = "../../../../../shared/models"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no ../shared/models")
	}
	var files []string
	require.NoError(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".onnx") {
			files = append(files, path)
		}
		return err
	}))
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, onnx.Sniff(data), file)
		name, err := filepath.Rel(root, file)
		require.NoError(t, err)
		m, from, notes, err := onnx.Read(name, data)
		switch {
		case err != nil:
			require.True(t, strings.HasPrefix(err.Error(), name+": "), err)
			t.Log(err)
		default:
			t.Logf("%s: %s converts, %d layers, notes %q", name, from, len(m.Layers), notes)
		}
		if strings.Contains(file, "onnx-backend-node") && strings.Contains(file, "defaults") {
			require.ErrorContains(t, err, "the graph input \"W\"")
		}
	}
}
