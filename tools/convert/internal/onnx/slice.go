package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

func (t *translation) slice(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	starts, _, err := t.integers(n, 1, "starts")
	if err != nil {
		return err
	}
	ends, measured, _, err := t.lengthsOf(n, 2, "ends")
	if err != nil {
		return err
	}
	axes, some, err := t.integers(n, 3, "axes")
	if err != nil {
		return err
	}
	steps, stepped, err := t.integers(n, 4, "steps")
	if err != nil {
		return err
	}
	if len(ends) != len(starts) || (some && len(axes) != len(starts)) || (stepped && len(steps) != len(starts)) {
		return errors.New("found starts, ends, axes and steps of different lengths")
	}
	offsets := lattice(v.shape)
	for k := range starts {
		a, step := int64(k), int64(1)
		if some {
			a = axes[k]
		}
		if stepped {
			step = steps[k]
		}
		d, err := axis(a, len(v.shape))
		if err != nil {
			return err
		}
		made := mark(0) // the lengths that the end is made from
		if measured != nil {
			made = measured[k]
		}
		whole := made != 0 && made == v.free[d] && ends[k] == 1
		if made != 0 && !whole {
			return fmt.Errorf("found the end %q of axis %d computed from the length of the input, supported are constants, and the length of that axis", n.input(2), d)
		}
		if p := v.padded; p.m != 0 && p.m == v.free[d] {
			length, fixed := t.steps[p.m]
			if p.front > 0 || starts[k] != 0 || step != 1 || !(whole || fixed && ends[k] == length || ends[k] == -int64(p.behind)) {
				return fmt.Errorf("found a slice from %d to %d in steps of %d of axis %d, padded by %d steps in front and %d at its end, supported is that of a convolution without those at its end", starts[k], ends[k], step, d, p.front, p.behind)
			}
			v = v.reshaped(v.shape, v.free)
			v.padded = padding{}
			continue
		}
		if step == -1 && starts[k] == -1 && ends[k] <= math.MinInt32 && v.free[d] != 0 {
			if v, err = t.backward(n, v, d); err != nil {
				return err
			}
			continue
		}
		if step < 1 && (step == 0 || v.free[d] != 0) {
			return fmt.Errorf("found step %d, supported are positive ones, and -1 for a whole sequence", step)
		}
		if m := v.free[d]; m != 0 {
			length, fixed := t.steps[m]
			toEnd := whole || ends[k] >= math.MaxInt32 || fixed && ends[k] == length
			if starts[k] == 0 && toEnd && step == 1 {
				continue
			}
			one := (starts[k] == -1 && toEnd) || (starts[k] == 0 && ends[k] == 1)
			if v, err = t.oneOf(v, d, starts[k], one); err != nil {
				return err
			}
			continue
		}
		offsets[d] = every(offsets[d], starts[k], ends[k], step)
	}
	return t.move(n, 0, v, lengths(offsets), v.free, offsets)
}

// every is the elements of list from start up to end, which is not among them, or with a
// negative step down to it.
func every(list []int, start, end, step int64) (keep []int) {
	n := len(list)
	step = max(min(step, math.MaxInt32), -math.MaxInt32)
	if step > 0 {
		for j := clampIndex(start, n); j < clampIndex(end, n); j += int(step) {
			keep = append(keep, list[j])
		}
		return keep
	}
	last := clampIndex(end, n)
	if end < -int64(n) {
		last = -1 // the first one too
	}
	for j := min(clampIndex(start, n), n-1); j > last; j += int(step) {
		keep = append(keep, list[j])
	}
	return keep
}

// reverseSequence translates ReverseSequence of whole sequences.
func (t *translation) reverseSequence(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	lengths, err := t.must(n, 1)
	if err != nil {
		return err
	}
	if lengths.kind != ints || lengths.dyn == nil || len(lengths.i) != 1 || lengths.i[0] != 1 {
		return fmt.Errorf("found sequence lengths %q that are not the length of the input, supported is a whole sequence", n.input(1))
	}
	d, err := axis(n.integer("time_axis", 0), len(v.shape))
	if err != nil {
		return err
	}
	if v.free[d] == 0 || v.free[d] != lengths.dyn[0] {
		return fmt.Errorf("found axis %d of a value of shape %v in reverse order, supported is time, all of it", d, v.shape)
	}
	out, err := t.backward(n, v, d)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}

