package onnx

import "slices"

// recognise replaces what exporters write out by nodes of the op that it is:
// layer normalisation before opset 17, softsign, softplus, and products of integers.
func recognise(g *graphProto) {
	p := patterns(g)
	nodes := make([]*nodeProto, 0, len(g.nodes))
	for _, n := range g.nodes {
		nodes = p.put(nodes, n)
	}
	g.nodes = nodes
	if len(p.dropped) > 0 {
		g.nodes = slices.DeleteFunc(g.nodes, func(n *nodeProto) bool {
			return len(n.outputs) > 0 && !slices.ContainsFunc(n.outputs, func(o string) bool { return !p.dropped[o] })
		})
		g.initializers = slices.DeleteFunc(g.initializers, func(t *tensorProto) bool { return p.dropped[t.name] })
	}
}

// patterns indexes a graph.
func patterns(g *graphProto) pattern {
	p := pattern{map[string]*nodeProto{}, map[string]*tensorProto{}, map[string]int{}, map[string]bool{}, map[*nodeProto][]*nodeProto{}}
	for _, n := range g.nodes {
		for _, out := range n.outputs {
			p.producer[out] = n
		}
		for _, in := range n.reads() {
			p.readers[in]++
		}
	}
	delete(p.producer, "")
	for _, t := range g.initializers {
		p.stored[t.name] = t
	}
	for _, o := range g.outputs {
		p.readers[o.name]++
	}
	return p
}

// put appends n, or what it is recognised as.
func (p pattern) put(nodes []*nodeProto, n *nodeProto) []*nodeProto {
	for _, match := range []func(*nodeProto) *nodeProto{p.layerNormalization, p.kerasNormalization, p.kerasMoments, p.softsign, p.softplus, p.integerProduct, p.convolutionBias} {
		to := match(n)
		if to == nil {
			continue
		}
		to.name, to.outputs = n.name, n.outputs
		for _, before := range p.ahead[n] {
			p.producer[before.outputs[0]] = before
			for _, in := range before.inputs {
				p.readers[in]++
			}
			nodes = p.put(nodes, before)
		}
		p.replaced(n, to)
		n = to
		break
	}
	return append(nodes, n)
}

// A pattern is a graph with its edges.
type pattern struct {
	producer map[string]*nodeProto
	stored   map[string]*tensorProto
	readers  map[string]int
	dropped  map[string]bool             // what nothing reads any more
	ahead    map[*nodeProto][]*nodeProto // to be put before a node, which they replace a part of
}

// replaced takes n's readings away, and what only they needed.
func (p pattern) replaced(n, to *nodeProto) {
	for _, out := range n.outputs {
		p.producer[out] = to
	}
	for _, in := range to.inputs {
		p.readers[in]++
	}
	names := slices.Clone(n.inputs)
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		p.readers[name]--
		if p.readers[name] != 0 || name == "" {
			continue
		}
		p.dropped[name] = true
		from := p.producer[name]
		if from != nil && !slices.ContainsFunc(from.outputs, func(o string) bool { return p.readers[o] != 0 }) {
			names = append(names, from.inputs...)
			for _, o := range from.outputs {
				p.dropped[o] = true
			}
		}
	}
}

// made is the node that computes a value, if it is one of ops.
func (p pattern) made(name string, ops ...string) *nodeProto {
	if n := p.producer[name]; n != nil && slices.Contains(ops, n.op) {
		return n
	}
	return nil
}

// known is a small constant from an initializer or a Constant node, nil if the
// value is something else.
func (p pattern) known(name string) *tensor {
	stored := p.stored[name]
	if n := p.made(name, "Constant"); n != nil && stored == nil {
		if a := n.attributes["value"]; a != nil {
			stored = a.t
		}
		if a := n.attributes["value_float"]; a != nil {
			return &tensor{f: []float32{a.f}}
		}
		if a := n.attributes["value_ints"]; a != nil {
			return constantInts(a.ints...)
		}
	}
	if stored == nil || len(stored.dims) > 1 || (len(stored.dims) == 1 && stored.dims[0] > maxDims) {
		return nil
	}
	v, err := stored.decode()
	if err != nil {
		return nil
	}
	return v
}

// number is a constant float.
func (p pattern) number(name string) (float32, bool) {
	v := p.known(name)
	if v == nil || len(v.f) != 1 {
		return 0, false
	}
	return v.f[0], true
}

// either returns the number that one of a node's two inputs is, and the other's name.
func (p pattern) either(n *nodeProto) (other string, number float32, ok bool) {
	if number, ok = p.number(n.input(1)); ok {
		return n.input(0), number, true
	}
	number, ok = p.number(n.input(0))
	return n.input(1), number, ok
}

// axes of a node that reduces: an attribute, and since opset 13 to 18 an input.
func (p pattern) axes(n *nodeProto) []int64 {
	if a := n.attributes["axes"]; a != nil {
		return a.ints
	}
	if v := p.known(n.input(1)); v != nil {
		return v.i
	}
	return nil
}

