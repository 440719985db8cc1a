package infer

import (
	"math"
	"sync"
)

// A Batch is many independent streams through a model, numbered from 0: a gateway's
// sensors, a server's calls. Streams that are stepped together share each reading of
// the weights. What a stream computes depends neither on the others nor on its number:
// its outputs and states are, bit for bit, those of a Session.
//
// A stream that joins is one that is Reset, or given a state by SetState, and from then on
// named in StepSome; one that leaves is named no more. Nothing but NewBatch allocates.
//
// A Batch must be used by one goroutine at a time; WithWorkers lets it use several CPUs
// by itself.
type Batch struct {
	model   *Model
	streams int
	states  []float32 // of each stream in turn
	spare   []float32 // of one stream, to check a state
	after   []float32 // as large as states: where they go until all streams are done, if a step can fail
	calls   []uint64  // of each stream, the last call that named it
	call    uint64
	workers []*worker
	pending sync.WaitGroup // workers that have not finished the job
	job     job
	err     sessionError
}

// A job is one call's work, which the workers share.
type job struct {
	ys, xs  []float32
	ids     []int // the streams, nil for all
	n       int   // how many streams
	steps   int   // in each row of xs and ys
	lengths []int // of each row; nil for steps
	whole   bool  // whole sequences
}

// id is the stream of row i.
func (j *job) id(i int) int {
	if j.ids == nil {
		return i
	}
	return j.ids[i]
}

// length is the steps of row i.
func (j *job) length(i int) int {
	if j.lengths == nil {
		return j.steps
	}
	return j.lengths[i]
}

// A BatchOption changes how a batch works.
type BatchOption func(*batchOptions)

type batchOptions struct{ workers int }

// WithWorkers splits the streams among k goroutines, the caller's among them: one for
// each CPU that the batch may keep busy. More than one wait for the next call until
// Close. Without it there is the caller's alone. It changes no bit.
func WithWorkers(k int) BatchOption { return func(o *batchOptions) { o.workers = k } }

// batchSlots is how many vectors a worker works on at a time: the more, the fewer times
// the weights are read. Beyond 72 that gains little, and buffers are bounded at 4 MB.
func (m *Model) batchSlots(streams int) int {
	return m.plan.fit(4<<20, vectorsAtOnce, min(6*vectorsAtOnce, (min(streams, 1<<16)+vectorsAtOnce-1)/vectorsAtOnce*vectorsAtOnce))
}

// NewBatch returns this many streams, at least one, each in the model's initial state. It
// allocates Model.BatchBytes.
func (m *Model) NewBatch(streams int, opts ...BatchOption) *Batch {
	o := batchOptions{workers: 1}
	for _, opt := range opts {
		opt(&o)
	}
	streams = max(streams, 1)
	b := &Batch{
		model: m, streams: streams,
		states: make([]float32, streams*m.plan.states),
		spare:  make([]float32, m.plan.states),
		calls:  make([]uint64, streams),
	}
	b.after = b.states
	if m.bounds.any {
		b.after = make([]float32, len(b.states))
	}
	for i := range m.workers(streams, o.workers) {
		w := &worker{batch: b, index: i}
		if m.Streams() {
			slots := m.batchSlots(streams)
			w.block, w.rows = newBlock(m, slots, slots), make([]int, slots)
		} else {
			w.session = m.NewSession()
		}
		b.workers = append(b.workers, w)
		if i > 0 {
			w.wake = make(chan struct{}, 1)
			go w.wait()
		}
	}
	for i := range streams {
		b.Reset(i)
	}
	return b
}

// workers is how many of k workers have streams to work on.
func (m *Model) workers(streams, k int) int { return max(1, min(k, streams)) }

// BatchBytes is the memory of a batch of this many streams and workers, but for what its
// workers need for whole sequences of a model that does not stream; the largest int where
// an int does not hold it.
func (m *Model) BatchBytes(streams, workers int) int {
	streams = max(streams, 1)
	states := 4 * m.plan.states
	stream := states + 8
	if m.bounds.any {
		stream += states
	}
	one := m.SessionBytes()
	if m.Streams() {
		slots := m.batchSlots(streams)
		one = m.plan.bytes(slots, slots) + 8*slots
	}
	a, b := times(streams, stream), times(m.workers(streams, workers), one)+states
	if a > math.MaxInt-b || b < 0 {
		return math.MaxInt
	}
	return a + b
}

// Model returns the model of the batch.
func (b *Batch) Model() *Model { return b.model }

// Streams is the number of streams.
func (b *Batch) Streams() int { return b.streams }

// Close ends the workers' goroutines. A batch of one worker has none. It must not be used
// afterwards.
func (b *Batch) Close() {
	for _, w := range b.workers[1:] {
		close(w.wake)
	}
	b.workers = b.workers[:1]
}

// Step runs one time step of every stream: row i of xs, InputSize floats, is the input of
// stream i, and its output goes to row i of ys, OutputSize floats. xs and ys must not
// overlap. Inputs are as in Session.Step. On an error no stream has moved, and what ys
// holds is not defined.
func (b *Batch) Step(ys, xs []float32) error {
	return b.do(job{ys: ys, xs: xs, n: b.streams, steps: 1})
}

