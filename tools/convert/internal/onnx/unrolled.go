package onnx

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// A graph may write out all steps of a sequence of fixed length, one after the other:
//
//	x1 ─ step ─ h1 ─ step ─ h2 ─ step ─ h3
//	            x2 ──┘      x3 ──┘
//
// Its second step becomes the body of a Scan, in which the cells are found. That is what
// the graph computes if
//
//   - the third step and all after it are the same nodes as the second, but for the
//     states and x,
//   - the first step gives what the second does for x1 and states of zeros, which are
//     compared in float64 for random numbers: exporters fold what zeros make simpler,
//   - nothing else reads x or a state, but what joins the states of all steps.
type unrolled struct {
	t      *translation
	s      *translation // the whole graph, with a symbol for each element of the input
	nodes  []*nodeProto // of the graph, which read each value by its first name
	makes  map[string]*nodeProto
	latest map[string]int      // the step that a value belongs to, 0 for constants
	same   map[string]string   // digests of constants
	x      []string            // the input of each step
	states [][]string          // after each step
	joined map[*nodeProto]bool // what joins values of all steps that are not states
	beside [][]string          // those values, for each of them of all steps
	alike  []bool              // for each of those, whether the first step has the nodes of the second for it
	body   []*nodeProto        // the second step
}

// moves are the ops that only move elements about.
var moves = map[string]bool{
	"Identity": true, "Squeeze": true, "Unsqueeze": true, "Reshape": true, "Flatten": true, "Transpose": true,
	"Slice": true, "Split": true, "Gather": true, "Cast": true, "Concat": true,
}

// minSteps is the least number of steps that is looked for. Of two the first may be folded,
// and no third says which values of the second are states.
const minSteps = 3

// unroll puts a Scan in the place of steps that are written out. A graph in which none are
// found stays as it is, since parts of a vector may be read one after the other as well; the
// error says why it is not steps, should nothing else be found.
func (t *translation) unroll() error {
	var in *valueProto
	for _, v := range t.graph.inputs {
		if _, stored := t.stored[v.name]; stored {
			continue
		}
		if in != nil || !v.hasShape || v.elem != typeFloat && v.elem != typeFloat16 && v.elem != typeDouble {
			return nil
		}
		in = v
	}
	if in == nil || len(in.dims) < 2 || len(in.dims) > 3 {
		return nil
	}
	shape := make([]int, len(in.dims))
	for k, d := range in.dims {
		if shape[k] = int(min(d, 1<<20)); d < 1 {
			if k > 1 || k == 1 && shape[0] != 1 {
				return nil
			}
			shape[k] = 1
		}
	}
	u := &unrolled{t: t, s: t.stepOf(t.graph), makes: map[string]*nodeProto{}, latest: map[string]int{}, same: map[string]string{}, joined: map[*nodeProto]bool{}}
	for name, p := range t.stored {
		u.s.stored[name] = p
	}
	leaves, err := u.s.leaves(shape, make([]mark, len(shape)))
	if err != nil {
		return nil
	}
	u.s.values[in.name] = leaves
	u.s.attempt(t.graph.nodes)
	if u.firstNames() != nil {
		return nil
	}
	width := u.elements(leaves)
	if len(u.x) < minSteps {
		return nil
	}
	first := leaves.symbols()[0]
	latest := u.s.step.Latest(func(v cellmatch.Value) int {
		if v -= first; v >= 0 && int(v) < leaves.size() {
			return int(v)/width + 1
		}
		return 0 // of a layer that is not looked into
	})
	for name, v := range u.s.values {
		if v.constant() {
			continue
		}
		for _, e := range v.symbols() {
			u.latest[name] = max(u.latest[name], latest[e])
		}
	}
	u.follow()
	if err := u.steps(); err != nil {
		return err
	}
	if err := u.begins(); err != nil {
		return err
	}
	return u.rewrite(in, shape, width)
}

// firstNames gives a value that is another one moved about and back that one's name: what
// joins all steps for the next layer and takes them apart again.
func (u *unrolled) firstNames() error {
	first, names := map[string]string{}, map[string]string{}
	for _, n := range u.t.graph.nodes {
		m := *n
		m.inputs = slices.Clone(n.inputs)
		for k, in := range m.inputs {
			if name := names[in]; name != "" {
				m.inputs[k] = name
			}
		}
		u.nodes = append(u.nodes, &m)
		for _, out := range n.outputs {
			if u.makes[out] = &m; u.s.values[out] == nil || u.s.values[out].constant() {
				continue
			}
			v := u.s.values[out]
			if err := u.s.spend(v.size()); err != nil {
				return err
			}
			key := fmt.Sprint(v.shape, u.s.keyOf(v.symbols()))
			if first[key] == "" {
				first[key] = out
			}
			names[out] = first[key]
		}
	}
	delete(u.makes, "")
	return nil
}

