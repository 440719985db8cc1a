package steps

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// wav is a file with a chunk before the data that readers pass over.
func wav(coding, channels, bits int, size uint32, samples []byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	b = le.AppendUint32(append(b, "fmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, uint16(coding)), uint16(channels))
	b = le.AppendUint32(le.AppendUint32(b, 48000), 0)
	b = le.AppendUint16(le.AppendUint16(b, 0), uint16(bits))
	b = append(append(b, "LIST\x03\x00\x00\x00"...), "odd\x00"...)
	return append(le.AppendUint32(append(b, "data"...), size), samples...)
}

func TestDecodeWAV(t *testing.T) {
	le := binary.LittleEndian
	floats := le.AppendUint32(le.AppendUint32(nil, math.Float32bits(0.25)), math.Float32bits(-1.5))
	doubles := le.AppendUint64(le.AppendUint64(nil, math.Float64bits(0.25)), math.Float64bits(-1.5))
	for _, c := range []struct {
		coding, bits int
		samples      []byte
		want         []float32
	}{
		{wavPCM, 8, []byte{0, 192}, []float32{-1, 0.5}},
		{wavPCM, 16, []byte{0, 0x80, 0, 0x40}, []float32{-1, 0.5}},
		{wavPCM, 24, []byte{0, 0, 0x80, 1, 0, 0x40}, []float32{-1, 0.5 + 1.0/(1<<23)}},
		{wavPCM, 32, []byte{0, 0, 0, 0x80, 0, 0, 0, 0x40}, []float32{-1, 0.5}},
		{wavFloat, 32, floats, []float32{0.25, -1.5}},
		{wavFloat, 64, doubles, []float32{0.25, -1.5}},
	} {
		for _, channels := range []int{1, 2} {
			for _, size := range []uint32{uint32(len(c.samples)), 0, math.MaxUint32} {
				s, err := DecodeWAV(wav(c.coding, channels, c.bits, size, c.samples))
				require.NoError(t, err)
				assert.Equal(t, &Sound{X: c.want, Channels: channels, Rate: 48000}, s)
			}
		}
	}
	// Nothing was recorded, and another chunk follows; then the same file, cut off before its
	// lengths were written.
	empty := wav(wavPCM, 1, 8, 0, []byte("LIST\x02\x00\x00\x00ab"))
	le.PutUint32(empty[4:], uint32(len(empty)-8))
	s, err := DecodeWAV(empty)
	require.NoError(t, err)
	assert.Empty(t, s.X)
	le.PutUint32(empty[4:], uint32(len(empty)-8-10))
	s, err = DecodeWAV(empty)
	require.NoError(t, err)
	assert.Len(t, s.X, 10)

	good := wav(wavPCM, 1, 16, 4, []byte{0, 0x80, 0, 0x40})
	for n := range good {
		_, err := DecodeWAV(good[:n])
		require.Error(t, err, "first %d of %d bytes", n, len(good))
	}
	for _, c := range []struct {
		file []byte
		want string
	}{
		{nil, "not a RIFF WAVE file"},
		{good[:len(good)-1], "data has 3 bytes, want the 4 that it says"},
		{good[:40], "found no data chunk"},
		{bytes.Replace(good, []byte("fmt "), []byte("fmt_"), 1), "data comes before fmt"},
		{wav(wavPCM, 0, 16, 0, nil), "fmt says 0 channels"},
		{wav(6, 1, 8, 0, nil), "samples are of coding 6 with 8 bits"},
	} {
		_, err := DecodeWAV(c.file)
		assert.ErrorContains(t, err, c.want)
	}
}

// A million chunks, or channels that do not fit the data, are no work and no memory.
func TestHostileWAV(t *testing.T) {
	head := wav(wavPCM, 1, 16, 0, nil)
	head = head[:len(head)-8]
	for want, file := range map[string][]byte{
		"found no data chunk":      append(bytes.Clone(head), bytes.Repeat([]byte("LIST\x00\x00\x00\x00"), 1_000_000)...),
		"fmt says 65535 channels":  wav(wavPCM, 65535, 16, 4, make([]byte, 4)),
		"data has 4 bytes, want":   wav(wavPCM, 1, 16, math.MaxUint32-1, make([]byte, 4)),
		"fmt has 0 bytes, want 16": []byte("RIFF\x00\x00\x00\x00WAVEfmt \x00\x00\x00\x00"),
		"with 0 bits":              wav(wavPCM, 1, 0, 4, make([]byte, 4)),
	} {
		_, err := DecodeWAV(file)
		assert.ErrorContains(t, err, want)
	}
}

func FuzzDecodeWAV(f *testing.F) {
	f.Add(wav(wavPCM, 1, 16, 4, []byte{0, 0x80, 0, 0x40}))
	f.Add(wav(wavFloat, 2, 32, 0, make([]byte, 16)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeWAV(b); err == nil && (s.Channels < 1 || len(s.X)%s.Channels != 0 || len(s.X) > len(b)) {
			t.Errorf("%d samples of %d channels from %d bytes", len(s.X), s.Channels, len(b))
		}
	})
}

func TestRead(t *testing.T) {
	folder := t.TempDir()
	save := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	array := func(shape ...int) []byte {
		a, err := npy.New([]float32{1, 2, 3, 4}, shape...)
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, npy.Write(&b, a))
		return b.Bytes()
	}
	sound := wav(wavPCM, 2, 8, 4, []byte{0, 128, 64, 192})
	for _, c := range []struct {
		name   string
		data   []byte
		inputs int
		want   [][]float32
	}{
		{"a.npy", array(4), 1, [][]float32{{1, 2, 3, 4}}},
		{"b.npy", array(2, 2), 2, [][]float32{{1, 2, 3, 4}}},
		{"c.NPY", array(2, 2, 1), 1, [][]float32{{1, 2}, {3, 4}}},
		{"d.csv", []byte("a, b\n1, 2 # first\n\n3, 4\n"), 2, [][]float32{{1, 2, 3, 4}}},
		{"e.wav", sound, 2, [][]float32{{-1, 0, -0.5, 0.5}}},
		{"e.wav", sound, 1, [][]float32{{-1, -0.5}, {0, 0.5}}},
	} {
		have, err := Read(save(c.name, c.data), c.inputs)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, have, c.name)
	}
	for _, c := range []struct {
		name   string
		data   []byte
		inputs int
		want   string
	}{
		{"a.npy", array(4), 2, "a.npy: shape (4,), want (T, 2) or (N, T, 2) for a model of input size 2"},
		{"d.csv", []byte("1, 2\n3\n"), 2, "d.csv:2: the number of fields is 1, want 2"},
		{"e.wav", sound, 3, "e.wav: the sound has 2 channels, the model 3 inputs"},
		{"e.wav", sound[:20], 1, "e.wav: fmt has 0 bytes"},
		{"f.txt", nil, 1, "f.txt: want a file that ends in .npy, .npz, .csv or .wav"},
	} {
		_, err := Read(save(c.name, c.data), c.inputs)
		assert.ErrorContains(t, err, c.want)
	}

	files, err := Files(folder)
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	assert.Equal(t, []string{"a.npy", "b.npy", "c.NPY", "d.csv", "e.wav"}, names)
	_, err = Files(t.TempDir())
	assert.ErrorContains(t, err, "the folder has no file that ends in")
	_, err = Files(filepath.Join(folder, "none.npz:x"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestLines(t *testing.T) {
	l := NewLines(strings.NewReader("\ufeffx\ty\n 1 2 # one\n\n-3\t4e-1\n5 z\n"), "in", 2)
	x, err := l.Next()
	require.NoError(t, err)
	assert.Equal(t, []float32{1, 2}, x)
	assert.Equal(t, 2, l.Line)
	x, err = l.Next()
	require.NoError(t, err)
	assert.Equal(t, []float32{-3, 0.4}, x)
	_, err = l.Next()
	assert.EqualError(t, err, `in:5: field 2 is "z", want a number`)
	_, err = l.Next()
	assert.Equal(t, io.EOF, err)
}
