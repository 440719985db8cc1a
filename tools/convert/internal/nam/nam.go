// Package nam reads the .nam files of Neural Amp Modeler whose architecture is LSTM: stacked
// LSTM layers with initial states of their own, and a dense layer. Its weights are one list:
//
//	for each layer: [W|R] 4H×(I+H), rows i, f, g, o; bias 4H; initial h H; initial c H
//	head weight O×H; head bias O
//
// That is the order of NeuralAmpModelerCore, as is that of the gates. O is 1 in what the
// trainer exports; Core takes more, out_channels.
//
// The file does not say how tanh is computed: the trainer does it exactly, as it is here,
// and the plug-in switches an approximation on, for the sigmoid too.
package nam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numbers"
)

// Format is what the source is called.
const Format = "Neural Amp Modeler .nam"

// Sniff reports whether data looks like a .nam file.
func Sniff(data []byte) bool {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return false
	}
	for _, key := range []string{`"architecture"`, `"config"`, `"weights"`} {
		if !bytes.Contains(data, []byte(key)) {
			return false
		}
	}
	return true
}

// A model is the file.
type model struct {
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	Config       struct {
		InputSize  int `json:"input_size"`
		HiddenSize int `json:"hidden_size"`
		NumLayers  int `json:"num_layers"`

		InChannels  *int `json:"in_channels"`
		OutChannels *int `json:"out_channels"`
	} `json:"config"`
	Weights    json.RawMessage `json:"weights"`
	SampleRate *float64        `json:"sample_rate"`
	Metadata   struct {
		Name     *string  `json:"name"`
		Loudness *float64 `json:"loudness"`
		Gain     *float64 `json:"gain"`
	} `json:"metadata"`
}

// known are the versions of files whose order of weights is that of this package.
var known = regexp.MustCompile(`^0\.[567]\.\d+$`)

// The largest sizes, far beyond any amplifier's.
const (
	maxSize   = 1 << 12
	maxLayers = 64
)

// Read turns the file into a model. Its sample rate, name, loudness and gain become
// metadata. Errors name the file and the field.
func Read(file string, data []byte) (*format.Model, []string, error) {
	fail := func(field, problem string, a ...any) (*format.Model, []string, error) {
		return nil, nil, fmt.Errorf("%s: %s %s", file, field, fmt.Sprintf(problem, a...))
	}
	var head struct {
		Architecture string `json:"architecture"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if head.Architecture != "LSTM" {
		return fail("architecture", "is %.80q, supported is LSTM: train that", head.Architecture)
	}
	var m model
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	I, H, layers, O := m.Config.InputSize, m.Config.HiddenSize, m.Config.NumLayers, 1
	if I < 1 || I > maxSize {
		return fail("config.input_size", "is %d, want 1 to %d", I, maxSize)
	}
	if H < 1 || H > maxSize {
		return fail("config.hidden_size", "is %d, want 1 to %d", H, maxSize)
	}
	if layers < 1 || layers > maxLayers {
		return fail("config.num_layers", "is %d, want 1 to %d", layers, maxLayers)
	}
	if in := m.Config.InChannels; in != nil && *in != I {
		return fail("config.in_channels", "is %d, supported are as many as input_size, %d", *in, I)
	}
	if m.Config.OutChannels != nil {
		O = *m.Config.OutChannels
	}
	if O < 1 || O > maxSize {
		return fail("config.out_channels", "is %d, want 1 to %d", O, maxSize)
	}
	left, shape, err := numbers.Array(m.Weights)
	switch {
	case err != nil:
		return fail("weights", "is no array of numbers: %v", err)
	case len(shape) != 1:
		return fail("weights", "has shape %v, want a list", shape)
	}
	// In 64 bits, since an int may have 32.
	h, n, o := int64(H), int64(layers), int64(O)
	want := 4*h*(int64(I)+h) + 6*h + (n-1)*(4*h*2*h+6*h) + o*(h+1)
	if int64(len(left)) != want {
		return fail("weights", "has %d numbers, want %d for %d layers of %d units, %d inputs and %d outputs", len(left), want, layers, H, I, O)
	}
	take := func(n int) []float32 {
		taken := left[:n:n]
		left = left[n:]
		return taken
	}
	b := format.NewBuilder(I)
	x := format.Input
	for i := range layers {
		width := b.Width(x)
		var w format.Weights
		for both := take(4 * H * (width + H)); len(both) > 0; both = both[width+H:] {
			w.W = append(w.W, both[:width]...)
			w.R = append(w.R, both[width:width+H]...)
		}
		w.B, w.H0, w.C0 = take(4*H), take(H), take(H)
		x = b.LSTM(fmt.Sprintf("lstm%d", i), x, w)
	}
	headWeight := take(O * H)
	b.Output(b.Dense("head", x, headWeight, take(O), format.Linear))
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	if m.SampleRate != nil {
		b.Meta("sample rate", number(*m.SampleRate))
	}
	if m.Metadata.Name != nil {
		b.Meta("name", *m.Metadata.Name)
	}
	if m.Metadata.Loudness != nil {
		b.Meta("loudness", number(*m.Metadata.Loudness))
	}
	if m.Metadata.Gain != nil {
		b.Meta("gain", number(*m.Metadata.Gain))
	}
	built, err := b.Model()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	notes := []string{"tanh is computed, as in the trainer; the plug-in takes an approximation that is up to 3e-3 away"}
	if !known.MatchString(m.Version) {
		notes = append(notes, fmt.Sprintf("version is %.40q, none of 0.5 to 0.7; the weights are taken to be in the same order", m.Version))
	}
	return built, notes, nil
}
