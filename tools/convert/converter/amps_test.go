package converter

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Models of guitar amplifiers, as their trainers wrote them, against the outputs of the
// same models in other hands. BossLSTM has much gain, for rounding errors, too: PyTorch in
// float32 is 2.3e-6 from its reference.
func TestAmplifiers(t *testing.T) {
	const models = "../../../../shared/models"
	for _, c := range []struct {
		file, io string
		rate     string
	}{
		{"guitarml/neuralseed/gru8_ts9_pytorch.json", "guitarml/neuralseed/derived_io/gru8_ts9_pytorch.npz", ""},
		{"guitarml/neuralseed/lstm8_ts9_pytorch.json", "guitarml/neuralseed/derived_io/lstm8_ts9_pytorch.npz", ""},
		{"guitarml/neuralseed/gru4_ts9_pytorch.json", "", ""},
		{"guitarml/neuralseed/lstm4_ts9_pytorch.json", "", ""},
		{"guitarml/neuralseed/ts9_gru7_gain10_loss003_TEST.json", "", ""},
		{"nam/lstm.nam", "nam/derived_io/lstm.npz", "48000"},
		{"nam/neuralaudio/BossLSTM-1x16.nam", "nam/derived_io/BossLSTM-1x16.npz", ""},
	} {
		t.Run(filepath.Base(c.file), func(t *testing.T) {
			source := filepath.Join(models, c.file)
			if _, err := os.Stat(source); err != nil {
				t.Skip("no ../shared/models/", c.file, ": ", err)
			}
			r, err := Convert(source, "")
			require.NoError(t, err)
			assert.Equal(t, c.rate, r.Model.Value("sample rate"))
			m := open(t, r.Model)
			require.Equal(t, 1, m.InputSize())
			require.Equal(t, 1, m.OutputSize())
			if c.io == "" {
				return // it loads; there is no reference
			}
			io := archive(t, filepath.Join(models, c.io))
			x, want := io("x").Float32(), io("y").Float64()
			ys := make([]float32, len(want))
			_, err = m.NewSession().Run(ys, x)
			require.NoError(t, err)
			t.Logf("worst error %.2e", worst(t, want, ys))
			assert.LessOrEqual(t, worst(t, want, ys), 3e-6)
		})
	}
}

// What a file lacks or says that nobody can mean is an error with its name.
func TestAmplifierErrors(t *testing.T) {
	const good = `{"model_data": {"model": "SimpleRNN", "input_size": 2, "skip": 1, "output_size": 1, "unit_type": "RNN", "num_layers": 1, "hidden_size": 1, "bias_fl": true},
		"state_dict": {"rec.weight_ih_l0": [[1, 2]], "rec.weight_hh_l0": [[0.5]], "rec.bias_ih_l0": [0.1], "rec.bias_hh_l0": [0.2], "lin.weight": [[3]], "lin.bias": [0.3]}}`
	const amp = `{"architecture": "LSTM", "config": {"input_size": 1, "hidden_size": 1, "num_layers": 1}, "weights": [1,2,3,4,5,6,7,8,9,10,11,12,0.5,0.25,2,3], "sample_rate": 44100}`
	convertText := func(text string) (*Result, error) { return convert("amp.json", []byte(text), extras{}) }
	for _, text := range []string{good, amp} {
		_, err := convertText(text)
		require.NoError(t, err)
	}
	for _, c := range []struct{ text, from, to, want string }{
		{good, `"RNN"`, `"TCN"`, `amp.json: unit_type is "TCN", supported are LSTM, GRU and RNN`},
		{good, `"hidden_size": 1`, `"hidden_size": 99999`, "amp.json: hidden_size is 99999, want 1 to 4096"},
		{good, `[[1, 2]]`, `[[1, 2], [3]]`, "amp.json: rec.weight_ih_l0 is no array of numbers: rows of 2 and of 1"},
		{good, `[[1, 2]]`, `[[1]]`, "amp.json: rec.weight_ih_l0 has 1 columns, want 2"},
		{good, `[[1, 2]]`, `"x"`, "amp.json: rec.weight_ih_l0 is no array of numbers: "},
		{good, `[[1, 2]]`, `[[1e99, 2]]`, "amp.json: rec.weight_ih_l0 is no array of numbers: "},
		{good, `"rec.bias_hh_l0": [0.2], `, ``, `amp.json: state_dict has no tensor "rec.bias_hh_l0"`},
		{good, `"lin.bias"`, `"lin.bias2": [1], "lin.bias"`, `amp.json: state_dict has a tensor "lin.bias2" that no layer takes`},
		{good, `[[1, 2]]`, `[[1, null]]`, "amp.json: rec.weight_ih_l0 is no array of numbers: null is no number"},
		{good, `"output_size": 1`, `"output_size": 2`, "amp.json: skip is 1 for 2 inputs and 2 outputs, supported are 0 and an input for each output"},
		{amp, `[1,2,3`, `[1,null,3`, "amp.json: weights is no array of numbers: null is no number"},
		{amp, `"hidden_size": 1, "num_layers": 1`, `"hidden_size": 4096, "num_layers": 64`, "amp.json: weights has 16 numbers, want 8524"},
		{good, `"skip": 1`, `"skip": 2`, "amp.json: skip is 2 for 2 inputs and 1 outputs, supported are 0 and an input for each output"},
		{good, `"skip": 1`, `"skip": -1`, "amp.json: skip is -1 for 2 inputs and 1 outputs, supported are 0 and an input for each output"},
		{good, `"SimpleRNN"`, `"RecNet"`, `amp.json: model is "RecNet", supported is SimpleRNN: train that`},
		{good, `"bias_fl": true`, `"bias_fl": false`, `amp.json: state_dict has a tensor "lin.bias" that no layer takes`},
		{good, `, "lin.bias": [0.3]`, ``, `amp.json: state_dict has no tensor "lin.bias"`},
		{amp, `"LSTM"`, `"WaveNet"`, `amp.json: architecture is "WaveNet", supported is LSTM: train that`},
		{amp, `"weights": [1,`, `"weights": [`, "amp.json: weights has 15 numbers, want 16 for 1 layers of 1 units, 1 inputs and 1 outputs"},
		{amp, `"input_size": 1`, `"in_channels": 2, "input_size": 1`, "amp.json: config.in_channels is 2, supported are as many as input_size, 1"},
		{amp, `"input_size": 1`, `"out_channels": 0, "input_size": 1`, "amp.json: config.out_channels is 0, want 1 to 4096"},
		{amp, `"input_size": 1`, `"out_channels": 2, "input_size": 1`, "amp.json: weights has 16 numbers, want 18 for 1 layers of 1 units, 1 inputs and 2 outputs"},
		{amp, `"num_layers": 1`, `"num_layers": 1000000000`, "amp.json: config.num_layers is 1000000000, want 1 to 64"},
	} {
		text := strings.Replace(c.text, c.from, c.to, 1)
		require.NotEqual(t, c.text, text)
		_, err := convertText(text)
		assert.ErrorContains(t, err, c.want)
	}

	// The first of the inputs is the sound that skip adds: y = 3·tanh(1·x + 2·knob + 0.3) + 0.3 + x.
	r, err := convertText(good)
	require.NoError(t, err)
	y := make([]float32, 1)
	require.NoError(t, open(t, r.Model).NewSession().Step(y, []float32{0.5, -0.4}))
	assert.InDelta(t, 0.8, y[0], 1e-6) // tanh(0.5 − 0.8 + 0.3) is 0
}

