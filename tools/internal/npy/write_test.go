package npy_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

func encode(t testing.TB, a *npy.Array) []byte {
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, a))
	return b.Bytes()
}

func array[T npy.Number](t testing.TB, data []T, shape ...int) *npy.Array {
	a, err := npy.New(data, shape...)
	require.NoError(t, err)
	return a
}

// What NumPy wrote little-endian, in C order and version 1, is written the same.
func TestWriteAsNumPyDoes(t *testing.T) {
	for _, name := range []string{"float16", "float32", "float64", "int8", "int16", "int32", "int64",
		"uint8", "uint16", "uint32", "uint64", "bool", "scalar", "empty", "dims8"} {
		file, err := os.ReadFile(filepath.Join("testdata", name+".npy"))
		require.NoError(t, err)
		require.Equal(t, file, encode(t, readNamed(t, name)), name)
	}
}

func TestRoundTrip(t *testing.T) {
	bits := []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32,
		math.Float32frombits(0x7fc12345), math.Float32frombits(0xff800000)}
	a, err := npy.Decode(encode(t, array(t, bits, 2, 3)))
	require.NoError(t, err)
	require.Equal(t, []int{2, 3}, a.Shape)
	for i, v := range a.Float32() {
		require.Equal(t, math.Float32bits(bits[i]), math.Float32bits(v))
	}
	require.Equal(t, "bool", array(t, []bool{true}, 1).DType)
	require.Equal(t, []float64{1, -2}, array(t, []int16{1, -2}, 2).Float64())
}

func TestNewRefuses(t *testing.T) {
	for want, shape := range map[string][]int{
		"shape (2, 2) has 4 elements, the data 3":             {2, 2},
		"shape (-1,) has a negative dimension":                {-1},
		"has 9 dimensions, want at most 8":                    {3, 1, 1, 1, 1, 1, 1, 1, 1},
		"shape () has 1 elements, the data 3":                 {},
		"shape (2147483647, 2147483647, 2147483647) has more": {math.MaxInt32, math.MaxInt32, math.MaxInt32},
	} {
		_, err := npy.New([]int8{1, 2, 3}, shape...)
		require.ErrorContains(t, err, want)
	}
}
