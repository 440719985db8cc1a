package onnx_test

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
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

// unrolled are exports in which several steps of a cell stand one after the other, or a
// mask chooses them.
var unrolled = regexp.MustCompile(`keras_gru_masked`)

// Exports convert and compute what their framework computes in float64. An output
// that is the last of a sequence is compared at each step, or after the last where a
// layer reads the sequence backward, or where the graph has no other.
func TestExports(t *testing.T) {
	files, err := filepath.Glob("testdata/*.onnx")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".onnx"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.True(t, onnx.Sniff(data))
			m, _, notes, err := onnx.Read(file, data, nil)
			if unrolled.MatchString(file) {
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
			want, got := y.Float64(), engine(t, m, x.Float32())
			require.NotEmpty(t, want)
			if !m.Streams() || strings.HasPrefix(filepath.Base(file), "unrolled_") {
				got = got[len(got)-len(want):]
			}
			var worst float64
			require.Len(t, got, len(want))
			for k, w := range want {
				worst = max(worst, math.Abs(float64(got[k])-w)/max(1, math.Abs(w)))
			}
			t.Logf("worst error %.2g, notes %q", worst, notes)
			require.LessOrEqual(t, worst, 2e-6)
		})
	}
}

// Silero's voice activity detector is two networks in an If that the sampling rate
// decides; both start from samples, which is said with the node that reads frames.
func TestSilero(t *testing.T) {
	const file = shared + "/silero-vad/v4_silero_vad.onnx"
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		t.Skip("no ../shared/models/silero-vad")
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	_, _, _, err = onnx.Read("v4.onnx", data, nil)
	require.EqualError(t, err, `v4.onnx: node "Equal_23" (Equal): found "sr", a graph input or computed from one, supported are constants and shapes: if it is an input that does not change, give its value with -bind`)
	for rate, node := range map[int64]string{16000: "Conv_73", 8000: "Conv_547"} {
		_, _, _, err = onnx.Read("v4.onnx", data, map[string][]byte{"sr": join(varint(2, 7), varint(7, rate))})
		require.ErrorContains(t, err, `v4.onnx: node "If_25" (If): node "`+node+`" (Conv): found op Conv with a kernel of [256], which reads several time steps or frames at once`)
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
		m, from, notes, err := onnx.Read(name, data, nil)
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
