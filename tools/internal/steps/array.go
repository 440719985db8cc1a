package steps

import (
	"fmt"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// An Array is an array of steps: of one stream or of several of the same length.
type Array struct {
	X              []float32 // [streams, steps, I]
	Streams, Steps int
	Leading        []int // dimensions of the array in the file before I
	TimeFirst      bool  // the array in the file has [steps, streams, I]
}

// FromArray takes an array for a model with that many inputs: [T, I], [N, T, I] for N
// streams, [T] where I is 1. If timeFirst, an array of three dimensions is [T, N, I].
func FromArray(x *npy.Array, inputs int, timeFirst bool) (*Array, error) {
	b := &Array{Streams: 1}
	switch s := x.Shape; {
	case len(s) == 1 && inputs == 1:
		b.Steps, b.Leading = s[0], s
	case len(s) == 2 && s[1] == inputs:
		b.Steps, b.Leading = s[0], s[:1]
	case len(s) == 3 && s[2] == inputs:
		b.Streams, b.Steps, b.Leading = s[0], s[1], s[:2]
		if timeFirst {
			b.Streams, b.Steps, b.TimeFirst = s[1], s[0], true
		}
	default:
		return nil, fmt.Errorf("shape %s, want %s for a model of input size %d", npy.Tuple(s), wantedShape(inputs, timeFirst), inputs)
	}
	b.X = x.Float32()
	if b.TimeFirst {
		b.X = Swapped(b.X, b.Steps, b.Streams, inputs)
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

// Swapped turns [n, m, width] into [m, n, width].
func Swapped(x []float32, n, m, width int) []float32 {
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

// Place writes the place of a step as one would index the array: [step],
// [stream, step] or [step, stream].
func (b *Array) Place(stream, step int) string {
	switch {
	case len(b.Leading) == 1:
		return fmt.Sprintf("[%d]", step)
	case b.TimeFirst:
		stream, step = step, stream
	}
	return fmt.Sprintf("[%d, %d]", stream, step)
}
