package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// A cellFunction is an activation of a recurrent node, with what its parameters are
// where activation_alpha and activation_beta do not say: the defaults of the op of
// that name.
type cellFunction struct {
	kind        format.Activation
	alpha, beta parameter
}

type parameter struct {
	takes     bool
	otherwise float32 // NaN: the specification has no default
}

var (
	nan = float32(math.NaN())

	// cellFunctions are all that the specification of RNN, GRU and LSTM has, by
	// their names in small letters: exporters disagree about the capitals.
	cellFunctions = map[string]cellFunction{
		"relu":            {kind: format.Relu},
		"tanh":            {kind: format.Tanh},
		"sigmoid":         {kind: format.Sigmoid},
		"softsign":        {kind: format.Softsign},
		"softplus":        {kind: format.Softplus},
		"affine":          {format.Affine, parameter{true, nan}, parameter{true, 0}},
		"leakyrelu":       {kind: format.LeakyRelu, alpha: parameter{true, 0.01}},
		"thresholdedrelu": {kind: format.ThresholdedRelu, alpha: parameter{true, 1}},
		"scaledtanh":      {format.ScaledTanh, parameter{true, nan}, parameter{true, nan}},
		"hardsigmoid":     {format.HardSigmoid, parameter{true, 0.2}, parameter{true, 0.5}},
		"elu":             {kind: format.Elu, alpha: parameter{true, 1}},
	}

	// defaultFunctions are the activations of one direction of an op.
	defaultFunctions = map[string][]string{
		"RNN": {"Tanh"}, "GRU": {"Sigmoid", "Tanh"}, "LSTM": {"Sigmoid", "Tanh", "Tanh"},
	}
)

// cellFunctions returns the functions of each direction.
func (t *translation) cellFunctions(n *nodeProto, directions int) ([][]format.Function, error) {
	plain := defaultFunctions[n.op]
	names := slices.Repeat(plain, directions)
	if a := n.attributes["activations"]; a != nil && len(a.strings) > 0 {
		names = a.strings
		// The specification's default for an RNN has two, also for one direction.
		if n.op == "RNN" && directions == 1 && len(names) == 2 && names[0] == names[1] {
			names = names[:1]
		}
	}
	if len(names) != directions*len(plain) {
		return nil, fmt.Errorf("found the %d activations %q, expected %d for each of %d directions", len(names), names, len(plain), directions)
	}
	alpha, beta := parameters{n, "activation_alpha", nil}, parameters{n, "activation_beta", nil}
	for _, p := range []*parameters{&alpha, &beta} {
		if a := n.attributes[p.name]; a != nil {
			p.left = a.floats
		}
	}
	var all [][]format.Function
	for k, name := range names {
		c, ok := cellFunctions[strings.ToLower(name)]
		if !ok {
			return nil, fmt.Errorf("found activation %q, supported are Relu, Tanh, Sigmoid, Affine, LeakyRelu, ThresholdedRelu, ScaledTanh, HardSigmoid, Elu, Softsign and Softplus", name)
		}
		f := format.Function{Kind: c.kind}
		var err error
		if f.Alpha, err = alpha.next(name, c.alpha); err != nil {
			return nil, err
		}
		if f.Beta, err = beta.next(name, c.beta); err != nil {
			return nil, err
		}
		if k%len(plain) == 0 {
			all = append(all, nil)
		}
		d := len(all) - 1
		all[d] = append(all[d], f)
	}
	for _, p := range []parameters{alpha, beta} {
		if len(p.left) > 0 {
			t.note("node %q (%s): the last %d values of %s are more than the activations take, and were left aside", n.name, n.op, len(p.left), p.name)
		}
	}
	return all, nil
}

// parameters are the values of an attribute that the activations consume, in their
// order.
type parameters struct {
	n    *nodeProto
	name string
	left []float32
}

func (p *parameters) next(function string, want parameter) (float32, error) {
	switch {
	case !want.takes:
		return 0, nil
	case len(p.left) > 0:
		v := p.left[0]
		p.left = p.left[1:]
		return v, nil
	case want.otherwise != want.otherwise:
		return 0, fmt.Errorf("found activation %s without a value in %s, which has no default", function, p.name)
	}
	return want.otherwise, nil
}
