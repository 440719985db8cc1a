package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// A function is an op that is one element-wise function, with the attributes that
// are its parameters and their defaults.
type function struct {
	kind        format.Activation
	alpha, beta setting
}

type setting struct {
	name      string
	otherwise float32
}

var functions = map[string]function{
	"Relu":            {kind: format.Relu},
	"Sigmoid":         {kind: format.Sigmoid},
	"Tanh":            {kind: format.Tanh},
	"Softsign":        {kind: format.Softsign},
	"Softplus":        {kind: format.Softplus},
	"LeakyRelu":       {kind: format.LeakyRelu, alpha: setting{"alpha", 0.01}},
	"Elu":             {kind: format.Elu, alpha: setting{"alpha", 1}},
	"ThresholdedRelu": {kind: format.ThresholdedRelu, alpha: setting{"alpha", 1}},
	"HardSigmoid":     {format.HardSigmoid, setting{"alpha", 0.2}, setting{"beta", 0.5}},
}

// elementwise translates the ops in functions.
func (t *translation) elementwise(n *nodeProto) error {
	op := functions[n.op]
	return t.function(n, format.Function{Kind: op.kind, Alpha: n.setting(op.alpha), Beta: n.setting(op.beta)})
}

func (n *nodeProto) setting(s setting) float32 {
	if a := n.attributes[s.name]; a != nil && s.name != "" {
		return a.f
	}
	return s.otherwise
}

// function makes f of input 0 the node's output.
func (t *translation) function(n *nodeProto, f format.Function) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	out, err := t.applied(n.layerName(), v, f)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}

// applied is f(v). A dense layer has the functions without parameters up to Relu
// inside.
func (t *translation) applied(name string, v *tensor, f format.Function) (*tensor, error) {
	out, err := t.appliedAny(name, v, f)
	if err != nil {
		return nil, err
	}
	u := *out
	switch f.Kind {
	case format.Sigmoid, format.HardSigmoid:
		u.within = &[2]float32{0, 1}
	case format.Tanh, format.Softsign:
		u.within = &[2]float32{-1, 1}
	case format.Relu, format.Softplus:
		u.within = &[2]float32{0, float32(math.Inf(1))}
	case format.Clip:
		u.within = &[2]float32{f.Alpha, f.Beta}
	default:
		u.within = nil
	}
	return &u, nil
}

func (t *translation) appliedAny(name string, v *tensor, f format.Function) (*tensor, error) {
	if t.step != nil && v.kind == activation {
		return t.symbolic(v.shape, v.free, v.size(), func() []cellmatch.Value { return t.step.Apply(f, v.symbols()) })
	}
	if d := t.pending(v); d != nil && d.w != nil && f.Kind <= format.Relu {
		d.f = f.Kind
		return v, nil
	}
	return t.layer(name, v, func(x format.Buffer) format.Buffer { return t.builder.Function(name, x, f) })
}

// layer adds a layer that reads v and has outputs of its shape.
func (t *translation) layer(name string, v *tensor, add func(format.Buffer) format.Buffer) (*tensor, error) {
	if t.step != nil && v.kind == activation {
		return t.symbolic(v.shape, v.free, v.size(), func() []cellmatch.Value { return t.step.Leaves(v.size()) })
	}
	x, err := t.whole(name+".input", v)
	if err != nil {
		return nil, err
	}
	if err := t.spend(v.size()); err != nil {
		return nil, err
	}
	out := t.computed(v.shape, v.free, add(x))
	out.last = v.last
	return out, nil
}

// clip translates Clip, whose limits are attributes before opset 11.
func (t *translation) clip(n *nodeProto) error {
	lo, err := t.number(n, 1, "min", -math.MaxFloat32)
	if err != nil {
		return err
	}
	hi, err := t.number(n, 2, "max", math.MaxFloat32)
	if err != nil {
		return err
	}
	lo, hi = max(lo, -math.MaxFloat32), min(hi, math.MaxFloat32)
	if lo == 0 && hi == math.MaxFloat32 {
		return t.function(n, format.Function{Kind: format.Relu})
	}
	return t.function(n, format.Function{Kind: format.Clip, Alpha: min(lo, hi), Beta: hi})
}

