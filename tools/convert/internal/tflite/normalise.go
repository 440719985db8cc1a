package tflite

import (
	"fmt"
	"slices"
)

// A normalisation is what becomes of a LayerNormalization of Keras, and of others that go
// through a batch normalisation:
//
//	mean = MEAN(x)   v = MEAN(SQUARED_DIFFERENCE(x, mean))   r = RSQRT(v + ε)
//	y = x·r + (0 − mean·r)
//
// Keras lays the steps along the last axis and takes the mean over all others, of which one
// has the features.
type normalisation struct {
	x       int // tensor
	axis    int // of the features
	epsilon float32
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
		scaled, ok1 := l.from(n.in[i], opMul, 2)
		shift, ok2 := l.from(n.in[1-i], opSub, 2)
		if !ok1 || !ok2 || !l.zeros(shift.in[0]) {
			continue
		}
		shifted, ok := l.from(shift.in[1], opMul, 2) // mean·r
		if !ok {
			continue
		}
		for _, r := range shifted.in {
			mean, _ := other(shifted, r)
			x, ok := other(scaled, r)
			if c := l.moments(x, mean, r); ok && c != nil {
				return c
			}
		}
	}
	return nil
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
		return &normalisation{x, axis, epsilon[0]}
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
		l.add("LayerNormalization", n, attributes, x)
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