// elements finds the parts of the input that are computed with: as many numbers at each
// step, which together are the input. It returns how many.
func (u *unrolled) elements(leaves *tensor) (width int) {
	at := map[int]string{}
	first := leaves.refs[0].index
	for _, n := range u.nodes {
		if moves[n.op] || n.op == "Shape" {
			continue
		}
		for _, name := range n.inputs {
			v := u.s.values[name]
			if v == nil || v.constant() || v.size() == 0 {
				continue
			}
			from := v.refs[0].index
			for k, r := range v.refs {
				if r.index != from+int32(k) || r.index-first < 0 || r.index-first >= int32(leaves.size()) {
					from = -1
					break
				}
			}
			if from < 0 {
				continue
			}
			if width == 0 {
				width = v.size()
			}
			if v.size() != width || int(from-first)%width != 0 {
				return 0
			}
			if k := int(from-first) / width; at[k] == "" {
				at[k] = name
			} else if at[k] != name {
				return 0
			}
		}
	}
	if width == 0 || len(at)*width != leaves.size() {
		return 0
	}
	for k := range len(at) {
		u.x = append(u.x, at[k])
	}
	return width
}

// linear follows a value back through what is linear in it: the product of a state with
// weights belongs to the step that adds it to something.
func (u *unrolled) linear(name string) string {
	for range maxUnrolled {
		n := u.makes[name]
		if n == nil {
			break
		}
		from := ""
		switch n.op {
		case "Gemm", "MatMul", "Add", "Sub", "Mul", "Split", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Slice", "Transpose", "Gather":
			for _, in := range n.inputs {
				if u.latest[in] > 0 {
					if from != "" {
						return name
					}
					from = in
				}
			}
		}
		if from == "" {
			break
		}
		name = from
	}
	return name
}

// maxUnrolled is the most nodes that are looked back through.
const maxUnrolled = 256

// after are the states after a step: what the next one reads of it.
func (u *unrolled) after(step int) ([]string, error) {
	var states []string
	for _, n := range u.nodes {
		joins := n.op == "Concat" && len(n.inputs) == len(u.x)
		if joins || !slices.ContainsFunc(n.outputs, func(out string) bool { return u.latest[out] == step+1 }) {
			continue
		}
		for _, in := range n.inputs {
			if u.latest[in] == 0 || u.latest[in] > step {
				continue
			}
			name := u.linear(in)
			if u.latest[name] != step || name == u.x[step-1] || u.makes[name] == nil {
				return nil, fmt.Errorf("found steps that are written out, and %q in step %d, which is not a state after the one before", in, step+1)
			}
			if !slices.Contains(states, name) {
				states = append(states, name)
			}
		}
	}
	return states, nil
}

// steps finds the second step, and the same nodes in all that follow.
func (u *unrolled) steps() error {
	one, err := u.after(1)
	if err != nil {
		return err
	}
	two, err := u.after(2)
	if err != nil {
		return err
	}
	if len(one) == 0 || len(one) != len(two) {
		return nil
	}
	beside := u.join(two)
	need := slices.Concat(two, beside)
	wanted := map[*nodeProto]bool{}
	for len(need) > 0 {
		name := need[len(need)-1]
		need = need[:len(need)-1]
		n := u.makes[name]
		if slices.Contains(one, name) || name == u.x[1] || u.latest[name] == 0 || wanted[n] {
			continue
		}
		if n == nil {
			return fmt.Errorf("found a step that is written out and reads %q, which is neither its x nor a state", name)
		}
		wanted[n] = true
		need = append(need, n.inputs...)
	}
	index := map[string][]*nodeProto{}
	for _, n := range u.nodes {
		if wanted[n] {
			u.body = append(u.body, n)
		}
		key := u.key(n, n.inputs)
		index[key] = append(index[key], n)
	}
	u.states = [][]string{one, two}
	to := map[string]string{u.x[1]: u.x[0]}
	for k, name := range two {
		to[name] = one[k]
	}
	for k, name := range beside {
		u.alike = append(u.alike, u.likeSecond(u.beside[k][0], name, to, index))
	}
	for step := 3; step <= len(u.x); step++ {
		to := map[string]string{u.x[1]: u.x[step-1]}
		for k, name := range one {
			to[name] = u.states[step-2][k]
		}
		for _, n := range u.body {
			same := u.like(n, to, index)
			if same == nil {
				return fmt.Errorf("found steps that are written out: step %d has no node like %q (%s) of step 2", step, n.name, n.op)
			}
			for k, out := range n.outputs {
				to[out] = same.outputs[k]
			}
		}
		var states []string
		for _, name := range two {
			states = append(states, to[name])
		}
		u.states = append(u.states, states)
		for k, name := range beside {
			if is := u.beside[k][step-1]; is != to[name] {
				return fmt.Errorf("found steps that are written out: %q of step %d is not what %q is of step 2", is, step, name)
			}
		}
	}
	return nil
}

