package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// A subject is a trained model and the data it runs on.
type subject struct {
	name   string
	source string
	spec   string // what the source does not say
	input  func(m *format.Model) ([]float32, error)
}

// load converts the model, in float32, and reads its data.
func (s subject) load() (*format.Model, []float32, error) {
	options := converter.Options{}
	if s.spec != "" {
		folder, err := os.MkdirTemp("", "accuracy-")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(folder)
		options.Spec = filepath.Join(folder, "spec.yaml")
		if err := os.WriteFile(options.Spec, []byte(s.spec), 0o600); err != nil {
			return nil, nil, err
		}
	}
	r, err := options.Convert(s.source)
	if err != nil {
		return nil, nil, err
	}
	x, err := s.input(r.Model)
	return r.Model, x, err
}

func subjects(models, charnn string) []subject {
	in := func(path string) string { return filepath.Join(models, filepath.FromSlash(path)) }
	// array is the first steps of an array, as many as are said, all for 0.
	array := func(path, name string, steps int) func(*format.Model) ([]float32, error) {
		return func(m *format.Model) ([]float32, error) {
			z, err := npy.ReadArchive(in(path))
			if err != nil {
				return nil, err
			}
			a, err := z.Array(name)
			if err != nil {
				return nil, err
			}
			x := a.Float32()
			if n := steps * m.InputSize(); n > 0 {
				x = x[:n]
			}
			return x, nil
		}
	}
	const noaa = "noaa-lstm/nh_AORC_hourly_slope_elev_precip_temp_seq999_seed101_2801_191806/model_epoch009.pt"
	return []subject{
		{"charnn", filepath.Join(charnn, "charnn.pt"), "", text(filepath.Join(charnn, "heldout.txt"), 4000)},
		{"noaa", in(noaa), "layers: [{lstm: lstm}, {dense: head.net.0}]", array("noaa-lstm/derived_io/model_epoch009.npz", "x", 0)},
		{"noaa lstm", in(noaa), "layers: [{lstm: lstm}]\nignore: [head]", array("noaa-lstm/derived_io/model_epoch009.npz", "x", 0)},
		{"guitarml lstm8", in("guitarml/neuralseed/lstm8_ts9_pytorch.json"), "", array("guitarml/neuralseed/derived_io/lstm8_ts9_pytorch.npz", "x", 0)},
		{"guitarml gru8", in("guitarml/neuralseed/gru8_ts9_pytorch.json"), "", array("guitarml/neuralseed/derived_io/gru8_ts9_pytorch.npz", "x", 0)},
		{"nam 1×3", in("nam/lstm.nam"), "", array("nam/derived_io/lstm.npz", "x", 0)},
		{"nam 1×16", in("nam/neuralaudio/BossLSTM-1x16.nam"), "", array("nam/derived_io/BossLSTM-1x16.npz", "x", 0)},
		{"silero lstm", in("silero-vad/silero_vad_16k.safetensors"), "layers: [{lstm: lstm_cell}]\nignore: [stft_conv, conv1, conv2, conv3, conv4, final_conv]", array("silero-vad/derived_io/safetensors_test_wav_16k.npz", "lstm_in", 0)},
		{"sugar creek", in("noaa-lstm/sugar_creek_trained.pt"), "", array("noaa-lstm/derived_io/sugar_creek.npz", "x", 0)},
		{"dtln mask", in("dtln/model_1.onnx"), "", array("dtln/derived_io/model_1.npz", "x", 0)},
		{"rnnoise", in("rnnoise-rnnn/std.rnnn"), "", array("rnnoise-c/derived_io/std.npz", "x", 0)},
	}
}

// text is the tokens of the first characters of a file, by the model's vocabulary.
func text(path string, characters int) func(*format.Model) ([]float32, error) {
	return func(m *format.Model) ([]float32, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		vocabulary := m.Value("vocabulary")
		var x []float32
		for _, r := range string(data) {
			before, _, found := strings.Cut(vocabulary, string(r))
			if !found {
				return nil, fmt.Errorf("%s: no %q in the model's vocabulary", path, r)
			}
			if x = append(x, float32(len([]rune(before)))); len(x) == characters {
				break
			}
		}
		return x, nil
	}
}
