package infer

// A Session is one stream through a model: its state, and the memory that a step
// needs. It must be used by one goroutine at a time.
type Session struct {
	model   *Model
	within  func(x []float32, limit float32) bool
	limit   float32
	quick   bool // a call of within is all that an input needs
	growing bool // a state may grow out of its bounds
	block
	state []float32 // of the one stream
	spare []float32 // as large as state: to check a state, to take back a step
	names []string  // of the layers, for errors

	vocabulary int
	kept       []float32 // between the segments of a model that does not stream, see sequence.go
	err        sessionError
}

// sessionSlots is how many steps Run takes at a time: enough that the input's weights, read
// once for them all, cost little beside the state's, read at each step; and as many as
// fit into 1 MB, which is little beside the weights of a model so large.
func (m *Model) sessionSlots() int { return m.plan.fit(1<<20, vectorsAtOnce, 4*vectorsAtOnce) }

// NewSession returns a stream in its initial state. It allocates
// Model.SessionBytes and a little for each layer; nothing after it allocates, but
// see Reserve for a model that does not stream.
func (m *Model) NewSession() *Session {
	b := newBlock(m, m.sessionSlots(), 1)
	s := &Session{
		model: m, block: b,
		within: m.kernels.WithinF32, limit: m.bounds.limit, growing: m.bounds.any,
		state:      b.states.at(0),
		spare:      make([]float32, m.plan.states),
		vocabulary: m.Vocabulary(),
	}
	s.quick = m.Streams() && s.vocabulary == 0 && m.InputSize() <= mostWithin
	for _, l := range m.file.Layers {
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
	if err := s.check(y, x); err != nil {
		return err
	}
	copy(s.input.one, x)
	if s.growing {
		copy(s.spare, s.state)
	}
	if layer := s.step(); layer >= 0 {
		return s.overflow(layer)
	}
	copy(y, s.output.one)
	return nil
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
	return s.RunLength(ys, xs, len(xs)/s.input.size())
}

// RunLength is Run for a sequence that is padded at its end: of the steps in xs only
// the first are run, and the states are those after them. The outputs of the others
// are set to zero.
func (s *Session) RunLength(ys, xs []float32, steps int) (n int, err error) {
	I, O := s.input.size(), s.output.size()
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

// runSteps runs the steps of a model that streams, as many at a time as the block has
// slots for.
func (s *Session) runSteps(ys, xs []float32) (n int, err error) {
	I, O := s.input.size(), s.output.size()
	for all := len(xs) / I; n < all; {
		steps := min(all-n, s.slots)
		done, err := s.runBlock(ys[n*O:], xs[n*I:], steps)
		if err != nil {
			s.err.inSequence(n * I)
			return n + done, err
		}
		n += done
	}
	return n, nil
}

// runBlock runs steps that fit into the block.
func (s *Session) runBlock(ys, xs []float32, steps int) (n int, err error) {
	I, O := s.input.size(), s.output.size()
	if bad := s.model.checkInputs(&s.err, xs[:steps*I], s.vocabulary); bad >= 0 {
		s.err.inSequence(bad * I)
		err, steps = &s.err, bad // the steps before it count
	}
	for t := range steps {
		copy(s.input.at(t), xs[t*I:])
	}
	if s.growing {
		copy(s.spare, s.state)
	}
	if layer, _ := s.run(0, len(s.operations), steps, 1); layer >= 0 {
		return s.runSingly(ys, xs, steps)
	}
	for t := range steps {
		copy(ys[t*O:][:O], s.output.at(t))
	}
	return steps, err
}

// runSingly runs the steps of a block again, after one of them left the bounds of its
// state: the steps before that one count.
func (s *Session) runSingly(ys, xs []float32, steps int) (n int, err error) {
	I, O := s.input.size(), s.output.size()
	copy(s.state, s.spare)
	for ; n < steps; n++ {
		if err := s.Step(ys[n*O:][:O], xs[n*I:][:I]); err != nil {
			return n, err
		}
	}
	return n, nil
}

// open is ErrClosed after Model.Close.
func (s *Session) open() error {
	if !s.model.closed.Load() {
		return nil
	}
	s.err = sessionError{kind: ErrClosed}
	return &s.err
}

// check verifies all that a step relies on.
func (s *Session) check(y, x []float32) error {
	if s.quick && len(x) == s.input.size() && len(y) == s.output.size() && !s.model.closed.Load() && s.within(x, s.limit) {
		return nil
	}
	return s.verify(y, x)
}

// verify is check in all cases, and says what is wrong.
func (s *Session) verify(y, x []float32) error {
	if len(x) != s.input.size() {
		return s.wrongLength("x", len(x), s.input.size(), "")
	}
	if len(y) != s.output.size() {
		return s.wrongLength("y", len(y), s.output.size(), "")
	}
	if g := s.model.plan.segments; g != nil {
		s.err = sessionError{kind: ErrStream, argument: s.names[g[0].last]}
		return &s.err
	}
	if err := s.open(); err != nil {
		return err
	}
	if !s.model.checkInput(&s.err, x, s.vocabulary) {
		return &s.err
	}
	return nil
}

// overflow takes back what was done since the states were copied to spare. Inlined, it would
// make Step's frame, which every step writes to, twice as large.
//
//go:noinline
func (s *Session) overflow(layer int) error {
	copy(s.state, s.spare)
	s.err = sessionError{kind: ErrOverflow, argument: s.names[layer], limit: s.model.bounds.limit}
	return &s.err
}

// Reset puts the session into the model's initial state.
func (s *Session) Reset() { s.model.reset(s.state) }

func (s *Session) wrongLength(argument string, have, want int, relation string) error {
	s.err = sessionError{kind: ErrLength, argument: argument, have: have, want: want, reason: relation}
	return &s.err
}
