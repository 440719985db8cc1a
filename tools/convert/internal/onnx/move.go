package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
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
	if k >= 0 {
		in, err := t.value(n, k)
		if err != nil {
			return nil, false, err
		}
		if in != nil {
			if in.kind != ints {
				return nil, false, fmt.Errorf("found %s %q computed from the input or not of integers, supported are constants", attribute, n.input(k))
			}
			return in.i, true, nil
		}
	}
	a := n.attributes[attribute]
	if a == nil {
		return nil, false, nil
	}
	return a.ints, true, nil
}

// move sets output 0 to a value of t's elements, which the budget has to allow.
func (t *translation) move(n *nodeProto, out int, v *tensor, shape []int, free []bool, offsets [][]int) error {
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
	var free []bool
	for d := range v.shape {
		if !some && v.free[d] {
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
	shape, free, from := make([]int, rank), make([]bool, rank), 0
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
	want, some, err := t.integers(n, 1, "shape")
	if err != nil {
		return err
	}
	if !some || len(want) > maxDims {
		return fmt.Errorf("found shape %v, supported are up to %d dimensions", want, maxDims)
	}
	shape, infer := make([]int, len(want)), -1
	for d, w := range want {
		switch {
		case w == -1 && infer < 0:
			shape[d], infer = 1, d
		case w == 0 && d < len(v.shape) && n.integer("allowzero", 0) == 0:
			shape[d] = v.shape[d]
		case w < 0 || w > math.MaxInt32:
			return fmt.Errorf("found shape %v", want)
		default:
			shape[d] = int(w)
		}
	}
	known, err := checked(shape)
	if err != nil {
		return err
	}
	if infer >= 0 && known > 0 {
		shape[infer] = v.size() / known
	}
	if product(shape) != v.size() {
		return fmt.Errorf("found shape %v for a value of shape %v at one time step, expected as many elements: export with dynamic or single time and batch dimensions", want, v.shape)
	}
	t.set(n, 0, v.reshaped(shape, v.freed(shape)))
	return nil
}

// freed is which dimensions of a reshaped value are free: as before where the
// leading dimensions agree, and else every 1 that may be.
func (t *tensor) freed(shape []int) []bool {
	free, same := make([]bool, len(shape)), len(shape) == len(t.shape)
	for d := range shape {
		same = same && shape[d] == t.shape[d]
	}
	for d := range shape {
		if same {
			free[d] = t.free[d]
		} else {
			free[d] = shape[d] == 1 && slices.Contains(t.free, true)
		}
	}
	return free
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
	t.set(n, 0, v.reshaped(shape, v.freed(shape)))
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
	from, offsets, free := lattice(v.shape), make([][]int, rank), make([]bool, rank)
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
		if len(v.shape) != len(shape) {
			return fmt.Errorf("found shapes %v and %v", first.shape, v.shape)
		}
		for j := range shape {
			if j != d && v.shape[j] != shape[j] {
				return fmt.Errorf("found shapes %v and %v", first.shape, v.shape)
			}
		}
		if v.free[d] && len(parts) > 1 {
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
	out := &tensor{shape: shape, free: free, kind: first.kind}
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
			}
		}
	}
	t.set(n, 0, out)
	return nil
}

func (t *translation) slice(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	starts, _, err := t.integers(n, 1, "starts")
	if err != nil {
		return err
	}
	ends, _, err := t.integers(n, 2, "ends")
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
		if step < 1 {
			return fmt.Errorf("found step %d, supported are positive ones", step)
		}
		whole := len(offsets[d])
		start, end := clampIndex(starts[k], whole), clampIndex(ends[k], whole)
		if v.free[d] && !(starts[k] == 0 && ends[k] >= math.MaxInt32) && !(starts[k] == -1 && (ends[k] >= math.MaxInt32)) {
			return fmt.Errorf("found time steps or streams [%d:%d] of axis %d, supported are all and the last", starts[k], ends[k], d)
		}
		var keep []int
		for j := start; j < end; j += int(min(step, math.MaxInt32)) {
			keep = append(keep, offsets[d][j])
		}
		offsets[d] = keep
	}
	return t.move(n, 0, v, lengths(offsets), v.free, offsets)
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
	if v.free[d] {
		return errors.New("found a split of time steps or streams, supported are features")
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
	offsets := lattice(v.shape)
	var keep []int
	for _, i := range index.i {
		j, err := axis(i, v.shape[d])
		if err != nil {
			return fmt.Errorf("found index %d into a dimension of %d", i, v.shape[d])
		}
		if v.free[d] && i != -1 {
			return fmt.Errorf("found index %d into time steps or streams, supported is -1, the last", i)
		}
		keep = append(keep, offsets[d][j])
	}
	offsets[d] = keep
	shape := slices.Concat(v.shape[:d], index.shape, v.shape[d+1:])
	free := slices.Concat(v.free[:d], make([]bool, len(index.shape)), v.free[d+1:])
	return t.move(n, 0, v, shape, free, offsets)
}

func (t *translation) expand(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	want, _, err := t.integers(n, 1, "shape")
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
	offsets, free := make([][]int, len(shape)), make([]bool, len(shape))
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
