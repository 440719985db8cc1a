package converter

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/internal/sample"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// ramp is n numbers, each magnitude below largest but the last, which is −largest.
func ramp(n int, largest float32) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = -largest * float32(i+1) / float32(n)
	}
	return v
}

// mixed is a model with a matrix of every kind: its inputs are watched or not.
func mixed(t *testing.T) *format.Model {
	const I, U = 6, 32
	r := rand.New(rand.NewPCG(1, 2))
	w := func(rows, cols int) []float32 {
		m := make([]float32, rows*cols)
		for i := range m {
			m[i] = float32(r.NormFloat64() / math.Sqrt(float64(cols)))
		}
		return m
	}
	b := format.NewBuilder(I)
	relu := b.RNN("relu", format.Input, format.Weights{W: w(U, I), R: make([]float32, U*U)}, format.Relu)
	lstm := b.LSTM("lstm", relu, format.Weights{W: w(4*U, U), R: w(4*U, U), Proj: w(U, U)})
	gru := b.GRUBefore("gru", lstm, format.Weights{W: w(3*U, U), R: w(3*U, U)})
	b.Output(b.Dense("head", gru, w(U, U), nil, format.Linear))
	m, err := b.Model()
	require.NoError(t, err)
	return m
}

func all(string, *format.Tensor) bool { return false }

func TestCalibration(t *testing.T) {
	m := mixed(t)
	I := m.InputSize()
	x := make([]float32, 100*I)
	for i := range x {
		x[i] = 1 + float32(math.Sin(float64(i*i)))
	}
	q := format.Quantized(m, all)
	c, err := NewCalibration(m, q)
	require.NoError(t, err)
	told := 0
	require.NoError(t, c.Run(x[:60*I], func(n int) { told += n }))
	assert.Equal(t, 60, told)
	require.NoError(t, c.Run(x[60*I:], nil))
	assert.Equal(t, 100, c.Steps)
	c.Round()

	assert.ErrorContains(t, c.Run(x[1:], nil), "a stream of 599 floats for a model of 6 inputs")
	x[70*I] = float32(math.NaN())
	assert.ErrorContains(t, c.Run(x, nil), "step 70: ")
	x[70*I] = 0

	// All but the projection, whose input is not watched, and zeros are rounded in another
	// way, and no matrix has other scales.
	nearest := format.Quantized(m, all)
	for i := range q.Tensors {
		if a, b := &q.Tensors[i], &nearest.Tensors[i]; a.I8 != nil {
			assert.Equal(t, b.I8.Scales, a.I8.Scales, a.Name)
			assert.Equal(t, a.Name == "lstm.Proj" || a.Name == "relu.R", slices.Equal(a.I8.Elements, b.I8.Elements), a.Name)
		}
	}
	assert.Less(t, distance(t, m, q, x), distance(t, m, nearest, x), "the rounding of vectors is what remains")
}

// distance is the root mean square of what two models' outputs differ by.
func distance(t *testing.T, a, b *format.Model, x []float32) (sum float64) {
	n := len(x) / a.InputSize() * a.OutputSize()
	ya, yb := make([]float32, n), make([]float32, n)
	for m, y := range map[*format.Model][]float32{a: ya, b: yb} {
		file, err := format.Marshal(m)
		require.NoError(t, err)
		engine, err := infer.FromBytes(file)
		require.NoError(t, err)
		_, err = engine.NewSession().Run(y, x)
		require.NoError(t, err)
	}
	for i := range ya {
		sum += math.Pow(float64(ya[i]-yb[i]), 2)
	}
	return math.Sqrt(sum / float64(n))
}

// A matrix of two layers is rounded for the first; tensors that stay float32 are not watched.
func TestCalibrationOfSharedMatrix(t *testing.T) {
	m := mixed(t)
	m.Layers[3].(*format.Dense).W = m.Layers[1].(*format.LSTM).Proj
	q := format.Quantized(m, func(layer string, _ *format.Tensor) bool { return layer == "gru" })
	c, err := NewCalibration(m, q)
	require.NoError(t, err)
	watched := map[string]int{}
	for _, w := range c.watched {
		for _, id := range w.matrices {
			watched[m.Tensors[id].Name]++
		}
	}
	assert.Equal(t, map[string]int{"relu.W": 1, "relu.R": 1, "lstm.W": 1, "lstm.R": 1, "lstm.Proj": 1}, watched)
}

