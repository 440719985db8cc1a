package main

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

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
func (c *command) runBatch(b *steps.Array, start func(), add func(ys []float32) error) error {
	p := c.newProgress(b.Streams * b.Steps)
	defer p.clear()
	I, O := c.model.InputSize(), c.model.OutputSize()
	s, xs := c.model.NewSession(), b.X
	chunk := min(b.Steps, chunkSteps)
	if !c.model.Streams() {
		chunk = b.Steps
	}
	ys := make([]float32, chunk*O)
	for stream := range b.Streams {
		s.Reset()
		start()
		for done := 0; done < b.Steps; {
			n := min(chunk, b.Steps-done)
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
					done, err = wrongStep(s, xs[:b.Steps*I], err)
				}
				return fmt.Errorf("%s%s: %w", c.input, b.Place(stream, done), err)
			}
			p.advance(n)
		}
	}
	return nil
}
