package keras

import (
	"errors"
	"fmt"
	"slices"
)

// A run is a model that is being followed, the whole or one inside.
type run struct {
	t       *translation
	m       *model
	prefix  string // of names
	weights store
	values  map[callOf]value
	pending map[callOf]bool
}

type callOf struct {
	layer string
	call  int
}

// model follows a model from its inputs to its outputs.
func (t *translation) model(m *model, prefix string, ins []value, weights store) ([]value, error) {
	r := &run{t, m, prefix, weights, map[callOf]value{}, map[callOf]bool{}}
	if m.sequential {
		x := ins[0]
		for _, l := range m.layers {
			var err error
			if x, err = r.call(l, prefix+l.name, []value{x}); err != nil {
				return nil, err
			}
		}
		return []value{x}, nil
	}
	if len(ins) != len(m.inputs) {
		return nil, fmt.Errorf("model %.80q is called with %d inputs, expected %d", m.name, len(ins), len(m.inputs))
	}
	for i, in := range m.inputs {
		r.values[callOf{in.layer, 0}] = ins[i]
	}
	var outs []value
	for _, o := range m.outputs {
		if l := m.byName[o.layer]; o.output > 0 && l != nil && isRecurrent(l.class) && len(m.outputs) > 1 && prefix == "" {
			t.note("output %d of layer %q is left aside: after the last step it is a state, for Session.ReadState", o.output, o.layer)
			continue
		}
		x, err := r.value(o)
		if err != nil {
			return nil, err
		}
		outs = append(outs, x)
	}
	if len(outs) == 0 {
		x, err := r.value(reference{m.outputs[0].layer, m.outputs[0].call, 1})
		if err != nil {
			return nil, err
		}
		outs = []value{x}
	}
	return outs, nil
}

// value is what a reference stands for.
func (r *run) value(ref reference) (value, error) {
	l := r.m.byName[ref.layer]
	if l == nil {
		return value{}, fmt.Errorf("found no layer %.80q, of which an output is read", ref.layer)
	}
	x, err := r.output(l, ref)
	if err != nil || ref.output == 0 {
		return x, err
	}
	if ref.output == 1 && cellKinds[l.class] != "" { // h after the last step
		x.last, x.sequence, x.steps = true, false, 0
		return x, nil
	}
	return x, fmt.Errorf("%s: output %d is read, supported are the first and, of a recurrent layer, the state h", l.title(), ref.output)
}

func (r *run) output(l *layer, ref reference) (value, error) {
	key := callOf{l.name, ref.call}
	if x, ok := r.values[key]; ok {
		if len(x.dims) == 0 {
			return x, fmt.Errorf("input %.80q is an initial state and read as a value", l.name)
		}
		return x, nil
	}
	index := ref.call - l.offset
	if index < 0 || index >= len(l.calls) {
		return value{}, fmt.Errorf("%s: call %d is read of %d", l.title(), ref.call, len(l.calls))
	}
	if r.pending[key] {
		return value{}, fmt.Errorf("%s reads its own output", l.title())
	}
	r.pending[key] = true
	c := l.calls[index]
	reads, states := c.reads, c.states
	if isRecurrent(l.class) && len(reads) > 1 {
		reads, states = reads[:1], append(slices.Clone(states), reads[1:]...)
	}
	for _, s := range states {
		if !r.t.states[s.layer] || r.prefix != "" {
			return value{}, fmt.Errorf("%s starts from a state that layer %.80q computes, supported are zeros and inputs of the model", l.title(), s.layer)
		}
	}
	var xs []value
	for _, a := range reads {
		x, err := r.value(a)
		if err != nil {
			return x, err
		}
		xs = append(xs, x)
	}
	name := r.prefix + l.name
	if index > 0 {
		name = fmt.Sprintf("%s.%d", name, index+1)
	}
	x, err := r.call(l, name, xs)
	r.values[key] = x
	return x, err
}

// call adds one call of a layer.
func (r *run) call(l *layer, name string, xs []value) (value, error) {
	h, err := r.weights.of(l)
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", l.title(), err)
	}
	x, err := r.t.evaluate(l, name, xs, h)
	if err == nil && x.from == nil && len(x.dims) > 0 && product(x.dims) != r.t.b().Width(x.buf) {
		err = errors.New("reads an input both as a sequence and as one vector")
	}
	var named inLayer
	if err != nil && !errors.As(err, &named) {
		err = inLayer{l.title(), err}
	}
	return x, err
}

// An inLayer is an error that says which layer it is of, innermost.
type inLayer struct {
	title string
	err   error
}

func (e inLayer) Error() string { return e.title + " " + e.err.Error() }
func (e inLayer) Unwrap() error { return e.err }
