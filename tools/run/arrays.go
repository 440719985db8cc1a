package main

import (
	"fmt"

	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

// feedArray runs the model on a .npy file or an array of a .npz file.
func (c *command) feedArray(a *answers) error {
	x, err := steps.ReadArray(c.input)
	if err != nil {
		return err
	}
	b, err := steps.FromArray(x, c.model.InputSize(), c.timeFirst)
	if err != nil {
		return fmt.Errorf("%s: %w", c.input, err)
	}
	a.leading = b.Leading
	if x.Len() == 0 {
		return nil // whatever the other dimensions say
	}
	if b.Streams > 1 && b.Steps == 1 && !c.timeFirst {
		fmt.Fprintf(c.stderr, "run: %s holds %d streams of one step each; if it is one stream, say -time-first\n", c.input, b.Streams)
	}
	if !b.TimeFirst {
		return c.runBatch(b, a.nextBlock, a.add)
	}

	// The streams run one after the other, their answers go out side by side.
	var ys []float32
	if err := c.runBatch(b, func() {}, func(y []float32) error {
		ys = append(ys, y...)
		return nil
	}); err != nil {
		return err
	}
	ys = steps.Swapped(ys, b.Streams, b.Steps, c.model.OutputSize())
	for block := b.Streams * c.model.OutputSize(); len(ys) > 0; ys = ys[block:] {
		if b.Streams > 1 {
			a.nextBlock()
		}
		if err := a.add(ys[:block]); err != nil {
			return err
		}
	}
	return nil
}
