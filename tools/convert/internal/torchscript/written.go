package torchscript

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A term is a part of a cell that is written out in operations, as newer versions of PyTorch
// trace nn.LSTMCell and its like: what is computed, as text, and of what. One that is what a
// cell computes in the end becomes that cell.
type term struct {
	text string
	of   written
}

// written is what a term is made of; what it is not is zero.
type written struct {
	x        *node   // a dense layer of the cell's input
	hh, bias *Tensor // the matrix that the state is multiplied by, and its bias
	h, c     unknown // the states
}

func (w written) hText() string { return fmt.Sprintf("h %q %s", w.hh.Path, w.h.argument) }
func (w written) xText() string { return fmt.Sprintf("x %q", w.x.name) }

const maxTerm = 1 << 12 // bytes of a text

// written follows an operation on a state, or on terms; known is false for any other.
func (r *run) written(a arguments, inPlace bool) (v any, known bool) {
	if a.op == "linear" {
		return r.recurrentTerm(a)
	}
	if !slices.ContainsFunc(a.args, func(v any) bool { _, ok := v.(term); return ok }) {
		return r.chunks(a)
	}
	if unchanged[a.op] {
		return a.args[0], true
	}
	switch a.op {
	case "add", "mul", "sub", "sigmoid", "tanh", "relu":
	case "chunk", "unsafe_chunk":
		return r.chunks(a)
	default:
		r.fail("torch.%s of a part of a cell is not supported", a.op)
	}
	if a.number(2, "alpha", 1) != 1 {
		r.fail("torch.%s of a part of a cell with alpha", a.op)
	}
	var t term
	var texts []string
	for _, v := range a.args[:min(len(a.args), 2)] {
		p := r.operand(v)
		texts = append(texts, p.text)
		t.of = r.together(t.of, p.of)
	}
	t.text = operationText(a.op, texts...)
	if len(t.text) > maxTerm {
		r.fail("a cell that is written out in too many operations")
	}
	if inPlace {
		r.changed[texts[0]] = true
	}
	return r.finished(t), true
}

// operationText is the text of one operation.
func operationText(op string, texts ...string) string {
	if op != "sub" {
		slices.Sort(texts)
	}
	return op + "(" + strings.Join(texts, ", ") + ")"
}

// recurrentTerm is the product of a state and its matrix.
func (r *run) recurrentTerm(a arguments) (any, bool) {
	h, ok := a.at(0, "input").(unknown)
	w, matrix := a.at(1, "weight").(*Tensor)
	b, vector := a.at(2, "bias").(*Tensor)
	if !ok || !h.state || !matrix || w.Path == "" || len(w.Shape) != 2 || a.at(2, "bias") != nil && (!vector || b.Path == "") {
		return nil, false
	}
	of := written{hh: w, bias: b, h: h}
	return term{of.hText(), of}, true
}

// chunks follows what cuts the gates apart.
func (r *run) chunks(a arguments) (any, bool) {
	if a.op != "chunk" && a.op != "unsafe_chunk" {
		return nil, false
	}
	n, ok := a.at(1, "chunks").(int64)
	if !ok || n != 3 && n != 4 {
		return nil, false
	}
	if x, is := a.at(0, "input").(*node); is {
		if x.rank() > 2 { // no cell does that, whose input has two dimensions
			r.failAs(impossible, "torch.%s of a tensor of %d dimensions, want 1 or 2", a.op, x.rank())
		}
		r.overFeatures(x, a.at(2, "dim"), "torch."+a.op)
	}
	p := r.operand(a.at(0, "input"))
	list := make(List, n)
	for i := range list {
		list[i] = term{fmt.Sprintf("%s[%d of %d]", p.text, i, n), p.of}
	}
	return list, true
}

