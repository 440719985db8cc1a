package onnx

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// maxUnrolled is the most nodes that are looked back through.
const maxUnrolled = 256

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