// A second output has a row of the head for itself, and a bias behind all rows.
func TestNAMOutputs(t *testing.T) {
	const stereo = `{"architecture": "LSTM", "config": {"input_size": 1, "hidden_size": 1, "num_layers": 1, "in_channels": 1, "out_channels": 2}, "weights": [0,0,0,0,0,0,0,0,0,0,0,0,0.5,2, 3,-3, 1,2]}`
	r, err := convert("amp.nam", []byte(stereo), extras{})
	require.NoError(t, err)
	y := make([]float32, 2)
	require.NoError(t, open(t, r.Model).NewSession().Step(y, []float32{7}))
	h := math.Tanh(0.5*2) / 2 // every gate is half open, and what comes in is 0
	assert.InDelta(t, 3*h+1, y[0], 1e-6)
	assert.InDelta(t, -3*h+2, y[1], 1e-6)
}

// RTNeural's own models and its own numbers.
func TestRTNeural(t *testing.T) {
	const folder = "../../../../shared/models/rtneural"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no ../shared/models/rtneural: ", err)
	}
	column := func(name string) (v []float64) {
		text, err := os.ReadFile(filepath.Join(folder, "test_data", name))
		require.NoError(t, err)
		for _, line := range strings.Fields(string(text)) {
			f, err := strconv.ParseFloat(line, 64)
			require.NoError(t, err)
			v = append(v, f)
		}
		return v
	}
	for _, name := range []string{"lstm", "lstm_1d", "gru", "gru_1d", "lstm_torch", "gru_torch"} {
		r, err := Convert(filepath.Join(folder, "models", name+".json"), "")
		require.NoError(t, err)
		var x []float32
		for _, v := range column(name + "_x_python.csv") {
			x = append(x, float32(v))
		}
		want := column(name + "_y_python.csv")
		ys := make([]float32, len(want))
		_, err = open(t, r.Model).NewSession().Run(ys, x)
		require.NoError(t, err, name)
		t.Logf("%s: worst error %.2e", name, worst(t, want, ys))
		assert.LessOrEqual(t, worst(t, want, ys), 1e-6, name)
	}
	_, err := Convert(filepath.Join(folder, "models", "bad_lstm.json"), "")
	assert.ErrorContains(t, err, "layer 0 (lstm) has a kernel of 80 columns, want 64 for the units of its shape")
	r, err := Convert(filepath.Join(folder, "models", "full_model.json"), "")
	require.NoError(t, err) // it loads; there is no reference
	open(t, r.Model)
}
