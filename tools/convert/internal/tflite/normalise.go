package tflite

import (
	"fmt"
	"slices"
)

// A normalisation is what becomes of a LayerNormalization of Keras, and of others that go
// through a batch normalisation:
//
//	mean = MEAN(x)   v = MEAN(SQUARED_DIFFERENCE(x, mean))   r = RSQRT(v + ε)·gamma
//	y = x·r + (beta − mean·r), or x·r + ((−mean)·r + beta)
//
// Keras lays the steps along the last axis and takes the mean over all others, of which one
// has the features; then gamma and beta come after it.
type normalisation struct {
	x           int // tensor
	axis        int // of the features
	epsilon     float32
	gamma, beta int // constants, −1 for none
}

// made is the node that computes a tensor, if it is this operator of two inputs or one, and
// ends in no function.
func (l *lowering) from(k, op, inputs int) (node, bool) {
	i, ok := l.made[k]
	if !ok || l.g.nodes[i].op != op || len(l.g.nodes[i].in) != inputs || slices.Contains(l.g.nodes[i].in, -1) {
		return node{}, false
	}
	n := l.g.nodes[i]
	return n, op != opAdd && op != opSub && op != opMul || n.settings.byte(0) == 0
}

// other returns the input of n that k is not.
func other(n node, k int) (int, bool) {
	switch k {
	case n.in[0]:
		return n.in[1], true
	case n.in[1]:
		return n.in[0], true
	}
	return 0, false
}

// normalised is the normalisation that an ADD ends, nil for none.
func (l *lowering) normalised(n node) *normalisation {
	if n.op != opAdd || len(n.in) != 2 || len(n.out) != 1 || n.settings.byte(0) != 0 {
		return nil
	}
	for i := range n.in {
		scaled, ok := l.from(n.in[i], opMul, 2)
		if !ok {
			continue
		}
		for _, s := range l.shifts(n.in[1-i]) {
			for _, g := range s.product.in {
				mean, _ := other(s.product, g)
				if s.negated {
					m, ok := l.from(mean, opNeg, 1)
					if !ok {
						continue
					}
					mean = m.in[0]
				}
				x, ok := other(scaled, g)
				if !ok {
					continue
				}
				for _, r := range l.gains(g) {
					if c := l.moments(x, mean, r[0]); c != nil {
						c.gamma, c.beta = r[1], s.beta
						return l.alongLast(c)
					}
				}
			}
		}
	}
	return nil
}

// A shift is what a normalisation adds: beta and −mean·r.
type shift struct {
	product node // mean·r
	negated bool // of −mean
	beta    int  // −1 for none
}

// shifts are the ways to see a tensor as a shift.
func (l *lowering) shifts(k int) (list []shift) {
	if n, ok := l.from(k, opSub, 2); ok {
		if product, ok := l.from(n.in[1], opMul, 2); ok && l.fixed(n.in[0]) {
			list = append(list, shift{product, false, n.in[0]})
		}
	}
	if product, ok := l.from(k, opMul, 2); ok {
		list = append(list, shift{product, true, -1})
	}
	if n, ok := l.from(k, opAdd, 2); ok {
		for i, k := range n.in {
			if product, ok := l.from(k, opMul, 2); ok && l.fixed(n.in[1-i]) {
				list = append(list, shift{product, true, n.in[1-i]})
			}
		}
	}
	for i, s := range list {
		if s.beta >= 0 && l.zeros(s.beta) {
			list[i].beta = -1
		}
	}
	return list
}

// gains are the ways to see a tensor as 1 ∕ √(variance + ε), beside gamma if it is times
// that.
func (l *lowering) gains(k int) [][2]int {
	list := [][2]int{{k, -1}}
	if n, ok := l.from(k, opMul, 2); ok {
		for i, r := range n.in {
			if l.fixed(n.in[1-i]) {
				list = append(list, [2]int{r, n.in[1-i]})
			}
		}
	}
	return list
}

// fixed reports whether a tensor is a constant.
func (l *lowering) fixed(k int) bool { return k >= 0 && l.g.tensors[k].data != nil }

// alongLast is c if gamma and beta are along the last axis, as the features are.
func (l *lowering) alongLast(c *normalisation) *normalisation {
	shape := l.g.tensors[c.x].shape
	last := len(shape) - 1
	for _, k := range []int{c.gamma, c.beta} {
		if k < 0 {
			continue
		}
		t := l.g.tensors[k]
		if c.axis != last || len(t.shape) > len(shape) || t.elements != 1 && (len(t.shape) == 0 || t.elements != shape[last] || t.shape[len(t.shape)-1] != t.elements) {
			return nil
		}
	}
	return c
}

