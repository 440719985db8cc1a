package npy_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// truth is what NumPy reads in a file of testdata, see make.py there.
type truth struct {
	DType string
	Shape []int
	Data  []string
}

func readTruth(t *testing.T) map[string]truth {
	b, err := os.ReadFile("testdata/truth.json")
	require.NoError(t, err)
	all := map[string]truth{}
	require.NoError(t, json.Unmarshal(b, &all))
	return all
}

// readNamed reads testdata's "name" (a .npy) or "name.npz:key".
func readNamed(t *testing.T, name string) *npy.Array {
	file, key, ok := strings.Cut(name, ":")
	if !ok {
		a, err := npy.ReadFile(filepath.Join("testdata", name+".npy"))
		require.NoError(t, err)
		return a
	}
	z, err := npy.ReadArchive(filepath.Join("testdata", file))
	require.NoError(t, err)
	require.Contains(t, z.Names(), key)
	a, err := z.Array(key)
	require.NoError(t, err)
	return a
}

func TestFilesOfNumPy(t *testing.T) {
	for name, want := range readTruth(t) {
		t.Run(name, func(t *testing.T) {
			a := readNamed(t, name)
			require.Equal(t, want.DType, a.DType)
			require.Equal(t, want.Shape, a.Shape)
			require.Equal(t, len(want.Data), a.Len())
			if strings.HasPrefix(want.DType, "float") {
				checkFloats(t, want, a)
			} else {
				checkIntegers(t, want, a)
			}
		})
	}
}

func checkFloats(t *testing.T, want truth, a *npy.Array) {
	f64, f32 := a.Float64(), a.Float32()
	for i, text := range want.Data {
		w, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		if math.IsNaN(w) {
			require.True(t, math.IsNaN(f64[i]) && f32[i] != f32[i], "element %d", i)
			continue
		}
		require.Equal(t, math.Float64bits(w), math.Float64bits(f64[i]), "element %d is %v, want %v", i, f64[i], w)
		require.Equal(t, math.Float32bits(float32(w)), math.Float32bits(f32[i]), "element %d", i)
	}
}

func checkIntegers(t *testing.T, want truth, a *npy.Array) {
	f64, f32 := a.Float64(), a.Float32()
	integers, err := a.Int64()
	for i, text := range want.Data {
		w64, e := strconv.ParseFloat(text, 64)
		require.NoError(t, e)
		w32, e := strconv.ParseFloat(text, 32)
		require.NoError(t, e)
		require.Equal(t, w64, f64[i])
		require.Equal(t, float32(w32), f32[i])
		if want.DType == "uint64" {
			require.ErrorContains(t, err, "element 4 is 18446744073709551614, want at most 9223372036854775807")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, text, strconv.FormatInt(integers[i], 10))
	}
}

func TestInt64OfFloats(t *testing.T) {
	a, err := npy.New([]float32{0, -3, 1 << 24}, 3)
	require.NoError(t, err)
	x, err := a.Int64()
	require.NoError(t, err)
	require.Equal(t, []int64{0, -3, 1 << 24}, x)
	for _, bad := range []float64{0.5, math.NaN(), math.Inf(1), 0x1p63} {
		a, err := npy.New([]float64{1, bad}, 2)
		require.NoError(t, err)
		_, err = a.Int64()
		require.ErrorContains(t, err, "element 1 is "+strconv.FormatFloat(bad, 'g', -1, 64))
	}
}

func TestRefusedByName(t *testing.T) {
	for name, want := range map[string]string{
		"object":  `offset 20: dtype "|O" is an array of Python objects, which is a pickle and not read`,
		"struct":  "offset 20: a structured dtype is not supported",
		"text":    `offset 20: dtype "<U2" is not supported, want float16 to float64`,
		"complex": `offset 20: dtype "<c8" is not supported`,
	} {
		file := filepath.Join("testdata", "refused_"+name+".npy")
		_, err := npy.ReadFile(file)
		require.ErrorContains(t, err, "npy: "+file+": "+want)
	}
}
