package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"

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

var errFirstStep = errors.New("found steps that are written out, of which the first cannot be compared with the second from zeros")

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
		if v == nil {
			return errFirstStep
		}
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
			return errFirstStep
		}
		if err := u.s.step.Agree(got.symbols(), want.symbols()); err != nil {
			return fmt.Errorf("found steps that are written out, of which the first does not start from states of zeros, which is supported: %w", err)
		}
	}
	return nil
}
