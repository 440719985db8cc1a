package pickle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// input is the rest of the pickle. Its methods never read past the end and
// never return more than is there.
type input struct {
	data []byte
	pos  int
}

// byte reads one byte.
func (in *input) byte() (byte, error) {
	if in.pos == len(in.data) {
		return 0, io.ErrUnexpectedEOF
	}
	b := in.data[in.pos]
	in.pos++
	return b, nil
}

// take reads n bytes, which alias the input.
func (in *input) take(n uint64) ([]byte, error) {
	if rest := len(in.data) - in.pos; n > uint64(rest) {
		return nil, fmt.Errorf("needs %d bytes where %d are left", n, rest)
	}
	b := in.data[in.pos : in.pos+int(n)]
	in.pos += int(n)
	return b, nil
}

// uint reads a little-endian unsigned integer of 1, 2, 4 or 8 bytes.
func (in *input) uint(width int) (uint64, error) {
	b, err := in.take(uint64(width))
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

// block reads a length of the given width and that many bytes, which alias the
// input.
func (in *input) block(width int) ([]byte, error) {
	n, err := in.uint(width)
	if err != nil {
		return nil, err
	}
	return in.take(n)
}

// line reads a name that ends with a newline, and leaves the newline out.
func (in *input) line() (string, error) {
	rest := in.data[in.pos:]
	if len(rest) > maxName+1 {
		rest = rest[:maxName+1]
	}
	n := bytes.IndexByte(rest, '\n')
	if n < 0 {
		return "", fmt.Errorf("no end of line within %d bytes", len(rest))
	}
	in.pos += n + 1
	return string(rest[:n]), nil
}
