package cellmatch

import "github.com/rnnedge/rnnedge/format"

// Kind is what a cell is.
type Kind uint8

// The cells, by the method of [format.Builder] that adds them.
const (
	RNN Kind = iota
	LSTM
	CoupledLSTM
	GRU
	GRUBefore
)

func (k Kind) String() string {
	return [...]string{"RNN", "LSTM", "LSTM with coupled gates", "GRU", "GRU with the reset gate before the product"}[k]
}

// A Cell is one that was found, of H units on an input of width I. The gates are in the
// order of package format, the numbers not rounded.
type Cell struct {
	Kind      Kind
	X         []Value           // the input, [I]
	H, C      []Value           // leaves, the states before the step, [H]; C is an LSTM's
	NextC     []Value           // the cell state after it; what was asked for is h
	Functions []format.Function // as [format.WithFunctions] takes them
	CellClip  float32           // as [format.WithCellClip]; 0 for none

	// Either are the leaves that the first unit of H may as well be, itself among them,
	// where the step does not tell which is the state and which the input; else nil.
	Either []Value

	W, R, B, BR, P []float64 // as in [format.Weights]; BR and P nil for none
}

// Weights returns the tensors in float32: where an exporter left several biases or
// factors apart, their sum or product is rounded here, once.
func (c *Cell) Weights() format.Weights {
	return format.Weights{W: rounded(c.W), R: rounded(c.R), B: rounded(c.B), BR: rounded(c.BR), P: rounded(c.P)}
}

func rounded(v []float64) []float32 {
	if v == nil {
		return nil
	}
	out := make([]float32, len(v))
	for k, x := range v {
		out[k] = float32(x)
	}
	return out
}
