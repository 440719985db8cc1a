// Package guitarml reads the JSON that GuitarML's training writes (SimpleRNN of
// Automated-GuitarAmpModelling, for the plug-ins that load its models): an LSTM, a GRU or an
// RNN as PyTorch has it, a dense layer, and the first inputs, as many as skip says, added to
// the outputs. The trainer reads a file without skip as one with 1, and the plug-ins add the
// input whatever it says. bias_fl is about the dense layer: the others always have biases.
package guitarml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numbers"
)

// Format is what the source is called.
const Format = "GuitarML JSON"

// Sniff reports whether data looks like a model of GuitarML's.
func Sniff(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) &&
		bytes.Contains(data, []byte(`"model_data"`)) && bytes.Contains(data, []byte(`"state_dict"`))
}

// A model is the file.
type model struct {
	Data struct {
		Model      string `json:"model"`
		InputSize  int    `json:"input_size"`
		OutputSize int    `json:"output_size"`
		UnitType   string `json:"unit_type"`
		HiddenSize int    `json:"hidden_size"`
		NumLayers  int    `json:"num_layers"`
		Skip       *int   `json:"skip"`
		Bias       *bool  `json:"bias_fl"` // of the dense layer
	} `json:"model_data"`
	Tensors map[string]json.RawMessage `json:"state_dict"`
}

// maxLayers is more than anybody stacks.
const maxLayers = 64

// gates are the cells by their unit_type, with how many gates each has.
var gates = map[string]int{"LSTM": 4, "GRU": 3, "RNN": 1}

// cell adds a layer of that type. An LSTM and an RNN have the sum of their two biases.
func cell(b *format.Builder, unit, name string, x format.Buffer, w format.Weights) format.Buffer {
	if unit == "GRU" {
		return b.GRU(name, x, w)
	}
	for i := range w.BR {
		w.B[i] = float32(float64(w.B[i]) + float64(w.BR[i]))
	}
	w.BR = nil
	if unit == "LSTM" {
		return b.LSTM(name, x, w)
	}
	return b.RNN(name, x, w, format.Tanh)
}

// Read turns the JSON into a model. Errors name the file and the field or tensor.
func Read(file string, data []byte) (*format.Model, []string, error) {
	var m model
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	r := &reader{file: file, model: &m}
	d := &m.Data
	if d.Model != "" && d.Model != "SimpleRNN" {
		return nil, nil, r.fail("model", "is %.80q, supported is SimpleRNN: train that", d.Model)
	}
	gates := gates[d.UnitType]
	if gates == 0 {
		return nil, nil, r.fail("unit_type", "is %.80q, supported are LSTM, GRU and RNN", d.UnitType)
	}
	if d.NumLayers == 0 {
		d.NumLayers = 1 // older files do not say
	}
	for _, f := range []struct {
		name     string
		have, to int
	}{
		{"input_size", d.InputSize, 1 << 12}, {"output_size", d.OutputSize, 1 << 12},
		{"hidden_size", d.HiddenSize, 1 << 12}, {"num_layers", d.NumLayers, maxLayers},
	} {
		if f.have < 1 || f.have > f.to {
			return nil, nil, r.fail(f.name, "is %d, want 1 to %d", f.have, f.to)
		}
	}
	skip := 1
	var notes []string
	if d.Skip != nil {
		skip = *d.Skip
	} else {
		notes = append(notes, "skip is not there, so it is 1, as for its trainer: the input is added to the output")
	}
	if skip != 0 && (skip != d.OutputSize || skip > d.InputSize) {
		return nil, nil, r.fail("skip", "is %d for %d inputs and %d outputs, supported are 0 and an input for each output", skip, d.InputSize, d.OutputSize)
	}

	b := format.NewBuilder(d.InputSize)
	x, H := format.Input, d.HiddenSize
	for i := range d.NumLayers {
		w := format.Weights{
			W: r.matrix(fmt.Sprintf("rec.weight_ih_l%d", i), gates*H, b.Width(x)),
			R: r.matrix(fmt.Sprintf("rec.weight_hh_l%d", i), gates*H, H),
		}
		if r.has(fmt.Sprintf("rec.bias_ih_l%d", i)) || r.has(fmt.Sprintf("rec.bias_hh_l%d", i)) {
			w.B, w.BR = r.vector(fmt.Sprintf("rec.bias_ih_l%d", i), gates*H), r.vector(fmt.Sprintf("rec.bias_hh_l%d", i), gates*H)
		}
		if r.err != nil {
			return nil, nil, r.err
		}
		x = cell(b, d.UnitType, fmt.Sprintf("rec%d", i), x, w)
	}
	var bias []float32
	if d.Bias == nil && r.has("lin.bias") || d.Bias != nil && *d.Bias {
		bias = r.vector("lin.bias", d.OutputSize)
	}
	W := r.matrix("lin.weight", d.OutputSize, H)
	if r.err != nil {
		return nil, nil, r.err
	}
	y := b.Dense("lin", x, W, bias, format.Linear)
	if skip > 0 {
		dry := format.Input
		if d.InputSize > skip {
			dry = b.Slice("dry", dry, 0, skip) // the sound; then come knobs
		}
		y = b.Add("skip", y, dry)
	}
	b.Output(y)
	for _, name := range slices.Sorted(maps.Keys(m.Tensors)) {
		if !r.used[name] {
			return nil, nil, r.fail("state_dict", "has a tensor %.80q that no layer takes", name)
		}
	}
	built, err := b.Model()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return built, notes, nil
}

// A reader takes tensors from a file and keeps the first error.
type reader struct {
	file  string
	model *model
	used  map[string]bool
	err   error
}

func (r *reader) fail(field, problem string, a ...any) error {
	return fmt.Errorf("%s: %s %s", r.file, field, fmt.Sprintf(problem, a...))
}

func (r *reader) has(name string) bool { return r.model.Tensors[name] != nil }

// take decodes a tensor.
func (r *reader) take(name string) (v []float32, shape []int) {
	if r.err != nil {
		return nil, nil
	}
	raw, ok := r.model.Tensors[name]
	if !ok {
		r.err = r.fail("state_dict", "has no tensor %q", name)
		return nil, nil
	}
	if r.used == nil {
		r.used = map[string]bool{}
	}
	r.used[name] = true
	v, shape, err := numbers.Array(raw)
	if err != nil {
		r.err = r.fail(name, "is no array of numbers: %v", err)
	}
	return v, shape
}

func (r *reader) vector(name string, size int) []float32 {
	v, shape := r.take(name)
	if r.err == nil && (len(shape) != 1 || shape[0] != size) {
		r.err = r.fail(name, "has shape %v, want [%d]", shape, size)
	}
	return v
}

func (r *reader) matrix(name string, rows, cols int) []float32 {
	v, shape := r.take(name)
	switch {
	case r.err != nil:
	case len(shape) != 2:
		r.err = r.fail(name, "has shape %v, want a matrix", shape)
	case shape[0] != rows:
		r.err = r.fail(name, "has %d rows, want %d", shape[0], rows)
	case shape[1] != cols:
		r.err = r.fail(name, "has %d columns, want %d", shape[1], cols)
	}
	return v
}
