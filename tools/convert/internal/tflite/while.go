package tflite

import (
	"fmt"
	"slices"
)

// A loop is a WHILE that runs once for each step of a sequence. What it carries is the
// number of the step, which counts from 0; what stays as it is; lists of the steps'
// outputs, in which the body exchanges the element at the number of the step; and
// states. That is a Scan of ONNX:
//
//	while i < T:                          Scan(h, x)
//		x = sequence[i]                     body: h = cell(x, h)
//		h = cell(x, h)                      outputs: h after the last step, h of each
//		list = list[:i] + [h] + list[i+1:]
//		i = i + 1
type loop struct {
	label   string
	n       node
	body    *graph
	made    map[int]node // of the body, by what it computes
	counter map[int]bool // inputs of the body
	carried map[int]int  // inputs of the body, by their place
	steps   int
}

func (l *lowering) loop(n node) error {
	if l.inside != nil {
		return fmt.Errorf("is a loop inside another, supported is a loop around the step of a cell")
	}
	c, b := n.settings.int(0), n.settings.int(1)
	if c <= 0 || b <= 0 || c >= len(l.graphs) || b >= len(l.graphs) || c == b {
		return fmt.Errorf("names subgraphs %d and %d of %d", c, b, len(l.graphs))
	}
	cond, body := l.graphs[c], l.graphs[b]
	if size := len(n.in); len(n.out) != size || len(cond.in) != size || len(body.in) != size || len(body.out) != size || len(cond.out) != 1 {
		return fmt.Errorf("has %d inputs and %d outputs, a condition of %d and a body of %d to %d", size, len(n.out), len(cond.in), len(body.in), len(body.out))
	}
	if err := l.spend(int64(len(n.in)+1) * int64(len(cond.nodes)+len(body.nodes)+1)); err != nil {
		return err // one body may be that of many loops
	}
	w := &loop{label: l.label(n), n: n, body: body, made: map[int]node{}, counter: map[int]bool{}, carried: map[int]int{}}
	for _, m := range body.nodes {
		for _, k := range m.out {
			w.made[k] = m
		}
	}
	for j, k := range body.in {
		if _, twice := w.carried[k]; twice || n.in[j] < 0 {
			return fmt.Errorf("has a body with the input %d twice, or lacks input %d", k, j)
		}
		w.carried[k] = j
	}
	for j, k := range body.in {
		w.counter[k] = w.next(body.out[j], k) && l.number0(n.in[j])
	}
	var err error
	if w.steps, err = l.trips(w, cond); err != nil {
		return err
	}
	return l.scan(w)
}

