package torchscript

import (
	"strconv"
	"strings"
)

// eval follows an expression.
func (r *run) eval(x any, env map[string]any, f *function) any {
	switch x := x.(type) {
	case nil, bool, int64, float64, string:
		return x
	case name:
		if v, ok := env[string(x)]; ok {
			return v
		}
		return reference(x)
	}
	r.deeper()
	defer func() { r.depth-- }()
	switch x := x.(type) {
	case sequence:
		items := make([]any, len(x.items))
		for i, item := range x.items {
			items[i] = r.eval(item, env, f)
		}
		if x.list {
			return List(items)
		}
		return tuple(items)
	case selector:
		return r.attribute(r.eval(x.x, env, f), x.name)
	case index:
		return r.element(r.eval(x.x, env, f), r.eval(x.i, env, f))
	case call:
		return r.evalCall(x, env, f)
	}
	r.fail("an expression that is not supported")
	return nil
}

func (r *run) attribute(v any, n string) any {
	switch v := v.(type) {
	case *Module:
		if n == "training" {
			return false // a model runs as eval() has it
		}
		if a, ok := v.Attrs[n]; ok {
			return a
		}
		if m := (method{v, n}); r.lookup(m) != nil {
			return m
		}
		return unknown{why: "the attribute " + n}
	case reference:
		if v == "CONSTANTS" {
			i, err := strconv.Atoi(strings.TrimPrefix(n, "c"))
			if err != nil || i < 0 || i >= len(r.program.constants) {
				r.fail("no constant %.20q", n)
			}
			return r.program.constants[i]
		}
		if len(v) > maxSource/64 {
			r.fail("a name is too long")
		}
		return v + "." + reference(n)
	case unknown:
		return v
	}
	r.fail("%s has no attribute %s", kindOf(v), n)
	return nil
}

func (r *run) element(v, i any) any {
	var items []any
	switch v := v.(type) {
	case tuple:
		items = v
	case List:
		items = v
	default:
		if u, ok := v.(unknown); ok {
			if n, ok := i.(int64); ok && n >= 0 && n < maxDepth {
				return u.element(int(n))
			}
		}
		return r.derived(v, "an element of "+kindOf(v), false)
	}
	n, ok := i.(int64)
	if ok && n < 0 {
		n += int64(len(items))
	}
	if !ok || n < 0 || n >= int64(len(items)) {
		r.fail("an element that is not there")
	}
	return items[n]
}

// derived is what is not known, as v is not, and may be an initial state, as v may.
func (r *run) derived(v any, why string, state bool) unknown {
	u, ok := v.(unknown)
	if d := (unknown{why: why, state: state && r.isState(v)}); !ok || !state {
		return d
	}
	return unknown{why: why, state: u.state, argument: u.argument, cell: u.cell}
}

// element is one of a tuple that is not known.
func (u unknown) element(i int) unknown {
	if u.argument != "" {
		u.argument = argument(u.argument, i)
	}
	u.why, u.cell = "an element of "+strings.TrimPrefix(u.why, "an element of "), ""
	return u
}

// isState reports whether v may be an initial state.
func (r *run) isState(v any) bool {
	r.spend(1)
	switch v := v.(type) {
	case nil:
		return true
	case unknown:
		return v.state
	case List:
		for _, item := range v {
			if !r.isState(item) {
				return false
			}
		}
		return true
	case tuple:
		return r.isState(List(v))
	}
	return false
}

// part is what begins at an index of a tensor that is not known.
func (u unknown) part(index any) unknown {
	i, _ := index.(int64)
	if i < 0 || i > 1<<10 {
		i = 1 << 10
	}
	if u.argument != "" {
		u.argument = argument(u.argument, int(i))
	}
	return u
}

func (r *run) evalCall(x call, env map[string]any, f *function) any {
	to := r.eval(x.f, env, f)
	switch to {
	case reference("annotate"), reference("unchecked_cast"): // of a type
		if len(x.args) == 2 {
			return r.eval(x.args[1], env, f)
		}
	case reference("uninitialized"):
		return unknown{why: "what was never set"}
	}
	var args []any
	keyword := map[string]any{}
	for i, a := range x.args {
		v := r.eval(a, env, f)
		if k := i - (len(x.args) - len(x.keyword)); k >= 0 {
			keyword[x.keyword[k]] = v
		} else {
			args = append(args, v)
		}
	}
	fn, _ := to.(reference)
	if _, is := to.(method); len(keyword) > 0 && (is || r.program.functions[string(fn)] != nil) {
		r.fail("a call of %s with arguments by name", kindOf(to))
	}
	switch to := to.(type) {
	case method:
		return r.callMethod(to, args)
	case unknown:
		r.fail("a call of %s", to.why)
	case reference:
		n := string(to)
		if fn := r.program.functions[n]; fn != nil {
			return r.call(fn, args)
		}
		switch {
		case n == "getattr" && len(args) == 2:
			if s, ok := args[1].(string); ok {
				return r.attribute(args[0], s)
			}
		case n == "ops.prim.RaiseException":
			panic(raised{})
		case n == "bool" && len(args) == 1:
			if v, known := truth(args[0]); known {
				return v
			}
			return unknown{why: "a number that only a run decides"}
		case strings.HasPrefix(n, "torch."):
			return r.operation(strings.TrimPrefix(n, "torch."), args, keyword)
		case (n == "int" || n == "ops.prim.NumToTensor") && len(args) == 1:
			switch args[0].(type) {
			case size, int64:
				return args[0]
			}
		}
		for _, a := range args {
			if r.fromInput(a) && !strings.HasPrefix(n, "ops.prim.") && n != "int" && n != "float" {
				r.fail("%s is not supported", n)
			}
		}
		return unknown{why: "the result of " + n}
	}
	r.fail("a call of %s", kindOf(to))
	return nil
}

// fromInput reports whether v comes from the input.
func (r *run) fromInput(v any) bool {
	r.spend(1)
	switch v := v.(type) {
	case *node, final, magnitude, term:
		return true
	case List:
		for _, item := range v {
			if r.fromInput(item) {
				return true
			}
		}
	case tuple:
		return r.fromInput(List(v))
	}
	return false
}