// follow finds the steps of values that no symbol tells: the latest one of what they are
// computed from.
func (u *unrolled) follow() {
	for _, n := range u.nodes {
		for _, out := range n.outputs {
			if v := u.s.values[out]; out == "" || v != nil && v.constant() || moves[n.op] && u.latest[out] > 0 {
				continue
			}
			for _, in := range n.inputs {
				u.latest[out] = max(u.latest[out], u.latest[in])
			}
		}
	}
}

// likeSecond reports whether a value of the first step is computed by the same nodes as one of
// the second, from its own states and x.
func (u *unrolled) likeSecond(first, second string, to map[string]string, index map[string][]*nodeProto) bool {
	need := map[string]bool{second: true}
	for k := len(u.body) - 1; k >= 0; k-- {
		n := u.body[k]
		if slices.ContainsFunc(n.outputs, func(out string) bool { return need[out] && to[out] == "" }) {
			for _, in := range n.inputs {
				need[in] = true
			}
		}
	}
	to = maps.Clone(to)
	for _, n := range u.body {
		if !slices.ContainsFunc(n.outputs, func(out string) bool { return need[out] && to[out] == "" }) {
			continue
		}
		same := u.like(n, to, index)
		if same == nil {
			return false
		}
		for k, out := range n.outputs {
			to[out] = same.outputs[k]
		}
	}
	return to[second] == first
}

// like is the node that does what n does, with other names in the place of some; nil for none.
func (u *unrolled) like(n *nodeProto, to map[string]string, index map[string][]*nodeProto) *nodeProto {
	inputs := slices.Clone(n.inputs)
	for k, in := range inputs {
		if other, ok := to[in]; ok {
			inputs[k] = other
		}
	}
	if same := index[u.key(n, inputs)]; len(same) > 0 {
		return same[0]
	}
	return nil
}

// join finds what joins values of all steps that are not states, and returns those of the
// second step.
func (u *unrolled) join(two []string) []string {
	for _, n := range u.nodes {
		names, _ := u.elementsOf(n)
		if names == nil || slices.Contains(two, names[1]) {
			continue
		}
		if slices.IndexFunc(names, func(name string) bool { return u.latest[name] == 0 || u.makes[name] == nil || moves[u.makes[name].op] }) < 0 && u.latest[names[1]] == 2 {
			u.joined[n] = true
			u.beside = append(u.beside, names)
		}
	}
	return u.besideOf(2)
}

// besideOf are the values of a step that are joined with those of others.
func (u *unrolled) besideOf(step int) []string {
	var at []string
	for _, names := range u.beside {
		at = append(at, names[step-1])
	}
	return at
}

// key is the same for nodes that compute the same from these inputs. Constants count by what
// they are: exporters repeat them.
func (u *unrolled) key(n *nodeProto, inputs []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d", n.op, len(n.outputs))
	for _, in := range inputs {
		if v := u.s.values[in]; v != nil && v.constant() {
			fmt.Fprintf(&b, " %s", u.content(in, v))
		} else {
			fmt.Fprintf(&b, " %q", in)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.attributes)) {
		a := n.attributes[name]
		fmt.Fprintf(&b, " %s %v %v %q %v %v", name, a.f, a.i, a.s, a.floats, a.ints)
		if a.t != nil || a.strings != nil {
			fmt.Fprintf(&b, " %p", a)
		}
	}
	return b.String()
}

