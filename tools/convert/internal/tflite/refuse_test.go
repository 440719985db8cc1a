package tflite

import (
	"encoding/binary"
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
		{func(g *graph, n *node) {
			g.tensors[n.in[0]].kind, g.tensors[n.in[0]].scale, n.settings = typeInt8, make([]byte, 4), table{}
		}, "ends in activation 0 and computes with integers"},
		{func(_ *graph, n *node) { n.in[0] = -1 }, "lacks input 0"},
		{func(_ *graph, n *node) { n.in[0] = n.in[inH] }, ", which another cell changes"},
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
		r := &reader{g: g, states: map[int]bool{}, budget: math.MaxInt64}
		if _, err := r.lower(graphs); c.want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, c.want)
		}
	}
}

// A loop that does anything else than one step of a cell for each element of a sequence is
// refused: the number of the step elsewhere, another count, a list that keeps something.
func TestLoops(t *testing.T) {
	data, err := os.ReadFile("testdata/keras_rnn.tflite")
	require.NoError(t, err)
	find := func(g *graph, op int) *node {
		for i := range g.nodes {
			if g.nodes[i].op == op {
				return &g.nodes[i]
			}
		}
		t.Fatalf("no %s", opNames[op])
		return nil
	}
	number := func(g *graph, k int, v uint32) { g.tensors[k].data = binary.LittleEndian.AppendUint32(nil, v) }
	for _, c := range []struct {
		change func(main, cond, body *graph)
		want   string
	}{
		{func(_, _, _ *graph) {}, ""},
		{func(_, cond, _ *graph) { number(cond, find(cond, opLess).in[1], 5) }, "has 5 steps, and a body whose node"},
		{func(_, cond, _ *graph) { cond.nodes = nil }, "has a condition that is not that the number of the step is less than a constant"},
		{func(_, cond, _ *graph) { find(cond, opLess).op = opAdd }, "has a condition that is not"},
		{func(_, cond, _ *graph) { cond.in = cond.in[1:] }, "has 5 inputs and 5 outputs, a condition of 4 and a body of 5 to 5"},
		{func(main, _, _ *graph) { number(main, find(main, opWhile).in[1], 1) }, "has a condition that is not"},
		{func(main, _, _ *graph) { find(main, opWhile).in[4] = -1 }, "lacks input 4"},
		{func(_, _, body *graph) { find(body, opGather).in[1] = body.in[3] }, "has a body that reads no sequence"},
		{func(_, _, body *graph) { body.out[4] = body.out[3] }, "does not read a sequence from outside along its first axis"},
		{func(_, _, body *graph) { find(body, opSliceOf).in[1] = body.in[1] }, "has a body whose"},
		{func(_, _, body *graph) { find(body, opTanh).op = opWhile }, "(WHILE) is a loop inside another"},
		{func(_, _, body *graph) { find(body, opTanh).op = 3 }, "(CONV_2D) has no weights"},
		{func(_, _, body *graph) { find(body, opTanh).op = 82 }, "(REDUCE_MAX) is not supported: supported are"},
		{func(_, _, body *graph) { find(body, opTanh).op = opRelu6 }, ""},
	} {
		graphs, err := parse(data)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(graphs), 3)
		c.change(graphs[0], graphs[1], graphs[2])
		r := &reader{g: graphs[0], states: map[int]bool{}, budget: math.MaxInt64}
		if _, err = r.lower(graphs); c.want == "" {
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