// pooled is the axis of a mean that is of all dimensions from the third on.
const pooled = 1 << 32

// mean is what a ReduceMean over one axis, which stays, or a GlobalAveragePool takes the mean
// of.
func (p pattern) mean(name string) (of string, axis int64, ok bool) {
	if n := p.made(name, "GlobalAveragePool"); n != nil {
		return n.input(0), pooled, true
	}
	n := p.made(name, "ReduceMean")
	if n == nil || n.integer("keepdims", 1) == 0 {
		return "", 0, false
	}
	axes := p.axes(n)
	if len(axes) != 1 {
		return "", 0, false
	}
	return n.input(0), axes[0], true
}

// layerNormalization matches what PyTorch exports before opset 17:
//
//	m = ReduceMean(x)   d = Sub(x, m)   v = ReduceMean(Pow(d, 2) or Mul(d, d))
//	y = Div(d, Sqrt(Add(v, ε)))   or   Mul(d, Reciprocal(Sqrt(Add(v, ε))))
func (p pattern) layerNormalization(n *nodeProto) *nodeProto {
	d, root := n.input(0), n.input(1)
	switch n.op {
	case "Div":
	case "Mul":
		if p.made(root, "Reciprocal") == nil {
			d, root = root, d
		}
		r := p.made(root, "Reciprocal")
		if r == nil {
			return nil
		}
		root = r.input(0)
	default:
		return nil
	}
	sub, sqrt := p.made(d, "Sub"), p.made(root, "Sqrt")
	if sub == nil || sqrt == nil {
		return nil
	}
	add := p.made(sqrt.input(0), "Add")
	of, axis, ok := p.mean(sub.input(1))
	if !ok || of != sub.input(0) || add == nil {
		return nil
	}
	variance, epsilon, ok := p.either(add)
	if !ok {
		return nil
	}
	squares, again, ok := p.mean(variance)
	if !ok || again != axis || !p.square(squares, sub) {
		return nil
	}
	return normalization(sub.input(0), axis, epsilon)
}

// normalization is a layer normalisation over one axis.
func normalization(x string, axis int64, epsilon float32) *nodeProto {
	n := &nodeProto{
		op: "LayerNormalization", inputs: []string{x},
		attributes: map[string]*attributeProto{"axis": {i: axis}, "epsilon": {f: epsilon}, "one_axis": {i: 1}},
	}
	if axis == pooled { // the last one of a value of three dimensions
		n.attributes["axis"], n.attributes["rank"] = &attributeProto{i: -1}, &attributeProto{i: 3}
	}
	return n
}

// kerasMoments matches what tf2onnx makes of Keras' LayerNormalization with a small ε, or
// over several axes:
//
//	m = mean(x)   s = Mul(Reciprocal(Sqrt(Add(mean((x − m)²), ε))), γ)
//	y = Add(Mul(x, s), Sub(β, Mul(m, s)))
//
// without γ where that is ones, and with Neg where β is zeros.
func (p pattern) kerasMoments(n *nodeProto) *nodeProto {
	if n.op != "Add" || len(n.inputs) != 2 {
		return nil
	}
	for k := range 2 {
		product, shift := p.made(n.input(k), "Mul"), p.made(n.input(1-k), "Neg", "Sub")
		if product == nil || shift == nil {
			continue
		}
		beta := ""
		minus := p.made(shift.input(0), "Mul")
		if shift.op == "Sub" {
			beta, minus = shift.input(0), p.made(shift.input(1), "Mul")
		}
		if minus == nil {
			continue
		}
		for j := range 4 {
			x, s, m := product.input(j/2), product.input(1-j/2), minus.input(j%2)
			if s != minus.input(1-j%2) {
				continue
			}
			if to := p.moments(n, x, s, m, beta); to != nil {
				return to
			}
		}
	}
	return nil
}

// moments is the layer normalisation of x with mean m and factor s, and with what it is
// multiplied, and what is added.
func (p pattern) moments(n *nodeProto, x, s, m, beta string) *nodeProto {
	root, gamma := p.made(s, "Reciprocal"), ""
	if mul := p.made(s, "Mul"); mul != nil {
		for k := range 2 {
			if r := p.made(mul.input(k), "Reciprocal"); r != nil {
				root, gamma = r, mul.input(1-k)
			}
		}
	}
	of, axis, ok := p.mean(m)
	if root == nil || !ok || of != x {
		return nil
	}
	sqrt := p.made(root.input(0), "Sqrt")
	if sqrt == nil {
		return nil
	}
	add := p.made(sqrt.input(0), "Add")
	if add == nil {
		return nil
	}
	variance, epsilon, ok := p.either(add)
	if !ok {
		return nil
	}
	squares, again, ok := p.mean(variance)
	if !ok || again != axis || !p.square(squares, &nodeProto{inputs: []string{x, m}}) {
		return nil
	}
	to := normalization(x, axis, epsilon)
	for _, then := range []struct{ op, with string }{{"Mul", gamma}, {"Add", beta}} {
		if then.with == "" {
			continue
		}
		to.name, to.outputs = n.name, []string{n.outputs[0] + " before " + then.op}
		p.ahead[n] = append(p.ahead[n], to)
		to = &nodeProto{op: then.op, inputs: []string{to.outputs[0], then.with}, attributes: map[string]*attributeProto{}}
	}
	return to
}

