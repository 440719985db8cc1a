package infer

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// A Model is a network ready to run. It is immutable and safe for concurrent
// use; sessions made from it share its weights.
type Model struct {
	file    *format.File
	kernels *asm.Kernels
	comp    map[*format.Tensor][]int32 // see compensations
	bounds  bounds
	plan    plan
	closed  atomic.Bool
}

// An Option changes how a model is opened.
type Option func(*options)

type options struct{ isa string }

// WithISA makes the model use the kernels of this name ("generic", "avx2",
// "neon", …) instead of the best that the CPU has. It goes before RNNEDGE_ISA. A
// name that this CPU cannot run is an error of opening.
func WithISA(name string) Option { return func(o *options) { o.isa = name } }

// Open maps the .rnn file at path and prepares it to run. The file must not
// change while the model is open. The error names the file, the offset and the
// field.
func Open(path string, opts ...Option) (*Model, error) {
	f, err := format.Open(path)
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	m, err := prepare(f, opts)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("infer: %s: %w", path, err)
	}
	return m, nil
}

// FromBytes prepares the .rnn file in b, which must not change afterwards: the
// weights are used where they lie. If b does not start on a 64-byte boundary it
// is copied once, and Copied says so.
func FromBytes(b []byte, opts ...Option) (*Model, error) {
	f, err := format.FromBytes(b)
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	return wrap(prepare(f, opts))
}

// Load reads a .rnn file from r to its end and prepares it.
func Load(r io.Reader, opts ...Option) (*Model, error) {
	f, err := format.Load(r)
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	return wrap(prepare(f, opts))
}

func wrap(m *Model, err error) (*Model, error) {
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	return m, nil
}

func prepare(f *format.File, opts []Option) (*Model, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	m := &Model{file: f}
	var err error
	if o.isa != "" {
		m.kernels, err = asm.ByName(o.isa)
	} else {
		m.kernels, err = asm.Best()
	}
	if err != nil {
		return nil, err
	}
	if m.bounds, err = newBounds(f.Model); err != nil {
		return nil, err
	}
	m.plan = newPlan(f.Model)
	m.comp = compensations(m.kernels, f.Tensors)
	return m, nil
}

// Close releases the mapping of a model from Open. Its sessions then return
// ErrClosed. Close must not run at the same time as a session's method.
func (m *Model) Close() error {
	m.closed.Store(true)
	return m.file.Close()
}

// InputSize is the number of floats that a step takes: 1 if the input is a token.
func (m *Model) InputSize() int { return m.file.InputSize() }

// OutputSize is the number of floats that a step gives.
func (m *Model) OutputSize() int { return m.file.OutputSize() }

// Vocabulary is the number of tokens if the input is a token, a whole number from
// 0 to Vocabulary−1 in a float32, and 0 if the input is a vector of features.
func (m *Model) Vocabulary() int { return m.file.Vocabulary() }

// Streams reports whether the model runs step by step. One with a layer that runs
// backward in time does not: it takes whole sequences, by Run.
func (m *Model) Streams() bool { return m.plan.segments == nil }

// ISA is the name of the kernels in use.
func (m *Model) ISA() string { return m.kernels.Name }

// Copied says that the weights had to be copied when the model was opened, since
// the bytes were not aligned or this machine is big-endian.
func (m *Model) Copied() bool { return m.file.Copied }

// Limit is the largest magnitude that an input may have, and that a state without a
// bound of its own, as that of a relu RNN, may reach, which a far smaller input
// can bring about.
func (m *Model) Limit() float32 { return m.bounds.limit }

// Meta returns the metadata under key, "" if there is none.
func (m *Model) Meta(key string) string { return m.file.Value(key) }

// Format returns the model as the file has it: layers, tensors, metadata. It
// must not be changed. The elements of its tensors go with Close.
func (m *Model) Format() *format.Model { return m.file.Model }

// SessionBytes is the memory of one session's states, buffers and scratch. Most of it is
// for the steps that Run takes at a time.
func (m *Model) SessionBytes() int {
	return m.plan.bytes(m.sessionSlots(), 1) + 4*m.plan.states
}

// StateSize is the number of bytes that Session.State writes.
func (m *Model) StateSize() int { return stateHeader + 4*m.plan.packed }
