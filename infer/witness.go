package infer

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
)

// ErrWitness: this machine computes other bits than the model's witness says.
var ErrWitness = errors.New("witness differs")

// Verify runs the model's witness on this machine with the kernels in use:
// nil says that every output bit is what the converter computed. A model
// without a witness is an error.
func (m *Model) Verify() error {
	w := m.file.Witness
	if w.Steps == 0 {
		return errors.New("infer: the model has no witness")
	}
	sum, err := m.Witness(w.Seed, w.Steps)
	if err != nil {
		return err
	}
	if sum.SHA256 != w.SHA256 {
		return fmt.Errorf("infer: %w: %d steps with %s give SHA-256 %x, the model says %x",
			ErrWitness, w.Steps, m.ISA(), sum.SHA256, w.SHA256)
	}
	return nil
}

// Witness computes what a witness of this many steps from this seed is: of steps one
// by one, or of one sequence where the model does not stream. A file takes at most
// format.MaxSteps of them.
func (m *Model) Witness(seed uint64, steps uint32) (format.Witness, error) {
	w := format.Witness{Seed: seed, Steps: steps}
	if steps > format.MaxSteps {
		return w, fmt.Errorf("infer: a witness of %d steps, want at most %d", steps, format.MaxSteps)
	}
	input, hash := w.Input(m.Vocabulary()), format.NewBitHash()
	s, at := m.NewSession(), 1
	if !m.Streams() {
		at = int(steps)
	}
	xs, ys := make([]float32, at*m.InputSize()), make([]float32, at*m.OutputSize())
	for range int(steps) / max(at, 1) {
		input.Next(xs)
		if _, err := s.Run(ys, xs); err != nil {
			return w, err
		}
		hash.Add(ys)
	}
	w.SHA256 = hash.Sum()
	return w, nil
}
