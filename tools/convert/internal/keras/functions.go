package keras

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// functions are the activations that are one function, by their names.
var functions = map[string]format.Function{
	"linear": {}, "tanh": {Kind: format.Tanh}, "sigmoid": {Kind: format.Sigmoid}, "relu": {Kind: format.Relu},
	"elu": {Kind: format.Elu, Alpha: 1}, "celu": {Kind: format.Elu, Alpha: 1}, "softplus": {Kind: format.Softplus}, "softsign": {Kind: format.Softsign},
	"relu6":      {Kind: format.Clip, Beta: 6},
	"hard_tanh":  {Kind: format.Clip, Alpha: -1, Beta: 1},
	"leaky_relu": {Kind: format.LeakyRelu, Alpha: 0.2},
}

// composed are the activations that are several layers.
var composed = []string{"softmax", "log_softmax", "selu", "swish", "silu", "hard_silu", "hard_swish", "mish", "log_sigmoid", "tanh_shrink"}

// Self-normalising networks' λ and α, as Keras has them.
const seluScale, seluAlpha = 1.05070098735548049342, 1.67326324235437728482

// function is the activation of this name where it is one function. Keras 3 has another
// hard_sigmoid than those before.
func (t *translation) function(name string) (format.Function, bool) {
	if name == "hard_sigmoid" {
		if t.version.major >= 3 {
			return format.Function{Kind: format.HardSigmoid, Alpha: 1.0 / 6, Beta: 0.5}, true
		}
		return format.Function{Kind: format.HardSigmoid, Alpha: 0.2, Beta: 0.5}, true
	}
	f, ok := functions[name]
	return f, ok
}

// activation returns the name of an activation in a configuration, or the layer that it
// is.
func (f *fields) activation(key, otherwise string) (name string, l *layer, err error) {
	switch v := f.take(key).(type) {
	case nil:
		return otherwise, nil, nil
	case string:
		return v, nil, nil
	case map[string]any:
		if name, ok := v["config"].(string); ok { // a function, as Keras 3 writes it
			return name, nil, nil
		}
		if v["class_name"] != nil && v["config"] != nil {
			l, err := (&parser{left: 1}).layer(v)
			return "", l, err
		}
	}
	return "", nil, fmt.Errorf("has an %s that is no name of a function", key)
}

// cellFunction reads an activation of a cell.
func (t *translation) cellFunction(f *fields, key, otherwise string) (format.Function, error) {
	name, l, err := f.activation(key, otherwise)
	if err != nil {
		return format.Function{}, err
	}
	if l != nil {
		name = l.class
	}
	g, ok := t.function(name)
	if !ok || l != nil {
		return g, fmt.Errorf("has the %s %.80q, supported in a cell are tanh, sigmoid, hard_sigmoid, relu, relu6, leaky_relu, elu, celu, softplus, softsign, hard_tanh and linear", key, name)
	}
	return g, nil
}

// activate applies the activation of a layer.
func (t *translation) activate(name string, x value, f *fields, key string) (value, error) {
	function, l, err := f.activation(key, "linear")
	if err != nil {
		return x, err
	}
	if l != nil {
		if !slices.Contains([]string{"ReLU", "LeakyReLU", "ELU", "Softmax"}, l.class) {
			return x, fmt.Errorf("has the activation %.80q, supported are those without weights", l.class)
		}
		return t.evaluate(l, name+"."+l.class, []value{x}, nil)
	}
	return t.apply(name, x, function)
}

// apply adds the activation of this name.
func (t *translation) apply(name string, x value, function string) (value, error) {
	if f, ok := t.function(function); ok {
		if f.Kind == format.Linear {
			return x, nil
		}
		return x.as(t.b().Function(name, t.read(x), f)), nil
	}
	if !slices.Contains(composed, function) {
		return x, fmt.Errorf("has the activation %.80q, supported are tanh, sigmoid, hard_sigmoid, relu, relu6, leaky_relu, elu, celu, selu, swish, hard_silu, mish, softplus, log_sigmoid, softsign, hard_tanh, tanh_shrink, softmax, log_softmax and linear", function)
	}
	if _, err := x.features(); err != nil {
		return x, err
	}
	b, in := t.b(), t.read(x)
	gate := func(f format.Function) value { return x.as(b.Mul(name, in, b.Function(name+".gate", in, f))) }
	switch function {
	case "softmax":
		return x.as(b.Softmax(name, in)), nil
	case "log_softmax":
		return x.as(b.LogSoftmax(name, in)), nil
	case "selu":
		y := b.Function(name+".elu", in, format.Function{Kind: format.Elu, Alpha: seluAlpha})
		return x.as(b.Function(name, y, format.Function{Kind: format.Affine, Alpha: seluScale})), nil
	case "mish":
		y := b.Function(name+".softplus", in, format.Function{Kind: format.Softplus})
		return x.as(b.Mul(name, in, b.Activate(name+".gate", y, format.Tanh))), nil
	case "log_sigmoid": // −softplus(−x)
		negated := format.Function{Kind: format.Affine, Alpha: -1}
		y := b.Function(name+".softplus", b.Function(name+".negated", in, negated), format.Function{Kind: format.Softplus})
		return x.as(b.Function(name, y, negated)), nil
	case "tanh_shrink": // x − tanh x
		y := b.Function(name+".negated", b.Activate(name+".tanh", in, format.Tanh), format.Function{Kind: format.Affine, Alpha: -1})
		return x.as(b.Add(name, in, y)), nil
	case "swish", "silu":
		return gate(format.Function{Kind: format.Sigmoid}), nil
	}
	return gate(format.Function{Kind: format.HardSigmoid, Alpha: 1.0 / 6, Beta: 0.5}), nil
}
