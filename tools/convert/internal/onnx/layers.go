package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// A dense is a dense layer that the ops after it may still become part of.
type dense struct {
	name    string
	x       format.Buffer
	w, bias []float32 // [n, width of x], [n] or nil
	f       format.Activation
}

// addDense makes a pending dense layer of x and weights [n, K] the node's output.
func (t *translation) addDense(n *nodeProto, x *tensor, shape []int, free []bool, w, bias []float32) error {
	width := product(shape)
	if width < 1 || width > format.MaxWidth {
		return fmt.Errorf("found %d outputs, supported are 1 to %d", width, format.MaxWidth)
	}
	if err := t.spend(len(w) + width); err != nil {
		return err
	}
	buf, err := t.whole(n.layerName()+".input", x)
	if err != nil {
		return err
	}
	d := &dense{name: n.layerName(), x: buf, w: w, bias: bias}
	t.set(n, 0, &tensor{shape: shape, free: free, kind: activation, refs: t.addSource(source{kind: computed, width: width, dense: d})})
	return nil
}

// pending returns the dense layer whose outputs v is, all and in order, if it is
// still open and linear.
func (t *translation) pending(v *tensor) *dense {
	if len(v.refs) == 0 {
		return nil
	}
	id := v.refs[0].source
	d := t.sources[id].dense
	if d == nil || d.f != format.Linear || len(v.refs) != t.sources[id].width {
		return nil
	}
	for k, r := range v.refs {
		if r != (ref{id, int32(k)}) {
			return nil
		}
	}
	return d
}

// transposed turns [K, N] into [N, K].
func transposed(w []float32, K, N int) []float32 {
	out := make([]float32, len(w))
	for k := range K {
		for j := range N {
			out[j*K+k] = w[k*N+j]
		}
	}
	return out
}

func (t *translation) gemm(n *nodeProto) error {
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	for name, want := range map[string]float32{"alpha": 1, "beta": 1} {
		if a := n.attributes[name]; a != nil && a.f != want {
			return fmt.Errorf("found %s %v, supported is 1", name, a.f)
		}
	}
	if n.integer("transA", 0) != 0 {
		return errors.New("found transA 1, supported is 0")
	}
	B, err := t.parameter(n, 1, "B")
	if err != nil {
		return err
	}
	if len(B.shape) != 2 || len(x.shape) != 2 {
		return fmt.Errorf("found matrices of shapes %v and %v", x.shape, B.shape)
	}
	K, N, w := B.shape[0], B.shape[1], B.f
	if n.integer("transB", 0) != 0 {
		K, N, w = N, K, slices.Clone(w)
	} else {
		if err := t.spend(len(w)); err != nil {
			return err
		}
		w = transposed(w, K, N)
	}
	if x.shape[0] != 1 || x.shape[1] != K {
		return fmt.Errorf("found a value of shape %v at one time step, expected [1, %d] for B of shape %v", x.shape, K, B.shape)
	}
	var bias []float32
	if n.input(2) != "" {
		C, err := t.parameter(n, 2, "C")
		if err != nil {
			return err
		}
		if C, err = t.broadcast(C, []int{1, N}); err != nil {
			return err
		}
		if C.size() != N {
			return fmt.Errorf("found C of shape %v, expected [%d]", C.shape, N)
		}
		bias = C.f
	}
	return t.addDense(n, x, []int{1, N}, []bool{x.free[0], false}, w, bias)
}

func (t *translation) matMul(n *nodeProto) error {
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	B, err := t.parameter(n, 1, "the right side")
	if err != nil {
		return err
	}
	if len(B.shape) != 2 {
		return fmt.Errorf("found a right side of shape %v, supported are matrices", B.shape)
	}
	K, N, last := B.shape[0], B.shape[1], len(x.shape)-1
	if last < 0 || x.shape[last] != K || x.size() != K {
		return fmt.Errorf("found a value of shape %v at one time step, expected %d features for a right side of shape %v", x.shape, K, B.shape)
	}
	if err := t.spend(len(B.f)); err != nil {
		return err
	}
	shape := slices.Clone(x.shape)
	shape[last] = N
	return t.addDense(n, x, shape, x.free, transposed(B.f, K, N), nil)
}

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
	switch {
	case a.constant() && b.constant():
		return t.fold(n, a, b)
	case b.constant():
		return t.withConstant(n, a, b, false)
	case a.constant():
		return t.withConstant(n, b, a, true)
	}
	if n.op != "Add" {
		return errors.New("found two computed values, supported is that with Add only")
	}
	shape, err := common(a.shape, b.shape)
	if err != nil {
		return err
	}
	if size := product(shape); size != a.size() || size != b.size() {
		return fmt.Errorf("found shapes %v and %v, expected vectors of one length", a.shape, b.shape)
	}
	x, err := t.whole(n.layerName()+".input", a)
	if err != nil {
		return err
	}
	y, err := t.whole(n.layerName()+".input2", b)
	if err != nil {
		return err
	}
	if err := t.spend(product(shape)); err != nil {
		return err
	}
	free := (&tensor{shape: a.shape, free: a.free}).freed(shape)
	if !slices.Equal(shape, a.shape) && slices.Equal(shape, b.shape) {
		free = b.free
	}
	t.set(n, 0, t.computed(shape, free, t.builder.Add(n.layerName(), x, y)))
	return nil
}

