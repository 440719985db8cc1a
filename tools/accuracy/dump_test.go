package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// Whoever reads a dump can tell the two GRUs apart.
func TestDumpGRU(t *testing.T) {
	b := format.NewBuilder(1)
	w := format.Weights{W: []float32{1, 2, 3}, R: []float32{4, 5, 6}}
	before := b.GRUBefore("before", format.Input, w, format.WithFunctions(format.Function{Kind: format.Sigmoid}, format.Function{Kind: format.Relu}))
	after := b.GRU("after", format.Input, w)
	b.Output(b.Concat("both", before, after, format.Input))
	m, err := b.Model()
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, dump(folder, "two GRUs", m, []float32{7}, []float64{8, 9, 7}))
	text, err := os.ReadFile(filepath.Join(folder, "two_GRUs.json"))
	require.NoError(t, err)
	var g graph
	require.NoError(t, json.Unmarshal(text, &g))
	assert.Equal(t, []node{
		{Op: "gru", X: []format.Buffer{0}, Y: 1, Widths: []int{1, 1}, F: "relu", Reset: "before",
			Arrays: map[string]array{"W": {3, 1, []float32{1, 2, 3}}, "R": {2, 1, []float32{4, 5}}, "RN": {1, 1, []float32{6}}}},
		{Op: "gru", X: []format.Buffer{0}, Y: 2, Widths: []int{1, 1}, F: "tanh", Reset: "after",
			Arrays: map[string]array{"W": {3, 1, []float32{1, 2, 3}}, "R": {3, 1, []float32{4, 5, 6}}}},
		{Op: "concat", X: []format.Buffer{1, 2, 0}, Y: 3, Widths: []int{1, 1, 1, 3}},
	}, g.Layers)
	assert.Equal(t, [][]float64{{8, 9, 7}}, g.Y)
}

// A dump has no place for what makes a cell another one.
func TestDumpPlain(t *testing.T) {
	relu, clip := format.WithFunctions(format.Function{Kind: format.Relu}, format.Function{Kind: format.Tanh}, format.Function{Kind: format.Tanh}), format.WithClip(1)
	lstm, gru := format.Weights{W: make([]float32, 4), R: make([]float32, 4)}, format.Weights{W: make([]float32, 3), R: make([]float32, 3)}
	for want, add := range map[string]func(b *format.Builder) format.Buffer{
		"m: layer relu is no plain LSTM": func(b *format.Builder) format.Buffer { return b.LSTM("relu", format.Input, lstm, relu) },
		"m: layer clip is no plain LSTM": func(b *format.Builder) format.Buffer { return b.LSTM("clip", format.Input, lstm, clip) },
		"m: layer clip is no plain GRU":  func(b *format.Builder) format.Buffer { return b.GRU("clip", format.Input, gru, clip) },
	} {
		b := format.NewBuilder(1)
		b.Output(add(b))
		m, err := b.Model()
		require.NoError(t, err)
		folder := t.TempDir()
		assert.EqualError(t, dump(folder, "m", m, []float32{7}, []float64{8}), want)
		files, err := os.ReadDir(folder)
		require.NoError(t, err)
		assert.Empty(t, files)
	}
}
