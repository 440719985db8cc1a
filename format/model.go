package format

import (
	"fmt"

	"github.com/rnnedge/rnnedge/asm"
)

// A Model is what a .rnn file holds: a program of layers over numbered buffers,
// the states that live from one step to the next, and the tensors they read.
//
// A Model that a File or a Builder handed out has been checked: every reference
// is in range, every shape fits, every buffer is written before it is read.
type Model struct {
	Buffers []int  // width of each buffer in floats; buffer 0 is the input
	Output  Buffer // the buffer that a step hands out
	States  []State
	Tensors []Tensor
	Layers  []Layer // in order of execution
	Meta    []Meta  // in order of the file
	Witness Witness
}

// References into the lists of a Model.
type (
	Buffer   uint32 // index into Model.Buffers
	StateID  uint32 // index into Model.States
	TensorID uint32 // index into Model.Tensors, or None
)

// None is the TensorID of an optional tensor that is not there.
const None TensorID = 0xffffffff

// Input is the buffer that a step reads its input from.
const Input Buffer = 0

// A State is a vector that a layer keeps from step to step.
type State struct {
	Name string
	Size int      // floats
	Init TensorID // a Vector of Size floats it starts from; None for zeros
}

// Activation is the kind of an element-wise function and Function one with its
// parameters: package asm defines what they compute, to the bit. A file has their
// codes; one that has been in a file keeps its meaning.
type (
	Activation = asm.Activation
	Function   = asm.Function
)

// The activations.
const (
	Linear          = asm.Linear          // 0
	Sigmoid         = asm.Sigmoid         // 1
	Tanh            = asm.Tanh            // 2
	Relu            = asm.Relu            // 3
	LeakyRelu       = asm.LeakyRelu       // 4
	HardSigmoid     = asm.HardSigmoid     // 5
	Elu             = asm.Elu             // 6
	Softsign        = asm.Softsign        // 7
	Softplus        = asm.Softplus        // 8
	ThresholdedRelu = asm.ThresholdedRelu // 9
	ScaledTanh      = asm.ScaledTanh      // 10
	Affine          = asm.Affine          // 11
	Clip            = asm.Clip            // 12
	lastActivation  = Clip
)

// Meta is one entry of a model's metadata. Keys are free; those that rnnedge's
// tools write or read are listed in the package documentation.
type Meta struct{ Key, Value string }

// Limits on what a file may ask for. Each is far above any model of use and low
// enough that a small hostile file cannot make its reader allocate or compute
// much.
const (
	MaxItems  = 1 << 16 // entries of any list
	MaxName   = 1 << 10 // bytes of a name or a metadata key
	MaxWidth  = 1 << 20 // floats in one buffer or state
	MaxFloats = 1 << 24 // floats in all buffers and states together
	MaxTokens = 1 << 24 // rows of an embedding: a float32 counts no further
	MaxSteps  = 1 << 20 // steps of a witness

	MaxWork    = 1 << 32 // elements that the layers of a step read and write
	MaxWitness = 1 << 36 // and all steps of a witness together

	// MaxSequence is how many floats of buffers the witness of a model that does not
	// stream may need: it holds those of all steps at once.
	MaxSequence = 1 << 26
)

// minEpsilon keeps a normalisation of equal elements from dividing by zero.
const minEpsilon = 1e-30

// InputSize returns the number of floats that a step takes: 1 for a token.
func (m *Model) InputSize() int { return m.Buffers[Input] }

// OutputSize returns the number of floats that a step gives.
func (m *Model) OutputSize() int { return m.Buffers[m.Output] }

// Vocabulary returns the number of tokens if the model's input is a token, a
// whole number that an embedding looks up, and 0 if it is a vector of features.
func (m *Model) Vocabulary() int {
	for _, l := range m.Layers {
		if e, ok := l.(*Embedding); ok {
			return m.Tensors[e.Table].Rows
		}
	}
	return 0
}

// Streams reports whether the model runs step by step. One with a Reverse layer
// does not: it needs whole sequences.
func (m *Model) Streams() bool {
	for _, l := range m.Layers {
		if l.Op() == OpReverse {
			return false
		}
	}
	return true
}

// sequenceFloats is the number of floats that the buffers of one step take.
func (m *Model) sequenceFloats() (n int64) {
	for _, width := range m.Buffers {
		n += int64(width)
	}
	return n
}

// Value returns the metadata under key, or "".
func (m *Model) Value(key string) string {
	for _, e := range m.Meta {
		if e.Key == key {
			return e.Value
		}
	}
	return ""
}

// Tensor returns the tensor of an id, nil for None.
func (m *Model) Tensor(id TensorID) *Tensor {
	if id == None {
		return nil
	}
	return &m.Tensors[id]
}

// nameOf returns the name of code v of a kind, whose known codes start at 0.
func nameOf(kind string, v int, names ...string) string {
	if v >= 0 && v < len(names) && names[v] != "" {
		return names[v]
	}
	return fmt.Sprintf("%s %d", kind, uint32(v))
}
