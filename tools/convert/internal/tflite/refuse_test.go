package tflite

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// States that two cells would share, or that start from values in the file, would make
// another model than TFLite's.
func TestStates(t *testing.T) {
	data, err := os.ReadFile("testdata/lstm.tflite")
	require.NoError(t, err)
	for _, c := range []struct {
		change func(g *graph, n *node)
		want   string
	}{
		{func(*graph, *node) {}, ""},
		{func(_ *graph, n *node) { n.in[inC] = n.in[inH] }, "shares its cell state with another state"},
		{func(g *graph, n *node) { g.tensors[n.in[inH]].data = make([]byte, 4) }, "has an output state with values in the file"},
		{func(g *graph, n *node) { g.tensors[n.in[inH]].variable = false }, "has an output state that is not a variable"},
		{func(_ *graph, n *node) { n.in[inR+1] = -1 }, "has 3 tensors of recurrent weights, want 4"},
		{func(_ *graph, n *node) { n.op = 10_000 }, "(operator 10000) is not supported"},
	} {
		graphs, err := parse(data)
		require.NoError(t, err)
		g := graphs[0]
		for i := range g.nodes {
			if g.nodes[i].op == opSequenceLSTM {
				c.change(g, &g.nodes[i])
			}
		}
		r := &reader{g: g, values: map[int]value{}, states: map[int]bool{}, budget: math.MaxInt64}
		if err := r.program(); c.want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, c.want)
		}
	}
}

// A file that names one long string in many places cannot fill the memory.
func TestRepetition(t *testing.T) {
	f := &flat{data: make([]byte, 1<<20)}
	for range 16 {
		assert.Len(t, f.charge(f.data), 1<<20)
	}
	require.NoError(t, f.err)
	assert.Nil(t, f.charge(f.data))
	assert.ErrorContains(t, f.err, "name the same strings and lists over and over")
}
