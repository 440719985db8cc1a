package npy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// withHeader is a version 1 file with this header text.
func withHeader(text, data string) []byte {
	b := []byte("\x93NUMPY\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	return append(append(b, text...), data...)
}

func TestHeaders(t *testing.T) {
	for text, want := range map[string]string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n": "",
		"{'shape':(1,),'fortran_order':True,\"descr\":\"<f4\"}":       "",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1L,), }":  "",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }": "",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (), }":     "",
		"":                `offset 10: want '{' in the header, have its end`,
		"{":               `offset 11: want a quoted word in the header, have its end`,
		"{'descr: '<f4'}": `offset 20: want ':' in the header, have "<f4'}"`,
		"{'descr': '<f4', 'fortran_order': False, }":                                              `the header has no "shape"`,
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1), }":                                "shape is the number 1, want a tuple",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }":                              `offset 61: want a dimension in the header, have "-1,), }"`,
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1 1), }":                              `want ')' in the header, have "1), }"`,
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }":                               "offset 67: 4 bytes of data, want 8 for float32 of shape (2,)",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }":                               "4 bytes of data, want 0",
		"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }":                                   `want True or False in the header, have "0, 'shape': (1,)"`,
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x":                             "text after the header's }",
		"{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }":                                       `header key "descr" twice`,
		"{'descr': '<f4', 'order': False, 'shape': (1,), }":                                       `unknown header key "order"`,
		"{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }":                               `dtype "|f4" is not supported`,
		"{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }":                               `dtype "<f3" is not supported`,
		"{'descr': '<V4', 'fortran_order': False, 'shape': (1,), }":                               `dtype "<V4" is not supported`,
		"{'descr': 'f4', 'fortran_order': False, 'shape': (1,), }":                                `dtype "f4" is not supported`,
		"{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1,)}":                         "want a quoted word",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}":                  "more than 8 dimensions",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647)}": "more elements than memory can hold",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}":              "want a dimension",
	} {
		_, err := npy.Decode(withHeader(text, "\x00\x00\x80\x3f"))
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.ErrorContains(t, err, want, text)
		}
	}
	for want, file := range map[string]string{
		"not a .npy file":                              "PK\x03\x04",
		"version 4.0, want 1.0, 2.0 or 3.0":            "\x93NUMPY\x04\x00\x00\x00",
		"offset 8: the file ends inside the header":    "\x93NUMPY\x02\x00\x00\x00",
		"a header of 4294967295 bytes in a file of 12": "\x93NUMPY\x02\x00\xff\xff\xff\xff",
	} {
		_, err := npy.Decode([]byte(file))
		require.ErrorContains(t, err, want)
	}
}

// allocated is what f allocates, in bytes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// everything reads all that a file holds, as .npy and as .npz.
func everything(b []byte) error {
	a, err := npy.Decode(b)
	if err == nil {
		a.Float32()
		a.Float64()
		_, _ = a.Int64()
		return nil
	}
	z, err := npy.DecodeArchive(b)
	if err != nil {
		return err
	}
	if len(z.Names()) == 0 {
		return fmt.Errorf("empty")
	}
	for _, name := range z.Names() {
		a, err := z.Array(name)
		if err != nil {
			return err
		}
		a.Float64()
	}
	return nil
}