// operand is v as a term.
func (r *run) operand(v any) term {
	switch v := v.(type) {
	case term:
		if r.changed[v.text] {
			r.fail("a part of a cell that was changed in place is used again")
		}
		return v
	case *node:
		if r.stream(v).layer.Kind == "dense" {
			of := written{x: v}
			return term{of.xText(), of}
		}
	case unknown:
		if v.state && v.argument == "" {
			r.fail("a cell that is written out starts from %s at each call; supported is a state that is an argument of forward", v.why)
		}
		if v.state {
			return term{"state " + v.argument, written{c: v}}
		}
	}
	r.fail("a part of a cell with %s is not supported", kindOf(v))
	return term{}
}

// together is what two terms are made of.
func (r *run) together(a, b written) written {
	differ := a.x != nil && b.x != nil && a.x.name != b.x.name || a.hh != nil && b.hh != nil && (a.hh != b.hh || a.bias != b.bias || a.h != b.h) ||
		a.c.argument != "" && b.c.argument != "" && a.c != b.c
	if differ {
		r.fail("parts of different cells in one operation")
	}
	if a.x == nil {
		a.x = b.x
	}
	if a.hh == nil {
		a.hh, a.bias, a.h = b.hh, b.bias, b.h
	}
	if a.c.argument == "" {
		a.c = b.c
	}
	return a
}

// finished is t, or the cell that it is.
func (r *run) finished(t term) any {
	of := t.of
	if of.x == nil || of.hh == nil {
		return t
	}
	add := func(a, b string) string { return operationText("add", a, b) }
	mul := func(a, b string) string { return operationText("mul", a, b) }
	sigmoid := func(a string) string { return operationText("sigmoid", a) }
	tanh := func(a string) string { return operationText("tanh", a) }
	h, x := of.hText(), of.xText()
	gates, state := add(h, x), "state "+of.c.argument
	gate := func(s string, i, n int) string { return fmt.Sprintf("%s[%d of %d]", s, i, n) }
	sum := func(i int) string { return add(gate(h, i, 3), gate(x, i, 3)) }

	cell := add(mul(sigmoid(gate(gates, 1, 4)), state), mul(sigmoid(gate(gates, 0, 4)), tanh(gate(gates, 2, 4))))
	candidate := tanh(add(gate(x, 2, 3), mul(gate(h, 2, 3), sigmoid(sum(0)))))
	switch t.text {
	case tanh(gates):
		return r.cellOf(of, "rnn", spec.Layer{Activation: &format.Function{Kind: format.Tanh}})
	case operationText("relu", gates):
		return r.cellOf(of, "rnn", spec.Layer{Activation: &format.Function{Kind: format.Relu}})
	case mul(sigmoid(gate(gates, 3, 4)), tanh(cell)):
		y := r.cellOf(of, "lstm", spec.Layer{}, of.c)
		r.cells[cell] = cellOf(y)
		return y
	case add(mul(operationText("sub", state, candidate), sigmoid(sum(1))), candidate):
		if of.h == of.c {
			return r.cellOf(of, "gru", spec.Layer{})
		}
	}
	return t
}

// cellOf adds the cell that is written out.
func (r *run) cellOf(of written, kind string, l spec.Layer, more ...any) *node {
	op := "a " + kind + " cell that is written out"
	x := of.x.from[0]
	if n := x.rank(); n != 1 && n != 2 {
		r.failAs(impossible, "%s of a tensor of %d dimensions, want 1 or 2", op, n)
	}
	arguments := r.initial(tuple(append([]any{of.h}, more...)), op)
	if len(arguments) != 1+len(more) {
		r.fail("%s starts from zeros at each call; supported is a state that is an argument of forward", op)
	}
	r.along(calls, op)
	m := map[string]*Tensor{"weight_hh": of.hh}
	if of.bias != nil {
		m["bias_hh"] = of.bias
	}
	for role, name := range map[string]string{"weight": "weight_ih", "bias": "bias_ih"} {
		if t := of.x.tensors[role]; t != nil {
			m[name] = t
		}
	}
	y := r.withTensors(kind, m, l, x.axes, fixed(of.hh.Shape[1]), x)
	r.carries(y, kind, arguments)
	return y
}
