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

	want    string // outputs of the system that it comes from: "x.npz:y", "" for none
	streams int    // the data is cut into as many sequences, 0: one
	last    bool   // and only the last step of each counts
	shown   bool   // what int8 costs is measured in all its variants
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
	array := func(path, name string) func(*format.Model) ([]float32, error) {
		return func(*format.Model) ([]float32, error) {
			z, err := npy.ReadArchive(in(path))
			if err != nil {
				return nil, err
			}
			a, err := z.Array(name)
			if err != nil {
				return nil, err
			}
			return a.Float32(), nil
		}
	}
	const noaa = "noaa-lstm/nh_AORC_hourly_slope_elev_precip_temp_seq999_seed101_2801_191806/model_epoch009.pt"
	text := func(path string) func(*format.Model) ([]float32, error) { return text(path, 4000) }
	rnnoise16k := "rnnoise16k-h5/training/models/weights-improvement-119-0.02670.hdf5"
	return []subject{
		{name: "charnn", source: filepath.Join(charnn, "charnn.pt"), input: text(filepath.Join(charnn, "heldout.txt")), shown: true},
		{name: "noaa", source: in(noaa), spec: "layers: [{lstm: lstm}, {dense: head.net.0}]", input: array("noaa-lstm/derived_io/model_epoch009.npz", "x"),
			want: in("noaa-lstm/derived_io/model_epoch009.npz:y"), shown: true},
		{name: "noaa lstm", source: in(noaa), spec: "layers: [{lstm: lstm}]\nignore: [head]", input: array("noaa-lstm/derived_io/model_epoch009.npz", "x"),
			want: in("noaa-lstm/derived_io/model_epoch009.npz:lstm_out"), shown: true},
		{name: "sugar creek", source: in("noaa-lstm/sugar_creek_trained.pt"), input: array("noaa-lstm/derived_io/sugar_creek.npz", "x"),
			want: in("noaa-lstm/derived_io/sugar_creek.npz:y"), shown: true},
		{name: "silero lstm", source: in("silero-vad/silero_vad_16k.safetensors"), spec: "layers: [{lstm: lstm_cell}]\nignore: [stft_conv, conv1, conv2, conv3, conv4, final_conv]",
			input: array("silero-vad/derived_io/safetensors_test_wav_16k.npz", "lstm_in"), want: in("silero-vad/derived_io/safetensors_test_wav_16k.npz:lstm_h"), shown: true},
		{name: "dtln mask", source: in("dtln/model_1.onnx"), input: array("dtln/derived_io/model_1.npz", "x"), want: in("dtln/derived_io/model_1.npz:activation_2"), shown: true},
		{name: "dtln signal", source: in("dtln/model_2.onnx"), input: array("dtln/derived_io/model_2.npz", "x"), want: in("dtln/derived_io/model_2.npz:conv1d_3")},
		{name: "rnnoise", source: in("rnnoise-rnnn/std.rnnn"), input: array("rnnoise-c/derived_io/std.npz", "x"), want: in("rnnoise-c/derived_io/std.npz:c_gains+c_vad"), shown: true},
		{name: "rnnoise 16 kHz", source: in(rnnoise16k), input: array("rnnoise16k-h5/derived_io/io.npz", "x"), want: in("rnnoise16k-h5/derived_io/io.npz:gains+vad")},
		{name: "beat tracker, BiGRU", source: in("crema-beats/model.h5"), spec: crema, input: array("crema-beats/derived_io/bigru_layer.npz", "x"), want: in("crema-beats/derived_io/bigru_layer.npz:y")},
		{name: "emg, 120 ms", source: in("emg-cdt406/RNN2/Saved_models_120ms/model.keras"), input: array("emg-cdt406/derived_io/Saved_models_120ms.npz", "x"),
			want: in("emg-cdt406/derived_io/Saved_models_120ms.npz:y_numpy"), streams: 16, last: true},
		{name: "emg, 180 ms", source: in("emg-cdt406/RNN2/Saved_models_180ms_2state/model.keras"), input: array("emg-cdt406/derived_io/Saved_models_180ms_2state.npz", "x"),
			want: in("emg-cdt406/derived_io/Saved_models_180ms_2state.npz:y_numpy"), streams: 16, last: true},
		{name: "digits", source: in("tflm-mnist-lstm/trained_lstm.tflite"), input: array("tflm-mnist-lstm/derived_io/io.npz", "x"),
			want: in("tflm-mnist-lstm/derived_io/io.npz:y_f32"), streams: 10, last: true},
		{name: "digits, from int8", source: in("tflm-mnist-lstm/trained_lstm_int8.tflite"), input: array("tflm-mnist-lstm/derived_io/io.npz", "x"),
			want: in("tflm-mnist-lstm/derived_io/io.npz:y_f32"), streams: 10, last: true},
		{name: "guitarml lstm8", source: in("guitarml/neuralseed/lstm8_ts9_pytorch.json"), input: array("guitarml/neuralseed/derived_io/lstm8_ts9_pytorch.npz", "x"),
			want: in("guitarml/neuralseed/derived_io/lstm8_ts9_pytorch.npz:y"), shown: true},
		{name: "guitarml gru8", source: in("guitarml/neuralseed/gru8_ts9_pytorch.json"), input: array("guitarml/neuralseed/derived_io/gru8_ts9_pytorch.npz", "x"),
			want: in("guitarml/neuralseed/derived_io/gru8_ts9_pytorch.npz:y"), shown: true},
		{name: "nam 1×3", source: in("nam/lstm.nam"), input: array("nam/derived_io/lstm.npz", "x"), want: in("nam/derived_io/lstm.npz:y"), shown: true},
		{name: "nam 1×16", source: in("nam/neuralaudio/BossLSTM-1x16.nam"), input: array("nam/derived_io/BossLSTM-1x16.npz", "x"),
			want: in("nam/derived_io/BossLSTM-1x16.npz:y"), shown: true},
	}
}

// crema is the part of the beat tracker between its convolutions.
const crema = `{"class_name": "Sequential", "config": [
{"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [null, null, 272]}},
{"class_name": "Bidirectional", "config": {"name": "bidirectional_1", "merge_mode": "concat", "layer": {"class_name": "GRU", "config":
{"name": "gru_1", "units": 64, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "return_sequences": true}}}}]}`

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
