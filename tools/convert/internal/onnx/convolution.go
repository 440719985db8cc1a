package onnx

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// pad translates Pad by nothing, and by zeros along time, which a causal convolution reads:
// they are kept with the value until then.
func (t *translation) pad(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	pads, _, err := t.integers(n, 1, "pads")
	if err != nil {
		return err
	}
	axes, some, err := t.integers(n, 3, "axes")
	if err != nil {
		return err
	}
	if !some {
		for d := range v.shape {
			axes = append(axes, int64(d))
		}
	}
	if !slices.ContainsFunc(pads, func(p int64) bool { return p != 0 }) {
		t.set(n, 0, v)
		return nil
	}
	if len(pads) != 2*len(axes) {
		return fmt.Errorf("found pads %v for a value of shape %v", pads, v.shape)
	}
	refuse := fmt.Errorf("found pads %v of a value of shape %v at one time step, supported are zeros in front of the first time step for a causal convolution: export the model from its features on", pads, v.shape)
	zeros, err := t.padsWithZeros(n)
	if err != nil {
		return err
	}
	out := v.reshaped(v.shape, v.free)
	for k, a := range axes {
		front, behind := pads[k], pads[k+len(axes)]
		d, err := axis(a, len(v.shape))
		if err != nil {
			return err
		}
		if front == 0 && behind == 0 {
			continue
		}
		if !zeros || v.constant() || v.free[d] == 0 || v.last || t.within() || out.padded.m != 0 ||
			min(front, behind) < 0 || max(front, behind) > format.MaxWidth {
			return refuse
		}
		out.padded = padding{v.free[d], int(front), int(behind)}
	}
	t.set(n, 0, out)
	return nil
}

// padsWithZeros reports whether a Pad adds zeros, and not what lies at the edge.
func (t *translation) padsWithZeros(n *nodeProto) (bool, error) {
	if a := n.attributes["mode"]; a != nil && a.s != "constant" {
		return false, nil
	}
	if n.setting(setting{"value", 0}) != 0 {
		return false, nil
	}
	v, err := t.value(n, 2)
	if err != nil || v == nil {
		return err == nil, err
	}
	return v.kind == floats && !slices.ContainsFunc(v.f, func(f float32) bool { return f != 0 }), nil
}

// mayStream reports whether a Conv of this kernel can be one along time alone that gives an
// output at every step.
func mayStream(n *nodeProto, kernel []int64) bool {
	long := 0
	for _, k := range kernel {
		if k != 1 {
			long++
		}
	}
	if a := n.attributes["strides"]; a != nil && slices.ContainsFunc(a.ints, func(s int64) bool { return s != 1 }) && long > 0 {
		return false
	}
	return long <= 1
}

// convolution translates Conv: with a kernel of one element a dense layer of the channels,
// which are dimension 1, and one along time that is causal a delay line and a dense layer.
func (t *translation) convolution(n *nodeProto) error {
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	w, err := t.parameter(n, 1, "W")
	if err != nil {
		return err
	}
	if len(w.shape) < 3 || len(w.shape) != len(x.shape) {
		return fmt.Errorf("found W of shape %v for a value of shape %v", w.shape, x.shape)
	}
	k, err := t.kernel(n, x, w.shape[2:])
	if err != nil {
		return err
	}
	C, outputs := x.shape[1], w.shape[0]
	if w, err = t.ungrouped(n, w, C); err != nil {
		return err
	}
	if x.size() != C || x.free[1] != 0 {
		return fmt.Errorf("found W of shape %v for a value of shape %v at one time step, expected [outputs, features, kernel]", w.shape, x.shape)
	}
	name, shape := n.layerName(), slices.Clone(x.shape)
	shape[1] = outputs
	in, matrix := x, slices.Clone(w.f)
	if k.taps > 1 {
		if in, err = t.delayed(name+".line", x, k); err != nil {
			return err
		}
		for row := 0; row < len(matrix); row += in.size() { // here all features of a step, in w all steps of a feature
			copy(matrix[row:], transposed(w.f[row:row+in.size()], C, k.taps))
		}
	}
	out, err := t.product(name, in, shape, x.free, matrix)
	if err != nil {
		return err
	}
	if n.input(2) != "" {
		b, err := t.parameter(n, 2, "B")
		if err != nil {
			return err
		}
		if len(b.f) != outputs {
			return fmt.Errorf("found B of shape %v, expected [%d]", b.shape, outputs)
		}
		if out, err = t.affine(name+".bias", out, nil, b.f); err != nil {
			return err
		}
	}
	if k.behind > 0 {
		out = out.reshaped(out.shape, out.free)
		out.padded = padding{m: k.time, behind: k.behind}
	}
	t.set(n, 0, out)
	return nil
}

