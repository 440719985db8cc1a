package onnx_test

import "math"

// functions are the activations of ONNX in float64.
var functions = map[string]func(x, alpha, beta float64) float64{
	"Relu":            func(x, _, _ float64) float64 { return max(x, 0) },
	"Tanh":            func(x, _, _ float64) float64 { return math.Tanh(x) },
	"Sigmoid":         func(x, _, _ float64) float64 { return 1 / (1 + math.Exp(-x)) },
	"Softsign":        func(x, _, _ float64) float64 { return x / (1 + math.Abs(x)) },
	"Softplus":        func(x, _, _ float64) float64 { return math.Log1p(math.Exp(x)) },
	"Affine":          func(x, alpha, beta float64) float64 { return alpha*x + beta },
	"ScaledTanh":      func(x, alpha, beta float64) float64 { return alpha * math.Tanh(beta*x) },
	"HardSigmoid":     func(x, alpha, beta float64) float64 { return min(max(alpha*x+beta, 0), 1) },
	"LeakyRelu":       func(x, alpha, _ float64) float64 { return max(x, 0) + alpha*min(x, 0) },
	"ThresholdedRelu": func(x, alpha, _ float64) float64 { return map[bool]float64{true: x}[x > alpha] },
	"Elu":             func(x, alpha, _ float64) float64 { return max(x, 0) + alpha*math.Expm1(min(x, 0)) },
}

// activations are the functions of a case by direction, each with its parameters.
func (k cellCase) activations() [][]func(float64) float64 {
	count := map[string]int{"RNN": 1, "GRU": 2, "LSTM": 3}[k.op]
	names, alpha, beta := k.functions, k.alpha, k.beta
	if names == nil {
		one := map[string][]string{"RNN": {"Tanh"}, "GRU": {"Sigmoid", "Tanh"}, "LSTM": {"Sigmoid", "Tanh", "Tanh"}}[k.op]
		names = append(append(names, one...), one...)
	}
	next := func(list *[]float32, otherwise float64) float64 {
		if len(*list) == 0 {
			return otherwise
		}
		v := (*list)[0]
		*list = (*list)[1:]
		return float64(v)
	}
	var all [][]func(float64) float64
	for i := range count * k.directions() {
		name, a, b := names[i], 0., 0.
		switch name {
		case "thresholdedRELU":
			name = "ThresholdedRelu"
			fallthrough
		case "ThresholdedRelu", "Elu":
			a = next(&alpha, 1)
		case "LeakyRelu":
			a = next(&alpha, 0.01)
		case "HardSigmoid":
			a, b = next(&alpha, 0.2), next(&beta, 0.5)
		case "Affine", "ScaledTanh":
			a, b = next(&alpha, math.NaN()), next(&beta, 0)
		}
		f := functions[name]
		if i%count == 0 {
			all = append(all, nil)
		}
		d := len(all) - 1
		all[d] = append(all[d], func(x float64) float64 { return f(x, a, b) })
	}
	return all
}

// equations are ONNX's for H units, gate by gate, in float64: the outputs of all
// directions at each step.
func (k cellCase) equations(w cellWeights, xs []float32, H int) (ys []float64) {
	D := k.directions()
	in := len(w.w) / (D * k.gates() * H)
	steps := len(xs) / in
	ys = make([]float64, steps*D*H)
	for d, f := range k.activations() {
		part := func(v []float32) []float64 {
			wide := make([]float64, len(v)/D)
			for i := range wide {
				wide[i] = float64(v[d*len(wide)+i])
			}
			return wide
		}
		one := direction{k, f, H, part(w.w), part(w.r), part(w.b), part(w.p)}
		h, c := part(w.h), part(w.c)
		if len(h) == 0 {
			h = make([]float64, H)
		}
		if len(c) == 0 {
			c = make([]float64, H)
		}
		for t := range steps {
			if k.direction == "reverse" || d == 1 {
				t = steps - 1 - t
			}
			x := make([]float64, in)
			for i := range x {
				x[i] = float64(xs[t*in+i])
			}
			h, c = one.step(x, h, c)
			copy(ys[(t*D+d)*H:], h)
		}
	}
	return ys
}

// A direction is one direction of a node.
type direction struct {
	cellCase
	f          []func(float64) float64
	H          int
	w, r, b, p []float64
}

func (k direction) step(x, h, c []float64) (nextH, nextC []float64) {
	H, g := k.H, k.gates()*k.H
	dot := func(m []float64, row int, v []float64) (s float64) {
		for i, e := range v {
			s += m[row*len(v)+i] * e
		}
		return s
	}
	at := func(v []float64, i int) float64 {
		if len(v) == 0 {
			return 0
		}
		return v[i]
	}
	clip := func(a float64) float64 {
		if k.clip == 0 {
			return a
		}
		return min(max(a, -float64(k.clip)), float64(k.clip))
	}
	wx := func(gate, j int) float64 { return dot(k.w, gate*H+j, x) + at(k.b, gate*H+j) }
	rh := func(gate, j int, h []float64) float64 { return dot(k.r, gate*H+j, h) + at(k.b, g+gate*H+j) }
	peep := func(n, j int, c float64) float64 { return at(k.p, n*H+j) * c }
	nextH, nextC = make([]float64, H), make([]float64, H)
	reset := make([]float64, H)
	if k.op == "GRU" {
		for j := range H {
			reset[j] = k.f[0](clip(wx(1, j)+rh(1, j, h))) * h[j]
		}
	}
	for j := range H {
		switch k.op {
		case "RNN":
			nextH[j] = k.f[0](clip(wx(0, j) + rh(0, j, h)))
		case "GRU": // z, r, h
			z := k.f[0](clip(wx(0, j) + rh(0, j, h)))
			n := wx(2, j) + rh(2, j, reset)
			if k.lbr {
				n = wx(2, j) + k.f[0](clip(wx(1, j)+rh(1, j, h)))*rh(2, j, h)
			}
			nextH[j] = (1-z)*k.f[1](clip(n)) + z*h[j]
		case "LSTM": // i, o, f, c; P i, o, f
			i := k.f[0](clip(wx(0, j) + rh(0, j, h) + peep(0, j, c[j])))
			f := k.f[0](clip(wx(2, j) + rh(2, j, h) + peep(2, j, c[j])))
			if k.coupled {
				f = 1 - i
			}
			nextC[j] = f*c[j] + i*k.f[1](clip(wx(3, j)+rh(3, j, h)))
			nextH[j] = k.f[0](clip(wx(1, j)+rh(1, j, h)+peep(1, j, nextC[j]))) * k.f[2](nextC[j])
		}
	}
	return nextH, nextC
}
