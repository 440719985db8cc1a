package tflite

import (
	"fmt"
	"math"
	"slices"
)

// reshape is one in which only axes of size 1 come and go, wherever it is that: then it is
// known where time went.
func (l *lowering) reshape(n node, x string, from, to []int) string {
	ones := func(shape []int) (axes, rest []int) {
		for k, d := range shape {
			if d == 1 {
				axes = append(axes, k)
			} else {
				rest = append(rest, d)
			}
		}
		return axes, rest
	}
	gone, before := ones(from)
	come, after := ones(to)
	if slices.Equal(from, to) {
		return l.step("Identity", n, ".shape", nil, x)
	}
	if !slices.Equal(before, after) {
		return l.step("Reshape", n, ".shape", nil, x, l.integers(to...))
	}
	if len(gone) > 0 {
		x = l.step("Squeeze", n, ".squeezed", nil, x, l.integers(gone...))
	}
	if len(come) > 0 {
		x = l.step("Unsqueeze", n, ".shape", nil, x, l.integers(come...))
	}
	return x
}

// fill is a constant: all shapes are known.
func (l *lowering) fill(n node) error {
	if !n.there(1) {
		return fmt.Errorf("lacks its value")
	}
	v, err := l.constant(n.in[1], "value", 1)
	if err != nil {
		return err
	}
	t := l.g.tensors[n.out[0]]
	if err := l.spend(int64(t.elements)); err != nil {
		return err
	}
	l.floats(n.out[0], t.shape, slices.Repeat(v, t.elements))
	return nil
}

// split is SPLIT, SPLIT_V and UNPACK: the parts have the sizes of the outputs.
func (l *lowering) split(n node, x string) error {
	from := l.g.tensors[l.data(n)[0]].shape
	axis, at := n.settings.int(1), 0
	if n.op != opUnpack {
		if n.op == opSplitV {
			at = 2
		}
		v, err := l.g.places(n, at)
		if err != nil {
			return err
		}
		if len(v) != 1 {
			return fmt.Errorf("has axes %v, supported is one", v)
		}
		axis = v[0]
	}
	if axis < 0 {
		axis += len(from)
	}
	if axis < 0 || axis >= len(from) {
		return fmt.Errorf("has axis %d of a tensor of shape %v", axis, from)
	}
	var parts []int
	var outs []string
	for _, k := range n.out {
		size := 1
		if n.op != opUnpack {
			shape := l.g.tensors[k].shape
			if len(shape) != len(from) {
				return fmt.Errorf("makes shape %v of %v", shape, from)
			}
			size = shape[axis]
		}
		parts, outs = append(parts, size), append(outs, fmt.Sprint(l.prefix, k))
	}
	whole := slices.Clone(outs)
	if n.op == opUnpack {
		for i := range whole {
			whole[i] += ".part"
		}
	}
	if len(parts) == 1 {
		l.to.Node("Identity", l.label(n), []string{x}, whole, nil)
	} else {
		l.to.Node("Split", l.label(n), []string{x, l.integers(parts...)}, whole, map[string]any{"axis": axis})
	}
	for i, k := range n.out {
		if n.op == opUnpack {
			l.to.Node("Squeeze", fmt.Sprint(l.label(n), ".", i), []string{whole[i], l.integers(axis)}, outs[i:i+1], nil)
		}
		l.names[k] = outs[i]
	}
	return nil
}

// stridedSlice takes from begin to end of each axis; a mask bit says that an axis begins
// or ends where it does, or that one index is taken and the axis goes.
func (l *lowering) stridedSlice(n node, x string) error {
	shape := l.g.tensors[n.in[0]].shape
	var at [3][]int // begin, end, strides
	for i := range at {
		v, err := l.g.places(n, i+1)
		if err != nil {
			return err
		}
		if len(v) > len(shape) || i > 0 && len(v) != len(at[0]) {
			return fmt.Errorf("takes %d indices of a tensor of shape %v", len(v), shape)
		}
		at[i] = v
	}
	if n.settings.int(2) != 0 || n.settings.int(3) != 0 {
		return fmt.Errorf("has an ellipsis or a new axis, supported are begin, end and strides")
	}
	begin, end, shrink := n.settings.int(0), n.settings.int(1), n.settings.int(4)
	var axes, gone []int
	for k := range at[0] {
		axes = append(axes, k)
		switch {
		case at[2][k] == 0:
			return fmt.Errorf("has a stride of 0")
		case shrink>>k&1 != 0:
			gone, at[2][k] = append(gone, k), 1
			if at[1][k] = at[0][k] + 1; at[1][k] == 0 {
				at[1][k] = math.MaxInt32
			}
			continue
		case at[2][k] < 0:
			return fmt.Errorf("has a stride of %d, supported are positive ones", at[2][k])
		}
		if begin>>k&1 != 0 {
			at[0][k] = 0
		}
		if end>>k&1 != 0 || at[1][k] == shape[k] {
			at[1][k] = math.MaxInt32
		}
	}
	y := l.step("Slice", n, ".slice", nil, x, l.integers(at[0]...), l.integers(at[1]...), l.integers(axes...), l.integers(at[2]...))
	if len(gone) > 0 {
		y = l.step("Squeeze", n, "", nil, y, l.integers(gone...))
	}
	l.names[n.out[0]] = y
	return nil
}

// slice is SLICE: begin and size, −1 for the rest.
func (l *lowering) slice(n node, x string) error {
	from, err := l.g.places(n, 1)
	if err != nil {
		return err
	}
	size, err := l.g.places(n, 2)
	if err != nil {
		return err
	}
	shape := l.g.tensors[n.in[0]].shape
	if len(from) != len(shape) || len(size) != len(shape) {
		return fmt.Errorf("has %d begins and %d sizes for shape %v", len(from), len(size), shape)
	}
	axes, to := make([]int, len(shape)), make([]int, len(shape))
	for k := range axes {
		if axes[k], to[k] = k, from[k]+size[k]; size[k] < 0 || to[k] == shape[k] {
			to[k] = math.MaxInt32
		}
	}
	l.add("Slice", n, nil, x, l.integers(from...), l.integers(to...), l.integers(axes...))
	return nil
}

// gather is GATHER of one constant place, or of the rows of a table whose numbers are
// computed; a loop has given the others a name already.
func (l *lowering) gather(n node, in []string) error {
	shape := l.g.tensors[n.in[0]].shape
	axis := n.settings.int(0)
	if axis < 0 {
		axis += len(shape)
	}
	if axis < 0 || axis >= len(shape) || n.settings.int(1) != 0 {
		return fmt.Errorf("has axis %d of shape %v, and batch dimensions %d; supported are an axis of its own and 0", axis, shape, n.settings.int(1))
	}
	if len(in) > 1 {
		l.add("Gather", n, map[string]any{"axis": axis}, in...)
		return nil
	}
	at, err := l.g.places(n, 1)
	if err != nil {
		return err
	}
	if len(at) != 1 || at[0] < 0 {
		return fmt.Errorf("takes places %v along axis %d of shape %v, supported is one", at, axis, shape)
	}
	end := at[0] + 1
	if end == shape[axis] {
		end = math.MaxInt32
	}
	y := l.step("Slice", n, ".slice", nil, in[0], l.integers(at[0]), l.integers(end), l.integers(axis))
	if len(l.g.tensors[n.out[0]].shape) < len(shape) {
		y = l.step("Squeeze", n, "", nil, y, l.integers(axis))
	}
	l.names[n.out[0]] = y
	return nil
}
