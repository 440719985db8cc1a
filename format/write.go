package format

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
)

// The fixed numbers of a file; the package documentation has the whole layout.
const (
	// Version is the one version of the format there is.
	Version = 1

	magic       = "\x89rnn\r\n\x1a\n"
	headerSize  = 64
	alignment   = 64
	maxFileSize = 1 << 40

	atVersion   = 8
	atFlags     = 12
	atFileSize  = 16
	atDirectory = 24
	atReserved  = 28
	atBodyCRC   = 56
	atHeaderCRC = 60
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C of b.
func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func align(n int64) int64 { return (n + alignment - 1) / alignment * alignment }

// Marshal returns m as a .rnn file. A model that does not check is an error.
// There is one file for a model: reading it and writing it again gives the same
// bytes.
func Marshal(m *Model) ([]byte, error) {
	err := m.checkTensors()
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	return m.encode()
}

// checkTensors verifies each tensor by itself.
func (m *Model) checkTensors() error {
	for i := range m.Tensors {
		t := &m.Tensors[i]
		err := t.checkLength()
		if err == nil {
			err = t.checkElements()
		}
		if err != nil {
			return fmt.Errorf("tensor %d (%q): %w", i, t.Name, err)
		}
	}
	return nil
}

// encode returns the file of a checked model.
func (m *Model) encode() ([]byte, error) {
	// The directory's size does not depend on the offsets in it.
	offsets := make([]int64, len(m.Tensors))
	var e encoder
	e.directory(m, offsets)
	directory := int64(len(e.b))
	end := headerSize + directory
	for i := range m.Tensors {
		offsets[i] = align(end)
		n, err := m.Tensors[i].bytes()
		if err != nil {
			return nil, fmt.Errorf("format: tensor %d: %w", i, err)
		}
		end = offsets[i] + n
	}
	size := align(end)
	if directory > math.MaxUint32 || size > min(maxFileSize, math.MaxInt) {
		return nil, fmt.Errorf("format: a directory of %d bytes in a file of %d does not fit", directory, size)
	}

	e.b = make([]byte, headerSize, size)
	copy(e.b, magic)
	binary.LittleEndian.PutUint32(e.b[atVersion:], Version)
	binary.LittleEndian.PutUint64(e.b[atFileSize:], uint64(size))
	binary.LittleEndian.PutUint32(e.b[atDirectory:], uint32(directory))
	e.directory(m, offsets)
	b := e.b[:size]
	for i := range m.Tensors {
		m.Tensors[i].put(b[offsets[i]:])
	}
	seal(b)
	return b, nil
}

// seal writes the two checksums.
func seal(b []byte) {
	binary.LittleEndian.PutUint32(b[atBodyCRC:], checksum(b[headerSize:]))
	binary.LittleEndian.PutUint32(b[atHeaderCRC:], checksum(b[:atHeaderCRC]))
}

// Write writes m to w as a .rnn file.
func Write(w io.Writer, m *Model) error {
	b, err := Marshal(m)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

// WriteFile writes m to the file path: to a temporary file beside it first,
// which is then renamed, so that path holds the old contents or the new, whole.
func WriteFile(path string, m *Model) error {
	b, err := Marshal(m)
	if err != nil {
		return err
	}
	if err := replaceFile(path, b); err != nil {
		return fmt.Errorf("format: writing %s: %w", path, err)
	}
	return nil
}

func replaceFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".rnn-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
