package format

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A model comes back as it was, whichever way its file comes in, and is written
// to the same bytes again.
func TestRoundTrip(t *testing.T) {
	for name, m := range models(t) {
		t.Run(name, func(t *testing.T) {
			file := marshal(t, m)
			path := filepath.Join(t.TempDir(), "m.rnn")
			require.NoError(t, os.WriteFile(path, file, 0o644))
			shifted := append(aligned(len(file) + 4)[:4], file...)[4:]
			for way, open := range map[string]func() (*File, error){
				"bytes":            func() (*File, error) { return FromBytes(append(aligned(len(file))[:0], file...)) },
				"misaligned bytes": func() (*File, error) { return FromBytes(shifted) },
				"reader":           func() (*File, error) { return Load(bytes.NewReader(file)) },
				"map":              func() (*File, error) { return Open(path) },
			} {
				f, err := open()
				require.NoError(t, err, way)
				assert.Equal(t, m, f.Model, way)
				assert.EqualValues(t, len(file), f.Size, way)
				assert.Equal(t, way == "misaligned bytes" || !littleEndian, f.Copied, way)
				assert.Equal(t, file, marshal(t, f.Model), way)
				require.NoError(t, f.Close(), way)
				require.NoError(t, f.Close(), way)
			}
		})
	}
}

// Tensors lie in the bytes that were given; misaligned ones are copied, once.
func TestTensorsInPlace(t *testing.T) {
	if !littleEndian {
		t.Skip("a big-endian machine copies")
	}
	m := models(t)["everything"]
	file := marshal(t, m)
	inside := func(b []byte, f []float32) bool {
		first, at := uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&f[0]))
		return first <= at && at+4*uintptr(len(f)) <= first+uintptr(len(b))
	}
	for shift := range 2 * alignment {
		b := append(aligned(len(file) + shift)[:shift], file...)[shift:]
		f, err := FromBytes(b)
		require.NoError(t, err)
		assert.Equal(t, shift%alignment != 0, f.Copied, shift)
		for i := range f.Tensors {
			x := f.Tensors[i].F32
			assert.Equal(t, !f.Copied, inside(b, x), shift)
			assert.Zero(t, uintptr(unsafe.Pointer(&x[0]))%alignment, shift)
		}
	}
	b := append(aligned(len(file))[:0], file...)
	used := allocated(func() { _, _ = FromBytes(b) })
	assert.Less(t, used, uint64(len(file)), "allocated by a reader that copies nothing")
}

func TestFingerprint(t *testing.T) {
	m := exampleModel(t)
	one, err := FromBytes(marshal(t, m))
	require.NoError(t, err)
	again, err := FromBytes(marshal(t, m))
	require.NoError(t, err)
	assert.Equal(t, one.Fingerprint, again.Fingerprint)
	m.Tensors[0].F32[0] = math.Float32frombits(math.Float32bits(m.Tensors[0].F32[0]) + 1)
	other, err := FromBytes(marshal(t, m))
	require.NoError(t, err)
	assert.NotEqual(t, one.Fingerprint, other.Fingerprint)
}

// A bad file of this size costs its reader no more than this, error message
// included.
const smallFile, smallCost = 1 << 10, 8 << 10

// Every truncation, every flipped bit, and bytes added at the end are errors, for
// every way in.
func TestDamage(t *testing.T) {
	file := marshal(t, exampleModel(t))
	require.Less(t, len(file), smallFile)
	calls := 0
	refused := func(b []byte, what string, i int) {
		calls += 2
		if _, err := FromBytes(b); err == nil {
			t.Errorf("FromBytes: %s %d: no error", what, i)
		}
		if _, err := Load(bytes.NewReader(b)); err == nil {
			t.Errorf("Load: %s %d: no error", what, i)
		}
	}
	used := allocated(func() {
		for n := range file {
			refused(file[:n], "truncated to", n)
		}
		b := bytes.Clone(file)
		for i := range 8 * len(file) {
			b[i/8] ^= 1 << (i % 8)
			refused(b, "flipped bit", i)
			b[i/8] ^= 1 << (i % 8)
		}
		for n := range 2 * alignment {
			refused(append(bytes.Clone(file), make([]byte, n+1)...), "longer by", n+1)
		}
		_, err := FromBytes(b)
		assert.NoError(t, err)
	})
	assert.Less(t, used/uint64(calls), uint64(smallCost), "bytes allocated by a call")
}

