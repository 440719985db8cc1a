package converter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// An archive and a folder of the same arrays are the same model, and the spec of a folder
// lies beside it.
func TestNumPyFolder(t *testing.T) {
	z, err := npy.ReadArchive(formats("net.npz"))
	require.NoError(t, err)
	folder := filepath.Join(t.TempDir(), "net.v1")
	require.NoError(t, os.Mkdir(folder, 0o700))
	for _, name := range z.Names() {
		a, err := z.Array(name)
		require.NoError(t, err)
		f, err := os.Create(filepath.Join(folder, name+".npy"))
		require.NoError(t, err)
		require.NoError(t, npy.Write(f, a))
		require.NoError(t, f.Close())
	}
	text, err := os.ReadFile(formats("net.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(folder+".yaml", text, 0o600))
	want, err := Convert(formats("net.npz"), "")
	require.NoError(t, err)
	have, err := Convert(folder+"/", "")
	require.NoError(t, err)
	assert.Equal(t, folder+".yaml", have.Spec)
	assert.Equal(t, want.Model.Witness, have.Model.Witness)
	assert.Equal(t, "net.v1", have.Model.Value("source"))
	assert.Equal(t, "NumPy .npy files", have.Model.Value("source format"))
	_, err = Convert(t.TempDir(), "")
	assert.ErrorContains(t, err, "a folder without .npy files")
}

// Every kind of layer that Keras's layout is known of, as get_weights and numpy.savez leave
// it, against Keras in float64.
func TestKerasArrays(t *testing.T) {
	r, err := Convert(formats("keras_arrays.npz"), "")
	require.NoError(t, err)
	io := archive(t, formats("keras_arrays_io.npz"))
	y := io("y").Float64()
	ys := make([]float32, len(y))
	_, err = open(t, r.Model).NewSession().Run(ys, io("x").Float32())
	require.NoError(t, err)
	t.Logf("worst error %.2e", worst(t, y, ys))
	assert.LessOrEqual(t, worst(t, y, ys), 1e-6)
}

// What a spec says of arrays that are not there or do not fit.
func TestNumPyRefusals(t *testing.T) {
	good, err := os.ReadFile(formats("keras_arrays.yaml"))
	require.NoError(t, err)
	spec := filepath.Join(t.TempDir(), "spec.yaml")
	for _, c := range []struct{ from, to, want string }{
		{"kernel: arr_0", "kernel: arr_99", `spec.yaml:3: dense: no tensor "arr_99" in ../testdata/formats/keras_arrays.npz for its kernel`},
		{"layout: keras", "layout: pytorch", `spec.yaml:3: dense: its tensors do not tell the width of the input; it has weight`},
		{"{kernel: arr_2,", "{kernels: arr_2,", `spec.yaml:6: lstm "lstm": no tensor "kernel" in ../testdata/formats/keras_arrays.npz`},
		{"{gamma: arr_5, beta", "{alpha: arr_5, beta", `spec.yaml:8: layernorm "norm": has no alpha, so not the tensor "arr_5" for it; it has beta, gamma`},
		{"kernel: arr_7", "kernel: arr_9", `gru "after": tensor "arr_9, transposed" has shape [15 2], want [15 6]`},
		{", bias: arr_9", "", `gru "after": no tensor "bias" in ../testdata/formats/keras_arrays.npz, whose shape tells where the reset gate stands`},
		{", bias: arr_12", ", bias: arr_9", `gru "before": tensor "arr_9" has shape [15], want [12]`},
		{"bias: arr_4}", "bias: arr_9}", `lstm "lstm": tensor "arr_9" has shape [2 15], want [24]`},
		{", moving_mean: arr_15", "", `batchnorm "batch": no tensors "moving_mean" and "arr_16" in `},
		{"kernel: arr_20, bias: arr_21", "kernel: arr_20", "uses arr_21 [4]; add the layer"},
	} {
		text := strings.Replace(string(good), c.from, c.to, 1)
		require.NotEqual(t, string(good), text)
		require.NoError(t, os.WriteFile(spec, []byte(text), 0o600))
		_, err := Convert(formats("keras_arrays.npz"), spec)
		assert.ErrorContains(t, err, c.want)
	}
}

// g2p_en turns letters into phonemes: an encoder and a decoder that starts from the
// encoder's last state, each a model of its own from the one archive. The reference is
// NumPy in float32, 7e-7 and 3e-6 from the same sums in float64.
func TestG2P(t *testing.T) {
	folder := filepath.Join("../../../../shared/models", "g2p_en")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no ../shared/models/g2p_en: ", err)
	}
	model := func(text string) *infer.Model {
		spec := filepath.Join(t.TempDir(), "spec.yaml")
		require.NoError(t, os.WriteFile(spec, []byte(text), 0o600))
		r, err := Convert(filepath.Join(folder, "checkpoint20.npz"), spec)
		require.NoError(t, err)
		return open(t, r.Model)
	}
	encoder := model(`
layers:
  - embedding: letters
    tensors: {weight: enc_emb}
  - gru: encoder
    tensors: {weight_ih: enc_w_ih, weight_hh: enc_w_hh, bias_ih: enc_b_ih, bias_hh: enc_b_hh}
ignore: [dec_emb, dec_w_ih, dec_w_hh, dec_b_ih, dec_b_hh, fc_w, fc_b]
`)
	decoder := model(`
layers:
  - embedding: phonemes
    tensors: {weight: dec_emb}
  - gru: decoder
    tensors: {weight_ih: dec_w_ih, weight_hh: dec_w_hh, bias_ih: dec_b_ih, bias_hh: dec_b_hh}
  - dense: fc
    tensors: {weight: fc_w, bias: fc_b}
ignore: [enc_emb, enc_w_ih, enc_w_hh, enc_b_ih, enc_b_hh]
`)
	// Tokens 0 to 2 are padding, unknown and the end of a word, then come the letters.
	encode := func(word string) []float32 {
		h := make([]float32, 256)
		s := encoder.NewSession()
		for _, letter := range word {
			require.NoError(t, s.Step(h, []float32{float32(letter - 'a' + 3)}))
		}
		require.NoError(t, s.Step(h, []float32{2}))
		return h
	}
	io := archive(t, filepath.Join(folder, "derived_io", "activationist.npz"))
	h, want := encode("activationist"), io("dec_logits").Float64()
	t.Logf("worst error of the encoder %.2e", worst(t, io("enc_h").Float64(), h))
	assert.LessOrEqual(t, worst(t, io("enc_h").Float64(), h), 5e-6)

	// In a decoder 2 is the start, 3 the end. It reads what it wrote.
	decode := func(h []float32) (logits []float32, spoken []int) {
		s := decoder.NewSession()
		require.NoError(t, s.WriteState(0, h))
		y, token := make([]float32, 74), 2
		for range 20 {
			require.NoError(t, s.Step(y, []float32{float32(token)}))
			logits = append(logits, y...)
			token = 0
			for i := range y {
				if y[i] > y[token] {
					token = i
				}
			}
			if token == 3 {
				break
			}
			spoken = append(spoken, token)
		}
		return logits, spoken
	}
	logits, _ := decode(h)
	t.Logf("worst error of the decoder %.2e", worst(t, want, logits))
	assert.LessOrEqual(t, worst(t, want, logits), 2e-5)

	// Each phoneme has one token, through all words.
	text, err := os.ReadFile(filepath.Join(folder, "derived_io", "words.json"))
	require.NoError(t, err)
	var words map[string][]string
	require.NoError(t, json.Unmarshal(text, &words))
	require.NotEmpty(t, words)
	token := map[string]int{}
	for word, phonemes := range words {
		_, spoken := decode(encode(word))
		require.Len(t, spoken, len(phonemes), word)
		for i, p := range phonemes {
			if known, ok := token[p]; ok {
				assert.Equal(t, known, spoken[i], "%s in %s", p, word)
			}
			token[p] = spoken[i]
		}
	}
}
