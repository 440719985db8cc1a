package converter

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
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

func TestCalibration(t *testing.T) {
	const I, U = 2, 16
	b := format.NewBuilder(I)
	relu := b.RNN("relu", format.Input, format.Weights{W: ramp(U*I, -0.5), R: ramp(U*U, 0.01), H0: ramp(U, 9)}, format.Relu)
	lstm := b.LSTM("lstm", relu, format.Weights{W: ramp(4*U*U, 0.1), R: ramp(4*U*U, 0.1)})
	b.Output(b.Dense("head", lstm, ramp(U*U, 1), nil, format.Linear))
	m, err := b.Model()
	require.NoError(t, err)

	c, err := NewCalibration(m)
	require.NoError(t, err)
	told := 0
	x := make([]float32, 100*I)
	x[77*I+1] = -3
	require.NoError(t, c.Run(x, func(n int) { told += n }))
	assert.Equal(t, 100, told)
	x[77*I+1] = 2
	require.NoError(t, c.Run(x, nil))
	assert.Equal(t, 200, c.Steps)
	assert.ErrorContains(t, c.Run(x[1:], nil), "a stream of 199 floats for a model of 2 inputs")
	x[70*I] = float32(math.NaN())
	assert.ErrorContains(t, c.Run(x, nil), "step 70: ")

	q := format.Quantized(m, func(string, *format.Tensor) bool { return false })
	ranges := map[string]float32{}
	for _, r := range c.Apply(q) {
		ranges[r.Matrix] = r.Largest
	}
	assert.Equal(t, float32(3), ranges["relu.W"])
	assert.Equal(t, float32(9), ranges["relu.R"], "the initial state")
	assert.Contains(t, ranges, "lstm.W")
	assert.Less(t, ranges["head.W"], float32(1))
	assert.Less(t, ranges["lstm.R"], float32(1))
	for i := range q.Tensors {
		if x := &q.Tensors[i]; x.I8 != nil {
			assert.Equal(t, ranges[x.Name], x.I8.Input, x.Name)
		}
	}

	// Within the ranges the calibrated model is near the other.
	x[70*I] = 0
	require.NoError(t, complete(m, "net", "test"))
	require.NoError(t, complete(q, "net", "test"))
	fine, coarse := make([]float32, 100*U), make([]float32, 100*U)
	_, err = open(t, m).NewSession().Run(fine, x)
	require.NoError(t, err)
	_, err = open(t, q).NewSession().Run(coarse, x)
	require.NoError(t, err)
	for i := range fine {
		assert.InDelta(t, fine[i], coarse[i], 0.05)
	}
}

// A matrix that also multiplies something that is not watched keeps each vector's own range.
func TestCalibrationOfSharedMatrix(t *testing.T) {
	const U = 16
	b := format.NewBuilder(U)
	w := format.Weights{W: ramp(2*4*U*U/2, 0.1), R: ramp(4*U*U, 0.1), Proj: ramp(U*U, 0.5)}
	b.Output(b.Dense("head", b.LSTM("lstm", format.Input, w), ramp(U*U, 0.3), nil, format.Linear))
	m, err := b.Model()
	require.NoError(t, err)
	m.Layers[1].(*format.Dense).W = m.Layers[0].(*format.LSTM).Proj
	c, err := NewCalibration(m)
	require.NoError(t, err)
	require.NoError(t, c.Run(ramp(10*U, 1), nil))
	for _, r := range c.Apply(format.Quantized(m, func(string, *format.Tensor) bool { return false })) {
		assert.NotEqual(t, "lstm.Proj", r.Matrix)
	}
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
	assert.Contains(t, strings.Join(r.Notes, "\n"), "calibrated on 20 steps of 4 streams; what is larger than these ranges is limited to them: lstm_l0.W 2, ")
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
