// Package rnnoise reads the .rnnn files of rnnoise-nu, which hold a net of RNNoise's first
// form (v0.1): the text of its C arrays, whole numbers that are 256 times a weight.
//
//	rnnoise-nu model file version 1
//	layer × 6: input dense, VAD GRU, noise GRU, denoise GRU, gains, VAD
//	  inputs units activation      0 tanh, 1 sigmoid, 2 relu
//	  W [inputs][gates·units]      in a GRU the gates are z, r, h
//	  R [units][3·units]           of a GRU
//	  bias [gates·units]
//
// The reset gate stands before the product, a GRU's activation is that of its candidate,
// and who reads what is fixed:
//
//	d       = input dense(x)
//	v       = VAD GRU(d)                 vad   = VAD(v)
//	n       = noise GRU(d, v, x)
//	         denoise GRU(v, n, x)        gains = gains(of it)
//
// RNNoise itself looks sigmoid and tanh up in a table; its gains are some 1e-6 away from
// what a model computes here.
package rnnoise

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/layout"
)

// Format is what the source is called.
const Format = "RNNoise .rnnn"

const magic = "rnnoise-nu model file version "

// Sniff reports whether data looks like a model of rnnoise-nu.
func Sniff(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// maxSize of a layer. rnnoise-nu takes 128.
const maxSize = 1 << 12

var activations = []format.Activation{format.Tanh, format.Sigmoid, format.Relu}

// Read turns the text into a model. Its output is the gains of all bands and then the
// probability of a voice, which the metadata say as well. Errors name the file, the layer
// and the line.
func Read(file string, data []byte) (*format.Model, []string, error) {
	r := &reader{text: bytes.TrimPrefix(data, []byte(magic)), line: 1, layer: "the head"}
	if version := r.integer("version", 1, math.MaxInt32); version != 1 {
		r.fail("has version %d, supported is 1", version)
	}
	input := r.read("input dense", 1, 0)
	r.b = format.NewBuilder(input.inputs)
	x := format.Input
	d := r.dense("dense", x, input)
	vadGRU := r.gru("VAD GRU", d)
	noiseGRU := r.gru("noise GRU", r.concat("noise input", d, vadGRU, x))
	denoiseGRU := r.gru("denoise GRU", r.concat("denoise input", vadGRU, noiseGRU, x))
	gains := r.dense("gains", denoiseGRU, r.read("gains", 1, r.b.Width(denoiseGRU)))
	vad := r.dense("VAD", vadGRU, r.read("VAD", 1, r.b.Width(vadGRU)))
	if rest := bytes.TrimSpace(r.text); len(rest) > 0 {
		r.fail("is the last one, but after line %d comes %.20q", r.line, rest)
	}
	if r.err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, r.err)
	}
	outputs := fmt.Sprintf("%d gains of bands, %d of voice activity", r.b.Width(gains), r.b.Width(vad))
	r.b.Output(r.b.Concat("output", gains, vad))
	r.b.Meta("outputs", outputs)
	m, err := r.b.Model()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, []string{
		"the output is " + outputs,
		"sigmoid and tanh are computed; RNNoise takes them from a table, so its gains are some 1e-6 away",
	}, nil
}

// A layer is one of the file's.
type layer struct {
	inputs int
	f      format.Activation
	w      format.Weights
}

// A reader takes the text apart and keeps the first error.
type reader struct {
	text  []byte // what is left
	line  int
	layer string // being read, for messages
	err   error
	b     *format.Builder
}

func (r *reader) fail(problem string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s %s", r.layer, fmt.Sprintf(problem, a...))
	}
}

// integer takes the next number, from least to most; least after an error.
func (r *reader) integer(what string, least, most int) int {
	i := 0
	for ; i < len(r.text) && space(r.text[i]); i++ {
		if r.text[i] == '\n' {
			r.line++
		}
	}
	end := i
	for end < len(r.text) && !space(r.text[end]) {
		end++
	}
	word := r.text[i:end]
	r.text = r.text[end:]
	if len(word) == 0 {
		r.fail("ends in line %d, want its %s there", r.line, what)
		return least
	}
	n, err := strconv.Atoi(string(word[:min(len(word), 20)]))
	if err != nil || len(word) > 20 || n < least || n > most {
		r.fail("has %.20q in line %d, want its %s, a whole number from %d to %d", word, r.line, what, least, most)
		return least
	}
	return n
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// weights takes n numbers, which are known to be there before a slice is made for them.
func (r *reader) weights(what string, n int) []float32 {
	if 2*n-1 > len(r.text) {
		r.fail("has %d %s, more than the file holds", n, what)
	}
	if r.err != nil {
		return nil
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.integer(what, -128, 127)) / 256
	}
	return v
}

// read takes a layer whose inputs are as many as those that lead to it, where that is not
// 0.
func (r *reader) read(name string, gates, inputs int) (l layer) {
	if r.err != nil {
		return layer{inputs: 1}
	}
	r.layer = name
	l.inputs = r.integer("number of inputs", 1, maxSize)
	if inputs != 0 && l.inputs != inputs {
		r.fail("has %d inputs in line %d, want the %d of what it reads", l.inputs, r.line, inputs)
	}
	units := r.integer("number of units", 1, maxSize)
	l.f = activations[r.integer("activation", 0, len(activations)-1)]
	rows := gates * units
	l.w.W = layout.Transposed(r.weights("input weights", l.inputs*rows), l.inputs, rows)
	if gates == 3 {
		l.w.R = layout.Transposed(r.weights("recurrent weights", units*rows), units, rows)
	}
	l.w.B = r.weights("biases", rows)
	return l
}

func (r *reader) dense(name string, x format.Buffer, l layer) format.Buffer {
	if r.err != nil {
		return format.Input
	}
	return r.b.Dense(name, x, l.w.W, l.w.B, l.f)
}

func (r *reader) gru(name string, x format.Buffer) format.Buffer {
	l := r.read(name, 3, r.b.Width(x))
	if r.err != nil {
		return format.Input
	}
	l.w.W, l.w.R, l.w.B = layout.ResetFirst(l.w.W), layout.ResetFirst(l.w.R), layout.ResetFirst(l.w.B)
	return r.b.GRUBefore(name, x, l.w, format.WithFunctions(format.Function{Kind: format.Sigmoid}, format.Function{Kind: l.f}))
}

func (r *reader) concat(name string, xs ...format.Buffer) format.Buffer {
	if r.err != nil {
		return format.Input
	}
	return r.b.Concat(name, xs...)
}
