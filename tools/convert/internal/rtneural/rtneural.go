// Package rtneural reads the JSON that RTNeural's script exports from Keras, and the plug-ins
// of AIDA-X load: a list of layers, each with its arrays as Keras has them. Kernels are
// [inputs][gates·units]; an LSTM's gates are i, f, c, o, a GRU's z, r, h with the reset after
// the product and two biases.
package rtneural

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/layout"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numbers"
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

	Layers []json.RawMessage `json:"layers"` // each a layer, which is much larger than {}
}

type layer struct {
	Type       string            `json:"type"`
	Activation string            `json:"activation"`
	Shape      []*int            `json:"shape"`
	Weights    []json.RawMessage `json:"weights"`
}

// The largest sizes, far beyond what RTNeural is for.
const (
	maxSize   = 1 << 12
	maxLayers = 256
)

// activations by their names in Keras. The scale is what elu has there.
var activations = map[string]format.Function{
	"": {}, "linear": {},
	"tanh": {Kind: format.Tanh}, "sigmoid": {Kind: format.Sigmoid}, "relu": {Kind: format.Relu},
	"elu": {Kind: format.Elu, Alpha: 1},
}

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
	if m.InGain != 0 || m.OutGain != 0 {
		return fail("in_gain and out_gain", "are %g and %g dB, supported is 0: set them to 0 and apply them around the model", m.InGain, m.OutGain)
	}
	r := &reader{b: format.NewBuilder(width)}
	x := format.Input
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
	if m.InSkip == 1 {
		if r.b.Width(x) > width {
			return fail("in_skip", "adds the input to %d outputs, but there are %d inputs", r.b.Width(x), width)
		}
		dry := format.Input
		if width > r.b.Width(x) {
			dry = r.b.Slice("dry", dry, 0, r.b.Width(x))
		}
		x = r.b.Add("skip", x, dry)
	}
	r.b.Output(x)
	if rate := strings.Trim(string(m.SampleRate), `"`); rate != "" && rate != "null" {
		hz, err := strconv.ParseFloat(rate, 64)
		if err != nil || !(hz > 0 && hz < 1e9) {
			return fail("samplerate", "is %.40s, want a number of samples a second", m.SampleRate)
		}
		r.b.Meta("sample rate", strconv.FormatFloat(hz, 'g', -1, 64))
	}
	built, err := r.b.Model()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return built, nil, nil
}

// last is the last entry of a shape, where that is a size.
func last(shape []*int) (int, bool) {
	if len(shape) == 0 || shape[len(shape)-1] == nil {
		return 0, false
	}
	n := *shape[len(shape)-1]
	return n, n >= 1 && n <= maxSize
}

// A reader adds layers and keeps the first error.
type reader struct {
	b    *format.Builder
	name string
	err  error
}

func (r *reader) fail(problem string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(problem, a...)
	}
}

func (r *reader) layer(name string, x format.Buffer, l layer) format.Buffer {
	f, known := activations[l.Activation]
	if !known && l.Activation != "softmax" {
		r.fail("has the activation %.80q, supported are tanh, sigmoid, relu, elu, softmax and linear", l.Activation)
		return x
	}
	U, ok := last(l.Shape)
	if !ok {
		r.fail("has a shape that does not end in a size from 1 to %d", maxSize)
		return x
	}
	I := r.b.Width(x)
	switch l.Type {
	case "dense", "time-distributed-dense":
		if !r.arrays(l, 1, 2) {
			return x
		}
		W := layout.Transposed(r.matrix(l, 0, "kernel", I, U), I, U)
		var bias []float32
		if len(l.Weights) == 2 {
			bias = r.vector(l, 1, "bias", U)
		}
		if r.err != nil {
			return x
		}
		x = r.b.Dense(name, x, W, bias, format.Linear)
	case "lstm", "gru":
		if l.Activation != "" && l.Activation != "tanh" {
			r.fail("has the activation %.80q, supported is tanh", l.Activation)
			return x
		}
		if !r.arrays(l, 3, 3) {
			return x
		}
		if l.Type == "lstm" {
			w := format.Weights{
				W: layout.Transposed(r.matrix(l, 0, "kernel", I, 4*U), I, 4*U),
				R: layout.Transposed(r.matrix(l, 1, "recurrent kernel", U, 4*U), U, 4*U),
				B: r.vector(l, 2, "bias", 4*U),
			}
			if r.err != nil {
				return x
			}
			return r.b.LSTM(name, x, w)
		}
		biases := r.matrix(l, 2, "bias", 2, 3*U)
		w := format.Weights{
			W: layout.ResetFirst(layout.Transposed(r.matrix(l, 0, "kernel", I, 3*U), I, 3*U)),
			R: layout.ResetFirst(layout.Transposed(r.matrix(l, 1, "recurrent kernel", U, 3*U), U, 3*U)),
		}
		if r.err != nil {
			return x
		}
		w.B, w.BR = layout.ResetFirst(biases[:3*U]), layout.ResetFirst(biases[3*U:])
		return r.b.GRU(name, x, w)
	case "activation":
		if U != I {
			r.fail("has %d outputs for %d inputs", U, I)
			return x
		}
	default:
		r.fail("is of a type that is not supported; supported are dense, time-distributed-dense, lstm, gru and activation")
		return x
	}
	switch {
	case l.Activation == "softmax":
		x = r.b.Softmax(name+" softmax", x)
	case f.Kind != format.Linear:
		x = r.b.Function(name+" "+l.Activation, x, f)
	}
	return x
}

// arrays checks how many arrays a layer has.
func (r *reader) arrays(l layer, least, most int) bool {
	if n := len(l.Weights); n < least || n > most {
		r.fail("has %d arrays of weights, want %d to %d", n, least, most)
	}
	return r.err == nil
}

func (r *reader) vector(l layer, i int, what string, size int) []float32 {
	if r.err != nil {
		return nil
	}
	v, shape, err := numbers.Array(l.Weights[i])
	switch {
	case err != nil:
		r.fail("has a %s that is no array of numbers: %w", what, err)
	case len(shape) != 1:
		r.fail("has a %s of shape %v, want a vector", what, shape)
	case len(v) != size:
		r.fail("has a %s of %d elements, want %d for the units of its shape", what, len(v), size)
	}
	return v
}

func (r *reader) matrix(l layer, i int, what string, rows, cols int) []float32 {
	if r.err != nil {
		return nil
	}
	v, shape, err := numbers.Array(l.Weights[i])
	switch {
	case err != nil:
		r.fail("has a %s that is no matrix of numbers: %w", what, err)
	case len(shape) != 2:
		r.fail("has a %s of shape %v, want a matrix", what, shape)
	case shape[0] != rows:
		r.fail("has a %s of %d rows, want %d", what, shape[0], rows)
	case shape[1] != cols:
		r.fail("has a %s of %d columns, want %d for the units of its shape", what, shape[1], cols)
	}
	return v
}
