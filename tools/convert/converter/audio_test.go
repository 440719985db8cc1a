package converter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

func audio(name string) string { return filepath.Join(testdata, "audio", name) }

// computed is what a model makes of its golden's input.
func computed(t *testing.T, m *format.Model, x []float32) []float32 {
	e := open(t, m)
	ys := make([]float32, len(x)/e.InputSize()*e.OutputSize())
	_, err := e.NewSession().Run(ys, x)
	require.NoError(t, err)
	return ys
}

// Every file of audio/ is what its project computes in float64, but for rounding.
func TestAudioGoldens(t *testing.T) {
	files, err := filepath.Glob(audio("*"))
	require.NoError(t, err)
	tested := 0
	for _, file := range files {
		ending := filepath.Ext(file)
		name := strings.TrimSuffix(filepath.Base(file), ending)
		if ending == ".npz" {
			continue
		}
		tested++
		t.Run(name, func(t *testing.T) {
			io := archive(t, audio("io.npz"))
			if strings.HasPrefix(name, "rtneural_") {
				io = archive(t, audio("rtneural_io.npz"))
			}
			r, err := Convert(file, "")
			require.NoError(t, err)
			want, ys := io("y_"+name).Float64(), computed(t, r.Model, io("x_"+name).Float32())
			t.Logf("worst error %.2e", worst(t, want, ys))
			assert.LessOrEqual(t, worst(t, want, ys), 5e-7)
		})
	}
	assert.Equal(t, 19, tested)
}

// The batch that AIDA-X's trainer keeps in a file, for the plug-in to test itself with, without
// gains and with knobs at 0, is what the model computes.
func TestAidaxBatch(t *testing.T) {
	for _, name := range []string{"aidax_lstm", "aidax_gru", "aidax_no_skip"} {
		text, err := os.ReadFile(audio(name + ".json"))
		require.NoError(t, err)
		var file struct {
			In    []any     `json:"in_shape"`
			Batch []float32 `json:"input_batch"`
			Want  []float64 `json:"output_batch"`
		}
		require.NoError(t, json.Unmarshal(text, &file))
		quiet := strings.NewReplacer(`"in_gain"`, `"-"`, `"out_gain"`, `"--"`).Replace(string(text))
		r, err := convert(name, []byte(quiet), extras{})
		require.NoError(t, err)
		inputs := int(file.In[len(file.In)-1].(float64))
		x := make([]float32, inputs*len(file.Batch))
		for i, v := range file.Batch {
			x[inputs*i] = v
		}
		assert.LessOrEqual(t, worst(t, file.Want, computed(t, r.Model, x)), 1e-6, name)
	}
}

// What the files say of the sound, and who made it.
func TestAudioMetadata(t *testing.T) {
	for file, want := range map[string][]format.Meta{
		"aidax_lstm.json": {{Key: "sample rate", Value: "48000"}, {Key: "name", Value: "aidax_lstm"}, {Key: "author", Value: "rnnedge"}, {Key: "license", Value: "MIT"}},
		"nam_lstm.nam":    {{Key: "sample rate", Value: "48000"}, {Key: "name", Value: "nam_lstm"}, {Key: "loudness", Value: "-18.25"}, {Key: "gain", Value: "0.5"}},
		"nam_lstm_2.nam":  {{Key: "name", Value: "nam_lstm_2"}, {Key: "loudness", Value: "-18.25"}, {Key: "gain", Value: "0.5"}},
		"rnnoise.rnnn":    {{Key: "outputs", Value: "3 gains of bands, 1 of voice activity"}},
	} {
		r, err := Convert(audio(file), "")
		require.NoError(t, err)
		own := slices.DeleteFunc(slices.Clone(r.Model.Meta), func(m format.Meta) bool { return strings.HasPrefix(m.Key, "source") })
		assert.Equal(t, want, own, file)
	}
}

// A file without skip is one with 1, and says so; one without bias_fl has the biases that are
// there.
func TestGuitarMLDefaults(t *testing.T) {
	io := archive(t, audio("io.npz"))
	for _, c := range []struct{ file, without string }{
		{"guitarml_lstm", `"skip": 1, `},
		{"guitarml_lstm", `, "bias_fl": true`},
		{"guitarml_no_bias", `, "bias_fl": false`},
	} {
		text, err := os.ReadFile(audio(c.file + ".json"))
		require.NoError(t, err)
		less := strings.Replace(string(text), c.without, "", 1)
		require.NotEqual(t, string(text), less)
		r, err := convert(c.file, []byte(less), extras{})
		require.NoError(t, err)
		assert.LessOrEqual(t, worst(t, io("y_"+c.file).Float64(), computed(t, r.Model, io("x_"+c.file).Float32())), 5e-7)
		note := "skip is not there, so it is 1, as for its trainer: the input is added to the output"
		assert.Equal(t, strings.Contains(c.without, "skip"), slices.Contains(r.Notes, note))
	}
}

// NAM's plug-in approximates tanh: what it plays is near what the trainer and the model
// compute, but not the same, and the notes say so.
func TestNAMFastTanh(t *testing.T) {
	io := archive(t, audio("io.npz"))
	for _, name := range []string{"nam_lstm", "nam_lstm_2"} {
		r, err := Convert(audio(name+".nam"), "")
		require.NoError(t, err)
		assert.Contains(t, r.Notes, "tanh is computed, as in the trainer; the plug-in takes an approximation that is up to 3e-3 away")
		e := worst(t, io("fast_"+name).Float64(), computed(t, r.Model, io("x_"+name).Float32()))
		t.Logf("%s: the plug-in is %.2e away", name, e)
		assert.Greater(t, e, 1e-5)
		assert.Less(t, e, 1e-2)
	}
}
