package format

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzFromBytes is given directories and puts the rest of a file around them: a
// header with the sizes and checksums that belong to it, and room for the tensors.
// So every byte that the fuzzer changes gets to the reader. A file that is read
// must be one that is written.
//
// Where the offsets of the tensors are all that is wrong, the program is tried
// without them.
func FuzzFromBytes(f *testing.F) {
	for _, m := range models(f) {
		file := marshal(f, m)
		h, err := parseHeader(file)
		require.NoError(f, err)
		f.Add(file[headerSize:h.directory])
	}
	const most = 1 << 18 // floats in all tensors
	f.Fuzz(func(t *testing.T, directory []byte) {
		end := int64(headerSize + len(directory))
		d := decoder{b: directory, end: end}
		m, _ := d.directory()
		size, placed := end, d.err == nil
		for i := range m.Tensors {
			n, err := m.Tensors[i].bytes()
			if err != nil || n > 4*most || size > 4*most {
				placed = false
				break
			}
			m.Tensors[i].bind(aligned(int(n)))
			size = align(size) + n
		}

		file := aligned(int(align(size)))
		copy(file, magic)
		put(file, atVersion, uint32(Version))
		put(file, atFileSize, uint64(len(file)))
		put(file, atDirectory, uint32(len(directory)))
		copy(file[headerSize:], directory)
		seal(file)
		if got, err := FromBytes(file); err == nil {
			require.True(t, bytes.Equal(file, use(t, got.Model)), "written to other bytes")
		} else if placed && m.check() == nil {
			use(t, m)
		}
	})
}

// use calls what a program calls on a model that it was given, writes it, reads
// it back, and returns the file.
func use(t *testing.T, m *Model) []byte {
	file, err := Marshal(m)
	require.NoError(t, err)
	got, err := Load(bytes.NewReader(file))
	require.NoError(t, err)
	again, err := Marshal(got.Model)
	require.NoError(t, err)
	require.True(t, bytes.Equal(file, again), "written twice, to other bytes")

	require.Positive(t, m.InputSize())
	require.Positive(t, m.OutputSize())
	tokens := m.Vocabulary()
	require.True(t, tokens == 0 || m.InputSize() == 1)
	for _, e := range m.Meta {
		require.Equal(t, e.Value, m.Value(e.Key))
	}
	for i := range m.Tensors {
		x := m.Tensor(TensorID(i))
		require.Len(t, x.Matrix(), x.Rows*x.Cols)
	}
	for _, l := range m.Layers {
		_ = FieldsOf(l)
		_ = l.Op().String() + l.LayerName()
	}
	x := make([]float32, 8)
	m.Witness.Input(tokens).Next(x)
	for _, v := range x {
		require.True(t, tokens == 0 && v >= -1 && v < 1 || v >= 0 && v < float32(tokens))
	}
	return file
}
