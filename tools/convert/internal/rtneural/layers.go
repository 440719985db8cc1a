package rtneural

import (
	"encoding/json"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/compose"
	"github.com/rnnedge/rnnedge/tools/convert/internal/layout"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numbers"
)

type layer struct {
	Type       string            `json:"type"`
	Activation string            `json:"activation"`
	Shape      []*int            `json:"shape"`
	Weights    []json.RawMessage `json:"weights"`

	KernelSize json.RawMessage `json:"kernel_size"` // of a convolution
	Dilation   json.RawMessage `json:"dilation"`
	Groups     *int            `json:"groups"`

	Epsilon *float64 `json:"epsilon"` // of a batch normalisation
}

// activations by their names in Keras. The scale is what elu has there.
var activations = map[string]format.Function{
	"": {}, "linear": {},
	"tanh": {Kind: format.Tanh}, "sigmoid": {Kind: format.Sigmoid}, "relu": {Kind: format.Relu},
	"elu": {Kind: format.Elu, Alpha: 1},
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
	case "conv1d":
		if x = r.convolution(name, x, l, U); r.err != nil {
			return x
		}
	case "activation", "prelu", "batchnorm":
		if U != I {
			r.fail("has %d outputs for %d inputs", U, I)
			return x
		}
		if l.Type != "activation" && (l.Activation == "softmax" || f.Kind != format.Linear) {
			r.fail("has the activation %.80q, supported is none", l.Activation)
			return x
		}
		switch l.Type {
		case "prelu":
			return r.prelu(name, x, l)
		case "batchnorm":
			return r.batchNorm(name, x, l)
		}
	default:
		r.fail("is of a type that is not supported; supported are dense, time-distributed-dense, conv1d, lstm, gru, batchnorm, prelu and activation")
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

// prelu has a slope for each number, or one for all.
func (r *reader) prelu(name string, x format.Buffer, l layer) format.Buffer {
	if !r.arrays(l, 1, 1) {
		return x
	}
	n := r.b.Width(x)
	v, shape, err := numbers.Array(l.Weights[0])
	switch {
	case err != nil:
		r.fail("has slopes that are no array of numbers: %w", err)
	case len(shape) != 2 || shape[0] != 1 || shape[1] != n && shape[1] != 1:
		r.fail("has slopes of shape %v, want [1 %d] or [1 1], the same at every step: shared_axes=[1]", shape, n)
	}
	switch {
	case r.err != nil:
		return x
	case len(v) == 1:
		return r.b.Function(name, x, format.Function{Kind: format.LeakyRelu, Alpha: v[0]})
	}
	return compose.PRelu(r.b, name, x, v)
}

// batchNorm has gamma and beta, or neither.
func (r *reader) batchNorm(name string, x format.Buffer, l layer) format.Buffer {
	n, names := r.b.Width(x), []string{"gamma", "beta", "mean", "variance"}
	switch len(l.Weights) {
	case 4:
	case 2:
		names = names[2:]
	default:
		r.fail("has %d arrays of weights, want gamma, beta, mean and variance, or the last two", len(l.Weights))
	}
	if l.Epsilon == nil || *l.Epsilon < 0 {
		r.fail("has no epsilon that is 0 or more")
	}
	arrays := map[string][]float32{}
	for i, what := range names {
		arrays[what] = r.vector(l, i, what, n)
	}
	if r.err != nil {
		return x
	}
	s, shift, err := compose.BatchNorm(arrays["gamma"], arrays["beta"], arrays["mean"], arrays["variance"], *l.Epsilon)
	if err != nil {
		r.fail("cannot be: %w", err)
		return x
	}
	return r.b.Scale(name, x, s, shift)
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
