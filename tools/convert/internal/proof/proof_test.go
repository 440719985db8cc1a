package proof

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

func uniform(seed uint64, n int, limit float32) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float32, n)
	for i := range v {
		v[i] = limit * (2*r.Float32() - 1)
	}
	return v
}

// net is a GRU and a softmax of four classes; wrong is added to a weight of the head.
func net(t *testing.T, wrong float32) *format.Model {
	const I, H, O = 3, 20, 4
	b := format.NewBuilder(I)
	h := b.GRU("gru", format.Input, format.Weights{W: uniform(1, 3*H*I, 0.5), R: uniform(2, 3*H*H, 0.5), B: uniform(3, 3*H, 0.5)})
	w := uniform(4, O*H, 1)
	w[0] += wrong
	b.Output(b.Softmax("classes", b.Dense("head", h, w, nil, format.Linear)))
	m, err := b.Model()
	require.NoError(t, err)
	return m
}

// A fault shows in the layer where it is and after it, not before.
func TestMeasureFindsTheLayer(t *testing.T) {
	r, err := Measure(Options{Float: net(t, 0), Int8: net(t, 1)})
	require.NoError(t, err)
	require.Equal(t, DefaultSteps, r.Steps)
	require.Len(t, r.Float32.Step, DefaultSteps)
	assert.Equal(t, []string{"gru", "head", "classes"}, r.Layers)
	for i, snr := range r.Float32.Layers {
		assert.Greater(t, snr, 100., r.Layers[i])
	}
	assert.Equal(t, r.Float32.Layers[0], r.Int8.Layers[0])
	assert.Less(t, r.Int8.Layers[1], 40.)
	assert.Less(t, r.Int8.SNR, 60.)
	assert.Equal(t, r.Int8.SNR, r.Int8.Layers[2])
	assert.Equal(t, r.Int8.Max, r.Int8.Step[r.Int8.Worst])
	assert.True(t, r.Classes)
	assert.Zero(t, r.Float32.Flips)
	assert.NotZero(t, r.Int8.Flips)
	assert.False(t, r.Float32.Grows())
	assert.False(t, r.Int8.Grows())

	var b strings.Builder
	r.Print(&b)
	assert.Contains(t, b.String(), "proof    1000 steps of random input in ±1")
	assert.Contains(t, b.String(), "another class in 0 steps")
}

// An error that is added to a sum at each step grows, and so does the int8 model's.
func TestMeasureSeesGrowth(t *testing.T) {
	sum := func(step float32) *format.Model {
		b := format.NewBuilder(1)
		b.Output(b.RNN("sum", format.Input, format.Weights{W: []float32{0}, R: []float32{1}, B: []float32{step}}, format.Linear))
		m, err := b.Model()
		require.NoError(t, err)
		return m
	}
	b := format.NewBuilder(1) // what leaves the sum alone: a constant, beside a small sum
	s := b.RNN("sum", format.Input, format.Weights{W: []float32{0}, R: []float32{1}, B: []float32{0x1p-20}}, format.Linear)
	b.Output(b.Add("out", b.Dense("one", format.Input, []float32{0}, []float32{1}, format.Linear), s))
	drifting, err := b.Model()
	require.NoError(t, err)
	b = format.NewBuilder(1)
	s = b.RNN("sum", format.Input, format.Weights{W: []float32{0}, R: []float32{1}}, format.Linear)
	b.Output(b.Add("out", b.Dense("one", format.Input, []float32{0}, []float32{1}, format.Linear), s))
	still, err := b.Model()
	require.NoError(t, err)
	r, err := Measure(Options{Float: still, Int8: drifting})
	require.NoError(t, err)
	assert.True(t, r.Int8.Grows())
	assert.InDelta(t, 950./150, r.Int8.Growth, 0.1)
	assert.True(t, math.IsInf(r.Float32.SNR, 1), "exact")

	// One that grows with the output does not.
	r, err = Measure(Options{Float: sum(1), Int8: sum(1.5)})
	require.NoError(t, err)
	assert.InDelta(t, 1, r.Int8.Growth, 1e-6)
}

func TestGrowthNeedsSteps(t *testing.T) {
	assert.True(t, math.IsNaN(growth(uniform64(40), uniform64(40))))
	assert.False(t, math.IsNaN(growth(uniform64(50), uniform64(50))))
}

// A second tenth without an error is no reason to say nothing.
func TestGrowthFromNone(t *testing.T) {
	errors, signal, silent := make([]float64, 50), uniform64(50), make([]float64, 50)
	says := func(signal []float64) string {
		var b bytes.Buffer
		r := Result{Steps: 50, Float32: &Errors{Step: errors, Growth: growth(errors, signal)}}
		r.Print(&b)
		return b.String()
	}
	assert.Contains(t, says(signal), "; it does not grow\n")
	for i := 45; i < 50; i++ {
		errors[i] = 1e-7
	}
	assert.Contains(t, says(signal), "; it grows: the second tenth of the steps has no error, the last has\n")
	assert.Contains(t, says(silent), "; whether it grows is not known: the second tenth of the steps is silent\n")
	copy(errors[5:], []float64{1e-7, 1e-7, 1e-7, 1e-7, 1e-7})
	assert.Contains(t, says(signal), "; it does not grow\n")
}

func uniform64(n int) (v []float64) {
	for _, x := range uniform(9, n, 1) {
		v = append(v, math.Abs(float64(x)))
	}
	return v
}

// A state without bounds ends the measurement where it leaves them, in both directions.
func TestUnbounded(t *testing.T) {
	for _, backward := range []bool{false, true} {
		b := format.NewBuilder(1)
		x := format.Input
		if backward {
			x = b.Reverse("turn", x)
		}
		b.Output(b.RNN("doubling", x, format.Weights{W: []float32{1}, R: []float32{2}, H0: []float32{1}, B: []float32{1}}, format.Relu))
		m, err := b.Model()
		require.NoError(t, err)
		r, err := Measure(Options{Float: m})
		require.NoError(t, err)
		assert.Greater(t, r.Steps, 10)
		assert.Less(t, r.Steps, 200)
		assert.Len(t, r.Float32.Step, r.Steps)
		require.Len(t, r.Notes, 1)
		assert.Contains(t, r.Notes[0], "of 1000 steps: on this input a state of this model grows beyond all bounds")
	}
}

// An input that the model does not take is an error with its step.
func TestWrongInput(t *testing.T) {
	in := &Input{"x.npy", []float32{1, 2, 3, 4, 5, float32(math.NaN())}}
	_, err := Measure(Options{Float: net(t, 0), Input: in})
	assert.ErrorContains(t, err, "x.npy, step 1: infer: x[2] is NaN")
}

// A layer that should give zeros and does not is the worst.
func TestSilence(t *testing.T) {
	silent := func(bias float32) *format.Model {
		b := format.NewBuilder(1)
		h := b.Dense("silent", format.Input, []float32{0}, []float32{bias}, format.Linear)
		b.Output(b.Add("out", b.Dense("loud", format.Input, []float32{1}, nil, format.Linear), h))
		m, err := b.Model()
		require.NoError(t, err)
		return m
	}
	r, err := Measure(Options{Float: silent(0), Int8: silent(0.5)})
	require.NoError(t, err)
	assert.True(t, math.IsInf(r.Int8.Layers[0], -1))
	var b strings.Builder
	r.Print(&b)
	assert.Contains(t, b.String(), `lowest SNR: layer "silent", −∞ (all should be 0)`)
	assert.NotContains(t, b.String(), "Inf")
	assert.NotContains(t, b.String(), "NaN")
}