// content stands for a constant: what it is if it is small, or the name of the first one that
// is the same.
func (u *unrolled) content(name string, v *tensor) string {
	if v.size() <= 64 {
		return fmt.Sprint(v.shape, v.f, v.i)
	}
	if first, ok := u.same[name]; ok {
		return first
	}
	h := sha256.New()
	fmt.Fprint(h, v.shape, v.kind)
	for _, f := range v.f {
		h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)))
	}
	for _, i := range v.i {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	}
	u.same[name] = string(h.Sum(nil))
	return u.same[name]
}

// begins verifies that the first step is the second one from zeros.
func (u *unrolled) begins() error {
	if len(u.states) == 0 {
		return nil
	}
	again := *u.s
	again.values = maps.Clone(u.s.values)
	for _, n := range u.body {
		for _, out := range n.outputs {
			delete(again.values, out)
		}
	}
	x2 := u.s.values[u.x[1]]
	again.values[u.x[1]] = u.s.values[u.x[0]].reshaped(x2.shape, x2.free)
	for _, name := range u.states[0] {
		v := u.s.values[name]
		again.values[name] = &tensor{shape: v.shape, free: v.free, f: make([]float32, v.size())}
	}
	again.attempt(u.body)
	first := slices.Concat(u.states[0], u.besideOf(1))
	for k, name := range slices.Concat(u.states[1], u.besideOf(2)) {
		if j := k - len(u.states[1]); j >= 0 && u.alike[j] {
			continue
		}
		got, want := again.values[name], u.s.values[first[k]]
		if got == nil || want == nil || got.constant() || got.size() != want.size() {
			return errors.New("found steps that are written out, of which the first cannot be compared with the second from zeros")
		}
		if err := u.s.step.Agree(got.symbols(), want.symbols()); err != nil {
			return fmt.Errorf("found steps that are written out, of which the first does not start from states of zeros, which is supported: %w", err)
		}
	}
	return nil
}

