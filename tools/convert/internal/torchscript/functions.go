package torchscript

import (
	"math"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// functions are the element-wise operations that are functions of the format.
var functions = map[string]func(a arguments) format.Function{
	"sigmoid":  plainFunction(format.Sigmoid),
	"tanh":     plainFunction(format.Tanh),
	"relu":     plainFunction(format.Relu),
	"softsign": plainFunction(format.Softsign),
	"relu6":    func(arguments) format.Function { return format.Function{Kind: format.Clip, Alpha: 0, Beta: 6} },
	"neg":      func(arguments) format.Function { return negative },
	"leaky_relu": func(a arguments) format.Function {
		return format.Function{Kind: format.LeakyRelu, Alpha: float32(a.number(1, "negative_slope", 0.01))}
	},
	"elu": func(a arguments) format.Function {
		if a.number(2, "scale", 1) != 1 || a.number(3, "input_scale", 1) != 1 {
			a.r.fail("torch.elu with a scale is not supported")
		}
		return format.Function{Kind: format.Elu, Alpha: float32(a.number(1, "alpha", 1))}
	},
	"hardsigmoid": func(arguments) format.Function { return hardSigmoid },
	"hardtanh": func(a arguments) format.Function {
		return format.Function{Kind: format.Clip, Alpha: float32(a.number(1, "min_val", -1)), Beta: float32(a.number(2, "max_val", 1))}
	},
	"clamp": func(a arguments) format.Function {
		if a.at(1, "min") == nil || a.at(2, "max") == nil {
			a.r.fail("torch.clamp without both limits is not supported")
		}
		return format.Function{Kind: format.Clip, Alpha: float32(a.number(1, "min", 0)), Beta: float32(a.number(2, "max", 0))}
	},
}

var (
	negative    = format.Function{Kind: format.Affine, Alpha: -1}
	hardSigmoid = format.Function{Kind: format.HardSigmoid, Alpha: 1.0 / 6, Beta: 0.5}
)

func plainFunction(kind format.Activation) func(arguments) format.Function {
	return func(arguments) format.Function { return format.Function{Kind: kind} }
}

func times(factor float64) format.Function {
	return format.Function{Kind: format.Affine, Alpha: float32(factor)}
}

// composed are the element-wise operations that are several layers.
var composed = map[string]func(r *run, x *node, a arguments) *node{
	"silu": func(r *run, x *node, _ arguments) *node {
		return r.product(x, r.function(x, format.Function{Kind: format.Sigmoid}))
	},
	"hardswish": func(r *run, x *node, _ arguments) *node { return r.product(x, r.function(x, hardSigmoid)) },
	"mish": func(r *run, x *node, _ arguments) *node {
		return r.product(x, r.function(r.function(x, format.Function{Kind: format.Softplus}), format.Function{Kind: format.Tanh}))
	},
	"tanhshrink": func(r *run, x *node, _ arguments) *node {
		return r.sum(x, r.function(r.function(x, format.Function{Kind: format.Tanh}), negative))
	},
	"log_sigmoid": func(r *run, x *node, _ arguments) *node {
		return r.function(r.function(r.function(x, negative), format.Function{Kind: format.Softplus}), negative)
	},
	"selu": func(r *run, x *node, _ arguments) *node { // PyTorch's constants
		return r.function(r.function(x, format.Function{Kind: format.Elu, Alpha: 1.6732632423543772}), times(1.0507009873554805))
	},
	"celu": func(r *run, x *node, a arguments) *node {
		alpha := a.number(1, "alpha", 1)
		if !(alpha > 0) {
			r.fail("torch.celu with %v for alpha", alpha)
		}
		return r.function(r.function(r.function(x, times(1/alpha)), format.Function{Kind: format.Elu, Alpha: 1}), times(alpha))
	},
	// ½x(1 + tanh(√(2/π)(x + 0.044715x³))) is x·sigmoid(x·√(8/π)(1 + 0.044715x²)).
	"gelu": func(r *run, x *node, a arguments) *node {
		if a.at(1, "approximate") != "tanh" {
			r.fail("torch.gelu is supported with approximate=\"tanh\"")
		}
		slope := math.Sqrt(8 / math.Pi)
		inner := r.product(x, r.function(r.product(x, x), format.Function{Kind: format.Affine, Alpha: float32(0.044715 * slope), Beta: float32(slope)}))
		return r.product(x, r.function(inner, format.Function{Kind: format.Sigmoid}))
	},
	// Above its threshold softplus is its argument, which float32 cannot tell from the
	// formula if the threshold is that of PyTorch.
	"softplus": func(r *run, x *node, a arguments) *node {
		beta, threshold := a.number(1, "beta", 1), a.number(2, "threshold", 20)
		if !(beta > 0) || threshold < 17 {
			r.fail("torch.softplus with beta %v and threshold %v, supported is a positive beta, and a threshold of 17 or more", beta, threshold)
		}
		f := format.Function{Kind: format.Softplus}
		if beta == 1 {
			return r.function(x, f)
		}
		return r.function(r.function(r.function(x, times(beta)), f), times(1/beta))
	},
}

// softsign follows x / (1 + |x|), as PyTorch writes it; nil is anything else.
func (r *run) softsign(a arguments) any {
	x, y := a.at(0, "input"), a.at(1, "other")
	m, ok := x.(magnitude)
	if a.op == "add" && !ok {
		m, ok = y.(magnitude)
		y = x
	}
	c, number := scalar(y)
	over, _ := y.(magnitude)
	switch n, is := x.(*node); {
	case a.op == "abs" && is:
		return magnitude{of: r.stream(n)}
	case a.op == "add" && ok && !m.one && number && c == 1 && a.number(2, "alpha", 1) == 1:
		return magnitude{m.of, true}
	case a.op == "div" && is && over.one && r.same(r.stream(n), over.of) && a.at(2, "rounding_mode") == nil:
		return r.function(n, format.Function{Kind: format.Softsign})
	}
	return nil
}

func (r *run) function(x *node, f format.Function) *node {
	for _, v := range []float32{f.Alpha, f.Beta} {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			r.fail("the function %v, whose parameters are no numbers", f)
		}
	}
	return r.layer(spec.Layer{Kind: "apply", Activation: &f}, x.axes, x.width, x)
}

func (r *run) sum(x, y *node) *node {
	r.alike(x, y, "a sum")
	return r.layer(spec.Layer{Kind: "add"}, x.axes, x.width, x, y)
}

func (r *run) product(x, y *node) *node {
	r.alike(x, y, "a product")
	return r.layer(spec.Layer{Kind: "mul"}, x.axes, x.width, x, y)
}