// extreme translates Min and Max of a value and one constant number.
func (t *translation) extreme(n *nodeProto) error {
	if len(n.inputs) != 2 {
		return fmt.Errorf("found %d values, supported are a computed value and a constant", len(n.inputs))
	}
	a, err := t.must(n, 0)
	if err != nil {
		return err
	}
	b, err := t.must(n, 1)
	if err != nil {
		return err
	}
	if a.constant() {
		a, b = b, a
	}
	if a.constant() || b.kind != floats || b.size() != 1 {
		return errors.New("found values that are not one computed and one constant number, supported is that")
	}
	if err := b.known(); err != nil {
		return err
	}
	f := format.Function{Kind: format.Clip, Alpha: -math.MaxFloat32, Beta: min(b.f[0], math.MaxFloat32)}
	if n.op == "Max" {
		f.Alpha, f.Beta = max(b.f[0], -math.MaxFloat32), math.MaxFloat32
	}
	out, err := t.applied(n.layerName(), a, f)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}

// number returns a constant number from input k or the attribute of that name.
func (t *translation) number(n *nodeProto, k int, name string, otherwise float32) (float32, error) {
	v, err := t.value(n, k)
	if err != nil {
		return 0, err
	}
	if v == nil {
		return n.setting(setting{name, otherwise}), nil
	}
	if v.kind != floats || v.size() != 1 {
		return 0, fmt.Errorf("found %s %q computed from the input or of shape %v, supported is a constant number", name, n.input(k), v.shape)
	}
	return v.f[0], v.known()
}

// pRelu translates PRelu: max(0, x) + slope·min(0, x), of which one is 0.
func (t *translation) pRelu(n *nodeProto) error {
	slope, err := t.parameter(n, 1, "slope")
	if err != nil {
		return err
	}
	if len(slope.f) > 0 && !slices.ContainsFunc(slope.f, func(f float32) bool { return f != slope.f[0] }) {
		return t.function(n, format.Function{Kind: format.LeakyRelu, Alpha: slope.f[0]})
	}
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if err := t.settle(v); err != nil {
		return err
	}
	name := n.layerName()
	above, err := t.applied(name+".above", v, format.Function{Kind: format.Relu})
	if err != nil {
		return err
	}
	below, err := t.applied(name+".below", v, format.Function{Kind: format.Clip, Alpha: -math.MaxFloat32, Beta: 0})
	if err != nil {
		return err
	}
	if below, err = t.withConstant("Mul", name+".slope", below, slope, false); err != nil {
		return err
	}
	out, err := t.combine("Add", name, above, below)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}

// selu translates Selu: γ·elu(x, α).
func (t *translation) selu(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	alpha := n.setting(setting{"alpha", 1.67326319217681884765625})
	gamma := n.setting(setting{"gamma", 1.05070102214813232421875})
	name := n.layerName()
	if v, err = t.applied(name+".elu", v, format.Function{Kind: format.Elu, Alpha: alpha}); err != nil {
		return err
	}
	if v, err = t.applied(name, v, format.Function{Kind: format.Affine, Alpha: gamma}); err != nil {
		return err
	}
	t.set(n, 0, v)
	return nil
}

// gelu translates Gelu in its form with tanh, ½x(1 + tanh(√(2/π)(x + 0.044715x³))), as what
// it equals, x·sigmoid(x·√(8/π)(1 + 0.044715x²)).
func (t *translation) gelu(n *nodeProto) error {
	if form := n.text("approximate", "none"); form != "tanh" {
		return fmt.Errorf("found approximate=%.40q, %s", form, exactGelu)
	}
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if err := t.settle(v); err != nil {
		return err
	}
	name, slope := n.layerName(), math.Sqrt(8/math.Pi)
	gate, err := t.combine("Mul", name+".square", v, v)
	if err != nil {
		return err
	}
	if gate, err = t.applied(name+".slope", gate, format.Function{Kind: format.Affine, Alpha: float32(0.044715 * slope), Beta: float32(slope)}); err != nil {
		return err
	}
	if gate, err = t.combine("Mul", name+".inner", v, gate); err != nil {
		return err
	}
	if gate, err = t.applied(name+".gate", gate, format.Function{Kind: format.Sigmoid}); err != nil {
		return err
	}
	out, err := t.combine("Mul", name, v, gate)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}

// gated translates HardSwish and Mish: x times a function of x.
func (t *translation) gated(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if err := t.settle(v); err != nil {
		return err
	}
	name := n.layerName()
	gate := v
	fs := []format.Function{{Kind: format.HardSigmoid, Alpha: 1. / 6, Beta: 0.5}}
	if n.op == "Mish" {
		fs = []format.Function{{Kind: format.Softplus}, {Kind: format.Tanh}}
	}
	for k, f := range fs {
		if gate, err = t.applied(fmt.Sprintf("%s.%d", name, k), gate, f); err != nil {
			return err
		}
	}
	out, err := t.combine("Mul", name, v, gate)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}
