package main

import (
	"fmt"
	"io"

	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

// feedLines runs the model on CSV lines from r, one step a line. A line is
// answered before the next is read, unless the model needs the whole sequence.
func (c *command) feedLines(a *answers, r io.Reader, name string) error {
	if !c.model.Streams() {
		return c.feedSequence(a, r, name)
	}
	s := c.model.NewSession()
	l := steps.NewLines(r, name, c.model.InputSize())
	y := make([]float32, c.model.OutputSize())
	p := c.newProgress(0)
	defer p.clear()
	for {
		x, err := l.Next()
		if err == io.EOF {
			a.leading = []int{a.steps}
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Step(y, x); err != nil {
			return fmt.Errorf("%s:%d: %w", name, l.Line, err)
		}
		if err := a.add(y); err != nil {
			return err
		}
		p.advance(1)
	}
}

// feedSequence runs a model that does not stream on all lines of r.
func (c *command) feedSequence(a *answers, r io.Reader, name string) error {
	l := steps.NewLines(r, name, c.model.InputSize())
	var xs []float32
	var at []int // the line of each step
	for {
		x, err := l.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		xs, at = append(xs, x...), append(at, l.Line)
	}
	s, ys := c.model.NewSession(), make([]float32, len(at)*c.model.OutputSize())
	if _, err := s.Run(ys, xs); err != nil {
		step, err := wrongStep(s, xs, err)
		return fmt.Errorf("%s:%d: %w", name, at[step], err)
	}
	a.leading = []int{len(at)}
	return a.add(ys)
}
