package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

func (t *translation) identity(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if len(n.outputs) > 1 && t.uses[n.outputs[1]] > 0 {
		return fmt.Errorf("found the mask %q in use, supported is inference", n.outputs[1])
	}
	if n.op == "Dropout" {
		if mode, err := t.value(n, 2); err != nil {
			return err
		} else if mode != nil && (mode.kind != ints || slices.ContainsFunc(mode.i, func(i int64) bool { return i != 0 })) {
			return errors.New("found training mode, supported is inference")
		}
	}
	t.set(n, 0, v)
	return nil
}

func (t *translation) squeeze(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	axes, some, err := t.integers(n, 1, "axes")
	if err != nil {
		return err
	}
	some = some && len(axes) > 0
	drop := make([]bool, len(v.shape))
	for _, a := range axes {
		d, err := axis(a, len(v.shape))
		if err != nil {
			return err
		}
		if v.shape[d] != 1 {
			return fmt.Errorf("found axis %d of shape %v, expected a dimension of 1", a, v.shape)
		}
		drop[d] = true
	}
	var shape []int
	var free []mark
	for d := range v.shape {
		if !some && v.free[d] != 0 {
			return errors.New("found no axes on a value with dynamic dimensions, supported are explicit axes")
		}
		if drop[d] || (!some && v.shape[d] == 1) {
			continue
		}
		shape, free = append(shape, v.shape[d]), append(free, v.free[d])
	}
	t.set(n, 0, v.reshaped(shape, free))
	return nil
}

func (t *translation) unsqueeze(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	axes, _, err := t.integers(n, 1, "axes")
	if err != nil {
		return err
	}
	rank := len(v.shape) + len(axes)
	if rank > maxDims {
		return fmt.Errorf("found %d dimensions, supported are up to %d", rank, maxDims)
	}
	added := make([]bool, rank)
	for _, a := range axes {
		d, err := axis(a, rank)
		if err != nil {
			return err
		}
		if added[d] {
			return fmt.Errorf("found axes %v, expected each once", axes)
		}
		added[d] = true
	}
	shape, free, from := make([]int, rank), make([]mark, rank), 0
	for d := range shape {
		if added[d] {
			shape[d] = 1
			continue
		}
		shape[d], free[d] = v.shape[from], v.free[from]
		from++
	}
	t.set(n, 0, v.reshaped(shape, free))
	return nil
}

func (t *translation) reshape(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	want, dyn, some, err := t.lengthsOf(n, 1, "shape")
	if err != nil {
		return err
	}
	if !some || len(want) > maxDims {
		return fmt.Errorf("found shape %v, supported are up to %d dimensions", want, maxDims)
	}
	shape, free, infer := make([]int, len(want)), make([]mark, len(want)), -1
	for d, w := range want {
		switch {
		case w == -1 && infer < 0:
			shape[d], infer = 1, d
		case w == 0 && d < len(v.shape) && n.integer("allowzero", 0) == 0:
			shape[d], free[d] = v.shape[d], v.free[d]
		case w < 0 || w > math.MaxInt32:
			return fmt.Errorf("found shape %v", want)
		default:
			if shape[d] = int(w); dyn != nil {
				free[d] = dyn[d]
			}
		}
	}
	if _, err := checked(shape); err != nil {
		return err
	}
	err = fits(v, shape, free, infer)
	if err != nil && t.oneStep(shape, free, infer, v) {
		err = fits(v, shape, free, infer)
	}
	if err != nil {
		if m, steps := t.allSteps(v, want); m != 0 {
			return t.sideBySide(n, v, m, steps, len(want))
		}
		return fmt.Errorf("found shape %v: %w", want, err)
	}
	t.set(n, 0, v.reshaped(shape, free))
	return nil
}

// allSteps returns the mark of time and how many steps there are if a shape for v lays the
// features of all steps side by side, for each stream if there may be several.
func (t *translation) allSteps(v *tensor, want []int64) (m mark, steps int) {
	for d, of := range v.free {
		if of != 0 && (m == 0 || d == 1) && product(v.shape[:d+1]) == 1 {
			m = of
		}
	}
	length, fixed := t.steps[m]
	last := len(want) - 1
	if !fixed || length > format.MaxWidth || union(v.free)&^v.free[0]&^m != 0 || last < 1 {
		return 0, 0
	}
	if want[last] != -1 && want[last] != length*int64(v.size()) {
		return 0, 0
	}
	for d, n := range want[:last] {
		streams := d == 0 && v.free[0] != m && (n == 0 || v.free[0] != 0 && n == t.steps[v.free[0]])
		if n != 1 && !streams && (n != -1 || want[last] == -1) {
			return 0, 0
		}
	}
	return m, int(length)
}

