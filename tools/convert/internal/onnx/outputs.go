package onnx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// output finds which graph output is the model's and pairs the others with states.
func (t *translation) output() error {
	fed := map[string]bool{}
	starts := map[ref]int{} // how many states start from an element of an input
	for _, s := range t.states {
		for _, r := range s.from {
			starts[r]++
		}
	}
	outputs := make([]*tensor, len(t.graph.outputs)) // nil for what nothing computes
	for k, o := range t.graph.outputs {
		outputs[k] = t.values[o.name]
	}
	for _, s := range t.states {
		in := t.sources[s.from[0].source].name
		name, err := t.returned(s, outputs)
		if err != nil {
			return err
		}
		if name == "" {
			t.note("input %q is the initial state %q, which starts from zeros: set it with Session.WriteState, or give its value with -bind", in, s.state)
			continue
		}
		if slices.ContainsFunc(s.from, func(r ref) bool { return starts[r] > 1 }) {
			return fmt.Errorf("input %q: found it as the initial state of several nodes, of which one comes back as output %q, supported is an input for each", in, name)
		}
		fed[name] = true
		t.note("input %q and output %q are the state %q, which starts from zeros", in, name, s.state)
	}
	var values, finals []string // by graph output
	for _, o := range t.graph.outputs {
		v := t.values[o.name]
		if v == nil {
			return fmt.Errorf("output %q: found nothing that computes it", o.name)
		}
		if err := v.unpadded(o.name); err != nil {
			return fmt.Errorf("output %q: %w", o.name, err)
		}
		if err := t.spend(len(v.refs)); err != nil {
			return err
		}
		if fed[o.name] || t.final(v) {
			finals = append(finals, o.name)
		} else {
			values = append(values, o.name)
		}
	}
	if len(values) == 0 && len(finals) > 0 {
		values = []string{t.lastHidden(finals)}
	}
	if len(values) != 1 {
		return fmt.Errorf("found the outputs %q, supported is one that is not a state", values[:min(len(values), 16)])
	}
	for _, name := range finals {
		if name != values[0] && !fed[name] {
			t.note("output %q is left aside: after the last step it is the state %s, for Session.ReadState", name, t.stateNames(t.values[name]))
		}
	}
	v := t.values[values[0]]
	if v.last {
		t.note("output %q is what the model gives at the last step of a sequence", values[0])
	}
	b, err := t.whole(values[0], t.hidden(values[0], v))
	if err != nil {
		return fmt.Errorf("output %q: %w", values[0], err)
	}
	if b == format.Input {
		return fmt.Errorf("output %q: found the input as it is, supported are models with a layer", values[0])
	}
	t.builder.Output(b)
	return nil
}

// final reports whether v consists of states after the last step.
func (t *translation) final(v *tensor) bool {
	return v.kind == activation && !slices.ContainsFunc(v.refs, func(r ref) bool {
		k := t.sources[r.source].kind
		return k != hiddenLast && k != cellLast
	})
}

// lastHidden is, of outputs that are all states, the one with h of the layer that was
// added last: what a step gives. c counts where there is no h.
func (t *translation) lastHidden(outputs []string) (best string) {
	at, hidden := int32(-1), false
	for _, name := range outputs {
		for _, r := range t.values[name].refs {
			s, layer := t.sources[r.source], r.source
			if s.kind != computed { // Y in the place of Y_h
				layer = s.of
			}
			is := s.kind != cellLast
			if is && !hidden || is == hidden && layer > at {
				best, at, hidden = name, layer, is
			}
		}
	}
	return best
}

// hidden puts h in the place of cell states: a step cannot hand those out, but they
// can be read after it.
func (t *translation) hidden(name string, v *tensor) *tensor {
	u := *v
	u.refs = slices.Clone(v.refs)
	found := false
	for k, r := range u.refs {
		if s := t.sources[r.source]; s.kind == cellLast {
			u.refs[k].source, found = s.of, true
		}
	}
	if found && t.final(v) {
		t.note("output %q is the state %s, for Session.ReadState; the model's output is the hidden state in its place", name, t.stateNames(v))
		return &u
	}
	return v
}

// stateNames are the model's names of the states that v consists of, the first few.
func (t *translation) stateNames(v *tensor) string {
	const few = 6
	var names []string
	for _, r := range v.runs() {
		if name := fmt.Sprintf("%q", t.sources[r.source].name); !slices.Contains(names, name) {
			if names = append(names, name); len(names) == few {
				names = append(names, "…")
				break
			}
		}
	}
	return strings.Join(names, ", ")
}

// returned finds the graph output that carries a state to the next call, "" for
// none: Y_h or Y_c, or Y in the shape of the state, which is Y_h at one step.
func (t *translation) returned(s fedState, outputs []*tensor) (string, error) {
	shape := t.values[t.sources[s.from[0].source].name].shape
	for _, final := range []int32{s.final, t.sources[s.final].of} {
		if final != s.final && t.sources[s.final].kind != hiddenLast {
			continue
		}
		for k, v := range outputs {
			if err := t.spend(1); err != nil {
				return "", err
			}
			if v == nil || v.constant() || (final != s.final && !slices.Equal(v.shape, shape)) {
				continue
			}
			j := 0
			for j < len(s.from) && int(s.from[j].index) < len(v.refs) && v.refs[s.from[j].index] == (ref{final, int32(j)}) {
				j++
			}
			if j == len(s.from) {
				return t.graph.outputs[k].name, nil
			}
			if err := t.spend(j); err != nil {
				return "", err
			}
		}
	}
	return "", nil
}
