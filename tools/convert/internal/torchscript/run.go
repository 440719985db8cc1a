package torchscript

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A node is a layer's output, for each step.
type node struct {
	name    string
	layer   spec.Layer
	from    []*node
	axes    []axis             // what its dimensions are in the program
	loose   bool               // those of size 1 may be missing
	width   *int               // features, 0 if not known; shared where equal
	whole   bool               // made whole numbers
	tensors map[string]*Tensor // by role, of a layer that has some
	product *Tensor            // the weight of a dense layer that may still get a bias
}

// The other values: what is not known, a method or function, the final state h of a
// recurrent layer, and a transposed parameter.
type (
	unknown struct {
		why      string
		state    bool   // may be an initial state: zeros or an argument of the model
		argument string // which argument of forward it is, see argument; "" if it is none
		cell     string // the cell state that it is, see cellOf
	}
	method struct {
		m    *Module
		name string
	}
	reference string
	final     struct {
		of     *node // the output of the last layer, with the dimensions of the state
		layers int   // whose states it has
	}
	transposed struct{ t *Tensor }
	magnitude  struct { // |x| or 1 + |x|, of which softsign is made
		of  *node
		one bool
	}
	tuple []any
)

const (
	maxSteps = 1 << 17 // statements, expressions and values that are followed
	maxDepth = 100     // calls and expressions in one another
)

type run struct {
	program  *Program
	root     *Module
	input    *node
	order    []*node
	nodes    map[string]*node
	names    map[string]bool
	changed  map[string]bool   // names of nodes that an operation in place has made another
	time     axis              // that the recurrent layers run along
	timed    bool              // time is known
	reduced  map[axis]string   // dimensions that must be of size 1, by what says so
	parts    map[axis][]axis   // of those that views have merged
	optional bool              // forward may be given a state that it starts without
	cells    map[string]string // the cell states that terms are
	carried  []given           // states that forward is given
	notes    []string
	steps    int
	depth    int
	where    string // file:line
}

type failure struct {
	error
	kind kind
}

// raised is the end of a way that ends in an exception.
type raised struct{}

func (r *run) fail(format string, a ...any) { r.failAs(unsupported, format, a...) }

func (r *run) failAs(k kind, format string, a ...any) {
	panic(failure{fmt.Errorf("%s: %s", r.where, fmt.Sprintf(format, a...)), k})
}

func (r *run) note(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// model follows forward of the whole model and returns what its output is.
func (r *run) model(l layout) (out *node, k kind, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case failure:
			k, err = e.kind, e.error
		case raised:
			k, err = impossible, fmt.Errorf("%s: forward ends in an exception", r.where)
		default:
			panic(e)
		}
	}()
	r.names, r.changed, r.nodes, r.reduced = map[string]bool{"input": true}, map[string]bool{}, map[string]*node{}, map[axis]string{}
	r.parts, r.cells = map[axis][]axis{}, map[string]string{}
	r.input = &node{name: "input", axes: l, width: new(int)}
	if r.input.flat() {
		*r.input.width = 1
	}
	r.where = "code"
	forward := method{r.root, "forward"}
	f := r.lookup(forward)
	if f == nil {
		forward.name = "forward__0" // of nn.LSTM and its like
		f = r.lookup(forward)
	}
	if f == nil {
		r.fail("no method forward of %s", r.root.Class)
	}
	if len(f.params) < 2 {
		r.fail("forward of %s has no input", r.root.Class)
	}
	args := []any{r.input}
	for i, p := range f.params[2:] {
		if d, ok := f.defaults[p]; ok && d == nil {
			args = append(args, nil)
			r.optional = true
			continue
		}
		args = append(args, unknown{why: "the argument " + p, state: true, argument: argument("", i)})
	}
	y := r.callMethod(forward, args)
	r.where = f.file
	if t, ok := y.(tuple); ok && len(t) > 0 {
		r.returns(t)
		y = t[0]
		r.note("of the outputs of forward, the first is taken")
	}
	out = r.stream(y)
	r.describe()
	return out, 0, nil
}