// scan adds the loop as a Scan.
func (l *lowering) scan(w *loop) error {
	body, n := w.body, w.n
	inner := *l.reader
	inner.g = body
	s := inner.lowering(body, l.graphs, w.label+" tensor ")
	s.inside = w

	var states, lists []int // places of what is carried
	var values []int        // what the body puts in each list
	var copies []int        // places of what is a state in another shape
	for j, k := range body.in {
		if w.counter[k] || body.out[j] == k {
			continue
		}
		if v, ok := w.listed(k, body.out[j], l.g.tensors[n.in[j]].shape); ok {
			lists, values = append(lists, j), append(values, v)
			continue
		}
		if w.copied(j) >= 0 {
			copies = append(copies, j)
			continue
		}
		states = append(states, j)
	}
	var in, out []string
	var inputs []int
	for _, j := range states {
		name, err := l.name(n.in[j])
		if err != nil {
			return err
		}
		in, inputs = append(in, name), append(inputs, body.in[j])
		out = append(out, fmt.Sprint(l.prefix, n.out[j]))
	}
	// The elements of sequences at the number of the step.
	for _, m := range body.nodes {
		if m.op != opGather || len(m.in) != 2 || len(m.out) != 1 || !w.counter[m.in[1]] {
			continue
		}
		j, ok := w.carried[m.in[0]]
		if !ok || body.out[j] != m.in[0] || m.settings.int(0) != 0 || m.settings.int(1) != 0 {
			return fmt.Errorf("has a body whose %v does not read a sequence from outside along its first axis", m)
		}
		shape := l.g.tensors[n.in[j]].shape
		if len(shape) == 0 || shape[0] != w.steps || !slices.Equal(body.tensors[m.out[0]].shape, shape[1:]) {
			return fmt.Errorf("has %d steps, and a body whose %v reads a sequence of shape %v", w.steps, m, shape)
		}
		name, err := l.name(n.in[j])
		if err != nil {
			return err
		}
		in, inputs = append(in, name), append(inputs, m.out[0])
	}
	if len(inputs) == len(states) {
		return fmt.Errorf("has a body that reads no sequence at the number of the step (GATHER)")
	}
	for _, k := range inputs {
		s.names[k] = fmt.Sprint(s.prefix, k)
		s.to.Input(s.names[k], body.tensors[k].shape...)
	}
	for j, k := range body.in { // constants that the body gets from outside
		if t := l.g.tensors[n.in[j]]; body.out[j] == k && s.names[k] == "" && t.data != nil && (t.kind == typeFloat32 || t.kind == typeFloat16) {
			v, err := l.constant(n.in[j], "constant", t.elements)
			if err != nil {
				return err
			}
			s.floats(k, t.shape, v)
		}
	}
	var need []int
	for _, j := range states {
		need = append(need, body.out[j])
	}
	need = append(need, values...)
	if err := s.nodes(need); err != nil {
		return fmt.Errorf("has a body whose %w", err)
	}
	l.budget, l.quantised = s.budget, s.quantised
	for i, k := range need {
		name, err := s.name(k)
		if err != nil {
			return fmt.Errorf("has a body whose output %d %w", i, err)
		}
		// Outputs have names of their own: one value may be a state and in a list.
		alone := fmt.Sprint(s.prefix, "output ", i)
		s.to.Node("Identity", fmt.Sprint(w.label, ".output", i), []string{name}, []string{alone}, nil)
		s.to.Output(alone)
	}
	for _, j := range lists {
		out = append(out, fmt.Sprint(l.prefix, n.out[j]))
	}
	l.to.Node("Scan", w.label, in, out, map[string]any{"body": s.to, "num_scan_inputs": len(inputs) - len(states)})
	for i, j := range slices.Concat(states, lists) {
		l.names[n.out[j]] = out[i]
	}
	for _, j := range copies {
		of := w.copied(j)
		if l.names[n.out[of]] == "" {
			return fmt.Errorf("has a body that carries a copy of output %d, which is no state", of)
		}
		l.names[n.out[j]] = l.reshape(node{index: n.index, op: n.op, out: n.out[j : j+1]}, l.names[n.out[of]], body.tensors[body.out[of]].shape, body.tensors[body.out[j]].shape)
	}
	for j, k := range body.in { // what stays as it is
		if name := l.names[n.in[j]]; body.out[j] == k && name != "" {
			l.names[n.out[j]] = name
		}
	}
	return nil
}

// copied is the state of which something carried is a copy, in another shape, that the
// body does not read: a list of the last output alone. −1 for no such state.
func (w *loop) copied(j int) int {
	m, ok := w.made[w.body.out[j]]
	read := func(m node) bool { return slices.Contains(m.in, w.body.in[j]) }
	if !ok || m.op != opReshape && m.op != opExpandDims || len(m.in) == 0 || slices.ContainsFunc(w.body.nodes, read) {
		return -1
	}
	return slices.Index(w.body.out, m.in[0])
}

// number0 reports whether a tensor is the integer 0.
func (l *lowering) number0(k int) bool {
	v, ok := l.g.integer(k)
	return ok && v == 0
}

// integer is a constant of one int32.
func (g *graph) integer(k int) (int, bool) {
	if k < 0 || g.tensors[k].elements != 1 {
		return 0, false
	}
	v, err := g.places(node{in: []int{k}}, 0)
	if err != nil {
		return 0, false
	}
	return v[0], true
}

// next reports whether a value of the body is one more than another.
func (w *loop) next(k, than int) bool {
	m, ok := w.made[k]
	if !ok || m.op != opAdd || len(m.in) != 2 || m.settings.byte(0) != 0 {
		return false
	}
	for i, in := range m.in {
		if v, ok := w.body.integer(m.in[1-i]); in == than && ok && v == 1 {
			return true
		}
	}
	return false
}