func readTestdata(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

func TestTruncations(t *testing.T) {
	for _, name := range []string{"float32.npy", "fortran_big.npy", "version2.npy", "version3.npy", "deflated.npz", "stored.npz"} {
		b := readTestdata(t, name)
		require.NoError(t, everything(b), name)
		for n := range b {
			require.Error(t, everything(bytes.Clone(b[:n])), "%s cut to %d", name, n)
		}
		if filepath.Ext(name) == ".npy" { // a zip archive may have a tail
			require.Error(t, everything(append(bytes.Clone(b), 0)), "%s and one more byte", name)
		}
	}
}

func TestBitFlips(t *testing.T) {
	for _, name := range []string{"float32.npy", "fortran_big.npy", "version2.npy", "deflated.npz", "stored.npz"} {
		b := readTestdata(t, name)
		for i := range b {
			n := allocated(func() {
				for bit := range 8 {
					flipped := bytes.Clone(b)
					flipped[i] ^= 1 << bit
					_ = everything(flipped)
				}
			})
			require.Less(t, n, uint64(4<<20), "%s, byte %d", name, i)
		}
	}
}

// A flipped bit in the numbers of an archive is an error: they have a checksum.
func TestArchiveChecksum(t *testing.T) {
	b := readTestdata(t, "stored.npz")
	z, err := npy.DecodeArchive(b)
	require.NoError(t, err)
	a, err := z.Array("x")
	require.NoError(t, err)
	number := binary.LittleEndian.AppendUint32(nil, 0x41b80000) // 23, the last of them
	at := bytes.Index(b, number)
	require.Positive(t, at)
	require.Equal(t, float32(23), a.Float32()[23])
	for bit := range 32 {
		flipped := bytes.Clone(b)
		flipped[at+bit/8] ^= 1 << (bit % 8)
		z, err := npy.DecodeArchive(flipped)
		require.NoError(t, err)
		_, err = z.Array("x")
		require.ErrorContains(t, err, `npy: array "x": `)
	}
}

func zipOf(t testing.TB, files ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		require.NoError(t, err)
		_, err = f.Write([]byte(files[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestArchives(t *testing.T) {
	good := string(encode(t, array(t, []float32{1}, 1)))
	z, err := npy.DecodeArchive(zipOf(t, "x.npy", good, "notes.txt", "hello", "a/b.npy", good))
	require.NoError(t, err)
	require.Equal(t, []string{"x", "a/b"}, z.Names())
	_, err = z.Array("y")
	require.EqualError(t, err, `npy: no array "y", there are: ["x" "a/b"]`)

	_, err = npy.DecodeArchive(zipOf(t, "x.npy", good, "x.npy", good))
	require.EqualError(t, err, `npy: two arrays are named "x"`)
	_, err = npy.DecodeArchive([]byte("nothing"))
	require.ErrorContains(t, err, "npy: not a .npz file")
	z, err = npy.DecodeArchive(zipOf(t, "x.npy", "nothing"))
	require.NoError(t, err)
	_, err = z.Array("x")
	require.ErrorContains(t, err, `npy: array "x": offset 0: the file does not start with`)
}

func TestZipBomb(t *testing.T) {
	b := zipOf(t, "x.npy", string(encode(t, array(t, make([]uint8, 1<<18), 1<<18))))
	require.NoError(t, everything(b), "zeros compress a thousandfold, which is fine if they are few")

	directory := bytes.LastIndex(b, []byte("PK\x01\x02"))
	for size, want := range map[uint32]string{
		1 << 30:     "is said to have 1073741824 bytes, more than the ",
		1000:        "zip: not a valid zip file", // more come out
		1<<18 + 200: "unexpected EOF",            // fewer come out
	} {
		lie := bytes.Clone(b)
		binary.LittleEndian.PutUint32(lie[directory+24:], size)
		n := allocated(func() {
			z, err := npy.DecodeArchive(lie)
			require.NoError(t, err)
			_, err = z.Array("x")
			require.ErrorContains(t, err, `npy: array "x": `+want)
		})
		require.Less(t, n, uint64(4<<20))
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.np?")
	require.NoError(f, err)
	for _, name := range files {
		f.Add(readTestdata(f, filepath.Base(name)))
	}
	f.Add(withHeader("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 0, 9223372036854775807), }", ""))
	f.Add(withHeader(strings.Repeat("{", 1000), ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := npy.Decode(b)
		if err == nil {
			again, err := npy.Decode(encode(t, a))
			require.NoError(t, err)
			require.Equal(t, a.Shape, again.Shape)
			require.Equal(t, a.DType, again.DType)
			require.Equal(t, encode(t, a), encode(t, again))
		}
		_ = everything(b)
	})
}