// backward is v with its time steps, dimension d, in reverse order.
func (t *translation) backward(n *nodeProto, v *tensor, d int) (*tensor, error) {
	if v.constant() || v.last {
		return nil, errors.New("found a constant or a single time step in reverse order, supported is a sequence")
	}
	if err := t.along(v.free[d]); err != nil {
		return nil, err
	}
	name := n.layerName()
	return t.layer(name, v, func(x format.Buffer) format.Buffer { return t.builder.Reverse(name, x) })
}

func clampIndex(i int64, n int) int {
	if i < 0 {
		i = max(i, -int64(n)) + int64(n)
	}
	return int(min(i, int64(n)))
}

func (t *translation) split(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	d, err := axis(n.integer("axis", 0), len(v.shape))
	if err != nil {
		return err
	}
	if v.free[d] != 0 {
		return errors.New("found a split of time steps or streams, supported are features; where the steps of a cell are written out one by one, export it as a node (Keras: unroll=False)")
	}
	sizes, some, err := t.integers(n, 1, "split")
	if err != nil {
		return err
	}
	if !some {
		parts := len(n.outputs)
		each := (v.shape[d] + parts - 1) / max(parts, 1)
		for left := v.shape[d]; parts > 0; parts-- {
			sizes = append(sizes, int64(min(each, left)))
			left -= min(each, left)
		}
	}
	if len(sizes) != len(n.outputs) {
		return fmt.Errorf("found %d sizes for %d outputs", len(sizes), len(n.outputs))
	}
	at, offsets := 0, lattice(v.shape)
	all := offsets[d]
	for k, s := range sizes {
		if s < 0 || s > int64(v.shape[d]-at) {
			return fmt.Errorf("found sizes %v for a dimension of %d", sizes, v.shape[d])
		}
		offsets[d] = all[at:][:s]
		if err := t.move(n, k, v, lengths(offsets), v.free, offsets); err != nil {
			return err
		}
		at += int(s)
	}
	if at != v.shape[d] {
		return fmt.Errorf("found sizes %v for a dimension of %d", sizes, v.shape[d])
	}
	return nil
}

// gather takes elements, or makes an embedding where the token is the index.
func (t *translation) gather(n *nodeProto) error {
	if t.around != nil {
		if v, ok, err := t.around.read(n); ok {
			if err == nil {
				t.set(n, 0, v)
			}
			return err
		}
	}
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	index, err := t.must(n, 1)
	if err != nil {
		return err
	}
	d, err := axis(n.integer("axis", 0), len(v.shape))
	if err != nil {
		return err
	}
	if index.kind == activation {
		return t.embedding(n, v, index, d)
	}
	if index.kind != ints {
		return errors.New("found indices that are not integers")
	}
	if union(index.dyn) != 0 {
		return fmt.Errorf("found the index %q computed from the length of the input, supported are constants", n.input(1))
	}
	offsets := lattice(v.shape)
	var keep []int
	for _, i := range index.i {
		j, err := axis(i, v.shape[d])
		if err != nil {
			return fmt.Errorf("found index %d into a dimension of %d", i, v.shape[d])
		}
		if v.free[d] != 0 {
			if v, err = t.oneOf(v, d, i, len(index.i) == 1); err != nil {
				return err
			}
		}
		keep = append(keep, offsets[d][j])
	}
	offsets[d] = keep
	shape := slices.Concat(v.shape[:d], index.shape, v.shape[d+1:])
	free := slices.Concat(v.free[:d], make([]mark, len(index.shape)), v.free[d+1:])
	return t.move(n, 0, v, shape, free, offsets)
}

// oneOf is v at one time step, index i of dimension d: the last one, or the first of
// directions that run backward, which is their own last.
func (t *translation) oneOf(v *tensor, d int, i int64, one bool) (*tensor, error) {
	u := *v
	u.last, u.free = true, slices.Clone(v.free)
	u.free[d] = 0
	if t.timed && v.free[d]&t.time == 0 && one { // a stream
		u.last = v.last
		return &u, nil
	}
	if i == -1 && one {
		return &u, nil
	}
	turns := i == 0 && one && t.timed && v.free[d] == t.time && !v.constant()
	u.refs = make([]ref, len(v.refs))
	for k, r := range v.refs {
		s := t.sources[r.source]
		turns = turns && s.kind == turned
		u.refs[k] = ref{s.of, r.index}
	}
	if !turns {
		return nil, fmt.Errorf("found index or slice %d of axis %d, time steps or streams; supported are all, the last (-1), and the first (0) of a direction that runs backward; where the steps of a cell are written out one by one, export it as a node (PyTorch: dynamo=False)", i, d)
	}
	return &u, nil
}
