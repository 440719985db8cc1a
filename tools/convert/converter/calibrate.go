package converter

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/quant"
	"github.com/rnnedge/rnnedge/tools/convert/internal/sample"
	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

// A Calibration gathers what the matrices of a float32 model multiply while it runs over
// data, and rounds those matrices to int8 for such vectors: package quant's Moments.
type Calibration struct {
	float, int8 *format.Model
	session     *infer.Session // nil if nothing is watched
	watched     []watched
	width       int // of all that is watched
	ys          []float32
	damping     float64

	// Steps is how many steps the model has run.
	Steps int
}

// A watched buffer is what some matrices multiply.
type watched struct {
	buffer   format.Buffer
	from, to int // its place in what the session gives
	matrices []format.TensorID
	moments  *quant.Moments
}

// The shares of noise that are assumed on top of what was seen. Data is much like what will
// come; random input only has in common with it that elements go together. Of 0.1 to 30 for
// random input, 0.3 was among the best on the models of package quant's table, for their
// products and for their outputs.
const (
	dampingData   = 0.01
	dampingRandom = 0.3
)

// Moments are a square of the vectors' width, and factoring them a cube: widest is how many
// columns a matrix has at most that is rounded for what it multiplies, and mostMoments how many
// elements all those squares have at most, in 8 bytes each.
const (
	widest      = 4096
	mostMoments = 1 << 26
)

// NewCalibration starts a calibration of q, which is m with matrices in int8.
//
// The state of a cell is its output of the step before, so that watching the output gives
// the moments of both; nearly those of what the candidate of a reset-before GRU multiplies, too,
// which is the state times the reset gate. What a projection multiplies is nowhere to be
// watched: it stays rounded to the nearest, as matrices beyond what is said above do. A matrix of
// several layers is rounded for the first.
func NewCalibration(m, q *format.Model) (*Calibration, error) {
	c := &Calibration{float: m, int8: q, damping: dampingData}
	seen := make([]bool, len(q.Tensors))
	moments := 0
	watch := func(b format.Buffer, matrices ...format.TensorID) {
		for _, id := range matrices {
			if t := q.Tensor(id); t == nil || t.I8 == nil || t.Cols > widest || seen[id] {
				continue
			}
			seen[id] = true
			i := slices.IndexFunc(c.watched, func(w watched) bool { return w.buffer == b })
			if i < 0 {
				n := m.Buffers[b]
				if moments+n*n > mostMoments {
					continue
				}
				i, moments = len(c.watched), moments+n*n
				c.watched = append(c.watched, watched{buffer: b, from: c.width, to: c.width + n, moments: quant.NewMoments(n)})
				c.width += n
			}
			c.watched[i].matrices = append(c.watched[i].matrices, id)
		}
	}
	for _, l := range m.Layers {
		switch l := l.(type) {
		case *format.Dense:
			watch(l.X, l.W)
		case *format.RNN:
			watch(l.X, l.W)
			watch(l.Y, l.R)
		case *format.LSTM:
			watch(l.X, l.W)
			watch(l.Y, l.R)
		case *format.GRU:
			watch(l.X, l.W)
			watch(l.Y, l.R, l.RN)
		}
	}
	if len(c.watched) == 0 {
		return c, nil
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
// it did. Where there is nothing to watch it does nothing.
func (c *Calibration) Run(x []float32, progress func(steps int)) error {
	I := c.float.InputSize()
	if len(x)%I != 0 {
		return fmt.Errorf("a stream of %d floats for a model of %d inputs", len(x), I)
	}
	if c.session == nil {
		return nil
	}
	c.session.Reset()
	chunk := len(x) / I
	if c.float.Streams() {
		chunk = min(chunk, calibrationChunk)
	}
	c.ys = slices.Grow(c.ys[:0], chunk*c.width)[:chunk*c.width]
	for done := 0; len(x) > 0; {
		n := min(chunk, len(x)/I)
		ys := c.ys[:n*c.width]
		if did, err := c.session.Run(ys, x[:n*I]); err != nil {
			return fmt.Errorf("step %d: %w", done+did, err)
		}
		for y := range slices.Chunk(ys, c.width) {
			for _, w := range c.watched {
				w.moments.Add(y[w.from:w.to])
			}
		}
		x, done, c.Steps = x[n*I:], done+n, c.Steps+n
		if progress != nil {
			progress(n)
		}
	}
	return nil
}

// files runs the model over a file of steps or a folder of such files, and returns the number of
// streams there.
func (c *Calibration) files(path string, progress func(file string, done, total int)) (streams int, err error) {
	files, err := steps.Files(path)
	if err != nil {
		return 0, err
	}
	I, all := c.float.InputSize(), 0
	for _, file := range files {
		xs, err := steps.Read(file, I)
		if err != nil {
			return 0, err
		}
		done, total := 0, 0
		for _, x := range xs {
			total += len(x) / I
		}
		for n, x := range xs {
			err := c.Run(x, func(steps int) {
				if done += steps; progress != nil {
					progress(file, done, total)
				}
			})
			if err != nil {
				return 0, fmt.Errorf("%s, stream %d: %w", file, n, err)
			}
		}
		streams, all = streams+len(xs), all+total
	}
	if all == 0 {
		return 0, fmt.Errorf("%s: found no step to calibrate by", path)
	}
	return streams, nil
}

// Random input: as many streams and steps in each as do, of a model that is not much work.
const (
	randomStreams = 32
	randomSteps   = 32
	randomWork    = 1 << 34
)

// Random runs the model over random input, in the place of data.
func (c *Calibration) Random() error {
	c.damping = dampingRandom
	work := 0 // multiplications in a step
	for i := range c.float.Tensors {
		work += c.float.Tensors[i].Rows * c.float.Tensors[i].Cols
	}
	for _, w := range c.watched {
		work += (w.to - w.from) * (w.to - w.from) / 2
	}
	steps := max(1, min(randomSteps, randomWork/randomStreams/work))
	for seed := range uint64(randomStreams) {
		if err := c.Run(sample.Stream(c.float, seed, steps), nil); err != nil {
			return err
		}
	}
	return nil
}

// Round rounds the int8 matrices for what was seen, and returns how many those are.
func (c *Calibration) Round() (matrices int) {
	for _, w := range c.watched {
		for _, id := range w.matrices {
			t := &c.int8.Tensors[id]
			w.moments.PackI8(t.I8.Elements, t.I8.Scales, c.float.Tensors[id].Matrix(), t.Rows, t.Cols, c.damping)
		}
		matrices += len(w.matrices)
	}
	return matrices
}
