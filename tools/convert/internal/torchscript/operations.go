package torchscript

import (
	"strings"
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
		if v.Path == "" && elements(v.Shape) == 1 {
			return v.Value, true
		}
	}
	return 0, false
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// unchanged are operations that change nothing a step can see.
var unchanged = map[string]bool{
	"contiguous": true, "to": true, "dropout": true, "feature_dropout": true, "alpha_dropout": true,
	"detach": true, "requires_grad": true, "clone": true, "type_as": true, "float": true, "double": true, "cpu": true,
}

// moves are operations that move dimensions or take a part of them.
var moves = map[string]bool{
	"squeeze": true, "unsqueeze": true, "select": true, "slice": true, "transpose": true, "view": true, "reshape": true,
	"permute": true, "flatten": true, "repeat": true, "index_select": true, "expand": true, "expand_as": true, "t": true,
}

// lists are operations that change a list.
var lists = map[string]bool{
	"append": true, "extend": true, "insert": true, "_set_item": true, "pop": true, "remove": true, "reverse": true,
	"clear": true, "sort": true, "Delete": true, "del": true, "__delitem__": true,
}

// operation follows torch.op.
func (r *run) operation(op string, args []any, keyword map[string]any) any {
	inPlace := strings.HasSuffix(op, "_") && !strings.HasSuffix(op, "__")
	if inPlace {
		op = strings.TrimSuffix(op, "_")
	}
	a := arguments{r: r, op: op, args: args, keyword: keyword}
	first := a.at(0, "input")
	if inPlace && !unchanged[op] {
		if changed := r.changes(op, first); changed != "" {
			defer func() { r.changed[changed] = true }()
		}
	}
	if lists[op] {
		if _, ok := first.(List); ok {
			r.fail("torch.%s of a list is not supported", op)
		}
	}
	if v, known := compare(op, args); known {
		return v
	}
	if v, known := r.written(a, inPlace); known {
		return v
	}
	if v := r.softsign(a); v != nil {
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
	case "size", "dim", "len":
		return r.sizes(a)
	case "__contains__":
		if list, ok := first.(List); ok && len(args) == 2 {
			return contains(list, args[1])
		}
		return unknown{why: "a condition"}
	case "numel", "format":
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
		u := r.derived(first, why(args, "the result of torch."+op), unchanged[op] || moves[op])
		if op == "select" || op == "slice" {
			u = u.part(a.at(2, "start"))
		}
		return u
	}
	if unchanged[op] {
		return r.unchanged(a)
	}
	if moves[op] {
		return r.shape(a)
	}
	if f, ok := layers[op]; ok {
		return f(r, a)
	}
	if f, ok := functions[op]; ok {
		return r.function(r.stream(first), f(a))
	}
	if f, ok := composed[op]; ok {
		return f(r, r.stream(first), a)
	}
	r.fail("torch.%s is not supported", op)
	return nil
}

// changes is what an operation in place makes another, "" for nothing that is known.
func (r *run) changes(op string, v any) string {
	switch v := v.(type) {
	case *node:
		return r.stream(v).name
	case final:
		return stateOf(v.of)
	case unknown:
		if v.state && op != "zero" {
			r.fail("torch.%s_ of %s, which may be an initial state", op, kindOf(v))
		}
	case *Tensor, transposed:
		r.fail("torch.%s_ of a parameter", op)
	}
	return ""
}

// unchanged follows what changes nothing a step can see.
func (r *run) unchanged(a arguments) any {
	first := a.at(0, "input")
	switch a.op {
	case "to":
		for _, v := range []any{a.at(1, "dtype"), a.at(2, "dtype")} {
			t, ok := v.(int64)
			switch n, isNode := first.(*node); {
			case !ok:
			case t >= 0 && t <= 4 || t == 11:
				if !isNode || n.name != "input" || t == 11 {
					r.fail("torch.to whole numbers is supported of the input")
				}
				m := *n
				m.whole = true
				first = &m
			case t == 5 || t == 15:
				r.note("numbers that the program rounds to 16 bits are float32")
			}
		}
	case "dropout", "feature_dropout", "alpha_dropout":
		if train, ok := a.at(2, "train").(bool); !ok || train && a.number(1, "p", 1) != 0 {
			r.fail("torch.%s that is not switched off: save the module after eval()", a.op)
		}
	}
	return first
}

// contains reports whether one of the numbers of a list is v, where all are known.
func contains(list List, v any) any {
	x, known := scalar(v)
	found := false
	for _, item := range list {
		y, ok := scalar(item)
		known = known && ok
		found = found || x == y
	}
	if !known {
		return unknown{why: "a condition"}
	}
	return found
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
		if u, is := args[0].(unknown); is && u.argument == "" || args[1] != nil {
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