// trips is how often the loop runs: while one count, or each of two, is less than a
// constant.
func (l *lowering) trips(w *loop, cond *graph) (int, error) {
	made := map[int]node{}
	for _, m := range cond.nodes {
		for _, k := range m.out {
			made[k] = m
		}
	}
	bad := fmt.Errorf("has a condition that is not that the number of the step is less than a constant: export it with a fixed number of steps")
	var least func(k, depth int) (int, error)
	least = func(k, depth int) (int, error) {
		m, ok := made[k]
		if !ok || len(m.in) != 2 || depth > 4 || m.in[0] < 0 {
			return 0, bad
		}
		switch m.op {
		case opAnd:
			a, err := least(m.in[0], depth+1)
			if err != nil {
				return 0, err
			}
			b, err := least(m.in[1], depth+1)
			return min(a, b), err
		case opLess:
			j := slices.Index(cond.in, m.in[0])
			if j < 0 || !w.counter[w.body.in[j]] {
				return 0, bad
			}
			if v, ok := cond.integer(m.in[1]); ok && v > 0 {
				return v, nil
			}
			if j := slices.Index(cond.in, m.in[1]); j >= 0 && w.body.out[j] == w.body.in[j] {
				if v, ok := l.g.integer(w.n.in[j]); ok && v > 0 {
					return v, nil
				}
			}
		}
		return 0, bad
	}
	return least(cond.out[0], 0)
}

// listed reports whether the body makes list out of list in by putting one value in the
// place of the element at the number of the step, and which. It has to be an element for
// each step, so that nothing of what the list was at first is left.
func (w *loop) listed(in, out int, shape []int) (value int, ok bool) {
	join, ok := w.made[out]
	if !ok || join.op != opConcat || len(join.in) != 3 || join.settings.int(0) != 0 || join.settings.byte(1) != 0 || len(shape) < 2 || shape[0] != w.steps {
		return 0, false
	}
	rank := len(shape)
	before, ok1 := w.made[join.in[0]]
	element, ok2 := w.made[join.in[1]]
	after, ok3 := w.made[join.in[2]]
	if !ok1 || !ok2 || !ok3 || before.op != opSliceOf || after.op != opSliceOf || len(before.in) != 3 || len(after.in) != 3 || before.in[0] != in || after.in[0] != in {
		return 0, false
	}
	isStep := func(k int) bool { return w.counter[k] }
	isNext := func(k int) bool {
		m, ok := w.made[k]
		return ok && len(m.in) > 0 && (w.counter[m.in[0]] && w.next(k, m.in[0]) || len(m.in) > 1 && w.counter[m.in[1]] && w.next(k, m.in[1]))
	}
	if !w.all(before.in[1], rank, 0) || !w.first(before.in[2], rank, isStep, -1) || !w.first(after.in[1], rank, isNext, 0) || !w.all(after.in[2], rank, -1) {
		return 0, false
	}
	if element.op != opReshape && element.op != opExpandDims || len(element.in) == 0 || element.in[0] < 0 {
		return 0, false
	}
	v := element.in[0]
	if !slices.Equal(w.body.tensors[v].shape, shape[1:]) || !slices.Equal(w.body.tensors[element.out[0]].shape, append([]int{1}, shape[1:]...)) {
		return 0, false
	}
	return v, true
}

// all reports whether a tensor is a constant of n integers that are x.
func (w *loop) all(k, n, x int) bool {
	v, err := w.body.places(node{in: []int{k}}, 0)
	return err == nil && len(v) == n && !slices.ContainsFunc(v, func(e int) bool { return e != x })
}

// first reports whether a tensor is n integers, one that is, and x for the others.
func (w *loop) first(k, n int, is func(int) bool, x int) bool {
	m, ok := w.made[k]
	if !ok || m.op != opConcat || len(m.in) != 2 || !w.all(m.in[1], n-1, x) {
		return false
	}
	head, ok := w.made[m.in[0]]
	return ok && (head.op == opReshape || head.op == opExpandDims) && len(head.in) > 0 && is(head.in[0])
}
