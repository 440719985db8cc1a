// Package infer runs recurrent networks: it opens a .rnn model and steps it,
// one time step per call, for ever, without allocating.
//
//	m, err := infer.Open("model.rnn")   // or FromBytes for go:embed, Load for an io.Reader
//	s := m.NewSession()                 // the only allocation
//	for {
//		err = s.Step(y, x)              // len(x) = m.InputSize(), len(y) = m.OutputSize()
//	}
//
// A Model is immutable and may be shared by any number of goroutines. A Session
// is one stream: it owns its state and belongs to one goroutine at a time.
//
// # The same bits everywhere
//
// One model and one input give one output, bit for bit, on every CPU and however
// the input is cut into calls. Package asm defines the arithmetic and holds its
// kernels to it; the model chooses a table of kernels once, when it is opened
// (RNNEDGE_ISA or WithISA name another one). Verify runs the model's witness: it
// proves on the device that this machine computes what the converter computed.
//
// # Whole sequences
//
// A layer that runs backward in time, alone or as half of a bidirectional one, needs
// the end of a sequence before it can give its first output. Such a model does not
// stream: Model.Streams is false, Step is ErrStream, and Run takes a whole sequence,
// as long as the slice is. RunLength takes one that is padded at its end, as
// frameworks pad the sequences of a batch. Between its layers a session then needs
// memory for all steps, Model.SequenceBytes: Reserve allocates it beforehand, else the
// first Run on a sequence of that length does.
//
// # Convolutions along time
//
// A causal convolution is a delay line and a dense layer on it. The line hands out this step's
// vector and those of some steps before, and keeps what its taps will need: a state
// like that of a cell, which Reset, State, ReadState and a Batch treat alike, the oldest
// step first.
//
// # Many steps, many streams
//
// Run, for many steps of one stream, and Batch, for many streams, read a weight once for
// several vectors and give the same bits. A Batch has a number of streams, each with
// states of its own; Step moves all of them, StepSome those that have data, Run a sequence
// of each, as long as its own length. A stream that leaves is no longer named, one
// that joins is Reset first. State and SetState move a stream between sessions and
// batches. WithWorkers spreads the streams over CPUs: one step of one stream waits for
// memory and gains nothing by them.
//
// Model.SessionBytes and Model.BatchBytes say what they take. Each stream of a batch has its
// states; the rest is shared.
//
// # States
//
// A Session keeps its states, those of Model.Format().States, from call to call. Reset
// puts them back to what the model starts from. State and SetState save and restore all
// of them, for this model only and with a checksum; ReadState and WriteState copy
// one, as numbers, for an encoder that hands its last state to a decoder.
//
// # What can go wrong
//
// Opening a model checks everything that a step relies on, so a step can fail
// only for its arguments. Then it returns an error that names the argument and
// what was expected, and the state stays what it was. Errors of a Session are
// allocated with it: the value is good until the session's next call, and
// errors.Is tells its kind (ErrLength, ErrValue, ErrStream, ErrOverflow, ErrState,
// ErrClosed; of a Batch also ErrNoStream).
//
// Inputs must be finite and at most Model.Limit in magnitude: the bound, worked
// out from the weights when the model is opened, below which no sum inside the
// net can overflow. It is astronomically large for any trained net. A cell whose
// state can grow without bound, as a relu RNN, is checked against it at each step;
// then the error is ErrOverflow. So no output, state or number in between is ever
// infinite or NaN.
//
// # How a step runs
//
// The layers of the model become operations bound to a block: one arena of float32 for
// some steps of some streams, each buffer with a slot for every step of every stream. A
// session's block has one stream, a batch's has many. A layer runs over all slots
// before the next one starts.
//
// A recurrent layer is zx = B + W·x, for all slots at once, and then for each step
// zh = R·h, for its streams at once, and one update, a kernel or for rare cells Go
// code, that turns both into the new state. Where a product has one vector it is a
// matrix-vector product, else a matrix product whose every output is the same chain.
// Large ones are called in slices of weights, since Go cannot interrupt assembly and
// the garbage collector would wait.
package infer
