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
	layer := strings.TrimSuffix(fmt.Sprintf("nn.%s %s", kind[1], to.m.Path), " ")
	var hx any
	if len(args) > 1 {
		hx = args[1]
	}
	batchFirst, ok := r.program.classes[to.m.Class].constants["batch_first"].(bool)
	if !ok {
		r.fail("%s does not say whether it is batch_first", layer)
	}
	at, arguments := r.runs(x, batchFirst, hx, layer)
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
	y, last := r.recurrent(layerKind, m, l, at, x)
	r.carries(y, layerKind, arguments)
	if kind[1] == "LSTM" {
		return tuple{y, tuple{last, unknown{why: "the cell state", cell: cellOf(y)}}}, true
	}
	return tuple{y, last}, true
}

// runs notes what the time of a stack is: where it is among the dimensions of x, or the calls
// of forward where there is one step, with a state from the call before.
func (r *run) runs(x *node, batchFirst bool, hx any, layer string) (at int, arguments []string) {
	arguments = r.initial(hx, layer)
	time, at := r.timeOf(x, batchFirst, layer)
	if time == single {
		if len(arguments) == 0 && !r.optional {
			r.fail("%s runs over one step, from zeros", layer)
		}
		time = calls
	}
	r.along(time, layer)
	return at, arguments
}

// recurrent adds a stack of layers with tensors by their names in nn.LSTM, which runs along
// one of the dimensions of x.
func (r *run) recurrent(kind string, m map[string]*Tensor, l spec.Layer, at int, x *node) (y *node, last any) {
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
	y = r.withTensors(kind, m, l, x.axes, &width, x)
	if both {
		return y, unknown{why: "the final states of both ways"}
	}
	layers := 0
	for m[fmt.Sprintf("weight_ih_l%d", layers)] != nil {
		layers++
	}
	return y, final{y.arranged(append([]axis{single}, without(y.axes, at)...)), layers}
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
	if train, ok := a.at(6, "train").(bool); !ok || train && a.number(5, "dropout", 1) != 0 && layers > 1 {
		r.fail("torch.%s with a dropout that is not switched off: save the module after eval()", a.op)
	}
	batchFirst, ok := a.at(8, "batch_first").(bool)
	if !ok {
		r.fail("torch.%s does not say whether it is batch_first", a.op)
	}
	if n := x.rank(); n != 3 && !x.loose {
		r.failAs(impossible, "torch.%s of a tensor of %d dimensions, want 3", a.op, n)
	}
	at, arguments := r.runs(x, batchFirst, hx, "torch."+a.op)
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
	y, last := r.recurrent(kind, m, l, at, x)
	r.carries(y, kind, arguments)
	if kind == "lstm" {
		return tuple{y, last, unknown{why: "the cell state", cell: cellOf(y)}}
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
	arguments := r.initial(a.at(1, "hx"), "torch."+a.op)
	if len(arguments) == 0 && !r.optional {
		r.fail("torch.%s starts from zeros at each call; supported is a state that is an argument of forward", a.op)
	}
	if n := x.rank(); n != 1 && n != 2 {
		r.failAs(impossible, "torch.%s of a tensor of %d dimensions, want 1 or 2", a.op, n)
	}
	r.along(calls, "torch."+a.op)
	r.featuresLast(x, "torch."+a.op)
	m := tensors(r, a, "weight_ih", 2, "weight_hh", 3, "bias_ih", 4, "bias_hh", 5)
	if m["weight_ih"] == nil || m["weight_hh"] == nil || len(m["weight_ih"].Shape) != 2 || len(m["weight_hh"].Shape) != 2 {
		r.fail("torch.%s without matrices", a.op)
	}
	r.reads(x, m["weight_ih"].Shape[1])
	kind, l := r.kind(a.op)
	y := r.withTensors(kind, m, l, x.axes, fixed(m["weight_hh"].Shape[1]), x)
	r.carries(y, kind, arguments)
	if kind == "lstm" {
		return tuple{y, unknown{why: "the cell state", cell: cellOf(y)}}
	}
	return y
}
