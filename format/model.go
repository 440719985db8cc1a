package format

import "fmt"

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

// Activation is the kind of an element-wise function.
type Activation uint32

// The activations; package asm defines their bits. α and β are the parameters of
// a Function, 0 for a kind that does not have them.
const (
	Linear          Activation = 0  // x
	Sigmoid         Activation = 1  // 1 / (1 + exp(−x))
	Tanh            Activation = 2  // tanh(x)
	Relu            Activation = 3  // max(x, 0)
	LeakyRelu       Activation = 4  // x if x ≥ 0, else αx
	HardSigmoid     Activation = 5  // min(max(αx + β, 0), 1)
	Elu             Activation = 6  // x if x ≥ 0, else α(exp(x) − 1)
	Softsign        Activation = 7  // x / (1 + |x|)
	Softplus        Activation = 8  // log(1 + exp(x))
	ThresholdedRelu Activation = 9  // x if x > α, else 0
	ScaledTanh      Activation = 10 // α·tanh(βx)
	Affine          Activation = 11 // αx + β
	Clip            Activation = 12 // min(max(x, α), β)
	lastActivation             = Clip
)

// A Function is an element-wise function with its parameters.
type Function struct {
	Kind        Activation
	Alpha, Beta float32
}

// Parameters is how many parameters a has: 0, 1 for alpha, 2 for alpha and beta.
func (a Activation) Parameters() int {
	switch a {
	case LeakyRelu, Elu, ThresholdedRelu:
		return 1
	case HardSigmoid, ScaledTanh, Affine, Clip:
		return 2
	}
	return 0
}

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

// String returns the activation's name.
func (a Activation) String() string {
	return nameOf("activation", int(a), "linear", "sigmoid", "tanh", "relu", "leaky relu", "hard sigmoid", "elu",
		"softsign", "softplus", "thresholded relu", "scaled tanh", "affine", "clip")
}

// String returns the function's name and parameters.
func (f Function) String() string {
	switch f.Kind.Parameters() {
	case 1:
		return fmt.Sprintf("%v(%g)", f.Kind, f.Alpha)
	case 2:
		return fmt.Sprintf("%v(%g, %g)", f.Kind, f.Alpha, f.Beta)
	}
	return f.Kind.String()
}

// nameOf returns the name of code v of a kind, whose known codes start at 0.
func nameOf(kind string, v int, names ...string) string {
	if v >= 0 && v < len(names) && names[v] != "" {
		return names[v]
	}
	return fmt.Sprintf("%s %d", kind, uint32(v))
}
