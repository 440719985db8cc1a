package infer

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// A saved state is a header and the states' float32, little-endian, in the order
// of the model:
//
//	 0  4  "rnns"
//	 4  4  version 1
//	 8  8  fingerprint of the model's file
//	16  4  CRC-32C of the floats
//	20  4  0
const (
	stateMagic   = "rnns"
	stateVersion = 1
	stateHeader  = 24
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// State writes the session's state to the head of buf, which needs
// Model.StateSize bytes, and returns that part of it. SetState continues from
// there, on any machine, bit for bit; so does Batch.SetState.
func (s *Session) State(buf []byte) ([]byte, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	if b := s.model.saveState(&s.err, buf, s.state); b != nil {
		return b, nil
	}
	return nil, &s.err
}

// SetState puts the session into a state that State or Batch.State wrote. Bytes that are
// not a whole state of this very model are an ErrState, and the session stays as it
// was.
func (s *Session) SetState(b []byte) error {
	if err := s.open(); err != nil {
		return err
	}
	if !s.model.loadState(&s.err, s.spare, b) {
		return &s.err
	}
	copy(s.state, s.spare)
	return nil
}

// reset writes the model's initial states to one stream's.
func (m *Model) reset(states []float32) {
	if m.closed.Load() {
		return // the initial states were unmapped; every step is ErrClosed
	}
	clear(states)
	for i, state := range m.file.States {
		if t := m.file.Tensor(state.Init); t != nil {
			copy(states[m.plan.state[i]:], t.F32[:state.Size])
		}
	}
}

// saveState writes one stream's states to the head of buf and returns that part. Where buf
// is too short it returns nil, and e says so.
func (m *Model) saveState(e *sessionError, buf []byte, states []float32) []byte {
	size := m.StateSize()
	if len(buf) < size {
		*e = sessionError{kind: ErrLength, argument: "buf", have: len(buf), want: size, reason: "at least "}
		return nil
	}
	b := buf[:size]
	at := b[stateHeader:]
	for i := range m.file.States {
		first, rest := m.state(states, i)
		for _, part := range [2][]float32{first, rest} {
			for _, v := range part {
				binary.LittleEndian.PutUint32(at, math.Float32bits(v))
				at = at[4:]
			}
		}
	}
	copy(b, stateMagic)
	binary.LittleEndian.PutUint32(b[4:], stateVersion)
	binary.LittleEndian.PutUint64(b[8:], m.file.Fingerprint)
	binary.LittleEndian.PutUint32(b[16:], crc32.Checksum(b[stateHeader:], castagnoli))
	binary.LittleEndian.PutUint32(b[20:], 0)
	return b
}

// loadState reads what saveState wrote into states, which may then hold part of a state if
// it returns false. Where b is not a state of the model, e says why.
func (m *Model) loadState(e *sessionError, states []float32, b []byte) bool {
	*e = sessionError{kind: ErrState}
	switch {
	case len(b) != m.StateSize():
		*e = sessionError{kind: ErrLength, argument: "state", have: len(b), want: m.StateSize()}
		return false
	case string(b[:4]) != stateMagic:
		e.reason = "it does not start with \"rnns\""
	case binary.LittleEndian.Uint32(b[4:]) != stateVersion || binary.LittleEndian.Uint32(b[20:]) != 0:
		e.reason = "unknown version, want 1"
	case binary.LittleEndian.Uint64(b[8:]) != m.file.Fingerprint:
		e.reason = "it belongs to another model"
	case binary.LittleEndian.Uint32(b[16:]) != crc32.Checksum(b[stateHeader:], castagnoli):
		e.reason = "its checksum does not fit"
	}
	if e.reason != "" {
		return false
	}
	at := b[stateHeader:]
	for i, state := range m.file.States {
		v := m.start(states, i)
		for j := range v {
			v[j] = math.Float32frombits(binary.LittleEndian.Uint32(at[4*j:]))
		}
		if !m.within(v, m.bounds.state[i]) {
			e.reason = outOfReach
			return false
		}
		at = at[4*state.Size:]
	}
	return true
}

// state is state i among one stream's states, in two parts: a delay line is a ring here, and
// the part from its oldest float on comes first. Elsewhere all is in the first one.
func (m *Model) state(states []float32, i int) (first, rest []float32) {
	v, size := states[m.plan.state[i]:], m.file.States[i].Size
	oldest := 0
	if m.plan.rings[i] {
		oldest = int(v[size])
	}
	return v[oldest:size], v[:oldest]
}

// start is state i among one stream's states, to be written: a ring then starts at its head.
func (m *Model) start(states []float32, i int) []float32 {
	v, size := states[m.plan.state[i]:], m.file.States[i].Size
	if m.plan.rings[i] {
		v[size] = 0
	}
	return v[:size]
}

const outOfReach = "a value is out of the range that the model can reach"

func (s *Session) wrongState(reason string) error {
	s.err = sessionError{kind: ErrState, reason: reason}
	return &s.err
}

// ReadState copies state i of Model.Format().States to dst, which has its size.
func (s *Session) ReadState(i int, dst []float32) error {
	err := s.oneState(i, "dst", len(dst))
	if err == nil {
		first, rest := s.model.state(s.state, i)
		copy(dst[copy(dst, first):], rest)
	}
	return err
}

// WriteState sets state i of Model.Format().States, as an encoder's last state sets a
// decoder's first. A value that is not finite, or out of the range that the model
// can reach, is an ErrState, and the session stays as it was.
func (s *Session) WriteState(i int, src []float32) error {
	if err := s.oneState(i, "src", len(src)); err != nil {
		return err
	}
	if !s.model.within(src, s.model.bounds.state[i]) {
		return s.wrongState(outOfReach)
	}
	copy(s.model.start(s.state, i), src)
	return nil
}

// oneState verifies the index of a state, and the argument that it is read or written
// through.
func (s *Session) oneState(i int, argument string, length int) error {
	if err := s.open(); err != nil {
		return err
	}
	m := s.model
	if i < 0 || i >= len(m.file.States) {
		return s.wrongState("there is no state of this index")
	}
	if size := m.file.States[i].Size; length != size {
		return s.wrongLength(argument, length, size, "")
	}
	return nil
}
