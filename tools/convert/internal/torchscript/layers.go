package torchscript

import (
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// layers are the operations that are layers, or arithmetic.
var layers map[string]func(r *run, a arguments) *node

func init() { // they call each other
	layers = map[string]func(r *run, a arguments) *node{
		"linear": func(r *run, a arguments) *node {
			return r.dense(r.stream(a.at(0, "input")), a.at(1, "weight"), a.at(2, "bias"))
		},
		"addmm":       (*run).addmm,
		"matmul":      (*run).matmul,
		"mm":          (*run).matmul,
		"embedding":   (*run).embedding,
		"layer_norm":  (*run).layerNorm,
		"batch_norm":  (*run).batchNorm,
		"softmax":     (*run).softmax,
		"log_softmax": (*run).softmax,
		"cat":         (*run).concat,
		"add":         (*run).arithmetic,
		"sub":         (*run).arithmetic,
		"mul":         (*run).arithmetic,
		"div":         (*run).arithmetic,
		"rsub":        (*run).arithmetic,
	}
}

func (r *run) addmm(a arguments) *node {
	w, ok := a.at(2, "mat2").(transposed)
	if !ok || a.number(3, "beta", 1) != 1 || a.number(4, "alpha", 1) != 1 {
		r.fail("torch.addmm is supported as a dense layer has it")
	}
	x := r.stream(a.at(1, "mat1"))
	r.two(x, a.op)
	return r.dense(x, w.t, a.at(0, "input"))
}

func (r *run) matmul(a arguments) *node {
	w, ok := a.at(1, "other").(transposed)
	if !ok {
		r.fail("torch.%s is supported with a transposed parameter", a.op)
	}
	x := r.stream(a.at(0, "input"))
	if a.op == "mm" {
		r.two(x, a.op)
	}
	y := *r.dense(x, w.t, nil)
	y.product = w.t
	return &y
}

// two verifies that x has two dimensions.
func (r *run) two(x *node, op string) {
	if x.rank() != 2 && !x.loose {
		r.failAs(impossible, "torch.%s of a tensor of %d dimensions, want 2", op, x.rank())
	}
}

func (r *run) embedding(a arguments) *node {
	w, ok := a.at(0, "weight").(*Tensor)
	if !ok || len(w.Shape) != 2 {
		r.fail("torch.embedding whose weight is %s", kindOf(a.at(0, "weight")))
	}
	n := r.stream(a.at(1, "indices"))
	switch {
	case n.name != "input":
		r.fail("torch.embedding is supported of the input")
	case r.input.rank() > 2: // what is embedded then cannot be read as steps
		r.failAs(impossible, "torch.embedding of an input of %d dimensions, want 2 or fewer", r.input.rank())
	case !r.input.flat():
		r.failAs(elsewhere, "torch.embedding of an input with features")
	}
	r.firm(n, "torch.embedding")
	axes := make([]axis, n.rank(), n.rank()+1)
	for i, x := range n.axes {
		if axes[i] = x; x == features { // of one token
			axes[i] = single
		}
	}
	return r.withTensors("embedding", map[string]*Tensor{"weight": w}, spec.Layer{}, append(axes, features), fixed(w.Shape[1]), n)
}

// epsilon is that of a normalisation.
func (a arguments) epsilon(i int) float32 {
	e := float32(a.number(i, "eps", 1e-5))
	if !(e > 0) {
		a.r.fail("torch.%s with %v for eps, want a positive number", a.op, a.at(i, "eps"))
	}
	return e
}

func (r *run) layerNorm(a arguments) *node {
	x := r.stream(a.at(0, "input"))
	n, ok := a.at(1, "normalized_shape").(List)
	if !ok || len(n) != 1 {
		r.fail("torch.layer_norm over more than the features")
	}
	r.featuresLast(x, "torch.layer_norm")
	if width, ok := n[0].(int64); ok && width > 0 && width < 1<<30 {
		r.reads(x, int(width))
	}
	l := spec.Layer{Epsilon: a.epsilon(4)}
	return r.withTensors("layernorm", tensors(r, a, "weight", 2, "bias", 3), l, x.axes, x.width, x)
}

// batchNorm follows torch.batch_norm:
// (input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled).
func (r *run) batchNorm(a arguments) *node {
	x := r.stream(a.at(0, "input"))
	r.firm(x, "torch.batch_norm")
	if n := x.rank(); n != 2 && n != 3 {
		r.failAs(impossible, "torch.batch_norm of a tensor of %d dimensions, want 2 or 3", n)
	}
	r.overFeatures(x, int64(1), "torch.batch_norm")
	if training, ok := a.at(5, "training").(bool); !ok || training {
		r.fail("torch.batch_norm by the mean and variance of the batch, supported are those of training: save the module after eval(), without track_running_stats=False")
	}
	m := tensors(r, a, "weight", 1, "bias", 2, "running_mean", 3, "running_var", 4)
	if t := m["running_mean"]; t != nil && len(t.Shape) == 1 {
		r.reads(x, t.Shape[0])
	}
	return r.withTensors("batchnorm", m, spec.Layer{Epsilon: a.epsilon(7)}, x.axes, x.width, x)
}

func (r *run) softmax(a arguments) *node {
	x := r.stream(a.at(0, "input"))
	r.overFeatures(x, a.at(1, "dim"), "torch."+a.op)
	return r.layer(spec.Layer{Kind: a.op}, x.axes, x.width, x)
}

// tensors are the parameters among the arguments, by role and position.
func tensors(r *run, a arguments, roles ...any) map[string]*Tensor {
	m := map[string]*Tensor{}
	for i := 0; i < len(roles); i += 2 {
		role := roles[i].(string)
		switch v := a.at(roles[i+1].(int), role).(type) {
		case nil:
		case *Tensor:
			m[role] = v
		default:
			r.fail("torch.%s with %s for %s", a.op, kindOf(v), role)
		}
	}
	return m
}

// withTensors adds a layer with tensors by role. It is named by what stands before their
// roles, which is the path of their module.
func (r *run) withTensors(kind string, m map[string]*Tensor, l spec.Layer, axes []axis, width *int, from ...*node) *node {
	l.Kind, l.Tensors = kind, map[string]string{}
	for _, role := range sorted(m) {
		path := m[role].Path
		if path == "" {
			r.fail("a constant as the %s of a layer", role)
		}
		l.Tensors[role] = path
		if prefix, ok := strings.CutSuffix(path, "."+role); ok {
			l.Name = prefix
		}
	}
	y := r.layer(l, axes, width, from...)
	y.tensors = m
	return y
}

// reads notes that a layer reads n features of x.
func (r *run) reads(x *node, n int) {
	if *x.width == 0 {
		*x.width = n
	}
	if *x.width != n {
		r.failAs(elsewhere, "a layer that reads %d features of %d", n, *x.width)
	}
}

func fixed(n int) *int { return &n }

func (r *run) dense(x *node, weight, bias any) *node {
	w, ok := weight.(*Tensor)
	if !ok || len(w.Shape) != 2 {
		r.fail("a dense layer whose weight is %s", kindOf(weight))
	}
	m := map[string]*Tensor{"weight": w}
	switch b := bias.(type) {
	case nil:
	case *Tensor:
		m["bias"] = b
	default:
		r.fail("a dense layer whose bias is %s", kindOf(bias))
	}
	r.featuresLast(x, "a dense layer")
	r.reads(x, w.Shape[1])
	return r.withTensors("dense", m, spec.Layer{}, x.axes, fixed(w.Shape[0]), x)
}

func (r *run) concat(a arguments) *node {
	list, ok := a.at(0, "tensors").(List)
	if !ok || len(list) == 0 {
		r.fail("torch.cat of %s", kindOf(a.at(0, "tensors")))
	}
	width, known := new(int), true
	var from []*node
	for _, item := range list {
		n := r.stream(item)
		r.overFeatures(n, a.at(1, "dim"), "torch.cat")
		if len(from) > 0 && (!slices.Equal(n.axes, from[0].axes) || n.loose != from[0].loose) {
			r.fail("torch.cat of tensors of different dimensions")
		}
		known = known && *n.width > 0
		*width += *n.width
		from = append(from, n)
	}
	if !known {
		width = new(int)
	}
	return r.layer(spec.Layer{Kind: "concat"}, from[0].axes, width, from...)
}
