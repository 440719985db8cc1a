package tflite

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// end adds the function that an operator ends in.
func (l *lowering) end(n node, code int) error {
	f, err := fused(code)
	if err != nil {
		return err
	}
	// The operator's output gets another name, and the function's the tensor's.
	from := l.names[n.out[0]]
	switch f.Kind {
	case format.Linear:
		return nil
	case format.Relu:
		l.names[n.out[0]] = l.step("Relu", n, ".activation", nil, from)
	case format.Clip:
		l.names[n.out[0]] = l.step("Clip", n, ".activation", nil, from, l.number(n, ".from", f.Alpha), l.number(n, ".to", f.Beta))
	default:
		return fmt.Errorf("ends in TANH, which not all kernels of TFLite compute there: supported is a TANH of its own")
	}
	return nil
}

func (l *lowering) clip(n node, from, to float32, x string) {
	l.add("Clip", n, nil, x, l.number(n, ".from", from), l.number(n, ".to", to))
}

// number adds a constant.
func (l *lowering) number(n node, suffix string, x float32) string {
	name := fmt.Sprint(l.prefix, n.out[0], suffix)
	l.to.Floats(name, nil, []float32{x})
	return name
}

// dense is FULLY_CONNECTED: W has a row for each output. x of more axes than two becomes a
// matrix, unless its axes are kept.
func (l *lowering) dense(n node, in []string) error {
	if layout := n.settings.byte(1); layout != 0 {
		return fmt.Errorf("has weights in format %d, supported is the default", layout)
	}
	if len(in) < 2 {
		return fmt.Errorf("has no weights")
	}
	x, w, out := l.g.tensors[n.in[0]].shape, l.g.tensors[n.in[1]], l.g.tensors[n.out[0]].shape
	if len(w.shape) != 2 || w.data == nil || len(x) == 0 || w.shape[1] == 0 {
		return fmt.Errorf("has weights (%.60q) of shape %v, supported are constants, [outputs, inputs]", w.name, w.shape)
	}
	if len(out) != len(x) || x[len(x)-1] != w.shape[1] {
		rows := l.g.tensors[n.in[0]].elements / w.shape[1]
		in[0], x = l.reshape(n, in[0], x, []int{rows, w.shape[1]}), []int{rows, w.shape[1]}
	}
	var bias string
	if len(in) > 2 {
		bias = in[2]
	}
	if len(x) == 2 {
		l.add("Gemm", n, map[string]any{"transB": 1}, in[0], in[1], bias)
		return l.end(n, n.settings.byte(0))
	}
	turned := l.step("Transpose", n, ".weights", map[string]any{"perm": []int{1, 0}}, in[1])
	l.add("MatMul", n, nil, in[0], turned)
	if bias != "" {
		l.names[n.out[0]] = l.step("Add", n, ".bias", nil, l.names[n.out[0]], bias)
	}
	return l.end(n, n.settings.byte(0))
}

// pad is PAD, of zeros.
func (l *lowering) pad(n node, x string) error {
	pads, err := l.g.places(n, 1)
	if err != nil {
		return err
	}
	rank := len(l.g.tensors[n.in[0]].shape)
	if len(pads) != 2*rank {
		return fmt.Errorf("has %d pads for %d dimensions", len(pads), rank)
	}
	var front, behind []int // of each dimension in turn there, all of the fronts first here
	for d := range rank {
		front, behind = append(front, pads[2*d]), append(behind, pads[2*d+1])
	}
	l.add("Pad", n, nil, x, l.integers(slices.Concat(front, behind)...))
	return nil
}

// convolution is CONV_2D: x is [batch, height, width, channels], and the weights are
// [outputs, height, width, channels]; in ONNX channels come second.
func (l *lowering) convolution(n node, in []string) error {
	o := n.settings
	if len(in) < 2 {
		return fmt.Errorf("has no weights")
	}
	w := l.g.tensors[n.in[1]]
	if len(w.shape) != 4 || len(l.g.tensors[n.in[0]].shape) != 4 {
		return fmt.Errorf("has x of shape %v and weights of shape %v, want 4 dimensions", l.g.tensors[n.in[0]].shape, w.shape)
	}
	kernel := w.shape[1:3]
	const same = 0
	if o.byte(0) == same && product(kernel) != 1 {
		return fmt.Errorf("has a kernel of %v and pads on both sides (SAME), which read steps to come; supported is one along time with PAD in front of it", kernel)
	}
	first, last := []int{0, 3, 1, 2}, []int{0, 2, 3, 1}
	x := l.step("Transpose", n, ".x", map[string]any{"perm": first}, in[0])
	in[1] = l.step("Transpose", n, ".weights", map[string]any{"perm": first}, in[1])
	y := l.step("Conv", n, ".y", map[string]any{
		"kernel_shape": kernel,
		"strides":      []int{o.int(2), o.int(1)},
		"dilations":    []int{o.intOr(5, 1), o.intOr(4, 1)},
	}, append([]string{x}, in[1:]...)...)
	l.add("Transpose", n, map[string]any{"perm": last}, y)
	return l.end(n, o.byte(3))
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
