package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// grid lists source positions: element (j0, j1, …) of the result is at the sum of
// offsets[d][jd].
func grid(offsets [][]int) []int32 {
	index := []int32{0}
	for _, list := range offsets {
		next := make([]int32, 0, len(index)*len(list))
		for _, at := range index {
			for _, o := range list {
				next = append(next, at+int32(o))
			}
		}
		index = next
	}
	return index
}

// lattice is the offsets that leave a tensor as it is.
func lattice(shape []int) [][]int {
	offsets := make([][]int, len(shape))
	stride := 1
	for d := len(shape) - 1; d >= 0; d-- {
		offsets[d] = make([]int, shape[d])
		for j := range offsets[d] {
			offsets[d][j] = j * stride
		}
		stride *= shape[d]
	}
	return offsets
}

func lengths(offsets [][]int) []int {
	shape := make([]int, len(offsets))
	for d := range offsets {
		shape[d] = len(offsets[d])
	}
	return shape
}

// axis resolves a dimension that may count from the end.
func axis(a int64, rank int) (int, error) {
	if a < -int64(rank) || a >= int64(rank) {
		return 0, fmt.Errorf("found axis %d of a value with %d dimensions", a, rank)
	}
	return int((a + int64(rank)) % int64(rank)), nil
}

// integers returns input k, which has to be constant integers, or the attribute
// that older opsets have in its place; ok is false if neither is there.
func (t *translation) integers(n *nodeProto, k int, attribute string) (v []int64, ok bool, err error) {
	v, dyn, ok, err := t.lengthsOf(n, k, attribute)
	if err == nil && union(dyn) != 0 {
		err = fmt.Errorf("found %s %q computed from the length of the input, supported are constants", attribute, n.input(k))
	}
	return v, ok, err
}

// lengthsOf is integers of which some may be made from lengths of the input.
func (t *translation) lengthsOf(n *nodeProto, k int, attribute string) (v []int64, dyn []mark, ok bool, err error) {
	if k >= 0 {
		in, err := t.value(n, k)
		if err != nil {
			return nil, nil, false, err
		}
		if in != nil {
			if in.kind != ints {
				return nil, nil, false, fmt.Errorf("found %s %q computed from the input or not of integers, supported are constants", attribute, n.input(k))
			}
			return in.i, in.dyn, true, nil
		}
	}
	a := n.attributes[attribute]
	if a == nil {
		return nil, nil, false, nil
	}
	return a.ints, nil, true, nil
}

// move sets output 0 to a value of t's elements, which the budget has to allow.
func (t *translation) move(n *nodeProto, out int, v *tensor, shape []int, free []mark, offsets [][]int) error {
	if len(shape) > maxDims {
		return fmt.Errorf("found %d dimensions, supported are up to %d", len(shape), maxDims)
	}
	size, err := checked(lengths(offsets))
	if err != nil {
		return err
	}
	if err := t.spend(size); err != nil {
		return err
	}
	t.set(n, out, v.take(shape, free, grid(offsets)))
	return nil
}

func (t *translation) transpose(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	rank := len(v.shape)
	perm, some, err := t.integers(n, -1, "perm")
	if err != nil {
		return err
	}
	if !some {
		for d := range rank {
			perm = append(perm, int64(rank-1-d))
		}
	}
	if len(perm) != rank {
		return fmt.Errorf("found perm %v for a value of shape %v", perm, v.shape)
	}
	from, offsets, free := lattice(v.shape), make([][]int, rank), make([]mark, rank)
	for d, p := range perm {
		if p < 0 || p >= int64(rank) || slices.Contains(perm[:d], p) {
			return fmt.Errorf("found perm %v for a value of shape %v", perm, v.shape)
		}
		offsets[d], free[d] = from[p], v.free[p]
	}
	return t.move(n, 0, v, lengths(offsets), free, offsets)
}

