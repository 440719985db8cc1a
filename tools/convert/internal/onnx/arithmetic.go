package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// arithmetic translates Add, Sub, Mul and Div.
func (t *translation) arithmetic(n *nodeProto) error {
	a, err := t.must(n, 0)
	if err != nil {
		return err
	}
	b, err := t.must(n, 1)
	if err != nil {
		return err
	}
	out, err := t.combine(n.op, n.layerName(), a, b)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}

// sumOf translates Sum, Add of any number of values.
func (t *translation) sumOf(n *nodeProto) error {
	total, err := t.must(n, 0)
	if err != nil {
		return err
	}
	for k := 1; k < len(n.inputs); k++ {
		v, err := t.must(n, k)
		if err != nil {
			return err
		}
		if total, err = t.combine("Add", fmt.Sprintf("%s.%d", n.layerName(), k), total, v); err != nil {
			return err
		}
	}
	t.set(n, 0, total)
	return nil
}

// combine is a op b, for two constants, a value and a constant, or two values.
func (t *translation) combine(op, name string, a, b *tensor) (*tensor, error) {
	switch {
	case a.constant() && b.constant():
		return t.folded(op, a, b)
	case b.constant():
		return t.withConstant(op, name, a, b, false)
	case a.constant():
		return t.withConstant(op, name, b, a, true)
	}
	if op == "Div" {
		return nil, errors.New("found a computed value divided by another, supported is that in a layer normalisation over the features only")
	}
	shape, err := common(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	if a.last != b.last {
		return nil, errors.New("found the last time step combined with every time step, supported are values of the same step")
	}
	if op == "Sub" {
		if b, err = t.affine(name+".negative", b, repeated(-1, b.size()), nil); err != nil {
			return nil, err
		}
	}
	for _, v := range []**tensor{&a, &b} {
		if err := (*v).steady(shape); err != nil {
			return nil, err
		}
		if *v, err = t.broadcast(*v, shape); err != nil {
			return nil, err
		}
	}
	free := either(a.free, b.free)
	if !slices.Equal(free, a.free) && !slices.Equal(free, b.free) {
		return nil, fmt.Errorf("found values of shapes %v and %v of which different dimensions are time steps or streams, supported are two values at the same step", a.shape, b.shape)
	}
	if t.step != nil {
		return t.symbolic(shape, free, product(shape), func() []cellmatch.Value {
			if op == "Mul" {
				return t.step.Mul(a.symbols(), b.symbols())
			}
			return t.step.Add(a.symbols(), b.symbols())
		})
	}
	x, err := t.whole(name+".input", a)
	if err != nil {
		return nil, err
	}
	y, err := t.whole(name+".input2", b)
	if err != nil {
		return nil, err
	}
	if err := t.spend(product(shape)); err != nil {
		return nil, err
	}
	add := t.builder.Add
	if op == "Mul" {
		add = t.builder.Mul
	}
	out := t.computed(shape, free, add(name, x, y))
	out.last = a.last
	return out, nil
}

// withConstant is v op c, or c op v, with one number of c for each feature.
func (t *translation) withConstant(op, name string, v, c *tensor, constantFirst bool) (*tensor, error) {
	if c.kind != floats {
		return nil, errors.New("found an integer constant with a computed value, supported are floats")
	}
	if err := c.known(); err != nil {
		return nil, err
	}
	shape, err := common(v.shape, c.shape)
	if err != nil {
		return nil, err
	}
	if err := v.steady(shape); err != nil {
		return nil, err
	}
	if v, err = t.broadcast(v, shape); err != nil {
		return nil, err
	}
	if c, err = t.broadcast(c, shape); err != nil {
		return nil, err
	}
	switch {
	case op == "Add":
		return t.affine(name, v, nil, c.f)
	case op == "Sub" && constantFirst:
		return t.affine(name, v, repeated(-1, v.size()), c.f)
	case op == "Sub":
		return t.affine(name, v, nil, mapped(c.f, func(f float32) float32 { return -f }))
	case op == "Mul":
		return t.affine(name, v, c.f, nil)
	case constantFirst:
		return nil, errors.New("found a constant divided by a computed value, supported is a value divided by a constant")
	case slices.Contains(c.f, 0):
		return nil, errors.New("found a computed value divided by zero")
	}
	return t.affine(name, v, mapped(c.f, func(f float32) float32 { return 1 / f }), nil) // 1/c is rounded: up to an ulp from x/c
}

// known verifies that a constant does not depend on how long the input is.
func (v *tensor) known() error {
	if union(v.dyn) != 0 {
		return errors.New("found numbers computed from the length of the input, supported are those that are the same for every length")
	}
	return nil
}

// steady verifies that v, broadcast to shape, is the same for all time steps and
// streams.
func (v *tensor) steady(shape []int) error {
	for k, d := 0, len(shape)-len(v.shape); k < len(v.free); k, d = k+1, d+1 {
		if v.free[k] != 0 && shape[d] != 1 {
			return fmt.Errorf("found a value of shape %v at one time step combined to shape %v, with numbers of their own for time steps or streams; supported are the same for all", v.shape, shape)
		}
	}
	return nil
}

// affine is s·v + b, with nil for ones and zeros. It becomes part of the layer that
// v comes from where that is exact, and else a layer of its own.
func (t *translation) affine(name string, v *tensor, s, b []float32) (*tensor, error) {
	if !slices.ContainsFunc(s, func(f float32) bool { return f != 1 }) {
		s = nil
	}
	if !slices.ContainsFunc(b, func(f float32) bool { return f != 0 }) {
		b = nil
	}
	if s == nil && b == nil {
		return v, nil
	}
	if t.step != nil {
		return t.symbolic(v.shape, v.free, v.size(), func() []cellmatch.Value {
			out := v.symbols()
			if s != nil {
				out = t.step.Mul(out, t.step.Constants(s))
			}
			if b != nil {
				out = t.step.Add(out, t.step.Constants(b))
			}
			return out
		})
	}
	if d := t.pending(v); d != nil && d.absorb(s, b) {
		return v, nil
	}
	x, err := t.whole(name+".input", v)
	if err != nil {
		return nil, err
	}
	if err := t.spend(3 * v.size()); err != nil {
		return nil, err
	}
	out := t.linear(v.shape, v.free, &dense{name: name, x: x, s: s, bias: b})
	out.last = v.last
	return out, nil
}

// absorb makes s·(·) + b part of the layer, if no number has to be rounded.
func (d *dense) absorb(s, b []float32) bool {
	var w, scale, bias []float32
	ok := true
	if s != nil {
		if d.w != nil {
			w = make([]float32, len(d.w))
			K := len(w) / len(s)
			for j, f := range s {
				for k := range K {
					w[j*K+k] = exactly(&ok, float64(d.w[j*K+k]), float64(f), 0)
				}
			}
		} else {
			scale = make([]float32, len(s))
			for j, f := range s {
				scale[j] = exactly(&ok, float64(at(d.s, j, 1)), float64(f), 0)
			}
		}
	}
	if d.bias != nil || b != nil {
		bias = make([]float32, max(len(d.bias), len(b)))
		for j := range bias {
			bias[j] = exactly(&ok, float64(at(d.bias, j, 0)), float64(at(s, j, 1)), float64(at(b, j, 0)))
		}
	}
	if !ok {
		return false
	}
	if s != nil {
		d.w, d.s = w, scale
	}
	d.bias = bias
	return true
}

// exactly is x·y + z, of which x·y is exact since they are float32; ok becomes
// false if the sum is not a float32.
func exactly(ok *bool, x, y, z float64) float32 {
	p := x * y
	sum := p + z
	f := float32(sum)
	*ok = *ok && float64(f) == sum && sum-p == z && sum-z == p
	return f
}

func at(v []float32, k int, otherwise float32) float32 {
	if v == nil {
		return otherwise
	}
	return v[k]
}

func repeated(f float32, n int) []float32 { return slices.Repeat([]float32{f}, n) }

func mapped(v []float32, f func(float32) float32) []float32 {
	out := make([]float32, len(v))
	for k, x := range v {
		out[k] = f(x)
	}
	return out
}

// negative translates Neg.
func (t *translation) negative(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	switch v.kind {
	case floats:
		v = &tensor{shape: v.shape, free: v.free, dyn: v.dyn, f: mapped(v.f, func(f float32) float32 { return -f })}
	case ints:
		i := slices.Clone(v.i)
		for k := range i {
			i[k] = -i[k]
		}
		v = &tensor{shape: v.shape, free: v.free, dyn: v.dyn, kind: ints, i: i}
	default:
		if v, err = t.affine(n.layerName(), v, repeated(-1, v.size()), nil); err != nil {
			return err
		}
	}
	t.set(n, 0, v)
	return nil
}

// power translates Pow with the exponents 2 and 3 of a value, which are products.
func (t *translation) power(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	e, err := t.must(n, 1)
	if err != nil {
		return err
	}
	if v.constant() || e.kind == activation || e.size() != 1 {
		return errors.New("found a power that is not of a computed value with one constant exponent")
	}
	if err := e.known(); err != nil {
		return err
	}
	var exponent float64
	if e.kind == floats {
		exponent = float64(e.f[0])
	} else {
		exponent = float64(e.i[0])
	}
	if exponent != 2 && exponent != 3 {
		return fmt.Errorf("found the exponent %v, supported are 2 and 3", exponent)
	}
	out, name := v, n.layerName()
	if exponent == 3 {
		if out, err = t.combine("Mul", name+".square", v, v); err != nil {
			return err
		}
	}
	if out, err = t.combine("Mul", name, out, v); err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}
