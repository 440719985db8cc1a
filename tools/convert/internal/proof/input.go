package proof

import (
	"fmt"
	"math"

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

// random is what the model is measured on if nothing else is known: tokens, or numbers in
// ±1, the same at each conversion. Where a layer scales the input before anything else,
// which is how data is normalised, it is the scaled input that lies in ±1.
func random(m *format.Model, steps int) *Input {
	in := &Input{Name: "random input in ±1", X: make([]float32, steps*m.InputSize())}
	w := format.Witness{Seed: seed}
	w.Input(m.Vocabulary()).Next(in.X)
	if m.Vocabulary() > 0 {
		in.Name = "random tokens"
		return in
	}
	for _, l := range m.Layers {
		if s, ok := l.(*format.Scale); ok && s.X == format.Input {
			in.Name = "random input that its first layer scales to ±1"
			in.unscale(m, s)
			break
		}
	}
	return in
}

// unscale makes X what s turns into X, but for features that s ignores.
func (in *Input) unscale(m *format.Model, s *format.Scale) {
	I := m.InputSize()
	scale, shift := m.Tensor(s.S), m.Tensor(s.B)
	for i := range in.X {
		x := float64(in.X[i])
		if shift != nil {
			x -= float64(shift.F32[i%I])
		}
		if scale != nil {
			x /= float64(scale.F32[i%I])
		}
		if math.Abs(x) < 1e6 {
			in.X[i] = float32(x)
		}
	}
}

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