func (t *translation) concat(n *nodeProto) error {
	var parts []*tensor
	for k := range n.inputs {
		v, err := t.must(n, k)
		if err != nil {
			return err
		}
		parts = append(parts, v)
	}
	if len(parts) == 0 {
		return errors.New("found no inputs")
	}
	first := parts[0]
	d, err := axis(n.integer("axis", 1), len(first.shape))
	if err != nil {
		return err
	}
	shape, free := slices.Clone(first.shape), slices.Clone(first.free)
	shape[d] = 0
	for k, v := range parts {
		if v.kind != first.kind {
			return errors.New("found a constant beside a computed value, supported are all of one kind")
		}
		if v.last != first.last {
			return errors.New("found the last time step beside every time step, supported are values of the same step")
		}
		if len(v.shape) != len(shape) {
			return fmt.Errorf("found shapes %v and %v", first.shape, v.shape)
		}
		for j := range shape {
			if j != d && (v.shape[j] != shape[j] || v.free[j] != free[j]) {
				return fmt.Errorf("found shapes %v and %v of dynamic dimensions %v and %v, expected the same", first.shape, v.shape, free, v.free)
			}
		}
		if v.free[d] != 0 && len(parts) > 1 {
			return fmt.Errorf("found a concatenation of time steps or streams (input %d), supported are features", k)
		}
		shape[d] += v.shape[d]
	}
	size, err := checked(shape)
	if err != nil {
		return err
	}
	if err := t.spend(size); err != nil {
		return err
	}
	out := &tensor{shape: shape, free: free, last: first.last, kind: first.kind}
	for row := range product(shape[:d]) {
		for _, v := range parts {
			block := product(v.shape[d:])
			switch v.kind {
			case floats:
				out.f = append(out.f, v.f[row*block:][:block]...)
			case ints:
				out.i = append(out.i, v.i[row*block:][:block]...)
			case activation:
				out.refs = append(out.refs, v.refs[row*block:][:block]...)
				continue
			}
			if out.dyn = append(out.dyn, make([]mark, block)...); v.dyn != nil {
				copy(out.dyn[len(out.dyn)-block:], v.dyn[row*block:])
			}
		}
	}
	t.set(n, 0, out)
	return nil
}

// tile translates Tile of constants, and of values once.
func (t *translation) tile(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	repeats, _, some, err := t.lengthsOf(n, 1, "repeats")
	if err != nil {
		return err
	}
	if !some || len(repeats) != len(v.shape) {
		return fmt.Errorf("found repeats %v for a value of shape %v", repeats, v.shape)
	}
	offsets := lattice(v.shape)
	shape, err := sizes(repeats)
	if err != nil {
		return err
	}
	for d, r := range shape {
		if v.kind == activation && r != 1 {
			return fmt.Errorf("found a computed value repeated %d times along axis %d, supported is that of constants", r, d)
		}
		if r > 0 && v.shape[d] > format.MaxFloats/r {
			return fmt.Errorf("found repeats %v for a value of shape %v, supported are up to %d elements", repeats, v.shape, format.MaxFloats)
		}
		shape[d] *= v.shape[d]
	}
	size, err := checked(shape)
	if err != nil {
		return err
	}
	if err := t.spend(size); err != nil {
		return err
	}
	for d, r := range repeats {
		offsets[d] = slices.Repeat(offsets[d], int(r))
	}
	t.set(n, 0, v.take(shape, v.free, grid(offsets)))
	return nil
}

func (t *translation) expand(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	want, _, _, err := t.lengthsOf(n, 1, "shape")
	if err != nil {
		return err
	}
	to, err := sizes(want)
	if err != nil {
		return err
	}
	u, err := t.broadcast(v, to)
	if err != nil {
		return err
	}
	if v.kind == activation && u.size() != v.size() {
		return fmt.Errorf("found an expansion of a computed value from %v to %v", v.shape, u.shape)
	}
	t.set(n, 0, u)
	return nil
}

// sizes turns constant integers into a shape.
func sizes(v []int64) ([]int, error) {
	shape := make([]int, len(v))
	for k, d := range v {
		if d < 0 || d > math.MaxInt32 {
			return nil, fmt.Errorf("found shape %v", v)
		}
		shape[k] = int(d)
	}
	_, err := checked(shape)
	return shape, err
}

// common is the shape that two shapes broadcast to.
func common(a, b []int) ([]int, error) {
	shape := make([]int, max(len(a), len(b)))
	for k := range shape {
		da, db := 1, 1
		if j := k - len(shape) + len(a); j >= 0 {
			da = a[j]
		}
		if j := k - len(shape) + len(b); j >= 0 {
			db = b[j]
		}
		switch {
		case da == db || db == 1:
			shape[k] = da
		case da == 1:
			shape[k] = db
		default:
			return nil, fmt.Errorf("found shapes %v and %v, which do not fit", a, b)
		}
	}
	_, err := checked(shape)
	return shape, err
}

// broadcast repeats v to the shape that it and to have in common.
func (t *translation) broadcast(v *tensor, to []int) (*tensor, error) {
	shape, err := common(v.shape, to)
	if err != nil {
		return nil, err
	}
	if err := t.spend(product(shape)); err != nil {
		return nil, err
	}
	lead := len(shape) - len(v.shape)
	offsets, free := make([][]int, len(shape)), make([]mark, len(shape))
	own := lattice(v.shape)
	for d := range shape {
		if d >= lead {
			free[d] = v.free[d-lead]
		}
		if d >= lead && v.shape[d-lead] == shape[d] {
			offsets[d] = own[d-lead]
		} else {
			offsets[d] = make([]int, shape[d])
		}
	}
	return v.take(shape, free, grid(offsets)), nil
}