// withConstant makes a constant part of the dense layer before it.
func (t *translation) withConstant(n *nodeProto, v, c *tensor, constantFirst bool) error {
	if c.kind != floats {
		return errors.New("found an integer constant with a computed value, supported are floats")
	}
	shape, err := common(v.shape, c.shape)
	if err != nil {
		return err
	}
	if product(shape) != v.size() {
		return fmt.Errorf("found a constant of shape %v with a value of shape %v, supported is one number for each feature", c.shape, v.shape)
	}
	free := v.freed(shape)
	if c, err = t.broadcast(c, shape); err != nil {
		return err
	}
	neutral := float32(0)
	if n.op == "Mul" || n.op == "Div" {
		neutral = 1
	}
	if !(constantFirst && (n.op == "Sub" || n.op == "Div")) && !slices.ContainsFunc(c.f, func(f float32) bool { return f != neutral }) {
		t.set(n, 0, v.reshaped(shape, free))
		return nil
	}
	d := t.pending(v)
	if d == nil {
		return errors.New("found a constant with a value that is not the linear output of a Gemm or MatMul used only here, supported is a constant that can become part of one")
	}
	if n.op == "Div" && constantFirst {
		return errors.New("found a constant divided by a value, which is not linear")
	}
	if d.bias == nil {
		d.bias = make([]float32, len(c.f))
	} else {
		d.bias = slices.Clone(d.bias)
	}
	K := len(d.w) / len(c.f)
	for j, f := range c.f {
		row := d.w[j*K:][:K]
		switch {
		case n.op == "Sub" && constantFirst:
			for k := range row {
				row[k] = -row[k]
			}
			d.bias[j] = f - d.bias[j]
		case n.op == "Add" || n.op == "Sub":
			d.bias[j] = calculate(n.op, d.bias[j], f)
		default:
			for k := range row {
				row[k] = calculate(n.op, row[k], f)
			}
			d.bias[j] = calculate(n.op, d.bias[j], f)
		}
	}
	t.set(n, 0, v.reshaped(shape, free))
	return nil
}

func (t *translation) activate(n *nodeProto, f format.Activation) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if d := t.pending(v); d != nil {
		d.f = f
		t.set(n, 0, v)
		return nil
	}
	x, err := t.whole(n.layerName()+".input", v)
	if err != nil {
		return err
	}
	if err := t.spend(v.size()); err != nil {
		return err
	}
	t.set(n, 0, t.computed(v.shape, v.free, t.builder.Activate(n.layerName(), x, f)))
	return nil
}

func (t *translation) softmax(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	otherwise := int64(-1)
	if t.opset < 13 {
		otherwise = 1
	}
	d, err := axis(n.integer("axis", otherwise), len(v.shape))
	if err != nil {
		return err
	}
	end := d + 1
	if t.opset < 13 {
		end = len(v.shape) // it flattens from the axis on
	}
	if product(v.shape[d:end]) != v.size() || slices.Contains(v.free[d:end], true) {
		return fmt.Errorf("found axis %d of a value of shape %v, supported are the features", d, v.shape)
	}
	x, err := t.whole(n.layerName()+".input", v)
	if err != nil {
		return err
	}
	if err := t.spend(v.size()); err != nil {
		return err
	}
	t.set(n, 0, t.computed(v.shape, v.free, t.builder.Softmax(n.layerName(), x)))
	return nil
}

// embedding translates a Gather whose index is the input.
func (t *translation) embedding(n *nodeProto, table, index *tensor, d int) error {
	if table.kind != floats || len(table.shape) != 2 || d != 0 || len(table.f) == 0 {
		return fmt.Errorf("found a look-up by a computed index in a value of shape %v along axis %d, supported is a constant table [vocabulary, features]", table.shape, d)
	}
	if len(index.refs) != 1 {
		return fmt.Errorf("found %d indices at one time step, supported is 1", len(index.refs))
	}
	s := &t.sources[index.refs[0].source]
	if s.kind != fromInput || s.width != 1 || !s.token {
		return errors.New("found a computed index, supported is the model's integer input")
	}
	if err := t.bind(s, true); err != nil {
		return err
	}
	if err := t.spend(len(table.f)); err != nil {
		return err
	}
	dim := table.shape[1]
	b := t.builder.Embedding(n.layerName(), table.f, dim)
	t.set(n, 0, t.computed(append(slices.Clone(index.shape), dim), append(slices.Clone(index.free), false), b))
	return nil
}
