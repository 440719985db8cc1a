package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// A subject is a trained model and the data it runs on.
type subject struct {
	name   string
	source string
	spec   string                                                     // what the source does not say
	input  func(m *format.Model) ([]float32, error)                   // nil: it has no data of its own
	start  func(m *format.Model) (state string, v []float32, _ error) // nil: the model's own

	want    string // outputs of the system that it comes from: "x.npz:y" or "y.csv", "" for none
	streams int    // the data is cut into as many sequences, 0: one
	beside  bool   // which lie side by side in it, step by step
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
	if s.start != nil {
		if err := s.begin(r.Model); err != nil {
			return nil, nil, err
		}
	}
	if s.input == nil {
		return r.Model, nil, nil
	}
	x, err := s.input(r.Model)
	if err != nil {
		return nil, nil, err
	}
	if s.beside {
		x = apart(x, s.streams, r.Model.InputSize())
	}
	return r.Model, x, nil
}

// begin makes the state that s starts from the initial one of m.
func (s subject) begin(m *format.Model) error {
	name, v, err := s.start(m)
	if err != nil {
		return err
	}
	for i := range m.States {
		if state := &m.States[i]; state.Name == name && state.Size == len(v) {
			t := format.Tensor{Name: name + "0", Type: format.Float32, Layout: format.Vector, Rows: len(v), Cols: 1, F32: make([]float32, quant.Pad(len(v)))}
			copy(t.F32, v)
			m.Tensors = append(m.Tensors, t)
			state.Init = format.TensorID(len(m.Tensors) - 1)
			return nil
		}
	}
	return fmt.Errorf("%s: no state %q of %d floats", s.name, name, len(v))
}

