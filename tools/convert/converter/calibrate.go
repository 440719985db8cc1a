package converter

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// A Calibration gathers the ranges of the vectors that a float32 model's matrices
// multiply while it runs over data like that which it will see. They become the fixed
// ranges for which an int8 model quantises those vectors, instead of one range for each
// vector at each step.
type Calibration struct {
	session *infer.Session
	inputs  int
	streams bool
	watched []watched
	width   int // of all that is watched
	ys      []float32

	// Steps is how many steps the model has run.
	Steps int
}

// A watched buffer is what some matrices multiply, and its largest magnitude so far.
type watched struct {
	buffer   format.Buffer
	from, to int // its place in what the session gives
	matrices []format.TensorID
	largest  float32
}

// NewCalibration starts a calibration of m, whose matrices are float32.
//
// The state of a cell is its output of the step before, so that watching the output
// (and the initial state) gives the range of both. What the matrices of the projection
// and of a reset-before candidate multiply is nowhere to be watched: they stay as they are.
func NewCalibration(m *format.Model) (*Calibration, error) {
	c := &Calibration{inputs: m.InputSize(), streams: m.Streams()}
	watch := func(b format.Buffer, t format.TensorID, initial float32) {
		i := slices.IndexFunc(c.watched, func(w watched) bool { return w.buffer == b })
		if i < 0 {
			i = len(c.watched)
			c.watched = append(c.watched, watched{buffer: b, from: c.width, to: c.width + m.Buffers[b]})
			c.width += m.Buffers[b]
		}
		w := &c.watched[i]
		w.matrices, w.largest = append(w.matrices, t), max(w.largest, initial)
	}
	state := func(b format.Buffer, t format.TensorID, h format.StateID) {
		var initial float32
		if start := m.Tensor(m.States[h].Init); start != nil {
			initial = magnitude(start.F32)
		}
		watch(b, t, initial)
	}
	for _, l := range m.Layers {
		switch l := l.(type) {
		case *format.Dense:
			watch(l.X, l.W, 0)
		case *format.RNN:
			watch(l.X, l.W, 0)
			state(l.Y, l.R, l.H)
		case *format.LSTM:
			watch(l.X, l.W, 0)
			state(l.Y, l.R, l.H)
		case *format.GRU:
			watch(l.X, l.W, 0)
			state(l.Y, l.R, l.H)
		}
	}
	if len(c.watched) == 0 {
		return nil, errors.New("the model has no matrix whose input could be calibrated")
	}
	// The model with all that is watched for its output.
	observed := *m
	observed.Witness = format.Witness{}
	observed.Buffers = append(slices.Clone(m.Buffers), c.width)
	observed.Output = format.Buffer(len(m.Buffers))
	all := &format.Concat{Name: "watched", Y: observed.Output}
	for _, w := range c.watched {
		all.Xs = append(all.Xs, w.buffer)
	}
	observed.Layers = append(slices.Clone(m.Layers), all)
	file, err := format.Marshal(&observed)
	if err != nil {
		return nil, err
	}
	engine, err := infer.FromBytes(file)
	if err != nil {
		return nil, err
	}
	c.session = engine.NewSession()
	return c, nil
}

// calibrationChunk is how many steps run at once.
const calibrationChunk = 64

// Run runs the model over one stream, from its initial state: x holds its steps, one
// after the other. After each piece it tells progress, unless that is nil, how many steps
// it did.
func (c *Calibration) Run(x []float32, progress func(steps int)) error {
	if len(x)%c.inputs != 0 {
		return fmt.Errorf("a stream of %d floats for a model of %d inputs", len(x), c.inputs)
	}
	c.session.Reset()
	chunk := len(x) / c.inputs
	if c.streams {
		chunk = min(chunk, calibrationChunk)
	}
	c.ys = slices.Grow(c.ys[:0], chunk*c.width)[:chunk*c.width]
	for done := 0; len(x) > 0; {
		n := min(chunk, len(x)/c.inputs)
		ys := c.ys[:n*c.width]
		if did, err := c.session.Run(ys, x[:n*c.inputs]); err != nil {
			return fmt.Errorf("step %d: %w", done+did, err)
		}
		for t := range n {
			for i := range c.watched {
				w := &c.watched[i]
				w.largest = max(w.largest, magnitude(ys[t*c.width:][w.from:w.to]))
			}
		}
		x, done, c.Steps = x[n*c.inputs:], done+n, c.Steps+n
		if progress != nil {
			progress(n)
		}
	}
	return nil
}

// A Range is the largest magnitude of what a matrix multiplied, and the matrix's name.
type Range struct {
	Matrix  string
	Largest float32
}

// Apply sets the ranges of q, which is the model as int8, and returns what it set. Where
// nothing but zeros came each vector keeps its own. The witness of q, if it has one, is another one's then.
func (c *Calibration) Apply(q *format.Model) []Range {
	largest, unwatched := make([]float32, len(q.Tensors)), make([]int, len(q.Tensors))
	for _, l := range q.Layers {
		for _, t := range format.FieldsOf(l).Tensors {
			unwatched[t]++
		}
	}
	for _, w := range c.watched {
		for _, t := range w.matrices {
			largest[t] = max(largest[t], w.largest)
			unwatched[t]--
		}
	}
	var set []Range
	for i := range q.Tensors {
		t, v := &q.Tensors[i], largest[i]
		if t.I8 == nil || unwatched[i] > 0 || v == 0 {
			continue
		}
		t.I8.Input = v
		set = append(set, Range{t.Name, v})
	}
	return set
}

func magnitude(x []float32) (largest float32) {
	for _, v := range x {
		largest = max(largest, float32(math.Abs(float64(v))))
	}
	return largest
}
