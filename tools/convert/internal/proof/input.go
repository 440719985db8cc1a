package proof

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// An Input is a sequence that a model is run on.
type Input struct {
	Name string    // what it is, for people
	X    []float32 // InputSize floats for each step
}

// seed is that of the random input: not the one of the witness, so that there are two
// sequences.
const seed = 2

// ReadInput reads the inputs of one stream from a .npy file: of shape (T, I), (1, T, I)
// or (T, 1, I), or (T,) for an input of one number or token.
func ReadInput(path string, m *format.Model) (*Input, error) {
	a, err := npy.ReadFile(path)
	if err != nil {
		return nil, err
	}
	I := m.InputSize()
	steps, ok := sequence(a.Shape, I)
	if !ok || steps == 0 {
		return nil, fmt.Errorf("%s: shape %s, want (T, %d), (1, T, %[3]d) or (T, 1, %[3]d) with at least one step of the %[3]d inputs of the model%s",
			path, npy.Tuple(a.Shape), I, oneDimension(I))
	}
	return &Input{path, a.Float32()}, nil
}

// sequence is the number of steps in an array of one stream, whose steps have width
// numbers.
func sequence(shape []int, width int) (steps int, ok bool) {
	switch {
	case len(shape) == 1 && width == 1, len(shape) == 2 && shape[1] == width:
		return shape[0], true
	case len(shape) == 3 && shape[2] == width && shape[0] == 1:
		return shape[1], true
	case len(shape) == 3 && shape[2] == width && shape[1] == 1:
		return shape[0], true
	}
	return 0, false
}

func oneDimension(width int) string {
	if width == 1 {
		return ", or (T,)"
	}
	return ""
}

// open makes an engine of a model, which may lack a witness.
func open(m *format.Model) (*infer.Model, error) {
	file, err := format.Marshal(m)
	if err != nil {
		return nil, err
	}
	return infer.FromBytes(file)
}
