package torchscript

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// scripted are the classes whose forward is not followed but known.
var scripted = regexp.MustCompile(`^__torch__\.torch\.nn\.modules\.rnn\.(?:___torch_mangle_\d+\.)?(LSTM|GRU|RNN)$`)

// cell knows what nn.LSTM and its like do when they are scripted.
func (r *run) cell(to method, args []any) (any, bool) {
	kind := scripted.FindStringSubmatch(to.m.Class)
	if kind == nil || to.name != "forward__0" {
		return nil, false
	}
	if len(args) == 0 {
		r.fail("%s without an input", kind[1])
	}
	x := r.stream(args[0])
	if len(args) > 1 {
		r.initial(args[1], to.m.Path)
	}
	mode := kind[1]
	if mode == "RNN" {
		mode, _ = r.program.classes[to.m.Class].constants["mode"].(string)
		if mode != "RNN_TANH" && mode != "RNN_RELU" {
			r.fail("an nn.RNN whose mode is %.20q, supported are RNN_TANH and RNN_RELU", mode)
		}
	}
	layerKind, l := r.kind(strings.ToLower(mode))
	m := map[string]*Tensor{}
	for n, v := range to.m.Attrs {
		if t, ok := v.(*Tensor); ok && strings.HasPrefix(n, "weight_") || ok && strings.HasPrefix(n, "bias_") {
			m[n] = t
		}
	}
	rank := x.rank
	if rank == 0 {
		rank = 3
	}
	y, last := r.recurrent(layerKind, m, l, rank, x)
	if kind[1] == "LSTM" {
		return tuple{y, tuple{last, unknown{why: "the cell state"}}}, true
	}
	return tuple{y, last}, true
}

// initial verifies that v can be the initial state of a layer.
func (r *run) initial(v any, layer string) {
	if !r.isState(v) {
		r.fail("an initial state of %s that is %s, supported are zeros and an argument of forward", layer, kindOf(v))
	}
	list, _ := v.(List)
	if t, ok := v.(tuple); ok {
		list = List(t)
	}
	for _, v := range append(list[:len(list):len(list)], v) {
		if u, ok := v.(unknown); ok && u.argument {
			r.note("an initial state that is an argument of forward is that of a session, and starts at zero")
		}
	}
}

// recurrent adds a stack of layers with tensors by their names in nn.LSTM.
func (r *run) recurrent(kind string, m map[string]*Tensor, l spec.Layer, rank int, x *node) (y *node, last any) {
	ih, hh := m["weight_ih_l0"], m["weight_hh_l0"]
	if ih == nil || hh == nil || len(ih.Shape) != 2 || len(hh.Shape) != 2 {
		r.fail("a %s without weight_ih_l0 and weight_hh_l0", kind)
	}
	r.reads(x, ih.Shape[1])
	width := hh.Shape[1]
	_, both := m["weight_ih_l0_reverse"]
	if both {
		width *= 2
	}
	y = r.withTensors(kind, m, l, rank, &width, x)
	if both {
		return y, unknown{why: "the final states of both ways"}
	}
	layers := 0
	for m[fmt.Sprintf("weight_ih_l%d", layers)] != nil {
		layers++
	}
	return y, final{y, layers}
}

// stack follows torch.lstm and its like:
// (input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first).
func (r *run) stack(a arguments) any {
	x := r.stream(a.at(0, "input"))
	hx := a.at(1, "hx")
	params, ok := a.at(2, "params").(List)
	biases, ok1 := a.at(3, "has_biases").(bool)
	layers, ok2 := a.at(4, "num_layers").(int64)
	both, ok3 := a.at(7, "bidirectional").(bool)
	if !ok || !ok1 || !ok2 || !ok3 {
		r.fail("torch.%s is supported as nn.LSTM and its like call it, without packed sequences", a.op)
	}
	r.initial(hx, "torch."+a.op)
	ways := []string{""}
	if both {
		ways = append(ways, "_reverse")
	}
	roles := []string{"weight_ih", "weight_hh"}
	if biases {
		roles = append(roles, "bias_ih", "bias_hh")
	}
	if n := len(ways); layers > 0 && layers < 1<<10 && len(params) == int(layers)*n*(len(roles)+1) {
		roles = append(roles, "weight_hr")
	}
	if layers < 1 || layers > 1<<10 || len(params) != int(layers)*len(ways)*len(roles) {
		r.fail("torch.%s of %d layers with %d parameters", a.op, layers, len(params))
	}
	m := map[string]*Tensor{}
	for layer := range layers {
		for _, way := range ways {
			for _, role := range roles {
				t, ok := params[0].(*Tensor)
				if !ok {
					r.fail("torch.%s whose %s is %s", a.op, role, kindOf(params[0]))
				}
				m[fmt.Sprintf("%s_l%d%s", role, layer, way)] = t
				params = params[1:]
			}
		}
	}
	kind, l := r.kind(a.op)
	y, last := r.recurrent(kind, m, l, 3, x)
	if kind == "lstm" {
		return tuple{y, last, unknown{why: "the cell state"}}
	}
	return tuple{y, last}
}

// kind is the kind of layer of torch.lstm and its like, and what has to be said with it.
func (r *run) kind(op string) (string, spec.Layer) {
	kind, function, _ := strings.Cut(strings.TrimSuffix(op, "_cell"), "_")
	switch function {
	case "tanh":
		return kind, spec.Layer{Activation: &format.Function{Kind: format.Tanh}}
	case "relu":
		return kind, spec.Layer{Activation: &format.Function{Kind: format.Relu}}
	}
	return kind, spec.Layer{}
}

// singleCell follows torch.lstm_cell and its like:
// (input, hx, w_ih, w_hh, b_ih, b_hh).
func (r *run) singleCell(a arguments) any {
	x := r.stream(a.at(0, "input"))
	r.initial(a.at(1, "hx"), "torch."+a.op)
	m := tensors(r, a, "weight_ih", 2, "weight_hh", 3, "bias_ih", 4, "bias_hh", 5)
	if m["weight_ih"] == nil || m["weight_hh"] == nil || len(m["weight_ih"].Shape) != 2 || len(m["weight_hh"].Shape) != 2 {
		r.fail("torch.%s without matrices", a.op)
	}
	r.reads(x, m["weight_ih"].Shape[1])
	kind, l := r.kind(a.op)
	y := r.withTensors(kind, m, l, x.rank, fixed(m["weight_hh"].Shape[1]), x)
	if kind == "lstm" {
		return tuple{y, unknown{why: "the cell state"}}
	}
	return y
}
