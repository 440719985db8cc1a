package converter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hub"
)

// What config.json says and the tensors do not, the nonlinearity and ε, is used where the spec
// does not say it; the rest is named.
func TestHub(t *testing.T) {
	folder := formats("hub")
	io := archive(t, filepath.Join(folder, "io.npz"))
	config := filepath.Join(folder, hub.Name)
	for _, name := range []string{"model.safetensors", "pytorch_model.bin"} {
		r, err := Convert(filepath.Join(folder, name), filepath.Join(folder, "model.yaml"))
		require.NoError(t, err)
		e := worst(t, io("y").Float64(), computed(t, r.Model, io("x").Float32()))
		t.Logf("%s: worst error %.2e", name, e)
		assert.LessOrEqual(t, e, 1e-6)
		assert.Equal(t, "16000", r.Model.Value("sample rate"))
		assert.Contains(t, r.Notes, config+`, beside it, says "layer_norm_eps", "nonlinearity", "sampling_rate": used where a spec does not say it`)
		assert.Contains(t, r.Notes, config+`, beside it, says "dropout", "hidden_size", "input_size", "num_classes", too: not used, the tensors and the spec tell the rest`)
	}

	// Without it the spec has to say so; where both do, the spec counts.
	alone := t.TempDir()
	source, spec := filepath.Join(alone, "model.safetensors"), filepath.Join(alone, "model.yaml")
	data, err := os.ReadFile(filepath.Join(folder, "model.safetensors"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(source, data, 0o600))
	text, err := os.ReadFile(filepath.Join(folder, "model.yaml"))
	require.NoError(t, err)
	write := func(spec string, layers string) { require.NoError(t, os.WriteFile(spec, []byte(layers), 0o600)) }
	write(spec, string(text))
	_, err = Convert(source, "")
	assert.ErrorContains(t, err, `activation is "", want tanh or relu`)
	full := strings.NewReplacer("rnn: rnn", "rnn: rnn\n    activation: tanh", "layernorm: norm", "layernorm: norm\n    epsilon: 0.5").Replace(string(text))
	write(spec, full)
	want, err := Convert(source, "")
	require.NoError(t, err)
	have, err := Convert(filepath.Join(folder, "model.safetensors"), spec)
	require.NoError(t, err)
	assert.Equal(t, want.Model.Witness, have.Model.Witness)

	// The draft of a spec has what it says.
	require.NoError(t, os.Remove(spec))
	write(filepath.Join(alone, hub.Name), `{"layer_norm_eps": 0.03, "nonlinearity": "relu"}`)
	_, err = Convert(source, "")
	assert.ErrorContains(t, err, "    activation: relu # that of the file\n")
	assert.ErrorContains(t, err, "    epsilon: 0.03 # that of the file\n")

	// One that is something else is a note, and for a .pt it is none of its business.
	write(spec, full)
	write(filepath.Join(alone, hub.Name), `[1]`)
	r, err := Convert(source, "")
	require.NoError(t, err)
	assert.Contains(t, r.Notes, filepath.Join(alone, hub.Name)+", beside it, was not used: it is no object in JSON")
	write(filepath.Join(alone, hub.Name), strings.Repeat(" ", hub.MaxSize+1))
	r, err = Convert(source, "")
	require.NoError(t, err)
	assert.Contains(t, r.Notes, filepath.Join(alone, hub.Name)+", beside it, was not used: has 1048577 bytes, want at most 1048576")
	data, err = os.ReadFile(filepath.Join(folder, "pytorch_model.bin"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(alone, "model.pt"), data, 0o600))
	r, err = Convert(filepath.Join(alone, "model.pt"), "")
	require.NoError(t, err)
	assert.NotContains(t, strings.Join(r.Notes, "\n"), hub.Name)
}
