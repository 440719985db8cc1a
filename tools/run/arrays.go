package main

import (
	"fmt"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// feedArray runs the model on a .npy file or an array of a .npz file.
func (c *command) feedArray(a *answers) error {
	x, err := c.readArray()
	if err != nil {
		return err
	}
	b, err := newBatch(x, c.model.InputSize(), c.timeFirst)
	if err != nil {
		return fmt.Errorf("%s: %w", c.input, err)
	}
	a.leading = b.leading
	if x.Len() == 0 {
		return nil // whatever the other dimensions say
	}
	if b.streams > 1 && b.steps == 1 && !c.timeFirst {
		fmt.Fprintf(c.stderr, "run: %s holds %d streams of one step each; if it is one stream, say -time-first\n", c.input, b.streams)
	}
	if !b.timeFirst {
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
	ys = swapped(ys, b.streams, b.steps, c.model.OutputSize())
	for block := b.streams * c.model.OutputSize(); len(ys) > 0; ys = ys[block:] {
		if b.streams > 1 {
			a.nextBlock()
		}
		if err := a.add(ys[:block]); err != nil {
			return err
		}
	}
	return nil
}

// readArray reads the array that INPUT names.
func (c *command) readArray() (*npy.Array, error) {
	path, key := splitNPZ(c.input)
	if extension(path) == ".npy" {
		return npy.ReadFile(path)
	}
	z, err := npy.ReadArchive(path)
	if err != nil {
		return nil, err
	}
	names := z.Names()
	if key == "" && len(names) == 1 {
		key = names[0]
	}
	if key == "" && len(names) > 1 {
		return nil, fmt.Errorf("%s has %d arrays, name one: %s:%s", path, len(names), path, names[0])
	}
	return z.Array(key)
}