// lookup is the code of a method, nil if there is none.
func (r *run) lookup(m method) *function {
	if c := r.program.classes[m.m.Class]; c != nil {
		return c.methods[m.name]
	}
	return nil
}

// callMethod follows a method, or knows what it does.
func (r *run) callMethod(m method, args []any) any {
	if y, known := r.cell(m, args); known {
		return y
	}
	return r.call(r.lookup(m), append([]any{m.m}, args...))
}

// stream is v as what comes from the input at each step.
func (r *run) stream(v any) *node {
	switch v := v.(type) {
	case *node:
		if r.changed[v.name] {
			r.fail("it uses %s, which was changed in place", v.name)
		}
		return v
	case final:
		if v.layers != 1 {
			r.fail("the final states of %d layers are used as one", v.layers)
		}
		if r.changed[stateOf(v.of)] {
			r.fail("it uses the state of %s, which was changed in place", v.of.name)
		}
		r.note("the last state of a recurrent layer is its output at each step")
		return v.of
	case magnitude:
		r.fail("torch.abs is supported as softsign has it, x / (1 + |x|)")
	case unknown:
		r.fail("%s is used as if it came from the input", v.why)
	}
	r.fail("want what comes from the input, found %s", kindOf(v))
	return nil
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *Module:
		return "a module"
	case *Tensor, transposed:
		return "a parameter"
	case unknown:
		return v.why
	case *node, final, magnitude:
		return "what comes from the input"
	case tuple:
		return "a tuple"
	case List:
		return "a list"
	case method:
		return "a method"
	case term:
		return "a part of a cell that is written out"
	case size:
		return aSize
	}
	return fmt.Sprintf("%.40v", v)
}

// layer adds a layer, once for each of the same.
func (r *run) layer(l spec.Layer, axes []axis, width *int, from ...*node) *node {
	key := fmt.Sprintf("%s %q %q %v %v", l.Kind, l.Name, l.Tensors, l.Epsilon, axes)
	if l.Activation != nil {
		key += fmt.Sprintf(" %v", *l.Activation)
	}
	loose := false
	for _, f := range from {
		if f.whole && l.Kind != "embedding" {
			r.fail("what was made whole numbers is supported as the tokens of an embedding")
		}
		loose = loose || f.loose
		key += fmt.Sprintf(" %s %v", f.name, f.loose)
	}
	if n := r.nodes[key]; n != nil {
		return n
	}
	base := cmp.Or(l.Name, l.Kind)
	unique := base
	for i := 2; r.names[unique]; i++ {
		unique = fmt.Sprintf("%s.%d", base, i)
	}
	r.names[unique] = true
	n := &node{name: unique, layer: l, from: from, axes: axes, loose: loose, width: width}
	r.nodes[key] = n
	r.order = append(r.order, n)
	return n
}

// call follows a function of the program.
func (r *run) call(f *function, args []any) any {
	r.deeper()
	defer func(where string) { r.where = where; r.depth-- }(r.where)
	env := map[string]any{}
	for i, p := range f.params {
		switch d, ok := f.defaults[p]; {
		case i < len(args):
			env[p] = args[i]
		case ok:
			env[p] = r.eval(d, env, f)
		default:
			r.fail("no argument for %s", p)
		}
	}
	if len(args) > len(f.params) {
		r.fail("%d arguments for %d", len(args), len(f.params))
	}
	v, done := r.body(f.body, env, f)
	if !done {
		return nil
	}
	return v
}

// spend counts steps against the most that are made.
func (r *run) spend(steps int) {
	if r.steps -= steps; r.steps < 0 {
		r.fail("the program is too large")
	}
}

func (r *run) deeper() {
	r.spend(1)
	if r.depth++; r.depth > maxDepth {
		r.fail("the program is nested deeper than %d levels", maxDepth)
	}
}

// body follows statements; done says that one of them was a return.
func (r *run) body(body []any, env map[string]any, f *function) (v any, done bool) {
	for _, s := range body {
		r.spend(1)
		switch s := s.(type) {
		case result:
			r.at(f, s.line)
			if s.x == nil {
				return nil, true
			}
			return r.eval(s.x, env, f), true
		case assign:
			r.at(f, s.line)
			r.assign(s, env, f)
		case block:
			if v, done := r.body(s.body, env, f); done {
				return v, true
			}
		case branch:
			r.at(f, s.line)
			if v, done := r.branch(s, env, f); done {
				return v, true
			}
		case other:
			r.at(f, s.line)
			r.fail("%s is not supported", s.what)
		}
	}
	return nil, false
}