func TestDamageMessages(t *testing.T) {
	file := marshal(t, exampleModel(t))
	patched := func(offset int, v any) []byte {
		b := bytes.Clone(file)
		put(b, offset, v)
		return b
	}
	for _, test := range []struct {
		b    []byte
		want string
	}{
		{nil, "0 bytes, want a header of 64"},
		{file[:63], "63 bytes, want a header of 64"},
		{file[:64], "the file has 64 bytes, its header says 576"},
		{file[:575], "the file has 575 bytes, its header says 576"},
		{append(bytes.Clone(file), 0), "the file is longer than the 576 bytes its header says"},
		{patched(1, byte('R')), `offset 0: the file starts with "\x89Rnn\r\n\x1a\n", want "\x89rnn\r\n\x1a\n"`},
		{bytes.Replace(file, []byte("\r\n"), []byte("\n"), 1), "not a .rnn file"},
		{patched(8, uint32(2)), "offset 8: version 2, want 1"},
		{patched(0x0c, uint32(1)), "offset 60: header checksum is a0912448, the header's bytes have "},
		{patched(0x58, byte('x')), "offset 56: body checksum is 517e2b75, the body's bytes have "},
	} {
		_, err := FromBytes(test.b)
		assert.ErrorContains(t, err, test.want)
		assert.ErrorContains(t, err, "format: ")
		_, err = Load(bytes.NewReader(test.b))
		assert.ErrorContains(t, err, test.want)
	}
}

// What Load allocates follows the data, not the header.
func TestLoadOfALiar(t *testing.T) {
	b := make([]byte, 100)
	copy(b, marshal(t, exampleModel(t)))
	put(b, atFileSize, uint64(1<<40))
	put(b, atHeaderCRC, checksum(b[:atHeaderCRC]))
	var err error
	used := allocated(func() { _, err = Load(bytes.NewReader(b)) })
	if math.MaxInt > math.MaxInt32 {
		assert.ErrorContains(t, err, "the file has 100 bytes, its header says 1099511627776")
	} else {
		assert.ErrorContains(t, err, "file size 1099511627776 does not fit the address space")
	}
	assert.Less(t, used, uint64(128<<10))
}

func TestLoadFromReaders(t *testing.T) {
	b := NewBuilder(500)
	b.Output(b.Dense("large", Input, series(500*500), nil, Linear))
	m, err := b.Model()
	require.NoError(t, err)
	file := marshal(t, m)
	reader := func() io.Reader { return bytes.NewReader(file) }
	for name, r := range map[string]io.Reader{
		"in halves":         iotest.HalfReader(reader()),
		"end with the data": iotest.DataErrReader(reader()),
		"byte for byte":     iotest.OneByteReader(reader()),
	} {
		f, err := Load(r)
		require.NoError(t, err, name)
		assert.Equal(t, m, f.Model, name)
	}
	broken := errors.New("broken")
	for _, n := range []int64{0, 63, 64, 65, int64(len(file)) - 1, int64(len(file))} {
		_, err := Load(io.MultiReader(io.LimitReader(reader(), n), iotest.ErrReader(broken)))
		assert.ErrorIs(t, err, broken, n)
	}
	used := allocated(func() { _, err = Load(reader()) })
	require.NoError(t, err)
	assert.Less(t, used, uint64(4*len(file)), "twice to grow into, once more on a big-endian machine")
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, b, 0o644))
		return path
	}
	file := marshal(t, exampleModel(t))
	for _, test := range []struct{ path, want string }{
		{filepath.Join(dir, "missing"), "missing"},
		{dir, "not a regular file"},
		{write("empty", nil), "0 bytes, want a header of 64"},
		{write("short", file[:63]), "63 bytes, want a header of 64"},
		{write("header", file[:64]), "the file has 64 bytes, its header says 576"},
		{write("odd", file[:333]), "the file has 333 bytes, its header says 576"},
		{write("text", []byte(strings.Repeat("text ", 100))), "not a .rnn file"},
	} {
		_, err := Open(test.path)
		assert.ErrorContains(t, err, test.want)
		assert.ErrorContains(t, err, "format: "+test.path+": ")
	}
	_, err := Open(filepath.Join(dir, "missing"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}
