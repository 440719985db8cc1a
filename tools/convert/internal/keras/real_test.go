package keras

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// models returns a folder of the real models, or skips the test.
func models(t *testing.T, folder string) string {
	path := filepath.Join("../../../../../shared/models", folder)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no ../shared/models/%s: %v", folder, err)
	}
	return path
}

func readFile(t *testing.T, path string) []byte {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// arraysOf returns arrays of an .npz file.
func arraysOf(t *testing.T, path string) func(name string) []float32 {
	z, err := npy.ReadArchive(path)
	require.NoError(t, err)
	return func(name string) []float32 {
		a, err := z.Array(name)
		require.NoError(t, err)
		return a.Float32()
	}
}

// A control of a prosthesis, saved by Keras 3.9: three steps of four electrodes.
func TestEMG(t *testing.T) {
	folder := models(t, "emg-cdt406")
	for _, name := range []string{"Saved_models_120ms", "Saved_models_180ms_2state"} {
		path := filepath.Join(folder, "RNN2", name, "model.keras")
		m, _, notes, err := Read(path, readFile(t, path), Config{})
		require.NoError(t, err)
		assert.Contains(t, strings.Join(notes, "\n"), "the input of the model is ")
		io := arraysOf(t, filepath.Join(folder, "derived_io", name+".npz"))
		x, y := io("x"), io("y_numpy")
		steps := len(x) / 16
		for i := range 16 {
			n := len(y) / 16
			compare(t, y[i*n:][:n], output(t, m, x[i*steps:][:steps]), tolerance)
		}
	}
}

// A noise suppressor of Keras 2.2.4, with two outputs and constraints of its own.
func TestRNNoise(t *testing.T) {
	folder := models(t, "rnnoise16k-h5")
	path := filepath.Join(folder, "training/models/weights-improvement-119-0.02670.hdf5")
	m, source, _, err := Read(path, readFile(t, path), Config{})
	require.NoError(t, err)
	assert.Equal(t, "Keras 2.2.4", source)
	io := arraysOf(t, filepath.Join(folder, "derived_io/io.npz"))
	gains, vad := io("gains"), io("vad")
	var want []float32
	for i := range vad {
		want = append(append(want, gains[i*18:][:18]...), vad[i])
	}
	compare(t, want, output(t, m, io("x")), tolerance)
}

// The layer of CREMA's beat tracker that the converter knows, 272→2·64, between its
// convolutions: Keras 2.0.5, hard_sigmoid, both ways.
func TestCrema(t *testing.T) {
	folder := models(t, "crema-beats")
	path := filepath.Join(folder, "model.h5")
	data := readFile(t, path)
	_, _, _, err := Read(path, data, Config{})
	require.ErrorContains(t, err, `layer "conv2d_1" (Conv2D) is a convolution, supported is Conv1D along time; cut it off`)

	part := `{"class_name": "Sequential", "config": [
{"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [null, null, 272]}},
{"class_name": "Bidirectional", "config": {"name": "bidirectional_1", "merge_mode": "concat", "layer": {"class_name": "GRU", "config":
{"name": "gru_1", "units": 64, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "return_sequences": true}}}}]}`
	m, source, _, err := Read(path, data, Config{File: "part.json", Text: []byte(part)})
	require.NoError(t, err)
	assert.Equal(t, "Keras 2.0.5", source)
	io := arraysOf(t, filepath.Join(folder, "derived_io/bigru_layer.npz"))
	compare(t, io("y"), output(t, m, io("x")), tolerance)
}

// DTLN's weights are without a configuration, and its Fourier transforms were Lambda
// layers: a spec makes the two nets between them.
func TestDTLN(t *testing.T) {
	folder := models(t, "dtln")
	path := filepath.Join(folder, "model.h5")
	data := readFile(t, path)
	_, _, _, err := Read(path, data, Config{})
	require.ErrorIs(t, err, ErrNoConfig)
	for _, c := range []struct{ io, output, text string }{
		{"model_1", "activation_2", `
layers: [{lstm: lstm}, {lstm: lstm_1}, {dense: dense, activation: sigmoid}]
ignore: [conv1d, layer_normalization, lstm_2, lstm_3, dense_1, conv1d_1]`},
		{"model_2", "conv1d_3", `
layers: [{dense: conv1d}, {layernorm: layer_normalization, epsilon: 1e-7}, {lstm: lstm_2}, {lstm: lstm_3},
  {dense: dense_1, activation: sigmoid}, {mul: [dense_1, conv1d]}, {dense: conv1d_1}]
ignore: [lstm, lstm_1, dense]`},
	} {
		s, err := spec.Parse("dtln.yaml", []byte(c.text))
		require.NoError(t, err)
		weights, err := Tensors(path, data)
		require.NoError(t, err)
		m, err := assemble.Model(weights, s)
		require.NoError(t, err)
		io := arraysOf(t, filepath.Join(folder, "derived_io", c.io+".npz"))
		compare(t, io(c.output), output(t, m, io("x")), tolerance)
	}
}

// A music tagger of Keras 1, weights alone, with an array for each gate.
func TestMusicTagger(t *testing.T) {
	path := filepath.Join(models(t, "music-tagger-crnn"), "music_tagger_crnn_weights_tensorflow.h5")
	data := readFile(t, path)
	config := func(front string) Config {
		return Config{File: "config.json", Text: []byte(`{"class_name": "Sequential", "config": [` + front + `
{"class_name": "GRU", "config": {"name": "gru1", "output_dim": 32, "activation": "tanh", "inner_activation": "hard_sigmoid", "return_sequences": true, "batch_input_shape": [null, null, 128]}},
{"class_name": "GRU", "config": {"name": "gru2", "output_dim": 32, "activation": "tanh", "inner_activation": "hard_sigmoid", "return_sequences": false}},
{"class_name": "Dense", "config": {"name": "output", "output_dim": 50, "activation": "sigmoid", "bias": true}}]}`)}
	}
	_, _, _, err := Read(path, data, config(`{"class_name": "Convolution2D", "config": {"name": "conv1"}},`))
	require.ErrorContains(t, err, `layer "conv1" (Convolution2D) is a convolution`)
	m, _, _, err := Read(path, data, config(""))
	require.NoError(t, err)
	assert.Equal(t, 128, m.InputSize())
	assert.Equal(t, 50, m.OutputSize())
	tensors, err := Tensors(path, data)
	require.NoError(t, err)
	assert.Equal(t, []int{128, 96}, tensors.Lookup("gru1.kernel").Shape)
	g := m.Layers[0].(*format.GRU)
	require.NotEqual(t, format.None, g.RN) // resets before the product
	assert.Equal(t, 96, m.Tensor(g.W).Rows)
}
