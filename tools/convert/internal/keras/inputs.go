package keras

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// An input is one of the model's.
type input struct {
	name  string
	width int
	buf   format.Buffer
	ready bool // buf is known, and width does not change any more
}

// declare makes values of the model's inputs.
func (t *translation) declare(m *model) ([]value, error) {
	if m.sequential {
		first := m.layers[0]
		shape := inputShape(first)
		for inner := first; shape == nil && inner.model != nil; {
			inner = inner.model.layers[0]
			shape = inputShape(inner)
		}
		if shape == nil {
			shape = m.shape
		}
		x, err := t.input(first.name, shape)
		return []value{x}, err
	}
	t.findStates(m)
	var list []value
	for _, r := range m.inputs {
		l := m.byName[r.layer]
		if l == nil || l.class != "InputLayer" {
			return nil, fmt.Errorf("the input %.80q is no InputLayer of the model", r.layer)
		}
		if t.states[l.name] {
			t.note("input %q is an initial state, which starts from zeros: set it with Session.WriteState", l.name)
			list = append(list, value{})
			continue
		}
		x, err := t.input(l.name, inputShape(l))
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	if len(t.inputs) > 1 {
		var names []string
		for _, in := range t.inputs {
			names = append(names, fmt.Sprintf("%d of %q", in.width, in.name))
		}
		t.note("the input of a step is %s, one after the other", strings.Join(names, ", "))
	}
	return list, nil
}

// inputShape is what a layer says of its input, nil for nothing.
func inputShape(l *layer) []any {
	for _, key := range []string{"batch_input_shape", "batch_shape"} {
		if s, ok := l.config[key].([]any); ok {
			return s
		}
	}
	return nil
}

// input adds an input of a shape that starts with the batch.
func (t *translation) input(name string, shape []any) (value, error) {
	var dims []int
	for k, d := range shape {
		n, ok := integer(d)
		if d != nil && (!ok || n < 1 || n > format.MaxWidth) {
			return value{}, fmt.Errorf("input %.80q has the shape %s, expected sizes from 1 to %d", name, brief(shape), format.MaxWidth)
		}
		if k > 0 {
			dims = append(dims, n)
		}
	}
	if len(dims) < 1 || len(dims) > 8 {
		return value{}, fmt.Errorf("input %.80q has the shape %s, expected [batch, time, features] or [batch, features]", name, brief(shape))
	}
	x := value{dims: dims}
	if len(dims) > 1 {
		x.sequence, x.steps, x.dims = true, dims[0], dims[1:]
	}
	width := 1
	for _, d := range x.dims {
		if d > 0 && width > format.MaxWidth/d {
			return x, fmt.Errorf("input %.80q has the shape %s, supported are up to %d features", name, brief(shape), format.MaxWidth)
		}
		width *= max(d, 1)
	}
	x.from = &input{name: name, width: width}
	t.inputs = append(t.inputs, x.from)
	return x, nil
}

// findStates finds the inputs that are nothing but initial states.
func (t *translation) findStates(m *model) {
	read := map[string]bool{}
	for _, l := range m.layers {
		for _, c := range l.calls {
			values, states := c.reads, c.states
			if isRecurrent(l.class) && len(values) > 1 {
				values, states = values[:1], append(slices.Clone(states), values[1:]...)
			}
			for _, r := range values {
				read[r.layer] = true
			}
			for _, r := range states {
				if from := m.byName[r.layer]; from != nil && from.class == "InputLayer" {
					t.states[r.layer] = true
				}
			}
		}
	}
	for name := range read {
		delete(t.states, name)
	}
}
