package main

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// A batch is an input array: streams of steps.
type batch struct {
	xs             []float32 // [streams, steps, I]
	streams, steps int
	leading        []int // dimensions of the array before I
	timeFirst      bool  // the array has [steps, streams, I]
}

// newBatch takes an array of steps for a model with that many inputs.
func newBatch(x *npy.Array, inputs int, timeFirst bool) (*batch, error) {
	b := &batch{streams: 1}
	switch s := x.Shape; {
	case len(s) == 1 && inputs == 1:
		b.steps, b.leading = s[0], s
	case len(s) == 2 && s[1] == inputs:
		b.steps, b.leading = s[0], s[:1]
	case len(s) == 3 && s[2] == inputs:
		b.streams, b.steps, b.leading = s[0], s[1], s[:2]
		if timeFirst {
			b.streams, b.steps, b.timeFirst = s[1], s[0], true
		}
	default:
		return nil, fmt.Errorf("shape %s, want %s for a model of input size %d", npy.Tuple(s), wantedShape(inputs, timeFirst), inputs)
	}
	b.xs = x.Float32()
	if b.timeFirst {
		b.xs = swapped(b.xs, b.steps, b.streams, inputs)
	}
	return b, nil
}

func wantedShape(inputs int, timeFirst bool) string {
	want := fmt.Sprintf("(T, %d) or (N, T, %[1]d)", inputs)
	if timeFirst {
		want = fmt.Sprintf("(T, %d) or (T, N, %[1]d)", inputs)
	}
	if inputs == 1 {
		want = "(T,), " + want
	}
	return want
}

// swapped turns [n, m, width] into [m, n, width].
func swapped(x []float32, n, m, width int) []float32 {
	out := make([]float32, 0, len(x))
	if len(x) == 0 {
		return out
	}
	for j := range m {
		for i := range n {
			out = append(out, x[(i*m+j)*width:][:width]...)
		}
	}
	return out
}

// place writes the place of a step as one would index the array: [step],
// [stream, step] or [step, stream].
func (b *batch) place(stream, step int) string {
	switch {
	case len(b.leading) == 1:
		return fmt.Sprintf("[%d]", step)
	case b.timeFirst:
		stream, step = step, stream
	}
	return fmt.Sprintf("[%d, %d]", stream, step)
}

// wrongStep finds the step of a sequence that failed with err: the first that fails
// alone too, with an error that counts from its row; or step 0 and err, where it is not
// one step's input.
func wrongStep(s *infer.Session, xs []float32, err error) (int, error) {
	m := s.Model()
	I, y := m.InputSize(), make([]float32, m.OutputSize())
	for step := range len(xs) / I {
		s.Reset()
		if _, alone := s.Run(y, xs[step*I:][:I]); errors.Is(alone, infer.ErrValue) {
			return step, alone
		}
	}
	return 0, err
}

// chunkSteps is how many steps run between two looks at the clock.
const chunkSteps = 256

// runBatch runs the model on the streams, one after the other, each from the
// initial state. start is called before each, add gets its answers.
func (c *command) runBatch(b *batch, start func(), add func(ys []float32) error) error {
	p := c.newProgress(b.streams * b.steps)
	defer p.clear()
	I, O := c.model.InputSize(), c.model.OutputSize()
	s, xs := c.model.NewSession(), b.xs
	chunk := min(b.steps, chunkSteps)
	if !c.model.Streams() {
		chunk = b.steps
	}
	ys := make([]float32, chunk*O)
	for stream := range b.streams {
		s.Reset()
		start()
		for done := 0; done < b.steps; {
			n := min(chunk, b.steps-done)
			n, err := s.Run(ys[:n*O], xs[:n*I])
			if failed := add(ys[:n*O]); failed != nil {
				return failed
			}
			xs, done = xs[n*I:], done+n
			if err != nil {
				// Once more, alone, so that the error counts from the row.
				if c.model.Streams() {
					err = s.Step(ys[:O], xs[:I])
				} else {
					done, err = wrongStep(s, xs[:b.steps*I], err)
				}
				return fmt.Errorf("%s%s: %w", c.input, b.place(stream, done), err)
			}
			p.advance(n)
		}
	}
	return nil
}