// Memory has a bound, whatever a file asks for: five squares of 4096 would be beyond it.
func TestCalibrationOfWideMatrices(t *testing.T) {
	b := format.NewBuilder(1)
	x := format.Input
	for i := range 5 {
		wide := b.Dense(fmt.Sprint("wide ", i), x, make([]float32, 4096*b.Width(x)), nil, format.Linear)
		x = b.Dense(fmt.Sprint("narrow ", i), wide, make([]float32, 16*4096), nil, format.Linear)
	}
	b.Output(x)
	m, err := b.Model()
	require.NoError(t, err)
	c, err := NewCalibration(m, format.Quantized(m, all))
	require.NoError(t, err)
	squares := 0
	for _, w := range c.watched {
		squares += (w.to - w.from) * (w.to - w.from)
	}
	assert.LessOrEqual(t, squares, mostMoments)
	assert.Greater(t, squares, 3*4096*4096)
}

// Nothing to watch is nothing to do.
func TestCalibrationOfNothing(t *testing.T) {
	m := mixed(t)
	q := format.Quantized(m, func(string, *format.Tensor) bool { return true })
	c, err := NewCalibration(m, q)
	require.NoError(t, err)
	require.NoError(t, c.Random())
	assert.Zero(t, c.Round())
	assert.Zero(t, c.Steps)
}

// On random input of another seed than its own, too, the default is nearer than the nearest.
func TestRandom(t *testing.T) {
	m := mixed(t)
	q, nearest := format.Quantized(m, all), format.Quantized(m, all)
	c, err := NewCalibration(m, q)
	require.NoError(t, err)
	require.NoError(t, c.Random())
	assert.Equal(t, randomStreams*randomSteps, c.Steps)
	c.Round()
	var fine, coarse float64
	for seed := range uint64(8) {
		x := sample.Stream(m, 1000+seed, 64)
		fine, coarse = fine+distance(t, m, q, x), coarse+distance(t, m, nearest, x)
	}
	assert.Less(t, fine, 0.8*coarse)
}

func TestCalibrate(t *testing.T) {
	folder := t.TempDir()
	for name, largest := range map[string]float32{"a.npy": 0.5, "b.npy": 2} {
		a, err := npy.New(ramp(20, largest), 2, 5, 2) // two streams of five steps
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, npy.Write(&b, a))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), b.Bytes(), 0o600))
	}
	o := Options{Spec: formats("net.yaml"), Int8: true, Smallest: 1, Calibrate: folder}
	seen := map[string]int{}
	o.Progress = func(file string, done, total int) {
		assert.Equal(t, 10, total)
		seen[filepath.Base(file)] = done
	}
	r, err := o.Convert(formats("zip.pt"))
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"a.npy": 10, "b.npy": 10}, seen)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "4 of 4 int8 matrices are rounded for 20 steps of 4 streams of "+folder)
	require.NoError(t, open(t, r.Model).Verify(), "the witness is that of the calibrated model")

	o.Calibrate = t.TempDir()
	_, err = o.Convert(formats("zip.pt"))
	assert.ErrorContains(t, err, "the folder has no file that ends in")
	o.Calibrate = filepath.Join(o.Calibrate, "empty.csv")
	require.NoError(t, os.WriteFile(o.Calibrate, nil, 0o600))
	_, err = o.Convert(formats("zip.pt"))
	assert.ErrorContains(t, err, "empty.csv: found no step to calibrate by")
	require.NoError(t, os.WriteFile(o.Calibrate, []byte("1,2\n1,nan\n"), 0o600))
	_, err = o.Convert(formats("zip.pt"))
	assert.ErrorContains(t, err, "empty.csv, stream 0: step 1: ")
}