// sideBySide sets the output to the features of all steps, the last of which is now: a
// delay line keeps the others.
func (t *translation) sideBySide(n *nodeProto, v *tensor, m mark, steps, rank int) error {
	if v.constant() || v.last || t.within() {
		return mixing(v)
	}
	if v.size() > format.MaxWidth/steps {
		return fmt.Errorf("found %d features of %d steps side by side, supported are up to %d numbers", v.size(), steps, format.MaxWidth)
	}
	if err := t.along(m); err != nil {
		return err
	}
	line, err := t.delayed(n.layerName(), v, kernel{time: m, taps: steps, dilation: 1})
	if err != nil {
		return err
	}
	shape := slices.Repeat([]int{1}, rank)
	shape[rank-1] = line.size()
	free := make([]mark, rank)
	free[0] = v.free[0] &^ m
	line = line.reshaped(shape, free)
	line.last = true
	t.note("node %q (%s): reads the features of %d steps at once: a delay line keeps them", n.name, n.op, steps)
	t.set(n, 0, line)
	return nil
}

// fits verifies that v can have a shape, of which it fills in dimension infer if that
// is not negative.
func fits(v *tensor, shape []int, free []mark, infer int) error {
	if infer >= 0 {
		shape[infer], free[infer] = 1, 0
		if known := product(shape); known > 0 {
			shape[infer] = v.size() / known
		}
		free[infer] = union(v.free) &^ union(free)
	}
	if product(shape) != v.size() {
		return fmt.Errorf("found a value of shape %v at one time step, expected as many elements: export with dynamic or single time and batch dimensions", v.shape)
	}
	// A step stays one step only if as many features follow each free dimension as before.
	for d, m := range free {
		if m == 0 {
			continue
		}
		if shape[d] != 1 || m&^union(v.free) != 0 {
			return mixing(v)
		}
		for k, was := range v.free {
			if was&m != 0 && product(v.shape[k:]) != product(shape[d:]) {
				return mixing(v)
			}
		}
	}
	return nil
}

func mixing(v *tensor) error {
	return fmt.Errorf("found a value of shape %v at one time step of which all steps or streams are made features, supported is one step", v.shape)
}

// oneStep makes dimensions of a shape for v 1 that have the length of one of the
// model's input that was taken as 1, and reports whether there are any.
func (t *translation) oneStep(shape []int, free []mark, infer int, v *tensor) (some bool) {
	for d, n := range shape {
		last := d == len(shape)-1 && len(v.shape) > 0 && n == v.shape[len(v.shape)-1]
		if d == infer || last {
			continue
		}
		if infer >= 0 {
			free[infer] = 0 // it gets what the others leave
		}
		for _, m := range v.free {
			if m = t.fixedOf(m); m != 0 && t.steps[m] == int64(n) && m&union(free) == 0 {
				shape[d], free[d], some = 1, m, true
				break
			}
		}
	}
	return some
}

// fixedOf is the one dimension of those that were made one of which the length is known.
func (t *translation) fixedOf(m mark) mark {
	fixed := mark(0)
	for of := range t.steps {
		switch {
		case of&m == 0:
		case fixed != 0:
			return 0
		default:
			fixed = of
		}
	}
	return fixed & m
}

func (t *translation) flatten(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	a := n.integer("axis", 1)
	if a < 0 {
		a += int64(len(v.shape))
	}
	if a < 0 || a > int64(len(v.shape)) {
		return fmt.Errorf("found axis %d of a value with %d dimensions", a, len(v.shape))
	}
	shape := []int{product(v.shape[:a]), product(v.shape[a:])}
	free := []mark{union(v.free[:a]), union(v.free[a:])}
	for d := range free {
		if free[d] != 0 && shape[d] > 1 {
			if m, steps := t.allSteps(v, []int64{1, -1}); m != 0 && d == 1 {
				return t.sideBySide(n, v, m, steps, len(shape))
			}
			return mixing(v)
		}
	}
	t.set(n, 0, v.reshaped(shape, free))
	return nil
}
