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

// Witness computes what a witness of this many steps from this seed is.
func (m *Model) Witness(seed uint64, steps uint32) (format.Witness, error) {
	w := format.Witness{Seed: seed, Steps: steps}
	s := m.NewSession()
	x, y := make([]float32, m.InputSize()), make([]float32, m.OutputSize())
	input, hash := w.Input(m.Vocabulary()), format.NewBitHash()
	for range steps {
		input.Next(x)
		if err := s.Step(y, x); err != nil {
			return w, err
		}
		hash.Add(y)
	}
	w.SHA256 = hash.Sum()
	return w, nil
}
