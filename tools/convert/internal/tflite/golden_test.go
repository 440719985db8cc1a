package tflite_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/internal/tflite"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// engine runs a model over xs from its initial state.
func engine(t *testing.T, m *format.Model, xs []float32) []float32 {
	t.Helper()
	b, err := format.Marshal(m)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "m.rnn")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	model, err := infer.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, model.Close()) }()
	ys := make([]float32, len(xs)/m.InputSize()*m.OutputSize())
	_, err = model.NewSession().Run(ys, xs)
	require.NoError(t, err)
	return ys
}

func array(t *testing.T, z *npy.Archive, name string) []float32 {
	t.Helper()
	a, err := z.Array(name)
	require.NoError(t, err)
	return a.Float32()
}

// apart is the largest error of the last outputs, those that want has, relative to max(1, |y|).
func apart(t *testing.T, got, want []float32) (e float64) {
	t.Helper()
	require.NotEmpty(t, want)
	require.GreaterOrEqual(t, len(got), len(want))
	for k, y := range want {
		y := float64(y)
		e = max(e, math.Abs(float64(got[len(got)-len(want)+k])-y)/max(1, math.Abs(y)))
	}
	return e
}

// Each model computes what TFLite's interpreter does. A hybrid one differs by the rounding
// of activations there, which is 1/254 of the largest at each product.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.tflite")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(file, ".tflite")
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.True(t, tflite.Sniff(data))
			m, notes, err := tflite.Read(file, data)
			require.NoError(t, err)
			z, err := npy.ReadArchive(name + ".npz")
			require.NoError(t, err)
			tolerance := 2e-6
			if strings.HasSuffix(name, "hybrid") || strings.HasSuffix(name, "int8") {
				tolerance = 0.01
				if strings.HasSuffix(name, "int8") {
					tolerance = 0.03 // what lies between is rounded there, too
				}
				require.Contains(t, strings.Join(notes, "\n"), "quantised weights")
			}
			e := apart(t, engine(t, m, array(t, z, "x")), array(t, z, "y"))
			t.Logf("error %.3g", e)
			require.LessOrEqual(t, e, tolerance)
		})
	}
}

// Digits, a row of pixels at each step, by a model of TFLite Micro's examples: in float,
// and from int8 weights, where the interpreter rounds each activation to 8 bits too.
func TestDigits(t *testing.T) {
	folder := models(t, "tflm-mnist-lstm")
	z, err := npy.ReadArchive(filepath.Join(folder, "derived_io", "io.npz"))
	require.NoError(t, err)
	xs, want := array(t, z, "x"), array(t, z, "y_f32")
	for _, c := range []struct {
		file      string
		tolerance float64
	}{{"trained_lstm.tflite", 2e-6}, {"trained_lstm_int8.tflite", 0.1}} {
		data, err := os.ReadFile(filepath.Join(folder, c.file))
		require.NoError(t, err)
		m, _, err := tflite.Read(c.file, data)
		require.NoError(t, err)
		var worst float64
		for digit := range 10 {
			y := engine(t, m, xs[digit*28*28:][:28*28])
			y, w := y[len(y)-10:], want[digit*10:][:10]
			worst = max(worst, apart(t, y, w))
			require.Equal(t, largest(w), largest(y), "%s, digit %d", c.file, digit)
		}
		t.Logf("%s: error %.3g", c.file, worst)
		require.LessOrEqual(t, worst, c.tolerance, c.file)
	}
}

// A step of two LSTMs whose states are inputs and outputs, in float and with int8 weights,
// where the interpreter rounds what it multiplies to 8 bits too.
func TestDTLN(t *testing.T) {
	folder := models(t, "dtln")
	for _, c := range []struct {
		name      string
		tolerance float64
	}{{"model_1", 2e-6}, {"model_quant_1", 0.05}} {
		data, err := os.ReadFile(filepath.Join(folder, c.name+".tflite"))
		require.NoError(t, err)
		m, _, err := tflite.Read(c.name, data)
		require.NoError(t, err)
		z, err := npy.ReadArchive(filepath.Join(folder, "derived_io", c.name+"_tflite.npz"))
		require.NoError(t, err)
		e := apart(t, engine(t, m, array(t, z, "x")), array(t, z, "y"))
		t.Logf("%s: error %.3g", c.name, e)
		require.LessOrEqual(t, e, c.tolerance, c.name)
	}
}

// Three steps of an LSTM, written out one after the other, from one vector.
func TestEMG(t *testing.T) {
	folder := models(t, "emg-cdt406")
	for _, name := range []string{"Saved_models_120ms", "Saved_models_180ms_2state"} {
		data, err := os.ReadFile(filepath.Join(folder, "RNN2", name, "model.tflite"))
		require.NoError(t, err)
		m, notes, err := tflite.Read(name, data)
		require.NoError(t, err)
		require.Contains(t, strings.Join(notes, "\n"), "the input of the model is 3 steps of 4 floats")
		z, err := npy.ReadArchive(filepath.Join(folder, "derived_io", name+".npz"))
		require.NoError(t, err)
		xs, ys := array(t, z, "x"), array(t, z, "y_tflite")
		var worst float64
		for k := range 16 {
			n := len(ys) / 16
			worst = max(worst, apart(t, engine(t, m, xs[12*k:][:12]), ys[n*k:][:n]))
		}
		t.Logf("%s: error %.3g", name, worst)
		require.LessOrEqual(t, worst, 2e-6, name)
	}
}

// models is a folder of shared/models.
func models(t *testing.T, name string) string {
	folder := filepath.Join("..", "..", "..", "..", "..", "shared", "models", name)
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no shared/models/" + name + " beside the project")
	}
	return folder
}

func largest(v []float32) (k int) {
	for i := range v {
		if v[i] > v[k] {
			k = i
		}
	}
	return k
}
