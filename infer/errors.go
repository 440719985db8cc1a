package infer

import (
	"errors"
	"fmt"
)

// The kinds of errors that a Session and a Batch return.
var (
	// ErrLength: a slice has the wrong length.
	ErrLength = errors.New("wrong length")
	// ErrValue: an input is not finite, is larger than Model.Limit, or is not a
	// token of the vocabulary.
	ErrValue = errors.New("value out of range")
	// ErrStream: the model needs whole sequences and has no single step.
	ErrStream = errors.New("model does not stream")
	// ErrOverflow: a state without a bound of its own, as that of a relu RNN, left the
	// range of Model.Limit.
	ErrOverflow = errors.New("state out of range")
	// ErrNoStream: a batch has no stream of that number, or a call names one twice.
	ErrNoStream = errors.New("no such stream")
	// ErrState: SetState got bytes that are no state of this model, WriteState values
	// that are none, or there is no state of that index.
	ErrState = errors.New("not a state of this model")
	// ErrClosed: the model was closed.
	ErrClosed = errors.New("model is closed")
)

// sessionError is the one error value of a session or a batch. It is filled in where the
// fault is found and put into words only when it is read, so that a failing call
// does not allocate.
type sessionError struct {
	kind       error
	argument   string
	have, want int
	times      int // want is times this, if it is not 0
	value      float32
	limit      float32
	reason     string
	batch      bool // the fault is in one stream of a batch
	stream     int
}

// Arguments that are lengths, not slices.
const (
	argSteps   = "steps"
	argLengths = "lengths"
)

// inSequence moves a fault in one step's x to where xs has it.
func (e *sessionError) inSequence(first int) {
	if e.kind == ErrValue {
		e.argument, e.have = "xs", e.have+first
	}
}

// inBatch says which stream of a batch the fault is in.
func (e *sessionError) inBatch(stream int) { e.batch, e.stream = true, stream }

func (e *sessionError) Unwrap() error { return e.kind }

func (e *sessionError) Error() string {
	switch e.kind {
	case ErrLength:
		if e.argument == argSteps {
			return fmt.Sprintf("infer: steps is %d, want 0 to %d", e.have, e.want)
		}
		if e.argument == argLengths && e.batch {
			return fmt.Sprintf("infer: lengths[%d] is %d, want 0 to %d", e.stream, e.have, e.want)
		}
		if e.times != 0 {
			return fmt.Sprintf("infer: %s has %d elements, want %d for each of %d steps", e.argument, e.have, e.times, e.want)
		}
		return fmt.Sprintf("infer: %s has %d elements, want %s%d", e.argument, e.have, e.reason, e.want)
	case ErrValue:
		if e.want > 0 {
			return fmt.Sprintf("infer: %s[%d] is %v, want a whole number from 0 to %d", e.argument, e.have, e.value, e.want-1)
		}
		return fmt.Sprintf("infer: %s[%d] is %v, want a finite number of at most ±%g", e.argument, e.have, e.value, e.limit)
	case ErrStream:
		return fmt.Sprintf("infer: layer %q runs backward in time and needs the whole sequence: use Run", e.argument)
	case ErrNoStream:
		if e.reason != "" {
			return fmt.Sprintf("infer: stream %d is named %s", e.have, e.reason)
		}
		return fmt.Sprintf("infer: there is no stream %d, they go from 0 to %d", e.have, e.want)
	case ErrOverflow:
		if e.batch {
			return fmt.Sprintf("infer: in stream %d, the state of layer %q left ±%g; no stream has moved", e.stream, e.argument, e.limit)
		}
		return fmt.Sprintf("infer: the state of layer %q left ±%g; the step was taken back", e.argument, e.limit)
	case ErrState:
		return "infer: state: " + e.reason
	}
	return "infer: " + e.kind.Error()
}
