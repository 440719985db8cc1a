// Package rtneural reads the JSON that RTNeural's script exports from Keras, and the plug-ins
// of AIDA-X load: a list of layers, each with its arrays as Keras has them. Kernels are
// [inputs][gates·units]; an LSTM's gates are i, f, c, o, a GRU's z, r, h with the reset after
// the product and two biases. RTNeural ignores the activation of both, which AIDA-X's trainer
// leaves empty: it is tanh. A convolution has the kernel [steps][inputs of a group][filters]
// and is causal, whatever it was in Keras.
//
// AIDA-X has more beside the layers: in_gain and out_gain in dB, in_skip, which adds the
// first input, times its gain, to the output, and metadata.
package rtneural

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// Format is what the source is called.
const Format = "RTNeural JSON"

// Sniff reports whether data looks like a model of RTNeural's.
func Sniff(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) &&
		bytes.Contains(data, []byte(`"in_shape"`)) && bytes.Contains(data, []byte(`"layers"`))
}

// A model is the file.
type model struct {
	InShape    []*int          `json:"in_shape"`
	InSkip     int             `json:"in_skip"`
	InGain     float64         `json:"in_gain"` // dB
	OutGain    float64         `json:"out_gain"`
	SampleRate json.RawMessage `json:"samplerate"`
	Metadata   json.RawMessage `json:"metadata"`

	Layers []json.RawMessage `json:"layers"` // each a layer, which is much larger than {}
}

// The largest sizes, far beyond what RTNeural is for.
const (
	maxSize   = 1 << 12
	maxLayers = 256
	maxGroups = 64 // of a convolution
)

// Gains in dB: more than this is nothing anybody hears, and at silence and below AIDA-X plays
// nothing.
const (
	maxGain = 200
	silence = -90
)

// Read turns the JSON into a model, its sample rate into metadata. Errors name the file and
// the layer.
func Read(file string, data []byte) (*format.Model, []string, error) {
	var m model
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	fail := func(field, problem string, a ...any) (*format.Model, []string, error) {
		return nil, nil, fmt.Errorf("%s: %s %s", file, field, fmt.Sprintf(problem, a...))
	}
	if len(m.InShape) == 4 {
		return fail("in_shape", "has 4 entries, which are for two-dimensional convolutions, want up to 3")
	}
	width, ok := last(m.InShape)
	if !ok {
		return fail("in_shape", "must end in a number of inputs from 1 to %d", maxSize)
	}
	if n := len(m.Layers); n == 0 || n > maxLayers {
		return fail("layers", "has %d entries, want 1 to %d", n, maxLayers)
	}
	if m.InSkip != 0 && m.InSkip != 1 {
		return fail("in_skip", "is %d, supported are 0 and 1", m.InSkip)
	}
	if math.Abs(m.InGain) > maxGain || math.Abs(m.OutGain) > maxGain {
		return fail("in_gain and out_gain", "are %g and %g dB, want −%d to %d dB", m.InGain, m.OutGain, maxGain, maxGain)
	}
	r := &reader{b: format.NewBuilder(width)}
	in := r.gain("in_gain", format.Input, m.InGain)
	x := in
	for i, raw := range m.Layers {
		var l layer
		if err := json.Unmarshal(raw, &l); err != nil {
			return fail(fmt.Sprintf("layer %d", i), "is no layer: %v", err)
		}
		r.name = fmt.Sprintf("layer %d (%.80s)", i, l.Type)
		x = r.layer(fmt.Sprintf("%s%d", strings.ReplaceAll(l.Type, "time-distributed-", ""), i), x, l)
		if r.err != nil {
			return fail(r.name, "%v", r.err)
		}
	}
	if n := r.b.Width(x); n != 1 && (m.InSkip == 1 || m.InGain != 0 || m.OutGain != 0) {
		return fail("in_skip, in_gain and out_gain", "are for a model with one output, and it has %d", n)
	}
	if m.InSkip == 1 {
		dry := in
		if width > 1 {
			dry = r.b.Slice("dry", dry, 0, 1) // the sound; then come knobs
		}
		x = r.b.Add("skip", x, dry)
	}
	r.b.Output(r.gain("out_gain", x, m.OutGain))
	if err := r.metadata(m.SampleRate, m.Metadata); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	built, err := r.b.Model()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return built, nil, nil
}

// gain multiplies the first number of x, the sound, by so many dB.
func (r *reader) gain(name string, x format.Buffer, dB float64) format.Buffer {
	if dB == 0 {
		return x
	}
	s := make([]float32, r.b.Width(x))
	for i := range s {
		s[i] = 1
	}
	if s[0] = 0; dB > silence {
		s[0] = float32(math.Pow(10, dB/20))
	}
	return r.b.Scale(name, x, s, nil)
}

// metadata keeps the sample rate, which AIDA-X's trainer writes as text into its metadata, and
// who made the model. Of two rates AIDA-X takes that of the metadata.
func (r *reader) metadata(rate, raw json.RawMessage) error {
	var m struct {
		SampleRate json.RawMessage `json:"samplerate"`
		Name       any             `json:"name"`
		Author     any             `json:"author"`
		License    any             `json:"license"`
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &m); err != nil {
			return fmt.Errorf("metadata is no object: %w", err)
		}
	}
	for _, said := range []json.RawMessage{m.SampleRate, rate} {
		text := strings.Trim(string(said), `"`)
		if text == "" || text == "null" {
			continue
		}
		hz, err := strconv.ParseFloat(text, 64)
		if err != nil || !(hz > 0 && hz < 1e9) {
			return fmt.Errorf("samplerate is %.40s, want a number of samples a second", said)
		}
		r.b.Meta("sample rate", strconv.FormatFloat(hz, 'g', -1, 64))
		break
	}
	for _, e := range []struct {
		key   string
		value any
	}{{"name", m.Name}, {"author", m.Author}, {"license", m.License}} {
		if text, ok := e.value.(string); ok && text != "" {
			r.b.Meta(e.key, text)
		}
	}
	return nil
}

// last is the last entry of a shape, where that is a size.
func last(shape []*int) (int, bool) {
	if len(shape) == 0 || shape[len(shape)-1] == nil {
		return 0, false
	}
	n := *shape[len(shape)-1]
	return n, n >= 1 && n <= maxSize
}
