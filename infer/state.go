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
// there, on any machine, bit for bit.
func (s *Session) State(buf []byte) ([]byte, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	m := s.model
	size := m.StateSize()
	if len(buf) < size {
		return nil, s.wrongLength("buf", len(buf), size, "at least ")
	}
	b := buf[:size]
	at := b[stateHeader:]
	for i, state := range m.file.States {
		for j, v := range s.states[m.plan.state[i]:][:state.Size] {
			binary.LittleEndian.PutUint32(at[4*j:], math.Float32bits(v))
		}
		at = at[4*state.Size:]
	}
	copy(b, stateMagic)
	binary.LittleEndian.PutUint32(b[4:], stateVersion)
	binary.LittleEndian.PutUint64(b[8:], m.file.Fingerprint)
	binary.LittleEndian.PutUint32(b[16:], crc32.Checksum(b[stateHeader:], castagnoli))
	binary.LittleEndian.PutUint32(b[20:], 0)
	return b, nil
}

// SetState puts the session into a state that State wrote. Bytes that are not a
// whole state of this very model are an ErrState, and the session stays as it
// was.
func (s *Session) SetState(b []byte) error {
	if err := s.open(); err != nil {
		return err
	}
	m := s.model
	switch {
	case len(b) != m.StateSize():
		return s.wrongLength("state", len(b), m.StateSize(), "")
	case string(b[:4]) != stateMagic:
		return s.wrongState("it does not start with \"rnns\"")
	case binary.LittleEndian.Uint32(b[4:]) != stateVersion || binary.LittleEndian.Uint32(b[20:]) != 0:
		return s.wrongState("unknown version, want 1")
	case binary.LittleEndian.Uint64(b[8:]) != m.file.Fingerprint:
		return s.wrongState("it belongs to another model")
	case binary.LittleEndian.Uint32(b[16:]) != crc32.Checksum(b[stateHeader:], castagnoli):
		return s.wrongState("its checksum does not fit")
	}
	at := b[stateHeader:]
	for i, state := range m.file.States {
		v := s.spare[m.plan.state[i]:][:state.Size]
		for j := range v {
			v[j] = math.Float32frombits(binary.LittleEndian.Uint32(at[4*j:]))
		}
		if !m.kernels.WithinF32(v, m.bounds.state[i]) {
			return s.wrongState("a value is out of the range that the model can reach")
		}
		at = at[4*state.Size:]
	}
	copy(s.states, s.spare)
	return nil
}

func (s *Session) wrongState(reason string) error {
	s.err = sessionError{kind: ErrState, reason: reason}
	return &s.err
}

// ReadState copies state i of Model.Format().States to dst, which has its size.
func (s *Session) ReadState(i int, dst []float32) error {
	state, err := s.state(i, "dst", len(dst))
	if err == nil {
		copy(dst, state)
	}
	return err
}

// WriteState sets state i of Model.Format().States, as an encoder's last state sets a
// decoder's first. A value that is not finite, or out of the range that the model
// can reach, is an ErrState, and the session stays as it was. In an int8 model the first
// step counts elements of h beyond ±1 as ±1, where steps never make them larger.
func (s *Session) WriteState(i int, src []float32) error {
	state, err := s.state(i, "src", len(src))
	if err != nil {
		return err
	}
	if !s.model.kernels.WithinF32(src, s.model.bounds.state[i]) {
		return s.wrongState("a value is out of the range that the model can reach")
	}
	copy(state, src)
	return nil
}

// state returns a state that is read or written through an argument.
func (s *Session) state(i int, argument string, length int) ([]float32, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	m := s.model
	if i < 0 || i >= len(m.file.States) {
		return nil, s.wrongState("there is no state of this index")
	}
	size := m.file.States[i].Size
	if length != size {
		return nil, s.wrongLength(argument, length, size, "")
	}
	return s.states[m.plan.state[i]:][:size], nil
}
