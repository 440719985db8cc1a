package numpy

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

func encode[T npy.Number](t testing.TB, data []T, shape ...int) []byte {
	a, err := npy.New(data, shape...)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, a))
	return b.Bytes()
}

type entry struct {
	name string
	data []byte
}

// files are one array of each kind that is read differently.
func files(t testing.TB) []entry {
	return []entry{
		{"module.b.npy", encode(t, []float32{1, 2, 3, 4, 5, 6}, 2, 3)},
		{"module.a.npy", encode(t, []float64{0.1}, 1)},
		{"steps.npy", encode(t, []int64{7})},
		{"notes.txt", []byte("hello")},
	}
}

func archive(t testing.TB, method uint16, files ...entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: method})
		require.NoError(t, err)
		_, err = e.Write(f.data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestRead(t *testing.T) {
	want := []checkpoint.Tensor{
		{Name: "b", Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}, DType: "float32"},
		{Name: "a", Shape: []int{1}, Data: []float32{0.1}, DType: "float64"},
	}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		data := archive(t, method, files(t)...)
		assert.True(t, Sniff(data))
		c, err := Read("net.npz", data)
		require.NoError(t, err)
		assert.Equal(t, want, c.Tensors)
		assert.Equal(t, []string{
			"module.a: rounded from float64 to float32", "steps: int64 array of shape []", `prefix "module." removed from every tensor name`,
		}, c.Skipped)
	}
	folder := fstest.MapFS{"deep/c.npy": {Data: []byte("not read")}}
	for _, f := range files(t) {
		folder[f.name] = &fstest.MapFile{Data: f.data}
	}
	c, err := ReadFolder("net", folder)
	require.NoError(t, err)
	assert.Equal(t, []checkpoint.Tensor{want[1], want[0]}, c.Tensors)
	assert.Equal(t, "NumPy .npy files", c.Format)
}

func TestErrors(t *testing.T) {
	ones := encode(t, make([]float32, 1<<20), 1<<20)
	var bomb []entry
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		bomb = append(bomb, entry{name + ".npy", ones})
	}
	for want, data := range map[string][]byte{
		"net.npz: a single array, supported are .npz":                       encode(t, []float32{1}, 1),
		"net.npz: npy: not a .npz file":                                     []byte("PK"),
		`net.npz: npy: array "a": offset 0: the file does not start`:        archive(t, zip.Store, entry{"a.npy", []byte("text")}),
		`net.npz: the arrays up to "c" have more elements than are read`:    archive(t, zip.Deflate, bomb...),
		`net.npz: npy: array "a": offset 20: dtype "|O" is an array of Pyt`: archive(t, zip.Store, entry{"a.npy", objects}),
	} {
		_, err := Read("net.npz", data)
		assert.ErrorContains(t, err, want)
	}
	for want, folder := range map[string]fstest.MapFS{
		"net: a folder without .npy files, supported are": {"a.txt": {}},
		"net: a.npy: is no regular file":                  {"a.npy": {Mode: fs.ModeNamedPipe}},
		"net: a.npy: npy: offset 0: ":                     {"a.npy": {Data: []byte("text")}},
	} {
		_, err := ReadFolder("net", folder)
		assert.ErrorContains(t, err, want)
	}
}

// objects is a header of what would be a pickle.
var objects = []byte("\x93NUMPY\x01\x00\x38\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")

func read(data []byte) error {
	_, err := Read("net.npz", data)
	return err
}

func TestHostile(t *testing.T) {
	assert.False(t, Sniff([]byte("{}")))
	assert.False(t, Sniff(archive(t, zip.Store, entry{"weights.h5", []byte("x")})))
	good := archive(t, zip.Deflate, files(t)...)
	require.NoError(t, read(good))
	hostiletest.Truncations(t, good, read)
	hostiletest.Flips(t, good, read, nil)
}

// Whatever the file, reading it ends in an error or in tensors whose shapes fit.
func FuzzRead(f *testing.F) {
	f.Add(archive(f, zip.Store, files(f)...))
	f.Add(archive(f, zip.Deflate, files(f)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Read("net.npz", data)
		if err != nil {
			return
		}
		for _, tensor := range c.Tensors {
			n := 1
			for _, d := range tensor.Shape {
				n *= d
			}
			require.Len(t, tensor.Data, n)
		}
	})
}
