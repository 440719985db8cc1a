package format

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// check verifies everything that a reader of m relies on beyond the single
// tensor: limits, references, the order of writes and reads, the owner of each
// state, and that the shapes fit each other.
func (m *Model) check() error {
	for _, part := range []func() error{
		m.checkLists, m.checkSizes, m.checkDigits, m.checkStates, m.checkProgram, m.checkWork, m.checkTokens, m.checkMeta,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// checkLists verifies lengths and names.
func (m *Model) checkLists() error {
	for _, list := range []struct {
		name string
		n    int
	}{
		{"buffers", len(m.Buffers)}, {"states", len(m.States)}, {"tensors", len(m.Tensors)},
		{"layers", len(m.Layers)}, {"metadata entries", len(m.Meta)},
	} {
		if list.n > MaxItems {
			return fmt.Errorf("%d %s, want at most %d", list.n, list.name, MaxItems)
		}
	}
	if len(m.Buffers) == 0 {
		return errors.New("no buffers, want at least the input")
	}
	for i := range m.States {
		if err := checkName(m.States[i].Name); err != nil {
			return fmt.Errorf("state %d: %w", i, err)
		}
	}
	for i := range m.Tensors {
		if err := checkName(m.Tensors[i].Name); err != nil {
			return fmt.Errorf("tensor %d: %w", i, err)
		}
	}
	for i, l := range m.Layers {
		if err := checkName(l.LayerName()); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	if n := m.Witness.Steps; n > MaxSteps {
		return fmt.Errorf("witness of %d steps, want at most %d", n, MaxSteps)
	}
	return nil
}

func checkName(s string) error {
	if len(s) > MaxName {
		return fmt.Errorf("name of %d bytes, want at most %d", len(s), MaxName)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("name %+q is not UTF-8", s)
	}
	return nil
}

// checkSizes verifies the widths of buffers and states.
func (m *Model) checkSizes() error {
	floats := 0
	size := func(what string, i, n int) error {
		if n < 1 || n > MaxWidth {
			return fmt.Errorf("%s %d has %d floats, want 1 to %d", what, i, n, MaxWidth)
		}
		if floats += n; floats > MaxFloats {
			return fmt.Errorf("%s %d: buffers and states together exceed %d floats", what, i, MaxFloats)
		}
		return nil
	}
	for i, n := range m.Buffers {
		if err := size("buffer", i, n); err != nil {
			return err
		}
	}
	for i := range m.States {
		if err := size("state", i, m.States[i].Size); err != nil {
			return err
		}
	}
	return nil
}

// checkDigits verifies how many digits the vectors of int8 tensors have.
func (m *Model) checkDigits() error {
	for i := range m.Tensors {
		t := &m.Tensors[i]
		if t.I8 != nil && (t.I8.Digits < 1 || t.I8.Digits > maxDigits) {
			return fmt.Errorf("tensor %d (%q): vectors of %d digits, want 1 or %d", i, t.Name, t.I8.Digits, maxDigits)
		}
	}
	return nil
}

// checkStates verifies what the states start from.
func (m *Model) checkStates() error {
	for i, s := range m.States {
		if s.Init == None {
			continue
		}
		if int64(s.Init) >= int64(len(m.Tensors)) {
			return fmt.Errorf("state %d (%q): initial tensor %d of %d", i, s.Name, s.Init, len(m.Tensors))
		}
		if t := &m.Tensors[s.Init]; t.Layout != Vector || t.Rows != s.Size {
			return fmt.Errorf("state %d (%q): initial tensor is %v, want a vector of %d", i, s.Name, t.shape(), s.Size)
		}
	}
	return nil
}

// checkProgram verifies the layers, one after the other, and that no buffer and
// no state is left over.
func (m *Model) checkProgram() error {
	refs := references{model: m, written: make([]bool, len(m.Buffers)), owned: make([]bool, len(m.States))}
	refs.written[Input] = true
	for i, l := range m.Layers {
		l.visit(&refs)
		s := shapes{model: m, failure: refs.failure}
		if s.err == nil {
			l.check(&s)
		}
		if s.err != nil {
			return fmt.Errorf("layer %d (%v %q): %w", i, l.Op(), l.LayerName(), s.err)
		}
	}
	if i := slices.Index(refs.owned, false); i >= 0 {
		return fmt.Errorf("state %d (%q) belongs to no layer", i, m.States[i].Name)
	}
	if i := slices.Index(refs.written, false); i >= 0 {
		return fmt.Errorf("buffer %d is written by no layer", i)
	}
	if int64(m.Output) >= int64(len(m.Buffers)) || m.Output == Input {
		return fmt.Errorf("output is buffer %d, want one of 1 to %d", m.Output, len(m.Buffers)-1)
	}
	return nil
}

// checkWork verifies that neither a step nor the witness takes for ever: layers may
// share a tensor, so the size of the file does not bound them.
func (m *Model) checkWork() error {
	var work int64
	var f fields // one for all layers: a file may have many
	for i, l := range m.Layers {
		f.of(l)
		work += int64(m.Buffers[f.Writes])
		for _, id := range f.States {
			work += int64(m.States[id].Size)
		}
		for _, id := range f.Tensors {
			if t := &m.Tensors[id]; t.Layout == Panels || t.Layout == Narrow {
				work += int64(t.Rows) * int64(t.Cols)
			}
		}
		if work > MaxWork {
			return fmt.Errorf("layer %d (%v %q): the work of a step exceeds %d", i, l.Op(), l.LayerName(), int64(MaxWork))
		}
	}
	steps := int64(m.Witness.Steps)
	if steps*work > MaxWitness {
		return fmt.Errorf("witness of %d steps of work %d, want at most %d together", steps, work, int64(MaxWitness))
	}
	if floats := m.sequenceFloats(); !m.Streams() && steps*floats > MaxSequence {
		return fmt.Errorf("witness of %d steps of %d floats, which a model that does not stream holds all at once, want at most %d", steps, floats, int64(MaxSequence))
	}
	return nil
}

// checkTokens verifies that an input which is a token is nothing else.
func (m *Model) checkTokens() error {
	tokens := m.Vocabulary()
	if tokens == 0 {
		return nil
	}
	if tokens > MaxTokens {
		return fmt.Errorf("embedding of %d tokens, want at most %d", tokens, MaxTokens)
	}
	for i, l := range m.Layers {
		if e, ok := l.(*Embedding); ok {
			if n := m.Tensors[e.Table].Rows; n != tokens {
				return fmt.Errorf("layer %d (%v %q) looks up one of %d tokens, an earlier one of %d", i, l.Op(), l.LayerName(), n, tokens)
			}
		} else if slices.Contains(FieldsOf(l).Reads, Input) {
			return fmt.Errorf("layer %d (%v %q) reads the input, which is a token", i, l.Op(), l.LayerName())
		}
	}
	return nil
}

// checkMeta verifies that keys are unique and all of it is text.
func (m *Model) checkMeta() error {
	seen := make(map[string]bool, len(m.Meta))
	for i, e := range m.Meta {
		if err := checkName(e.Key); err != nil {
			return fmt.Errorf("metadata entry %d: %w", i, err)
		}
		if !utf8.ValidString(e.Value) {
			return fmt.Errorf("metadata entry %d (%q): value is not UTF-8", i, e.Key)
		}
		if seen[e.Key] {
			return fmt.Errorf("metadata entry %d: key %q was there before", i, e.Key)
		}
		seen[e.Key] = true
	}
	return nil
}

// failure keeps the first error.
type failure struct{ err error }

func (f *failure) fail(format string, a ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, a...)
	}
}

// references is the visitor that verifies indices, the order of reads and
// writes, and that a state has one owner.
type references struct {
	failure
	model          *Model
	written, owned []bool
}

func (r *references) name(*string) {}

func (r *references) reads(role string, b *Buffer) {
	switch {
	case int64(*b) >= int64(len(r.written)):
		r.fail("%s is buffer %d of %d", role, *b, len(r.written))
	case !r.written[*b]:
		r.fail("%s reads buffer %d before it is written", role, *b)
	}
}

func (r *references) readsAll(role string, bs *[]Buffer) {
	if n := len(*bs); n < 1 || n > MaxItems {
		r.fail("%s has %d buffers, want 1 to %d", role, n, MaxItems)
	}
	for i := range *bs {
		r.reads(role, &(*bs)[i])
	}
}

func (r *references) writes(role string, b *Buffer) {
	switch {
	case int64(*b) >= int64(len(r.written)):
		r.fail("%s is buffer %d of %d", role, *b, len(r.written))
	case *b == Input:
		r.fail("%s writes the input", role)
	case r.written[*b]:
		r.fail("%s writes buffer %d a second time", role, *b)
	default:
		r.written[*b] = true
	}
}

func (r *references) state(role string, s *StateID) {
	switch {
	case int64(*s) >= int64(len(r.owned)):
		r.fail("%s is state %d of %d", role, *s, len(r.owned))
	case r.owned[*s]:
		r.fail("%s is state %d, which has an owner", role, *s)
	default:
		r.owned[*s] = true
	}
}

func (r *references) tensor(role string, t *TensorID) {
	if int64(*t) >= int64(len(r.model.Tensors)) {
		r.fail("%s is tensor %d of %d", role, *t, len(r.model.Tensors))
	}
}

func (r *references) optional(role string, t *TensorID) {
	if *t != None {
		r.tensor(role, t)
	}
}

func (r *references) activation(role string, f *Activation) {
	if *f > lastActivation {
		r.fail("%s is unknown %v, want 0 to %d", role, *f, lastActivation)
	}
}

func (r *references) function(role string, f *Function) {
	r.activation(role, &f.Kind)
	r.float(role+" alpha", &f.Alpha)
	r.float(role+" beta", &f.Beta)
}

func (r *references) flag(string, *bool) {}

func (r *references) number(role string, n *int) {
	if *n < 0 || *n > MaxWidth {
		r.fail("%s is %d, want 0 to %d", role, *n, MaxWidth)
	}
}

func (r *references) float(role string, x *float32) {
	if !(math.Abs(float64(*x)) <= math.MaxFloat32) {
		r.fail("%s is %v, want a finite number", role, *x)
	}
}

// shapes verifies the shapes of one layer, whose references are good.
type shapes struct {
	failure
	model *Model
}

func (s *shapes) width(b Buffer) int   { return s.model.Buffers[b] }
func (s *shapes) state(id StateID) int { return s.model.States[id].Size }

func (s *shapes) equal(a string, n int, b string, m int) {
	if n != m {
		s.fail("%s has %d floats, %s %d", a, n, b, m)
	}
}

// binary verifies a layer that combines two vectors element by element.
func (s *shapes) binary(a, b, y Buffer) {
	s.equal("B", s.width(b), "A", s.width(a))
	s.equal("Y", s.width(y), "A", s.width(a))
}

// cell verifies what the recurrent layers share: rows in every tensor, one for each
// unit of each gate.
func (s *shapes) cell(x Buffer, w, r, b TensorID, rows, H int) {
	s.matrix("W", w, rows, s.width(x))
	s.matrix("R", r, rows, H)
	s.vector("B", b, rows)
}

// function verifies that f has parameters where it needs them and nowhere else: a
// model has one file.
func (s *shapes) function(role string, f Function) {
	switch n := f.Kind.Parameters(); {
	case n < 1 && !isZero(f.Alpha), n < 2 && !isZero(f.Beta):
		s.fail("%s is %v with alpha %v and beta %v, want 0 for what it does not have", role, f.Kind, f.Alpha, f.Beta)
	case f.Kind == Clip && f.Alpha > f.Beta:
		s.fail("%s clips to %v … %v, want them in order", role, f.Alpha, f.Beta)
	}
}

// limit verifies the bound of a clip, 0 for none.
func (s *shapes) limit(role string, x float32) {
	if !(x > 0) && !isZero(x) {
		s.fail("%s is %v, want a positive limit, or 0 for none", role, x)
	}
}

// isZero reports whether x is the zero of a field that is not there: +0.
func isZero(x float32) bool { return math.Float32bits(x) == 0 }

func (s *shapes) matrix(role string, id TensorID, rows, cols int) {
	t := &s.model.Tensors[id]
	if t.Layout != Panels && t.Layout != Narrow || t.Rows != rows || t.Cols != cols {
		s.fail("%s is %v, want a matrix of %d×%d", role, t.shape(), rows, cols)
	}
}

func (s *shapes) vector(role string, id TensorID, rows int) {
	if id == None {
		return
	}
	if t := &s.model.Tensors[id]; t.Layout != Vector || t.Rows != rows {
		s.fail("%s is %v, want a vector of %d", role, t.shape(), rows)
	}
}

func (s *shapes) table(role string, id TensorID, cols int) {
	if t := &s.model.Tensors[id]; t.Layout != Table || t.Cols != cols {
		s.fail("%s is %v, want a table with rows of %d", role, t.shape(), cols)
	}
}
