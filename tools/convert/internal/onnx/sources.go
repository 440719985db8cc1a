package onnx

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
)

// A source is where elements of activations come from.
type source struct {
	kind  sourceKind
	width int
	name  string        // input: the graph input's; final state: the model's; turned: the layer's
	token bool          // input: of integers
	of    int32         // final state: the source with the cell's output; turned: what is turned
	dense *dense        // computed: a dense layer that is not added yet
	buf   format.Buffer // computed, turned: the layer's output; 0 while there is none
}

type sourceKind uint8

const (
	fromInput  sourceKind = iota
	computed              // the output of a layer
	hiddenLast            // h after the step, which is the layer's output too
	cellLast              // c after the step
	turned                // a source with the last time step first, where that is read
)

// addSource returns the elements of a new source.
func (t *translation) addSource(s source) []ref {
	t.sources = append(t.sources, s)
	refs := make([]ref, s.width)
	for k := range refs {
		refs[k] = ref{int32(len(t.sources) - 1), int32(k)}
	}
	return refs
}

// computed makes the output of a layer a value.
func (t *translation) computed(shape []int, free []mark, b format.Buffer) *tensor {
	return &tensor{shape: shape, free: free, kind: activation, refs: t.addSource(source{kind: computed, width: product(shape), buf: b})}
}

// settle adds the pending layers behind a value that several nodes read: none of
// them may change it for the others.
func (t *translation) settle(v *tensor) error {
	if v.settled {
		return nil
	}
	v.settled = true
	for _, r := range v.refs {
		if t.sources[r.source].dense != nil {
			if _, err := t.buffer(r.source); err != nil {
				return err
			}
		}
	}
	return nil
}

// whole returns the buffer that holds the elements of v in order, adding what is
// pending, slices where v takes parts of sources, and a concatenation where it has
// several.
func (t *translation) whole(name string, v *tensor) (format.Buffer, error) {
	if v.constant() {
		return 0, errors.New("found a constant, supported is a value that depends on the input")
	}
	if v.quantised != nil {
		return 0, errors.New("found a quantised value, supported is that DequantizeLinear reads it")
	}
	runs := v.runs()
	if len(runs) == 0 {
		return 0, errors.New("found an empty value")
	}
	if len(runs) > maxParts {
		return 0, fmt.Errorf("found a value that rearranges %s in %d parts, supported are up to %d", t.describe(runs[0].source), len(runs), maxParts)
	}
	parts := make([]format.Buffer, len(runs))
	for k, r := range runs {
		b, err := t.buffer(r.source)
		if err != nil {
			return 0, err
		}
		if width := t.sources[r.source].width; r.n < width {
			if err := t.spend(r.n + len(name)); err != nil {
				return 0, err
			}
			b = t.part(fmt.Sprintf("%s.%d", name, k), r, b)
		}
		parts[k] = b
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return t.builder.Concat(name, parts...), nil
}

// maxParts is how many parts of sources a value may have without it being called a
// rearrangement, which costs a layer for each.
const maxParts = 64

// A run is elements of a source that follow each other.
type run struct {
	source  int32
	from, n int
}

// runs are the parts of sources that v consists of, in order.
func (v *tensor) runs() []run {
	var runs []run
	for _, r := range v.refs {
		if k := len(runs) - 1; k >= 0 && runs[k].source == r.source && runs[k].from+runs[k].n == int(r.index) {
			runs[k].n++
		} else {
			runs = append(runs, run{r.source, int(r.index), 1})
		}
	}
	return runs
}

// part is the output of a slice layer, one for each run however often it is read.
func (t *translation) part(name string, r run, x format.Buffer) format.Buffer {
	b, ok := t.parts[r]
	if !ok {
		b = t.builder.Slice(name, x, r.from, r.n)
		t.parts[r] = b
	}
	return b
}

func (t *translation) describe(id int32) string {
	if s := t.sources[id]; s.kind == fromInput {
		return fmt.Sprintf("input %q", s.name)
	}
	return fmt.Sprintf("a layer's %d outputs", t.sources[id].width)
}

// buffer returns the buffer of a source.
func (t *translation) buffer(id int32) (format.Buffer, error) {
	s := &t.sources[id]
	switch s.kind {
	case fromInput:
		return format.Input, t.bind(s, false)
	case hiddenLast:
		return t.buffer(s.of)
	case cellLast:
		return 0, errors.New("found a cell state as a value, supported is only that it is kept for the next step")
	case turned:
		if s.buf != 0 {
			break
		}
		x, err := t.buffer(s.of)
		if err != nil {
			return 0, err
		}
		s.buf = t.builder.Reverse(s.name, x)
	}
	if d := s.dense; d != nil {
		s.buf, s.dense = d.add(t.builder), nil
	}
	return s.buf, nil
}

// bind makes a graph input the model's input; there is one.
func (t *translation) bind(s *source, token bool) error {
	if t.stateIn[s.name] {
		return fmt.Errorf("found input %q both as a state and as a value", s.name)
	}
	if t.lengthIn[s.name] {
		return fmt.Errorf("found input %q both as a sequence length and as a value", s.name)
	}
	if t.input != "" && (t.input != s.name || t.token != token) {
		return fmt.Errorf("found inputs %q and %q, supported is one that is not a state, used in one way", t.input, s.name)
	}
	if s.token != token {
		return fmt.Errorf("found input %q of integers as features, supported is to look them up in a table (Gather)", s.name)
	}
	if t.input == "" {
		t.input, t.token = s.name, token
		t.builder = format.NewBuilder(s.width)
	}
	return nil
}