// ungrouped is the kernel of a Conv of C features in one group. Of several, as in a depthwise
// convolution, each reads its own features: the weights of all others are zeros then.
func (t *translation) ungrouped(n *nodeProto, w *tensor, C int) (*tensor, error) {
	groups, outputs, own := n.integer("group", 1), w.shape[0], w.shape[1]
	if groups < 1 || groups > int64(C) || own != C/int(groups) || own*int(groups) != C || outputs%int(groups) != 0 {
		return nil, fmt.Errorf("found W of shape %v in %d groups for %d features, expected [outputs, features of a group, kernel]", w.shape, groups, C)
	}
	if groups == 1 {
		return w, nil
	}
	shape := slices.Clone(w.shape)
	shape[1] = C
	size, err := checked(shape)
	if err != nil {
		return nil, err
	}
	if err := t.spend(size); err != nil {
		return nil, err
	}
	all := &tensor{shape: shape, free: w.free, f: make([]float32, size)}
	taps := product(shape[2:])
	for o := range outputs {
		first := o / (outputs / int(groups)) * own // feature of the group
		copy(all.f[(o*C+first)*taps:], w.f[o*own*taps:][:own*taps])
	}
	t.note("node %q (%s): its %d groups became one, with zeros for the weights between them", n.name, n.op, groups)
	return all, nil
}

// A kernel is how a convolution runs along time.
type kernel struct {
	time           mark // 0 for none
	taps, dilation int
	behind         int // how many steps it gives more than it reads, at the end
}

// kernel reads the kernel of a Conv of x, of this shape, that reads no step to come.
func (t *translation) kernel(n *nodeProto, x *tensor, shape []int) (kernel, error) {
	k := kernel{taps: 1, dilation: 1}
	pads, dilations := make([]int64, 2*len(shape)), slices.Repeat([]int64{1}, len(shape))
	for _, a := range []struct {
		name string
		list []int64
	}{{"pads", pads}, {"dilations", dilations}} {
		if v := n.attributes[a.name]; v != nil {
			if len(v.ints) != len(a.list) || slices.ContainsFunc(v.ints, func(i int64) bool { return i < 0 || i > format.MaxWidth }) {
				return k, fmt.Errorf("found %s %v for a kernel of %v", a.name, v.ints, shape)
			}
			copy(a.list, v.ints)
		}
	}
	if a := n.attributes["strides"]; a != nil && slices.ContainsFunc(a.ints, func(s int64) bool { return s != 1 }) {
		return k, fmt.Errorf("found strides %v, which leave time steps out, supported are strides of 1", a.ints)
	}
	for j, size := range shape {
		d := 2 + j
		front, behind := int(pads[j]), int(pads[j+len(shape)])
		if m := x.padded.m; m != 0 && m == x.free[d] {
			front, behind = front+x.padded.front, behind+x.padded.behind
		}
		if size == 1 && front == 0 && behind == 0 {
			continue
		}
		if a := n.attributes["auto_pad"]; a != nil && a.s != "NOTSET" && a.s != "VALID" {
			return k, fmt.Errorf("found auto_pad %q with a kernel of %v, supported are pads: in front of the first time step", a.s, shape)
		}
		before := int64(size-1) * dilations[j]
		if x.free[d] == 0 || x.shape[d] != 1 || x.last || t.within() || k.time != 0 || size < 1 || dilations[j] < 1 || int64(front) != before {
			return k, fmt.Errorf("found a convolution with a kernel of %v, which reads several time steps or frames at once, and %d zeros in front; supported is a kernel of 1, and one along time that is causal, with %d zeros in front of the first step: export the model from its features on", shape, front, before)
		}
		k = kernel{x.free[d], size, int(dilations[j]), behind}
	}
	if x.padded.m != k.time && x.padded.m != 0 {
		return k, x.unpadded(n.input(0))
	}
	if k.time != 0 {
		return k, t.along(k.time)
	}
	return k, nil
}

// delayed is x at this step and at those before that a kernel reads.
func (t *translation) delayed(name string, x *tensor, k kernel) (*tensor, error) {
	width := k.taps * x.size() // no more than the kernel has elements
	if err := t.spend(width); err != nil {
		return nil, err
	}
	if t.step != nil {
		return t.symbolic([]int{width}, []mark{0}, width, func() []cellmatch.Value { return t.step.Leaves(width) })
	}
	in, err := t.whole(name+".input", x)
	if err != nil {
		return nil, err
	}
	return t.computed([]int{width}, []mark{0}, t.builder.DelayLine(name, in, k.taps, k.dilation)), nil
}
