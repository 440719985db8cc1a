package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

func TestCompare(t *testing.T) {
	want := []float64{3, 4, 0, 0, 3, 4, 0, 0}
	r := compare("v", want, []float32{3, 4.5, 0, 0, 3, 4, 0, -1})
	assert.InDelta(t, 16.0206, r.snr, 1e-4, "10·log₁₀(50/1.25)")
	assert.Equal(t, 1.0, r.worst)
	assert.Equal(t, 2.0, r.late, "1 in the last quarter, 0.5 in the first")
}

// Two steps of three streams of two floats.
func TestApart(t *testing.T) {
	assert.Equal(t, []int{11, 12, 41, 42, 21, 22, 51, 52, 31, 32, 61, 62}, apart([]int{11, 12, 21, 22, 31, 32, 41, 42, 51, 52, 61, 62}, 3, 2))
}

// A decoder that starts from a state of the data does so in float32 and in float64.
func TestStart(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.RNN("rnn", format.Input, format.Weights{W: []float32{0}, R: []float32{1}}, format.Linear))
	m, err := b.Model()
	require.NoError(t, err)
	s := subject{start: func(*format.Model) (string, []float32, error) { return m.States[0].Name, []float32{3}, nil }}
	require.NoError(t, s.begin(m))
	ys, err := s.run(m, []float32{0, 0})
	require.NoError(t, err)
	assert.Equal(t, []float32{3, 3}, ys)
	assert.Equal(t, []float64{3, 3}, s.float64(m, []float32{0, 0}))
	s.start = func(*format.Model) (string, []float32, error) { return "c", nil, nil }
	assert.ErrorContains(t, s.begin(m), `no state "c" of 0 floats`)
}

func TestVariants(t *testing.T) {
	const U = 32
	b := format.NewBuilder(1)
	w := make([]float32, 4*U*U)
	for i := range w {
		w[i] = float32(i%7-3) / 50
	}
	b.Output(b.LSTM("lstm", format.Input, format.Weights{W: w[:4*U], R: w}))
	m, err := b.Model()
	require.NoError(t, err)
	x := []float32{1, -1, 0.5, 2, 0, -3, 1, 1}
	rows, want, err := measure(m, x, 2048)
	require.NoError(t, err)
	require.Len(t, want, 8*U)
	snr := map[string][]float64{}
	for _, r := range rows {
		snr[r.variant] = append(snr[r.variant], r.snr)
	}
	require.Len(t, rows, 8)
	assert.Greater(t, snr["float32"][0], 120.0)
	for _, r := range rows[1:] {
		assert.Greater(t, r.snr, 30.0, r.variant)
		assert.Less(t, r.snr, 100.0, r.variant)
	}
	vectors, float := snr["  16 bits"], snr["  float vectors"]
	assert.Greater(t, vectors[0], snr["int8"][0])
	assert.Greater(t, vectors[1], snr["calibrated"][0])
	assert.InDeltaSlice(t, float, vectors, 0.1)
	rows, _, err = measure(m, x, 1<<20)
	require.NoError(t, err)
	assert.Len(t, rows, 1, "nothing is large enough for int8")
}

// What is not there is left out by name.
func TestNoModels(t *testing.T) {
	var out, left bytes.Buffer
	nowhere := t.TempDir()
	require.NoError(t, run([]string{"-table", "-models", nowhere, "-charnn", nowhere}, &out, &left))
	assert.Equal(t, 5, bytes.Count(out.Bytes(), []byte("\n")), "the heads of both tables, a line between")
	assert.Contains(t, left.String(), "left out: ")
	assert.Contains(t, left.String(), "charnn.pt")
}