// apart turns steps × streams × n into streams × steps × n.
func apart[T any](v []T, streams, n int) []T {
	turned := make([]T, 0, len(v))
	for stream := range streams {
		for i := stream * n; i < len(v); i += streams * n {
			turned = append(turned, v[i:i+n]...)
		}
	}
	return turned
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
	column := func(path string) func(*format.Model) ([]float32, error) {
		return func(*format.Model) (x []float32, err error) {
			v, err := column(in(path))
			for _, f := range v {
				x = append(x, float32(f))
			}
			return x, err
		}
	}
	rtneural := func(name string) subject {
		return subject{name: "rtneural " + name, source: in("rtneural/models/" + name + ".json"), input: column("rtneural/test_data/" + name + "_x_python.csv"),
			want: in("rtneural/test_data/" + name + "_y_python.csv")}
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
		{name: "silero lstm, v6", source: in("silero-vad/silero_vad.jit"), spec: "layers: [{lstm: _model.decoder.rnn}]\nignore: [_model.stft, _model.encoder, _model.decoder.decoder, _model_8k]",
			input: array("silero-vad/derived_io/jit_v6_test_wav_16k.npz", "lstm_in"), want: in("silero-vad/derived_io/jit_v6_test_wav_16k.npz:lstm_h")},
		{name: "actuators", source: in("anydrive/anydrive_v3_lstm.pt"), input: array("anydrive/derived_io/io.npz", "x"), want: in("anydrive/derived_io/io.npz:y"), streams: 12, beside: true},
		{name: "g2p encoder", source: in("g2p_en/checkpoint20.npz"), spec: g2pEncoder, input: letters("activationist"), want: in("g2p_en/derived_io/activationist.npz:enc_h"), last: true},
		{name: "g2p decoder", source: in("g2p_en/checkpoint20.npz"), spec: g2pDecoder, input: phonemes(in("g2p_en/derived_io/activationist.npz")),
			start: func(m *format.Model) (string, []float32, error) {
				h, err := array("g2p_en/derived_io/activationist.npz", "enc_h")(m)
				return "decoder.h", h, err
			}, want: in("g2p_en/derived_io/activationist.npz:dec_logits")},
		{name: "dtln mask", source: in("dtln/model_1.onnx"), input: array("dtln/derived_io/model_1.npz", "x"), want: in("dtln/derived_io/model_1.npz:activation_2"), shown: true},
		{name: "dtln signal", source: in("dtln/model_2.onnx"), input: array("dtln/derived_io/model_2.npz", "x"), want: in("dtln/derived_io/model_2.npz:conv1d_3")},
		{name: "dtln mask, Keras", source: in("dtln/model.h5"), spec: dtlnMask, input: array("dtln/derived_io/model_1.npz", "x"), want: in("dtln/derived_io/model_1.npz:activation_2")},
		{name: "dtln signal, Keras", source: in("dtln/model.h5"), spec: dtlnSignal, input: array("dtln/derived_io/model_2.npz", "x"), want: in("dtln/derived_io/model_2.npz:conv1d_3")},
		{name: "dtln mask, TFLite", source: in("dtln/model_1.tflite"), input: array("dtln/derived_io/model_1_tflite.npz", "x"), want: in("dtln/derived_io/model_1_tflite.npz:y")},
		{name: "dtln mask, from int8", source: in("dtln/model_quant_1.tflite"), input: array("dtln/derived_io/model_quant_1_tflite.npz", "x"), want: in("dtln/derived_io/model_quant_1_tflite.npz:y")},
		{name: "rnnoise", source: in("rnnoise-rnnn/std.rnnn"), input: array("rnnoise-c/derived_io/std.npz", "x"), want: in("rnnoise-c/derived_io/std.npz:c_gains+c_vad"), shown: true},
		{name: "rnnoise 16 kHz", source: in(rnnoise16k), input: array("rnnoise16k-h5/derived_io/io.npz", "x"), want: in("rnnoise16k-h5/derived_io/io.npz:gains+vad")},
		{name: "beat tracker, BiGRU", source: in("crema-beats/model.h5"), spec: crema, input: array("crema-beats/derived_io/bigru_layer.npz", "x"), want: in("crema-beats/derived_io/bigru_layer.npz:y")},
		{name: "music tagger, GRUs", source: in("music-tagger-crnn/music_tagger_crnn_weights_tensorflow.h5"), spec: tagger},
		{name: "emg, 120 ms", source: in("emg-cdt406/RNN2/Saved_models_120ms/model.keras"), input: array("emg-cdt406/derived_io/Saved_models_120ms.npz", "x"),
			want: in("emg-cdt406/derived_io/Saved_models_120ms.npz:y_numpy"), streams: 16, last: true},
		{name: "emg, 180 ms", source: in("emg-cdt406/RNN2/Saved_models_180ms_2state/model.keras"), input: array("emg-cdt406/derived_io/Saved_models_180ms_2state.npz", "x"),
			want: in("emg-cdt406/derived_io/Saved_models_180ms_2state.npz:y_numpy"), streams: 16, last: true},
		{name: "emg, 120 ms, TFLite", source: in("emg-cdt406/RNN2/Saved_models_120ms/model.tflite"), input: array("emg-cdt406/derived_io/Saved_models_120ms.npz", "x"),
			want: in("emg-cdt406/derived_io/Saved_models_120ms.npz:y_tflite"), streams: 16, last: true},
		{name: "emg, 180 ms, TFLite", source: in("emg-cdt406/RNN2/Saved_models_180ms_2state/model.tflite"), input: array("emg-cdt406/derived_io/Saved_models_180ms_2state.npz", "x"),
			want: in("emg-cdt406/derived_io/Saved_models_180ms_2state.npz:y_tflite"), streams: 16, last: true},
		{name: "digits", source: in("tflm-mnist-lstm/trained_lstm.tflite"), input: array("tflm-mnist-lstm/derived_io/io.npz", "x"),
			want: in("tflm-mnist-lstm/derived_io/io.npz:y_f32"), streams: 10, last: true},
		{name: "digits, from int8", source: in("tflm-mnist-lstm/trained_lstm_int8.tflite"), input: array("tflm-mnist-lstm/derived_io/io.npz", "x"),
			want: in("tflm-mnist-lstm/derived_io/io.npz:y_f32"), streams: 10, last: true},
		{name: "guitarml lstm8", source: in("guitarml/neuralseed/lstm8_ts9_pytorch.json"), input: array("guitarml/neuralseed/derived_io/lstm8_ts9_pytorch.npz", "x"),
			want: in("guitarml/neuralseed/derived_io/lstm8_ts9_pytorch.npz:y"), shown: true},
		{name: "guitarml gru8", source: in("guitarml/neuralseed/gru8_ts9_pytorch.json"), input: array("guitarml/neuralseed/derived_io/gru8_ts9_pytorch.npz", "x"),
			want: in("guitarml/neuralseed/derived_io/gru8_ts9_pytorch.npz:y"), shown: true},
		{name: "guitarml lstm4", source: in("guitarml/neuralseed/lstm4_ts9_pytorch.json")},
		{name: "guitarml gru4", source: in("guitarml/neuralseed/gru4_ts9_pytorch.json")},
		{name: "guitarml gru7", source: in("guitarml/neuralseed/ts9_gru7_gain10_loss003_TEST.json")},
		rtneural("lstm"), rtneural("lstm_1d"), rtneural("lstm_torch"), rtneural("gru"), rtneural("gru_1d"), rtneural("gru_torch"),
		{name: "rtneural full_model", source: in("rtneural/models/full_model.json")},
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

// The two halves of the archive of g2p_en: letters to a state, a state to phonemes.
const (
	g2pEncoder = `
layers:
  - embedding: letters
    tensors: {weight: enc_emb}
  - gru: encoder
    tensors: {weight_ih: enc_w_ih, weight_hh: enc_w_hh, bias_ih: enc_b_ih, bias_hh: enc_b_hh}
ignore: [dec_emb, dec_w_ih, dec_w_hh, dec_b_ih, dec_b_hh, fc_w, fc_b]`
	g2pDecoder = `
layers:
  - embedding: phonemes
    tensors: {weight: dec_emb}
  - gru: decoder
    tensors: {weight_ih: dec_w_ih, weight_hh: dec_w_hh, bias_ih: dec_b_ih, bias_hh: dec_b_hh}
  - dense: fc
    tensors: {weight: fc_w, bias: fc_b}
ignore: [enc_emb, enc_w_ih, enc_w_hh, enc_b_ih, enc_b_hh]`
)

// The two nets between the Fourier transforms of DTLN.
const (
	dtlnMask = `
layers: [{lstm: lstm}, {lstm: lstm_1}, {dense: dense, activation: sigmoid}]
ignore: [conv1d, layer_normalization, lstm_2, lstm_3, dense_1, conv1d_1]`
	dtlnSignal = `
layers: [{dense: conv1d}, {layernorm: layer_normalization, epsilon: 1e-7}, {lstm: lstm_2}, {lstm: lstm_3},
  {dense: dense_1, activation: sigmoid}, {mul: [dense_1, conv1d]}, {dense: conv1d_1}]
ignore: [lstm, lstm_1, dense]`
)

// tagger is the part of the music tagger behind its convolutions.
const tagger = `{"class_name": "Sequential", "config": [
{"class_name": "GRU", "config": {"name": "gru1", "output_dim": 32, "activation": "tanh", "inner_activation": "hard_sigmoid", "return_sequences": true, "batch_input_shape": [null, null, 128]}},
{"class_name": "GRU", "config": {"name": "gru2", "output_dim": 32, "activation": "tanh", "inner_activation": "hard_sigmoid", "return_sequences": false}},
{"class_name": "Dense", "config": {"name": "output", "output_dim": 50, "activation": "sigmoid", "bias": true}}]}`

// letters is a word as g2p_en has it: 0 to 2 are padding, unknown and the end.
func letters(word string) func(*format.Model) ([]float32, error) {
	return func(*format.Model) (x []float32, err error) {
		for _, letter := range word {
			x = append(x, float32(letter-'a'+3))
		}
		return append(x, 2), nil
	}
}

// phonemes is what g2p_en's decoder reads: 2, the start, and what it wrote the step before.
func phonemes(path string) func(*format.Model) ([]float32, error) {
	return func(m *format.Model) ([]float32, error) {
		z, err := npy.ReadArchive(path)
		if err != nil {
			return nil, err
		}
		a, err := z.Array("dec_logits")
		if err != nil {
			return nil, err
		}
		x, logits, n := []float32{2}, a.Float32(), m.OutputSize()
		for ; len(logits) > n; logits = logits[n:] {
			step := logits[:n]
			x = append(x, float32(slices.Index(step, slices.Max(step))))
		}
		return x, nil
	}
}

// column reads a number a line.
func column(path string) (v []float64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Fields(string(text)) {
		f, err := strconv.ParseFloat(line, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		v = append(v, f)
	}
	return v, nil
}

// refused are the files that do not convert as they are.
var refused = []string{
	"crema-beats/model.h5",
	"gtcrn/stream/onnx_models/gtcrn.onnx", "gtcrn/stream/onnx_models/gtcrn_simple.onnx",
	"silero-vad/silero_vad.jit", "silero-vad/silero_vad.onnx", "silero-vad/silero_vad_16k_op15.onnx", "silero-vad/v4_silero_vad.onnx",
	"rtneural/models/bad_lstm.json",
	"kerasjs-fixtures/LSTM.json",
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
