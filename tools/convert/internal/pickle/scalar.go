package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"
)

// proto runs PROTO.
func (m *machine) proto() error {
	v, err := m.in.byte()
	if err == nil && (v < 2 || v > 5) {
		err = fmt.Errorf("protocol %d is not one of 2 to 5", v)
	}
	return err
}

// frame runs FRAME. Frames only help a reader to buffer; their length must
// still be true.
func (m *machine) frame() error {
	n, err := m.in.uint(8)
	if rest := len(m.in.data) - m.in.pos; err == nil && n > uint64(rest) {
		err = fmt.Errorf("a frame of %d bytes where %d are left", n, rest)
	}
	return err
}

// binInt pushes an int of 1 or 2 unsigned bytes, or 4 signed ones.
func (m *machine) binInt(width int) error {
	u, err := m.in.uint(width)
	if err != nil {
		return err
	}
	if width == 4 {
		return m.push(int64(int32(u)))
	}
	return m.push(int64(u))
}

// long pushes a little-endian two's complement int after a length.
func (m *machine) long(width int) error {
	b, err := m.in.block(width)
	if err != nil {
		return err
	}
	if len(b) > maxLong {
		return fmt.Errorf("an integer of %d bytes is longer than %d", len(b), maxLong)
	}
	return m.push(integer(b))
}

// integer decodes little-endian two's complement: an int64 where it fits, else
// a *big.Int.
func integer(b []byte) any {
	negative := len(b) > 0 && b[len(b)-1]&0x80 != 0
	if len(b) <= 8 {
		var wide [8]byte
		if negative {
			wide = [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		}
		copy(wide[:], b)
		return int64(binary.LittleEndian.Uint64(wide[:]))
	}
	reversed := slices.Clone(b)
	slices.Reverse(reversed)
	v := new(big.Int).SetBytes(reversed)
	if negative {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

// float pushes a big-endian float64.
func (m *machine) float() error {
	b, err := m.in.take(8)
	if err != nil {
		return err
	}
	return m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
}

// text pushes a string after a length. Python 2 strings may hold any bytes.
func (m *machine) text(width int, unicode bool) error {
	b, err := m.in.block(width)
	if err != nil {
		return err
	}
	if unicode && !utf8.Valid(b) {
		return errors.New("the text is not UTF-8")
	}
	return m.push(string(b))
}

// bytes pushes bytes after a length.
func (m *machine) bytes(width int) error {
	b, err := m.in.block(width)
	if err != nil {
		return err
	}
	return m.push(slices.Clone(b))
}