// StepSome is Step for some of the streams, in any order, none of them twice: row i of xs
// and of ys belongs to stream ids[i]. The others do not move.
func (b *Batch) StepSome(ys, xs []float32, ids []int) error {
	return b.do(job{ys: ys, xs: xs, ids: ids, n: len(ids), steps: 1})
}

// Run runs a sequence of every stream: row i of xs is the sequence of stream i, one step
// after the other, padded to the length of the longest; lengths[i] of its steps are run.
// The outputs go to row i of ys, those of the padding are zero, and the states are those
// after the last step that was run. Nil lengths are whole rows. Errors are as in Step.
//
// It takes models that do not stream, too, for whole sequences; their workers then
// allocate as Session.Reserve says.
func (b *Batch) Run(ys, xs []float32, lengths []int) error {
	I := b.model.InputSize()
	if len(xs)%(b.streams*I) != 0 {
		return b.fail(sessionError{kind: ErrLength, argument: "xs", have: len(xs), want: b.streams * I, reason: "a multiple of "})
	}
	if lengths != nil && len(lengths) != b.streams {
		return b.fail(sessionError{kind: ErrLength, argument: "lengths", have: len(lengths), want: b.streams})
	}
	steps := len(xs) / (b.streams * I)
	for i, n := range lengths {
		if n < 0 || n > steps {
			return b.fail(sessionError{kind: ErrLength, argument: argLengths, batch: true, stream: i, have: n, want: steps})
		}
	}
	return b.do(job{ys: ys, xs: xs, n: b.streams, steps: steps, lengths: lengths, whole: true})
}

// Reset puts a stream into the model's initial state.
func (b *Batch) Reset(stream int) error {
	state, err := b.state(stream)
	if err == nil {
		b.model.reset(state)
	}
	return err
}

// State and SetState save and restore a stream as Session.State and Session.SetState do:
// a stream can go from a session to a batch and back.
func (b *Batch) State(stream int, buf []byte) ([]byte, error) {
	state, err := b.state(stream)
	if err != nil {
		return nil, err
	}
	if saved := b.model.saveState(&b.err, buf, state); saved != nil {
		return saved, nil
	}
	return nil, &b.err
}

// SetState restores a stream: see State.
func (b *Batch) SetState(stream int, saved []byte) error {
	state, err := b.state(stream)
	if err != nil {
		return err
	}
	if !b.model.loadState(&b.err, b.spare, saved) {
		return &b.err
	}
	copy(state, b.spare)
	return nil
}

// state is the states of one stream.
func (b *Batch) state(stream int) ([]float32, error) {
	if b.model.closed.Load() {
		return nil, b.fail(sessionError{kind: ErrClosed})
	}
	if stream < 0 || stream >= b.streams {
		return nil, b.fail(sessionError{kind: ErrNoStream, have: stream, want: b.streams - 1})
	}
	return b.of(b.states, stream), nil
}

// of is one stream's part of states.
func (b *Batch) of(states []float32, stream int) []float32 {
	n := b.model.plan.states
	return states[stream*n:][:n]
}

func (b *Batch) fail(e sessionError) error {
	b.err = e
	return &b.err
}

// do checks a job and lets the workers do it.
func (b *Batch) do(j job) error {
	if err := b.check(&j); err != nil {
		return err
	}
	b.job = j
	b.pending.Add(len(b.workers) - 1)
	for _, w := range b.workers[1:] {
		w.wake <- struct{}{}
	}
	b.workers[0].work()
	b.pending.Wait()
	b.job = job{} // the caller's slices are not kept
	for _, w := range b.workers {
		if w.failed {
			return b.fail(w.err)
		}
	}
	if b.model.bounds.any {
		for i := range j.n {
			copy(b.of(b.states, j.id(i)), b.of(b.after, j.id(i)))
		}
	}
	return nil
}

// check verifies all that a job relies on.
func (b *Batch) check(j *job) error {
	m, I, O := b.model, b.model.InputSize(), b.model.OutputSize()
	if m.closed.Load() {
		return b.fail(sessionError{kind: ErrClosed})
	}
	if len(j.xs) != j.n*j.steps*I {
		return b.fail(sessionError{kind: ErrLength, argument: "xs", have: len(j.xs), want: j.n * j.steps * I})
	}
	if len(j.ys) != j.n*j.steps*O {
		return b.fail(sessionError{kind: ErrLength, argument: "ys", have: len(j.ys), want: j.n * j.steps * O})
	}
	if !m.Streams() && !j.whole {
		return b.fail(sessionError{kind: ErrStream, argument: m.file.Layers[m.plan.segments[0].last].LayerName()})
	}
	b.call++
	for _, id := range j.ids {
		if id < 0 || id >= b.streams {
			return b.fail(sessionError{kind: ErrNoStream, have: id, want: b.streams - 1})
		}
		if b.calls[id] == b.call {
			return b.fail(sessionError{kind: ErrNoStream, have: id, reason: "twice"})
		}
		b.calls[id] = b.call
	}
	vocabulary := m.Vocabulary()
	rows, steps := j.n, j.steps
	if j.lengths == nil { // there is no padding between the rows
		rows, steps = 1, j.n*j.steps
	}
	for i := range rows {
		if j.lengths != nil {
			steps = j.lengths[i]
		}
		first := i * j.steps * I
		if bad := m.checkInputs(&b.err, j.xs[first:][:steps*I], vocabulary); bad >= 0 {
			b.err.inSequence(first + bad*I)
			return &b.err
		}
	}
	return nil
}