func (r *run) at(f *function, line int) { r.where = fmt.Sprintf("%s:%d", f.file, line) }

func (r *run) assign(s assign, env map[string]any, f *function) {
	v := r.eval(s.x, env, f)
	to := []any{v}
	if s.unpack {
		switch v := v.(type) {
		case tuple:
			to = v
		case List:
			to = v
		case unknown:
			to = nil
			for i := range s.to {
				to = append(to, v.element(i))
			}
		default:
			r.fail("%s is taken apart", kindOf(v))
		}
	}
	if s.to != nil && len(to) != len(s.to) {
		r.fail("%d values for %d names", len(to), len(s.to))
	}
	for i, target := range s.to {
		n, ok := target.(name)
		if !ok {
			r.fail("it writes to an attribute, which is a state of its own; supported are those of recurrent layers")
		}
		env[string(n)] = to[i]
	}
}

// branch follows an if. What is not the same both ways becomes unknown.
func (r *run) branch(b branch, env map[string]any, f *function) (any, bool) {
	if c, known := truth(r.eval(b.condition, env, f)); known {
		if c {
			return r.body(b.yes, env, f)
		}
		return r.body(b.no, env, f)
	}
	where := r.where
	yes, no := clone(env), clone(env)
	r.spend(1 + len(env)/8)
	yesValue, yesDone, yesRaised := r.way(b.yes, yes, f)
	noValue, noDone, noRaised := r.way(b.no, no, f)
	r.where = where
	switch {
	case yesRaised && noRaised:
		panic(raised{})
	case yesRaised:
		replace(env, no)
		return noValue, noDone
	case noRaised:
		replace(env, yes)
		return yesValue, yesDone
	case yesDone != noDone || yesDone && !r.same(yesValue, noValue):
		r.fail("what is returned depends on a condition that only a run decides")
	case yesDone:
		return yesValue, true
	}
	for _, k := range sorted(yes) {
		if other, there := no[k]; !there {
			continue // it is of this way only
		} else if r.same(yes[k], other) {
			env[k] = yes[k]
		} else {
			env[k] = unknown{why: "what depends on the condition in " + where}
		}
	}
	return nil, false
}

// way follows one way of a branch.
func (r *run) way(body []any, env map[string]any, f *function) (v any, done, isRaised bool) {
	depth := r.depth
	defer func() {
		if e := recover(); e != nil {
			if _, ok := e.(raised); !ok {
				panic(e)
			}
			r.depth, isRaised = depth, true
		}
	}()
	v, done = r.body(body, env, f)
	return v, done, false
}

func clone(env map[string]any) map[string]any {
	c := make(map[string]any, len(env))
	for k, v := range env {
		c[k] = v
	}
	return c
}

func replace(env, with map[string]any) {
	for k, v := range with {
		env[k] = v
	}
}

// same reports whether two values are one.
func (r *run) same(a, b any) bool {
	r.spend(1)
	var x, y []any
	switch a := a.(type) {
	case tuple:
		t, ok := b.(tuple)
		if !ok {
			return false
		}
		x, y = a, t
	case List:
		t, ok := b.(List)
		if !ok {
			return false
		}
		x, y = a, t
	case *node:
		n, ok := b.(*node)
		return ok && a.name == n.name && slices.Equal(a.axes, n.axes) && a.loose == n.loose && a.whole == n.whole
	case final:
		n, ok := b.(final)
		return ok && a.layers == n.layers && r.same(a.of, n.of)
	default:
		switch b.(type) {
		case tuple, List:
			return false
		}
		return a == b
	}
	return slices.EqualFunc(x, y, r.same)
}

// truth is a condition's value, where that is known.
func truth(v any) (value, known bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v != 0, true
	case float64:
		return v != 0, true
	}
	return false, false
}
