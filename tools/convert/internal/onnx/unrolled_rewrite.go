package onnx

import (
	"fmt"
	"maps"
	"slices"
)

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
