package converter

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Scripted and traced programs are the same layers, which compute what PyTorch does.
func TestTorchScript(t *testing.T) {
	for net, file := range map[string]string{
		"lstm": "torchscript.npz", "gru": "torchscript.npz", "norm": "torchscript2.npz", "step": "torchscript2.npz",
	} {
		io := archive(t, formats(file))
		var witness [][32]byte
		for _, kind := range []string{"script_", "trace_"} {
			r, err := Convert(formats(kind+net+".pt"), "")
			require.NoError(t, err)
			assert.Equal(t, "TorchScript", r.Model.Value("source format"))
			want := io("y_" + net).Float64()
			ys := make([]float32, len(want))
			_, err = open(t, r.Model).NewSession().Run(ys, io("x_"+net).Float32())
			require.NoError(t, err)
			t.Logf("%s%s: worst error %.2e", kind, net, worst(t, want, ys))
			assert.LessOrEqual(t, worst(t, want, ys), 1e-6)
			witness = append(witness, r.Model.Witness.SHA256)
		}
		assert.Equal(t, witness[0], witness[1], net)
	}

	// What cannot be translated is converted with a spec.
	_, err := Convert(formats("script_branch.pt"), "")
	assert.ErrorContains(t, err, "script_branch.pt: its program cannot be translated: ")
	assert.ErrorContains(t, err, "the condition in code/__torch__.py:12 ")
	assert.ErrorContains(t, err, "  - dense: fc # 5 → 4\n")
	spec := filepath.Join(t.TempDir(), "spec.yaml")
	require.NoError(t, os.WriteFile(spec, []byte("layers: [{lstm: lstm}, {dense: fc}]"), 0o600))
	r, err := Convert(formats("script_branch.pt"), spec)
	require.NoError(t, err)
	assert.Equal(t, 4, r.Model.OutputSize())
}

// Programs of others, as they came.
func TestRealTorchScript(t *testing.T) {
	const models = "../../../../shared/models"
	there := func(t *testing.T, folder string) {
		if _, err := os.Stat(filepath.Join(models, folder)); err != nil {
			t.Skipf("no ../shared/models/%s: %v", folder, err)
		}
	}
	t.Run("river flow", func(t *testing.T) {
		there(t, "noaa-lstm")
		r, err := Convert(filepath.Join(models, "noaa-lstm", "sugar_creek_trained.pt"), "")
		require.NoError(t, err)
		io := archive(t, filepath.Join(models, "noaa-lstm", "derived_io", "sugar_creek.npz"))
		want := io("y").Float64()
		ys := make([]float32, len(want))
		_, err = open(t, r.Model).NewSession().Run(ys, io("x").Float32())
		require.NoError(t, err)
		t.Logf("worst error %.2e", worst(t, want, ys))
		assert.LessOrEqual(t, worst(t, want, ys), 2e-6)
	})
	// Its outputs reach 35, and PyTorch in float32 is 1e-5 from the same in float64.
	t.Run("actuators", func(t *testing.T) {
		there(t, "anydrive")
		r, err := Convert(filepath.Join(models, "anydrive", "anydrive_v3_lstm.pt"), "")
		require.NoError(t, err)
		io := archive(t, filepath.Join(models, "anydrive", "derived_io", "io.npz"))
		x, want := io("x").Float32(), io("y").Float64()
		b := open(t, r.Model).NewBatch(12) // a stream for each actuator
		ys := make([]float32, len(want))
		for i := 0; i < len(want); i += 12 {
			require.NoError(t, b.Step(ys[i:i+12], x[2*i:2*i+24]))
		}
		t.Logf("worst error %.2e", worst(t, want, ys))
		assert.LessOrEqual(t, worst(t, want, ys), 2e-5)
	})
	t.Run("voice activity", func(t *testing.T) {
		there(t, "silero-vad")
		source := filepath.Join(models, "silero-vad", "silero_vad.jit")
		_, err := Convert(source, "")
		assert.ErrorContains(t, err, "silero_vad.jit: its program cannot be translated: code/")
		assert.ErrorContains(t, err, `# not supported: "_model.encoder.0.reparam_conv", a convolution by its shape: # weight [128 129 3]`)
		for _, c := range []struct{ file, io, lstm, head, rest string }{
			{"silero_vad.jit", "jit_v6_test_wav_16k.npz", "_model.decoder.rnn", "_model.decoder.decoder.2", "_model.stft, _model.encoder, _model_8k"},
			{"silero_vad_16k.safetensors", "safetensors_test_wav_16k.npz", "lstm_cell", "final_conv", "stft_conv, conv1, conv2, conv3, conv4"},
		} {
			io := archive(t, filepath.Join(models, "silero-vad", "derived_io", c.io))
			for output, text := range map[string]string{
				"lstm_h": fmt.Sprintf("layers: [{lstm: %s}]\nignore: [%s, %s]", c.lstm, c.head, c.rest),
				// A convolution over one step is a dense layer.
				"prob": fmt.Sprintf("layers: [{lstm: %s}, {apply: relu}, {dense: %s, activation: sigmoid}]\nignore: [%s]", c.lstm, c.head, c.rest),
			} {
				spec := filepath.Join(t.TempDir(), "spec.yaml")
				require.NoError(t, os.WriteFile(spec, []byte(text), 0o600))
				r, err := Convert(filepath.Join(models, "silero-vad", c.file), spec)
				require.NoError(t, err)
				want := io(output).Float64()
				ys := make([]float32, len(want))
				_, err = open(t, r.Model).NewSession().Run(ys, io("lstm_in").Float32())
				require.NoError(t, err)
				t.Logf("%s, %s: worst error %.2e", c.file, output, worst(t, want, ys))
				assert.LessOrEqual(t, worst(t, want, ys), 2e-6)
			}
		}
	})
}