// moments is the normalisation of x if these are its mean and 1 ∕ √(variance + ε).
func (l *lowering) moments(x, mean, r int) *normalisation {
	m, ok1 := l.from(mean, opMean, 2)
	root, ok2 := l.from(r, opRsqrt, 1)
	if !ok1 || !ok2 || m.in[0] != x {
		return nil
	}
	sum, ok := l.from(root.in[0], opAdd, 2)
	if !ok {
		return nil
	}
	for i, k := range sum.in {
		e := l.g.tensors[sum.in[1-i]]
		v, ok1 := l.from(k, opMean, 2)
		if !ok1 || e.data == nil || e.elements != 1 || e.kind != typeFloat32 {
			continue
		}
		d, ok2 := l.from(v.in[0], opDifference, 2)
		if !ok2 || !slices.Contains(d.in, x) || !slices.Contains(d.in, mean) {
			continue
		}
		axis, ok := l.over(m)
		if again, ok2 := l.over(v); !ok || !ok2 || again != axis {
			return nil
		}
		epsilon, err := l.constant(sum.in[1-i], "epsilon", 1)
		if err != nil {
			return nil
		}
		return &normalisation{x: x, axis: axis, epsilon: epsilon[0], gamma: -1, beta: -1}
	}
	return nil
}

// over is the axis that a MEAN goes over, of those that are not 1, if what it gives lies
// beside its input as the input does.
func (l *lowering) over(n node) (axis int, ok bool) {
	shape := l.g.tensors[n.in[0]].shape
	axes, err := l.g.places(n, 1)
	if err != nil || len(axes) == 0 {
		return 0, false
	}
	many := 0
	seen := make([]bool, len(shape))
	for i, d := range axes {
		if d < 0 {
			d += len(shape)
		}
		if d < 0 || d >= len(shape) || seen[d] {
			return 0, false
		}
		seen[d] = true
		if i == 0 || shape[d] > 1 {
			axis = d
		}
		if shape[d] > 1 {
			many++
		}
	}
	last := len(shape) - 1
	keeps := n.settings.byte(0) != 0
	return axis, many <= 1 && (keeps || len(axes) == last && !seen[last])
}

// zeros reports whether a tensor is constant zeros.
func (l *lowering) zeros(k int) bool {
	t := l.g.tensors[k]
	return t.kind == typeFloat32 && t.data != nil && len(t.data) == 4*t.elements && !slices.ContainsFunc(t.data, func(b byte) bool { return b != 0 })
}

// normalise adds a normalisation in the place of n, which ends it.
func (l *lowering) normalise(n node, c *normalisation) error {
	if len(n.out) != 1 || n.out[0] < 0 {
		return fmt.Errorf("has outputs %v", n.out)
	}
	x, err := l.name(c.x)
	if err != nil {
		return err
	}
	attributes := map[string]any{"axis": -1, "epsilon": c.epsilon}
	last := len(l.g.tensors[c.x].shape) - 1
	if c.axis == last {
		y := l.step("LayerNormalization", n, ".normalised", attributes, x)
		for _, with := range []struct {
			op, suffix string
			k          int
		}{{"Mul", ".gamma", c.gamma}, {"Add", ".beta", c.beta}} {
			if with.k < 0 {
				continue
			}
			v, err := l.name(with.k)
			if err != nil {
				return err
			}
			y = l.step(with.op, n, with.suffix, nil, y, v)
		}
		l.names[n.out[0]] = y
		return nil
	}
	perm := make([]int, last+1)
	for d := range perm {
		perm[d] = d
	}
	perm[c.axis], perm[last] = last, c.axis
	swap := map[string]any{"perm": perm}
	y := l.step("LayerNormalization", n, ".normalised", attributes, l.step("Transpose", n, ".x", swap, x))
	l.add("Transpose", n, swap, y)
	return nil
}

// mean is a MEAN that is no part of one of those.
func (l *lowering) mean(n node, x string) error {
	axes, err := l.g.places(n, 1)
	if err != nil {
		return err
	}
	keep := 0
	if n.settings.byte(0) != 0 {
		keep = 1
	}
	l.add("ReduceMean", n, map[string]any{"axes": axes, "keepdims": keep}, x)
	return nil
}