// square reports whether a value is the square of what sub computes, by itself or
// by another node.
func (p pattern) square(name string, sub *nodeProto) bool {
	n := p.made(name, "Pow", "Mul")
	if n == nil {
		return false
	}
	d := p.made(n.input(0), "Sub")
	if d == nil || !slices.Equal(d.inputs, sub.inputs) {
		return false
	}
	if n.op == "Mul" {
		return n.input(0) == n.input(1)
	}
	two, ok := p.number(n.input(1))
	return ok && two == 2
}

// kerasNormalization matches what tf2onnx makes of Keras' LayerNormalization, which
// there is a batch normalisation with one channel for each time step:
//
//	r = Reshape(x, [1, steps, features, 1])   m = ReduceMean(r)   v = ReduceSumSquare(Sub(r, m)) / size
//	y = BatchNormalization(r, 1, 0, Squeeze(m), v)
func (p pattern) kerasNormalization(n *nodeProto) *nodeProto {
	mean, div := p.made(n.input(3), "Squeeze"), p.made(n.input(4), "Div")
	if n.op != "BatchNormalization" || mean == nil || div == nil || !p.filled(n.input(1), 1) || !p.filled(n.input(2), 0) {
		return nil
	}
	r, m, squares := p.made(n.input(0), "Reshape"), p.made(mean.input(0), "ReduceMean"), p.made(div.input(0), "ReduceSumSquare")
	if r == nil || m == nil || squares == nil {
		return nil
	}
	shape, sub := p.known(r.input(1)), p.made(squares.input(0), "Sub")
	if shape == nil || len(shape.i) != 4 || shape.i[0] != 1 || shape.i[3] != 1 || sub == nil {
		return nil
	}
	over := []int64{0, 2, 3}
	if !slices.Equal(p.axes(m), over) || !slices.Equal(p.axes(squares), over) || m.input(0) != n.input(0) ||
		!slices.Equal(sub.inputs, []string{n.input(0), mean.input(0)}) || !p.sizeOf(div.input(1), n.input(0), over) {
		return nil
	}
	return &nodeProto{
		op: "LayerNormalization", inputs: []string{r.input(0)},
		attributes: map[string]*attributeProto{
			"axis": {i: -1}, "epsilon": {f: n.setting(setting{"epsilon", 1e-5})}, "features": {i: shape.i[2]},
		},
	}
}

// filled reports whether all numbers of a value are one, as Expand of that makes them.
func (p pattern) filled(name string, number float32) bool {
	if stored := p.stored[name]; stored != nil {
		v, err := stored.decode()
		return err == nil && v.kind == floats && !slices.ContainsFunc(v.f, func(f float32) bool { return f != number })
	}
	n := p.made(name, "Expand")
	if n == nil {
		return false
	}
	f, ok := p.number(n.input(0))
	return ok && f == number
}

// sizeOf reports whether a value is the size of x along axes:
// Cast(ReduceProd(Gather(Shape(x), axes))).
func (p pattern) sizeOf(name, x string, axes []int64) bool {
	for _, op := range []string{"Cast", "ReduceProd", "Gather"} {
		n := p.made(name, op)
		if n == nil {
			return false
		}
		if op == "Gather" {
			index, shape := p.known(n.input(1)), p.made(n.input(0), "Shape")
			return index != nil && slices.Equal(index.i, axes) && shape != nil && shape.input(0) == x && len(shape.attributes) == 0
		}
		name = n.input(0)
	}
	return false
}

// softsign matches x / (1 + |x|).
func (p pattern) softsign(n *nodeProto) *nodeProto {
	add := p.made(n.input(1), "Add")
	if n.op != "Div" || add == nil {
		return nil
	}
	other, one, ok := p.either(add)
	abs := p.made(other, "Abs")
	if !ok || one != 1 || abs == nil || abs.input(0) != n.input(0) {
		return nil
	}
	return &nodeProto{op: "Softsign", inputs: []string{n.input(0)}}
}

// softplus matches PyTorch's softplus, which is x itself above 20; there both are
// the same float32:
//
//	Where(Greater(x, 20), x, Softplus(x))
func (p pattern) softplus(n *nodeProto) *nodeProto {
	cond, soft := p.made(n.input(0), "Greater"), p.made(n.input(2), "Softplus")
	if n.op != "Where" || cond == nil || soft == nil || cond.input(0) != n.input(1) || soft.input(0) != n.input(1) {
		return nil
	}
	if limit, ok := p.number(cond.input(1)); !ok || limit < 20 {
		return nil
	}
	return &nodeProto{op: "Softplus", inputs: []string{n.input(1)}}
}
