package torchscript

import (
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// arithmetic is a sum, difference, product or quotient: with a number, with a parameter or
// of two streams.
func (r *run) arithmetic(a arguments) *node {
	x, y := a.at(0, "input"), a.at(1, "other")
	alpha := 1.0
	if a.op == "div" {
		if a.at(2, "rounding_mode") != nil {
			r.fail("torch.div with a rounding mode")
		}
	} else if alpha = a.number(2, "alpha", 1); alpha != 1 && a.op == "mul" {
		r.fail("torch.mul with alpha")
	}
	if a.op == "rsub" {
		x, y = y, x
	}
	if alpha != 1 { // of what is added or taken away
		if a.op == "rsub" {
			r.fail("torch.rsub with alpha")
		}
		if n, ok := y.(*node); ok {
			y = r.function(r.stream(n), times(alpha))
		} else if c, ok := scalar(y); ok {
			y = alpha * c
		} else {
			r.fail("torch.%s with alpha and %s", a.op, kindOf(y))
		}
	}
	switch {
	case r.fromInput(x) && r.fromInput(y):
		return r.both(a.op, r.stream(x), r.stream(y))
	case !r.fromInput(x):
		return r.reversed(a, x, r.stream(y))
	}
	n := r.stream(x)
	if t, ok := y.(*Tensor); ok && t.Path != "" {
		return r.parameter(a.op, n, t)
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
	case a.op == "sub", a.op == "rsub":
		f.Beta = float32(-c)
	case a.op == "div" && c != 0:
		f.Alpha = float32(1 / c)
	default:
		r.fail("torch.%s by %v is not supported", a.op, c)
	}
	return r.function(n, f)
}

// both is arithmetic of two streams.
func (r *run) both(op string, x, y *node) *node {
	switch op {
	case "add":
		return r.sum(x, y)
	case "sub", "rsub":
		return r.sum(x, r.function(y, negative))
	case "mul":
		return r.product(x, y)
	}
	r.fail("torch.%s of two tensors is not supported", op)
	return nil
}

// reversed is arithmetic whose stream comes second.
func (r *run) reversed(a arguments, x any, y *node) *node {
	switch c, number := scalar(x); {
	case a.op == "add", a.op == "mul":
	case a.op == "div":
		r.fail("torch.div by what comes from the input is not supported")
	case number:
		return r.function(y, format.Function{Kind: format.Affine, Alpha: -1, Beta: float32(c)})
	default: // x − y = −y + x
		a.op, y = "add", r.function(y, negative)
	}
	return r.arithmetic(arguments{r: r, op: a.op, args: []any{y, x}})
}

// parameter is arithmetic of a stream with a parameter.
func (r *run) parameter(op string, x *node, t *Tensor) *node {
	if op == "add" && x.product != nil { // a product and its bias, in two operations
		return r.dense(x.from[0], x.product, t)
	}
	if elements(t.Shape) != 1 {
		r.featuresLast(x, "torch."+op+" with a parameter")
	} else if len(t.Shape) > x.rank() && !x.loose {
		r.fail("torch.%s with a parameter of %d dimensions", op, len(t.Shape))
	}
	role := map[string]string{"add": "bias", "mul": "weight", "div": "divisor"}[op]
	if op == "sub" || op == "rsub" { // x − t = −(−x + t)
		x, role = r.function(x, negative), "bias"
	}
	y := r.withTensors("scale", map[string]*Tensor{role: t}, spec.Layer{}, x.axes, x.width, x)
	if op == "sub" || op == "rsub" {
		y = r.function(y, negative)
	}
	return y
}