// rewrite puts the Scan into the graph.
func (u *unrolled) rewrite(in *valueProto, shape []int, width int) error {
	if len(u.states) == 0 {
		return nil
	}
	t, steps := u.t, len(u.x)
	inner := map[string]string{} // names of the body, which are not those outside
	rename := func(names []string) []string {
		to := slices.Clone(names)
		for k, name := range to {
			if other, ok := inner[name]; ok {
				to[k] = other
			}
		}
		return to
	}
	scan := &nodeProto{op: "Scan", name: "unrolled", attributes: map[string]*attributeProto{"num_scan_inputs": {i: 1}}}
	body := &graphProto{}
	stored := map[string]*tensorProto{}
	for k, name := range u.states[0] {
		v := u.s.values[name]
		zeros := &tensorProto{name: name + " of zeros", dims: int64s(v.shape), typ: typeFloat, floats: make([]float32, v.size())}
		stored[zeros.name] = zeros
		scan.inputs, scan.outputs = append(scan.inputs, zeros.name), append(scan.outputs, u.states[steps-1][k])
		inner[name] = name + " before the step"
		body.inputs = append(body.inputs, &valueProto{name: inner[name], elem: typeFloat, hasShape: true, dims: int64s(v.shape)})
	}
	// The input is [steps, width] beside dimensions of 1: the one of steps is time.
	dims, axis := []int64{1, int64(steps), int64(width)}, 1
	flat := len(shape) == 2 && shape[1] != width || len(shape) == 3 && shape[2] != width
	if !flat {
		dims = int64s(shape)
		axis = len(shape) - 2
		if len(shape) == 3 && shape[0] == steps && shape[1] == 1 {
			axis = 0
		}
		if dims[axis] != int64(steps) {
			return nil
		}
	}
	scan.inputs = append(scan.inputs, in.name)
	scan.attributes["scan_input_axes"] = &attributeProto{ints: []int64{int64(axis)}}
	x := u.x[1]
	inner[x] = x + " of the step"
	place := &tensorProto{name: x + " shape", dims: []int64{int64(len(u.s.values[x].shape))}, typ: typeInt64, int64s: int64s(u.s.values[x].shape)}
	element := slices.Delete(slices.Clone(dims), axis, axis+1)
	body.inputs = append(body.inputs, &valueProto{name: x + " of the sequence", elem: typeFloat, hasShape: true, dims: element})
	body.initializers = []*tensorProto{place}
	body.nodes = []*nodeProto{{op: "Reshape", name: "x", inputs: []string{x + " of the sequence", place.name}, outputs: []string{inner[x]}, attributes: map[string]*attributeProto{}}}
	for _, n := range u.body {
		for _, out := range n.outputs {
			inner[out] = out + " of the step"
		}
		m := *n
		m.inputs, m.outputs = rename(n.inputs), rename(n.outputs)
		body.nodes = append(body.nodes, &m)
	}
	out := func(of string) {
		name := fmt.Sprintf("%s after the step %d", of, len(body.outputs))
		body.nodes = append(body.nodes, &nodeProto{op: "Identity", name: "output", inputs: []string{inner[of]}, outputs: []string{name}, attributes: map[string]*attributeProto{}})
		body.outputs = append(body.outputs, &valueProto{name: name})
	}
	for _, name := range u.states[1] {
		out(name)
	}
	// What joins a state of all steps is that output of the Scan.
	var axes []int64
	replaced := slices.Clone(scan.outputs)
	for _, n := range u.nodes {
		if of, a := u.joins(n); of != "" {
			out(of)
			axes = append(axes, a)
			scan.outputs, replaced = append(scan.outputs, n.outputs[0]), append(replaced, n.outputs[0])
		}
	}
	scan.attributes["scan_output_axes"] = &attributeProto{ints: axes}
	scan.attributes["body"] = &attributeProto{graph: body}

	before := t.live()
	var nodes []*nodeProto
	for _, n := range u.nodes {
		if !slices.ContainsFunc(n.outputs, func(o string) bool { return slices.Contains(replaced, o) }) {
			nodes = append(nodes, n)
		} else if !slices.Contains(nodes, scan) {
			nodes = append(nodes, scan) // behind the constants that its body reads
		}
	}
	old, constants := t.graph.nodes, slices.Clone(t.graph.initializers)
	t.graph.nodes = nodes
	t.prune(before)
	live := t.live()
	for _, n := range t.graph.nodes {
		if n != scan && slices.ContainsFunc(n.outputs, func(o string) bool { return live[o] }) && slices.Contains(n.reads(), in.name) && (n.op != "Shape" || flat) {
			t.graph.nodes, t.graph.initializers = old, constants
			return fmt.Errorf("found steps that are written out, and node %q (%s), which reads %q or a state of some step beside them", n.name, n.op, in.name)
		}
	}
	maps.Copy(t.stored, stored)
	for _, p := range stored {
		t.graph.initializers = append(t.graph.initializers, p)
	}
	if in.dims = dims; flat {
		in.dims[axis] = -1
		t.note("the input of the model is %d steps of %d floats, and that of a step here one of them", steps, width)
	} else {
		t.note("the steps are written out, %d of them: the model takes any number", steps)
	}
	return nil
}

// joins returns what a node makes one value of, that of all steps in order along a new
// dimension: its name in the second step, "" for no state and nothing beside them, and which
// dimension.
func (u *unrolled) joins(n *nodeProto) (of string, axis int64) {
	names, axis := u.elementsOf(n)
	if names == nil {
		return "", 0
	}
	if u.joined[n] {
		return names[1], axis
	}
	for k := range u.states[0] {
		all := true
		for step, name := range names {
			all = all && name == u.states[step][k]
		}
		if all {
			return names[1], axis
		}
	}
	return "", 0
}

// elementsOf are the values of which a Concat makes one, along a new dimension, of each step
// one; nil for another node.
func (u *unrolled) elementsOf(n *nodeProto) (names []string, axis int64) {
	if n.op != "Concat" || len(n.inputs) != len(u.x) {
		return nil, 0
	}
	axis = n.integer("axis", 0)
	for _, in := range n.inputs {
		element := u.makes[in]
		if element == nil || element.op != "Unsqueeze" {
			return nil, 0
		}
		at, _, err := u.s.integers(element, 1, "axes")
		if err != nil || len(at) != 1 || at[0] != axis {
			return nil, 0
		}
		names = append(names, u.origin(element.input(0)))
	}
	return names, axis
}

// origin follows a value back through Identity.
func (u *unrolled) origin(name string) string {
	for range maxUnrolled {
		if n := u.makes[name]; n != nil && n.op == "Identity" {
			name = n.input(0)
			continue
		}
		break
	}
	return name
}
