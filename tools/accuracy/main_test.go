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
	snr := map[string]float64{}
	rows, want, err := measure(m, x, 2048)
	require.NoError(t, err)
	require.Len(t, want, 8*U)
	for _, r := range rows {
		snr[r.variant] = r.snr
	}
	require.Len(t, snr, 5)
	assert.Greater(t, snr["float32"], 120.0)
	for _, v := range []string{"int8", "h in ±1", "calibrated", "float vectors"} {
		assert.Greater(t, snr[v], 15.0, v)
		assert.Less(t, snr[v], 100.0, v)
	}
	rows, _, err = measure(m, x, 1<<20)
	require.NoError(t, err)
	assert.Len(t, rows, 1, "nothing is large enough for int8")
}

// What is not there is left out by name.
func TestNoModels(t *testing.T) {
	var out, left bytes.Buffer
	nowhere := t.TempDir()
	require.NoError(t, run([]string{"-table", "-models", nowhere, "-charnn", nowhere}, &out, &left))
	assert.Equal(t, 2, bytes.Count(out.Bytes(), []byte("\n")), "the head of the table")
	assert.Contains(t, left.String(), "left out: ")
	assert.Contains(t, left.String(), "charnn.pt")
}
