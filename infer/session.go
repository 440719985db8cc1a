package infer

import (
	"math"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// A Session is one stream through a model: its state, and the memory that a step
// needs. It must be used by one goroutine at a time.
type Session struct {
	model      *Model
	operations []operation
	names      []string // of the layers, for errors

	arena  []float32 // as planned: states first
	states []float32 // the head of arena
	spare  []float32 // as large as states: to check a state, to take back a step
	input  []float32
	output []float32

	vocabulary int
	kept       []float32 // between the segments of a model that does not stream, see sequence.go
	err        sessionError
}

// NewSession returns a stream in its initial state. It allocates
// Model.SessionBytes and a little for each layer; nothing after it allocates, but
// see Reserve for a model that does not stream.
func (m *Model) NewSession() *Session {
	// 15 more floats, so that the arena can start on a cache line.
	b := &binder{m, asm.Align(make([]float32, m.plan.floats+15))[:m.plan.floats], make([]int8, m.plan.i8)}
	s := &Session{
		model: m,
		arena: b.arena, states: b.arena[:m.plan.states],
		spare:      make([]float32, m.plan.states),
		input:      b.buffer(format.Input),
		output:     b.buffer(m.file.Output),
		vocabulary: m.Vocabulary(),
	}
	for i, l := range m.file.Layers {
		s.operations = append(s.operations, b.bind(i))
		s.names = append(s.names, l.LayerName())
	}
	s.Reset()
	return s
}

// Model returns the model of the session.
func (s *Session) Model() *Model { return s.model }

// Step runs one time step: it reads x, advances the state and writes y, which
// may be x. len(x) must be Model.InputSize, len(y) Model.OutputSize, each x
// finite and at most Model.Limit in magnitude, or a token. On an error the state
// is what it was and y is not written. A model that does not stream has no single
// step: ErrStream.
func (s *Session) Step(y, x []float32) error {
	if len(x) != len(s.input) {
		return s.wrongLength("x", len(x), len(s.input), "")
	}
	if len(y) != len(s.output) {
		return s.wrongLength("y", len(y), len(s.output), "")
	}
	if s.model.plan.segments != nil {
		s.err = sessionError{kind: ErrStream, argument: s.names[s.model.plan.segments[0].last]}
		return &s.err
	}
	return s.step(y, x)
}

// Run runs one step for each InputSize floats of xs and writes OutputSize floats
// to ys for each: the bits that as many calls of Step give. It returns the
// number of steps done; after an error, the state is the one after those.
// xs and ys must not overlap.
//
// For a model that does not stream, xs is a whole sequence; after an error no step is
// done and ys is not written. The states go on from the end of the sequence, as
// everywhere: Reset before the next one.
func (s *Session) Run(ys, xs []float32) (n int, err error) {
	return s.RunLength(ys, xs, len(xs)/len(s.input))
}

// RunLength is Run for a sequence that is padded at its end: of the steps in xs only
// the first are run, and the states are those after them. The outputs of the others
// are set to zero.
func (s *Session) RunLength(ys, xs []float32, steps int) (n int, err error) {
	I, O := len(s.input), len(s.output)
	if len(xs)%I != 0 {
		return 0, s.wrongLength("xs", len(xs), I, "a multiple of ")
	}
	all := len(xs) / I
	if len(ys)%O != 0 || len(ys)/O != all {
		s.err = sessionError{kind: ErrLength, argument: "ys", have: len(ys), want: all, times: O}
		return 0, &s.err
	}
	if steps < 0 || steps > all {
		s.err = sessionError{kind: ErrLength, argument: argSteps, have: steps, want: all}
		return 0, &s.err
	}
	if err := s.open(); err != nil {
		return 0, err
	}
	xs = xs[:steps*I]
	if s.model.plan.segments != nil {
		n, err = s.runSequence(ys, xs)
	} else {
		n, err = s.runSteps(ys, xs)
	}
	if err == nil {
		clear(ys[steps*O:])
	}
	return n, err
}

func (s *Session) runSteps(ys, xs []float32) (n int, err error) {
	I, O := len(s.input), len(s.output)
	for ; len(xs) > 0; n++ {
		if err := s.step(ys[:O], xs[:I]); err != nil {
			if s.err.kind == ErrValue {
				s.err.argument, s.err.have = "xs", s.err.have+n*I
			}
			return n, err
		}
		xs, ys = xs[I:], ys[O:]
	}
	return n, nil
}

func (s *Session) step(y, x []float32) error {
	if err := s.open(); err != nil {
		return err
	}
	if err := s.checkInput(x); err != nil {
		return err
	}
	copy(s.input, x)
	if s.model.bounds.any {
		copy(s.spare, s.states)
	}
	for i, o := range s.operations {
		if !o.step() {
			return s.overflow(i)
		}
	}
	copy(y, s.output)
	return nil
}

// open is ErrClosed after Model.Close.
func (s *Session) open() error {
	if !s.model.closed.Load() {
		return nil
	}
	s.err = sessionError{kind: ErrClosed}
	return &s.err
}

// checkInput verifies one step's input.
func (s *Session) checkInput(x []float32) error {
	if s.vocabulary > 0 {
		if v := x[0]; !(v >= 0 && v < float32(s.vocabulary) && v == float32(int(v))) {
			s.err = sessionError{kind: ErrValue, argument: "x", value: v, want: s.vocabulary}
			return &s.err
		}
	} else if !s.within(x) {
		return s.wrongValue(x)
	}
	return nil
}

// overflow takes back what was done since the states were copied to spare.
func (s *Session) overflow(layer int) error {
	copy(s.states, s.spare)
	s.err = sessionError{kind: ErrOverflow, argument: s.names[layer], limit: s.model.bounds.limit}
	return &s.err
}

// within reports whether every x is finite and in range.
func (s *Session) within(x []float32) bool {
	const most = 4096 // in one call, which cannot be preempted: see kernelFloats
	for len(x) > most {
		if !s.model.kernels.WithinF32(x[:most], s.model.bounds.limit) {
			return false
		}
		x = x[most:]
	}
	return s.model.kernels.WithinF32(x, s.model.bounds.limit)
}

// Reset puts the session into the model's initial state.
func (s *Session) Reset() {
	m := s.model
	if m.closed.Load() {
		return // the initial states were unmapped; every step is ErrClosed
	}
	clear(s.states)
	for i, state := range m.file.States {
		if t := m.file.Tensor(state.Init); t != nil {
			copy(s.states[m.plan.state[i]:], t.F32[:state.Size])
		}
	}
}

func (s *Session) wrongLength(argument string, have, want int, relation string) error {
	s.err = sessionError{kind: ErrLength, argument: argument, have: have, want: want, reason: relation}
	return &s.err
}

// wrongValue names the first element of x that is out of range.
func (s *Session) wrongValue(x []float32) error {
	limit := s.model.bounds.limit
	for i, v := range x {
		if !(math.Abs(float64(v)) <= float64(limit)) {
			s.err = sessionError{kind: ErrValue, argument: "x", have: i, value: v, limit: limit}
			break
		}
	}
	return &s.err
}
