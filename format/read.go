package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unsafe"
)

// A File is a model together with the memory that its tensors lie in.
type File struct {
	*Model
	// Size is the number of bytes of the file.
	Size int64
	// Copied says that the tensors were copied once, because the bytes given
	// were not aligned to 64 or this machine is big-endian; otherwise they are
	// used where they lie.
	Copied bool
	// Fingerprint tells files apart: the checksums of header and body.
	Fingerprint uint64

	unmap func() error
}

// Close releases the mapping of a file that Open mapped; the tensors must not be
// used afterwards. On other files it does nothing.
func (f *File) Close() error {
	if f.unmap == nil {
		return nil
	}
	unmap := f.unmap
	f.unmap = nil
	return unmap()
}

// FromBytes reads a .rnn file from memory, which the File goes on using: b must
// not change. Bytes that do not start on a 64-byte boundary are copied once.
func FromBytes(b []byte) (*File, error) {
	f, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	return f, nil
}

// Load reads a .rnn file from r to its end. What it allocates is bounded by what
// r delivers, whatever size the header claims.
func Load(r io.Reader) (*File, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	return FromBytes(b)
}

// readAll reads a file with a good header into aligned memory.
func readAll(r io.Reader) ([]byte, error) {
	header := make([]byte, headerSize)
	if n, err := io.ReadFull(r, header); ended(err) {
		return nil, fmt.Errorf("%d bytes, want a header of %d", n, headerSize)
	} else if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	h, err := parseHeader(header)
	if err != nil {
		return nil, err
	}

	// The memory grows with the data.
	b := header
	for int64(len(b)) < h.size {
		grown := aligned(int(min(h.size, max(2*int64(len(b)), 64<<10))))
		n := copy(grown, b)
		more, err := io.ReadFull(r, grown[n:])
		if ended(err) {
			return nil, errSize(h.size, int64(n+more))
		} else if err != nil {
			return nil, fmt.Errorf("reading at offset %d: %w", n+more, err)
		}
		b = grown
	}
	var extra [1]byte
	if n, err := io.ReadFull(r, extra[:]); n > 0 {
		return nil, errSize(h.size, h.size+1)
	} else if !ended(err) {
		return nil, fmt.Errorf("reading at offset %d: %w", h.size, err)
	}
	return b, nil
}

// ended reports that io.ReadFull met the end.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func errSize(want, have int64) error {
	if have > want {
		return fmt.Errorf("the file is longer than the %d bytes its header says", want)
	}
	return fmt.Errorf("the file has %d bytes, its header says %d", have, want)
}

// aligned returns n bytes on a 64-byte boundary.
func aligned(n int) []byte {
	b := make([]byte, n+alignment-1)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % alignment
	return b[skip:][:n:n]
}

// header is what a reader takes from the header of a file.
type header struct {
	size      int64 // bytes of the file
	directory int64 // offset of the directory's end
	crc       uint32
	bodyCRC   uint32
}

// parseHeader verifies the header at the head of b.
func parseHeader(b []byte) (h header, err error) {
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	if len(b) < headerSize {
		return h, fmt.Errorf("%d bytes, want a header of %d", len(b), headerSize)
	}
	if string(b[:len(magic)]) != magic {
		return h, fmt.Errorf("offset 0: the file starts with %q, want %q: not a .rnn file", b[:len(magic)], magic)
	}
	if v := u32(atVersion); v != Version {
		return h, fmt.Errorf("offset %d: version %d, want %d", atVersion, v, Version)
	}
	h.crc, h.bodyCRC = u32(atHeaderCRC), u32(atBodyCRC)
	if sum := checksum(b[:atHeaderCRC]); sum != h.crc {
		return h, fmt.Errorf("offset %d: header checksum is %08x, the header's bytes have %08x", atHeaderCRC, h.crc, sum)
	}
	if v := u32(atFlags); v != 0 {
		return h, fmt.Errorf("offset %d: unknown flags %#x, want 0", atFlags, v)
	}
	if err := zeros(b, atReserved, atBodyCRC); err != nil {
		return h, err
	}
	size, directory := binary.LittleEndian.Uint64(b[atFileSize:]), u32(atDirectory)
	switch {
	case size > maxFileSize || size%alignment != 0:
		return h, fmt.Errorf("offset %d: file size %d, want a multiple of %d up to %d", atFileSize, size, alignment, int64(maxFileSize))
	case size > math.MaxInt-alignment:
		return h, fmt.Errorf("offset %d: file size %d does not fit the address space", atFileSize, size)
	case size < headerSize+uint64(directory):
		return h, fmt.Errorf("offset %d: directory of %d bytes in a file of %d", atDirectory, directory, size)
	}
	h.size, h.directory = int64(size), headerSize+int64(directory)
	return h, nil
}

// parse verifies a whole file and binds its tensors to b.
func parse(b []byte) (*File, error) {
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	if h.size != int64(len(b)) {
		return nil, errSize(h.size, int64(len(b)))
	}
	if sum := checksum(b[headerSize:]); sum != h.bodyCRC {
		return nil, fmt.Errorf("offset %d: body checksum is %08x, the body's bytes have %08x", atBodyCRC, h.bodyCRC, sum)
	}
	d := decoder{b: b[headerSize:h.directory], end: h.directory}
	m, offsets := d.directory()
	if d.err != nil {
		return nil, d.err
	}
	if err := m.place(offsets, b, h.directory); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}

	f := &File{Model: m, Size: h.size, Fingerprint: uint64(h.crc)<<32 | uint64(h.bodyCRC)}
	switch {
	case !littleEndian:
		f.Copied = true // by float32s
	case uintptr(unsafe.Pointer(unsafe.SliceData(b)))%alignment != 0:
		f.Copied = true
		b = append(aligned(len(b))[:0], b...)
	}
	for i := range m.Tensors {
		t := &m.Tensors[i]
		t.bind(b[offsets[i]:])
		if err := t.checkElements(); err != nil {
			return nil, fmt.Errorf("tensor %d (%q): %w", i, t.Name, err)
		}
	}
	return f, nil
}

// place verifies that the tensors fill the file b from the end of the directory
// on: in the order of their list, each on the next multiple of 64, zeros between.
func (m *Model) place(offsets []uint64, b []byte, end int64) error {
	size := int64(len(b))
	for i := range m.Tensors {
		t := &m.Tensors[i]
		n, err := t.bytes()
		start := align(end)
		switch {
		case err != nil:
		case offsets[i] != uint64(start):
			err = fmt.Errorf("it lies at offset %d, want %d, the next multiple of %d", offsets[i], start, alignment)
		case n > size-start:
			err = fmt.Errorf("%d bytes from offset %d on, the file has %d", n, start, size)
		default:
			err = zeros(b, end, start)
		}
		if err != nil {
			return fmt.Errorf("tensor %d (%q): %w", i, t.Name, err)
		}
		end = start + n
	}
	if align(end) != size {
		return fmt.Errorf("offset %d: the last tensor ends here, want a file of %d bytes, it has %d", end, align(end), size)
	}
	return zeros(b, end, size)
}

// zeros verifies that b[from:to], which is reserved or padding, is zero.
func zeros(b []byte, from, to int64) error {
	for i, v := range b[from:to] {
		if v != 0 {
			return fmt.Errorf("offset %d: reserved byte is %d, want 0", from+int64(i), v)
		}
	}
	return nil
}
