package torchscript

import (
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// An arguments list, by position and by name.
type arguments struct {
	r       *run
	op      string
	args    []any
	keyword map[string]any
}

func (a arguments) at(i int, name string) any {
	if i < len(a.args) {
		return a.args[i]
	}
	return a.keyword[name]
}

// number is an argument that must be a known number.
func (a arguments) number(i int, name string, otherwise float64) float64 {
	v := a.at(i, name)
	if v == nil {
		return otherwise
	}
	n, ok := scalar(v)
	if !ok {
		a.r.fail("torch.%s with %s for %s", a.op, kindOf(v), name)
	}
	return n
}

// scalar is a known number.
func scalar(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case *Tensor:
		if v.Path == "" && size(v.Shape) == 1 {
			return v.Value, true
		}
	}
	return 0, false
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// functions are the element-wise operations that are functions of the format.
var functions = map[string]func(a arguments) format.Function{
	"sigmoid":  plainFunction(format.Sigmoid),
	"tanh":     plainFunction(format.Tanh),
	"relu":     plainFunction(format.Relu),
	"softsign": plainFunction(format.Softsign),
	"relu6":    func(arguments) format.Function { return format.Function{Kind: format.Clip, Alpha: 0, Beta: 6} },
	"neg":      func(arguments) format.Function { return format.Function{Kind: format.Affine, Alpha: -1} },
	"leaky_relu": func(a arguments) format.Function {
		return format.Function{Kind: format.LeakyRelu, Alpha: float32(a.number(1, "negative_slope", 0.01))}
	},
	"elu": func(a arguments) format.Function {
		if a.number(2, "scale", 1) != 1 || a.number(3, "input_scale", 1) != 1 {
			a.r.fail("torch.elu with a scale is not supported")
		}
		return format.Function{Kind: format.Elu, Alpha: float32(a.number(1, "alpha", 1))}
	},
	"hardsigmoid": func(arguments) format.Function {
		return format.Function{Kind: format.HardSigmoid, Alpha: 1.0 / 6, Beta: 0.5}
	},
	"hardtanh": func(a arguments) format.Function {
		return format.Function{Kind: format.Clip, Alpha: float32(a.number(1, "min_val", -1)), Beta: float32(a.number(2, "max_val", 1))}
	},
	"clamp": func(a arguments) format.Function {
		if a.at(1, "min") == nil || a.at(2, "max") == nil {
			a.r.fail("torch.clamp without both limits is not supported")
		}
		return format.Function{Kind: format.Clip, Alpha: float32(a.number(1, "min", 0)), Beta: float32(a.number(2, "max", 0))}
	},
	"softplus": func(a arguments) format.Function {
		if a.number(1, "beta", 1) != 1 {
			a.r.fail("torch.softplus with a beta is not supported")
		}
		return format.Function{Kind: format.Softplus}
	},
}

func plainFunction(kind format.Activation) func(arguments) format.Function {
	return func(arguments) format.Function { return format.Function{Kind: kind} }
}

// unchanged are operations that change nothing a step can see.
var unchanged = map[string]bool{
	"contiguous": true, "to": true, "dropout": true, "feature_dropout": true, "alpha_dropout": true,
	"detach": true, "clone": true, "type_as": true, "float": true, "cpu": true, "expand": true, "expand_as": true,
}

// moves are operations that move dimensions or take a part of them.
var moves = map[string]bool{
	"squeeze": true, "unsqueeze": true, "select": true, "slice": true, "transpose": true, "view": true, "reshape": true,
	"permute": true, "flatten": true, "repeat": true, "index_select": true,
}

// operation follows torch.op.
func (r *run) operation(op string, args []any, keyword map[string]any) any {
	inPlace := strings.HasSuffix(op, "_") && !strings.HasSuffix(op, "__")
	if inPlace {
		op = strings.TrimSuffix(op, "_")
	}
	a := arguments{r, op, args, keyword}
	first := a.at(0, "input")
	if n, ok := first.(*node); ok && inPlace && !unchanged[op] {
		n = r.stream(n)
		defer func() { r.changed[n.name] = true }()
	}
	if v, known := compare(op, args); known {
		return v
	}
	streams := r.fromInput(List(args))
	switch op {
	case "zeros", "zeros_like":
		return unknown{why: "zeros", state: true}
	case "t":
		if t, ok := first.(*Tensor); ok && len(t.Shape) == 2 {
			return transposed{t}
		}
	case "size", "dim", "len", "numel", "__contains__", "format":
		return unknown{why: aSize}
	case "sum", "mean", "any", "all": // for a condition; their features are no layer's
		return unknown{why: "torch." + op}
	case "lstm", "gru", "rnn_tanh", "rnn_relu":
		return r.stack(a)
	case "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell":
		return r.singleCell(a)
	}
	if !streams {
		if t, ok := first.(*Tensor); ok && unchanged[op] {
			return t
		}
		return r.derived(first, why(args, "the result of torch."+op), unchanged[op] || moves[op])
	}
	if unchanged[op] {
		for _, v := range args[1:] {
			if t, ok := v.(int64); ok && op == "to" && t >= 0 && t <= 4 && r.stream(first).name != "input" {
				r.fail("torch.to whole numbers is supported of the input")
			}
		}
		return first
	}
	if f, ok := functions[op]; ok {
		x := r.stream(first)
		return r.function(x, f(a))
	}
	switch op {
	case "linear":
		return r.dense(r.stream(first), a.at(1, "weight"), a.at(2, "bias"))
	case "addmm":
		w, ok := a.at(2, "mat2").(transposed)
		if !ok || a.number(3, "beta", 1) != 1 || a.number(4, "alpha", 1) != 1 {
			r.fail("torch.addmm is supported as a dense layer has it")
		}
		return r.dense(r.stream(a.at(1, "mat1")), w.t, first)
	case "matmul", "mm":
		w, ok := a.at(1, "other").(transposed)
		if !ok {
			r.fail("torch.%s is supported with a transposed parameter", op)
		}
		y := *r.dense(r.stream(first), w.t, nil)
		y.bare = w.t
		return &y
	case "embedding":
		w, ok := first.(*Tensor)
		if !ok || len(w.Shape) != 2 || r.stream(a.at(1, "indices")).name != "input" {
			r.fail("torch.embedding is supported of the input")
		}
		n := r.stream(a.at(1, "indices"))
		rank := 0
		if n.rank > 0 {
			rank = n.rank + 1
		}
		return r.withTensors("embedding", map[string]*Tensor{"weight": w}, spec.Layer{}, rank, fixed(w.Shape[1]), n)
	case "layer_norm":
		x := r.stream(first)
		if n, ok := a.at(1, "normalized_shape").(List); !ok || len(n) != 1 {
			r.fail("torch.layer_norm over more than the features")
		}
		l := spec.Layer{Epsilon: float32(a.number(4, "eps", 1e-5))}
		return r.withTensors("layernorm", tensors(r, a, "weight", 2, "bias", 3), l, x.rank, x.width, x)
	case "batch_norm":
		x := r.stream(first)
		if x.rank > 2 {
			r.fail("torch.batch_norm over %d dimensions, supported are 2", x.rank)
		}
		l := spec.Layer{Epsilon: float32(a.number(7, "eps", 1e-5))}
		return r.withTensors("batchnorm", tensors(r, a, "weight", 1, "bias", 2, "running_mean", 3, "running_var", 4), l, x.rank, x.width, x)
	case "softmax", "log_softmax":
		x := r.stream(first)
		if !x.last(a.at(1, "dim")) {
			r.fail("torch.%s over another dimension than the last", op)
		}
		return r.layer(spec.Layer{Kind: op}, x.rank, x.width, x)
	case "cat":
		return r.concat(a)
	case "add", "sub", "mul", "div", "rsub":
		return r.arithmetic(a)
	}
	if moves[op] {
		return r.shape(a)
	}
	r.fail("torch.%s is not supported", op)
	return nil
}

// aSize is what says nothing about a result.
const aSize = "a size"

// why is what is said of a result: of what it is made, if that is not known.
func why(args []any, otherwise string) string {
	for _, a := range args {
		switch a := a.(type) {
		case unknown:
			if a.why != aSize {
				return a.why
			}
		case List:
			for _, item := range a {
				if u, ok := item.(unknown); ok && u.why != aSize {
					return u.why
				}
			}
		}
	}
	return otherwise
}

// compare is a comparison of what is known.
func compare(op string, args []any) (any, bool) {
	if op == "__not__" && len(args) == 1 {
		if v, known := truth(args[0]); known {
			return !v, true
		}
		return unknown{why: "a condition"}, true
	}
	if len(args) != 2 {
		return nil, false
	}
	if op == "__is__" || op == "__isnot__" {
		if _, is := args[0].(unknown); is || args[1] != nil {
			return unknown{why: "a condition"}, true
		}
		return (args[0] == nil) == (op == "__is__"), true
	}
	x, ok1 := scalar(args[0])
	y, ok2 := scalar(args[1])
	result, known := map[string]bool{"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}[op]
	switch {
	case !known:
		return nil, false
	case !ok1 || !ok2:
		return unknown{why: "a comparison"}, true
	}
	return result, true
}

// last reports whether a dimension is that of features.
func (n *node) last(dim any) bool {
	d, ok := dim.(int64)
	return ok && (d == -1 || n.rank > 0 && d == int64(n.rank-1))
}

func (r *run) function(x *node, f format.Function) *node {
	return r.layer(spec.Layer{Kind: "apply", Activation: &f}, x.rank, x.width, x)
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
func (r *run) withTensors(kind string, m map[string]*Tensor, l spec.Layer, rank int, width *int, from ...*node) *node {
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
	return r.layer(l, rank, width, from...)
}

// reads notes that a layer reads n features of x.
func (r *run) reads(x *node, n int) {
	if *x.width == 0 {
		*x.width = n
	}
	if *x.width != n {
		r.fail("a layer that reads %d features of %d", n, *x.width)
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
	r.reads(x, w.Shape[1])
	return r.withTensors("dense", m, spec.Layer{}, x.rank, fixed(w.Shape[0]), x)
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
		if !n.last(a.at(1, "dim")) {
			r.fail("torch.cat over another dimension than the last")
		}
		known = known && *n.width > 0
		*width += *n.width
		from = append(from, n)
	}
	if !known {
		width = new(int)
	}
	return r.layer(spec.Layer{Kind: "concat"}, from[0].rank, width, from...)
}

// arithmetic is a sum or product with a number, with a parameter or of two streams.
func (r *run) arithmetic(a arguments) *node {
	x, y := a.at(0, "input"), a.at(1, "other")
	if a.number(2, "alpha", 1) != 1 {
		r.fail("torch.%s with alpha", a.op)
	}
	if r.fromInput(x) && r.fromInput(y) {
		kind := map[string]string{"add": "add", "mul": "mul"}[a.op]
		if kind == "" {
			r.fail("torch.%s of two tensors is not supported", a.op)
		}
		m, n := r.stream(x), r.stream(y)
		return r.layer(spec.Layer{Kind: kind}, max(m.rank, n.rank), m.width, m, n)
	}
	flipped := false
	if !r.fromInput(x) {
		x, y, flipped = y, x, true
	}
	n := r.stream(x)
	if t, ok := y.(*Tensor); ok && t.Path != "" {
		switch {
		case a.op == "add" && n.bare != nil: // a product and its bias, in two operations
			return r.dense(n.from[0], n.bare, t)
		case a.op == "add":
			return r.withTensors("scale", map[string]*Tensor{"bias": t}, spec.Layer{}, n.rank, n.width, n)
		case a.op == "mul":
			return r.withTensors("scale", map[string]*Tensor{"weight": t}, spec.Layer{}, n.rank, n.width, n)
		}
		r.fail("torch.%s with a parameter is not supported", a.op)
	}
	c, ok := scalar(y)
	if !ok {
		r.fail("torch.%s with %s", a.op, kindOf(y))
	}
	f := format.Function{Kind: format.Affine, Alpha: 1}
	switch {
	case a.op == "mul":
		f.Alpha = float32(c)
	case a.op == "add":
		f.Beta = float32(c)
	case a.op == "sub" && !flipped:
		f.Beta = float32(-c)
	case a.op == "sub", a.op == "rsub" && !flipped:
		f.Alpha, f.Beta = -1, float32(c)
	case a.op == "div" && !flipped && c != 0:
		f.Alpha = float32(1 / c)
	default:
		r.fail("torch.%s of a number by a tensor is not supported", a.op)
	}
	return r.function(n, f)
}
