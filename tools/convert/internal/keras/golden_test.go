package keras

import (
	"archive/zip"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// tolerance is the largest difference from Keras's float32, relative to max(1, |y|).
const tolerance = 2e-6

// contents are the entries of an archive of goldens.
func contents(t testing.TB, name string) map[string][]byte {
	r, err := zip.OpenReader(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer func() { assert.NoError(t, r.Close()) }()
	files := map[string][]byte{}
	for _, f := range r.File {
		c, err := f.Open()
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(c)
		require.NoError(t, err)
	}
	return files
}

// golden is the input of a model and the output that Keras gives.
func golden(t testing.TB, files map[string][]byte, name string) (x, y []float32) {
	path := filepath.Join(t.TempDir(), "io.npz")
	require.NoError(t, os.WriteFile(path, files["io.npz"], 0o600))
	z, err := npy.ReadArchive(path)
	require.NoError(t, err)
	for _, e := range []struct {
		name string
		into *[]float32
	}{{".x", &x}, {".y", &y}} {
		a, err := z.Array(name + e.name)
		require.NoError(t, err)
		*e.into = a.Float32()
	}
	return x, y
}

// output runs a model on the steps of xs, from its initial state.
func output(t testing.TB, m *format.Model, xs []float32) []float32 {
	file, err := format.Marshal(m)
	require.NoError(t, err)
	engine, err := infer.FromBytes(file)
	require.NoError(t, err)
	require.Zero(t, len(xs)%m.InputSize(), "%d numbers for an input of %d", len(xs), m.InputSize())
	ys := make([]float32, len(xs)/m.InputSize()*m.OutputSize())
	n, err := engine.NewSession().Run(ys, xs)
	require.NoError(t, err)
	require.Equal(t, len(xs)/m.InputSize(), n)
	return ys
}

// compare compares with what Keras gives: every step, or the last one.
func compare(t testing.TB, want, have []float32, tolerance float64) {
	require.NotEmpty(t, want)
	require.GreaterOrEqual(t, len(have), len(want))
	have = have[len(have)-len(want):]
	worst := 0.0
	for i, w := range want {
		worst = max(worst, math.Abs(float64(w)-float64(have[i]))/max(1, math.Abs(float64(w))))
	}
	t.Logf("%d outputs, largest difference %.2e", len(want), worst)
	require.LessOrEqual(t, worst, tolerance)
}

// Every model in every file that Keras 2.15 and 3.15 save it in, and the file that Keras
// 1.2 saved, within 2e-6·max(1, |y|) of Keras's own float32.
func TestGoldens(t *testing.T) {
	for _, archive := range []string{"keras2.zip", "keras3.zip", "keras2_order.zip", "keras3_order.zip"} {
		files := contents(t, archive)
		var names []string
		for name := range files {
			if !strings.HasSuffix(name, ".json") && name != "io.npz" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		require.Greater(t, len(names), 14)
		for _, name := range names {
			t.Run(strings.TrimSuffix(archive, ".zip")+"/"+name, func(t *testing.T) {
				stem, _, _ := strings.Cut(name, ".")
				require.True(t, Sniff(files[name]))
				var beside Config
				if strings.HasSuffix(name, ".weights.h5") || strings.HasSuffix(name, ".hdf5") || stem == "old" {
					beside = Config{File: stem + ".json", Text: files[stem+".json"]}
					require.False(t, HasConfig(files[name]))
					_, _, _, err := Read(name, files[name], Config{})
					require.ErrorIs(t, err, ErrNoConfig)
				}
				m, source, notes, err := Read(name, files[name], beside)
				require.NoError(t, err)
				t.Log(source, notes)
				x, y := golden(t, files, stem)
				compare(t, y, output(t, m, x), tolerance)
			})
		}
	}
}
