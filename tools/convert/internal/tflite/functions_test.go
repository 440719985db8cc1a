package tflite

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What only looks like a function that is written out, or like a normalisation, is refused:
// each change makes another function of it.
func TestWritten(t *testing.T) {
	data, err := os.ReadFile("testdata/keras_functions.tflite")
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
	number := func(g *graph, k int, v float32) {
		x := g.tensors[k] // which others may share
		x.data = binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
		g.tensors = append(g.tensors, x)
	}
	last := func(g *graph) int { return len(g.tensors) - 1 }
	maker := func(g *graph, k int) *node {
		for i := range g.nodes {
			if g.nodes[i].out[0] == k {
				return &g.nodes[i]
			}
		}
		t.Fatalf("tensor %d is not computed", k)
		return nil
	}
	for name, c := range map[string]struct {
		change func(g *graph)
		want   string
	}{
		"as it is":       {func(*graph) {}, ""},
		"log of exp + 2": {func(g *graph) { n := maker(g, find(g, opLog).in[0]); number(g, n.in[1], 2); n.in[1] = last(g) }, "(EXP) is not supported"},
		"x > 1":          {func(g *graph) { n := find(g, opGreater); number(g, n.in[1], 1); n.in[1] = last(g) }, "(GREATER) is not supported"},
		"exp − 2": {func(g *graph) {
			n := maker(g, maker(g, find(g, opSelect).in[2]).in[0])
			number(g, n.in[1], 2)
			n.in[1] = last(g)
		}, "(GREATER) is not supported"},
		"exp of another": {func(g *graph) {
			n := maker(g, maker(g, maker(g, find(g, opSelect).in[2]).in[0]).in[0])
			n.in[0] = find(g, opSelect).in[1]
		}, "(GREATER) is not supported"},
		"turned": {func(g *graph) { n := find(g, opSelect); n.in[1], n.in[2] = n.in[2], n.in[1] }, "(GREATER) is not supported"},
		"another above": {func(g *graph) {
			n := maker(g, find(g, opSelect).in[1])
			x := g.tensors[n.in[1]]
			x.data = append([]byte(nil), x.data...)
			x.data[3] ^= 0x80
			g.tensors = append(g.tensors, x)
			n.in[1] = last(g)
		}, "(GREATER) is not supported"},
		"gamma of a step": {func(g *graph) {
			n := find(g, opRsqrt)
			m := g.user(t, n.out[0], opMul)
			m.in[0], m.in[1] = n.out[0], n.out[0]
		}, "which reduces a dimension; supported is that inside a layer normalisation"},
		"mean of another":  {func(g *graph) { n := find(g, opDifference); n.in[1] = n.in[0] }, "which reduces a dimension; supported is that inside a layer normalisation"},
		"not the negative": {func(g *graph) { find(g, opNeg).op = opSqrt }, "which reduces a dimension; supported is that inside a layer normalisation"},
	} {
		graphs, err := parse(data)
		require.NoError(t, err)
		c.change(graphs[0])
		r := &reader{g: graphs[0], states: map[int]bool{}, budget: math.MaxInt64}
		if _, err = r.lower(graphs); c.want == "" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, c.want, name)
		}
	}
}

// A token is what it is: where Keras counts negative ones from the end there are none here.
// What only looks like that is refused.
func TestTokenFromEnd(t *testing.T) {
	data, err := os.ReadFile("testdata/keras3_tokens.tflite")
	require.NoError(t, err)
	for name, change := range map[string]func(g *graph, choose, less *node){
		"":         func(*graph, *node, *node) {},
		"turned":   func(_ *graph, choose, _ *node) { choose.in[1], choose.in[2] = choose.in[2], choose.in[1] },
		"not of 0": func(g *graph, _, less *node) { g.tensors[less.in[1]].data = []byte{1, 0, 0, 0} },
		"of another": func(g *graph, _, less *node) {
			g.tensors = append(g.tensors, g.tensors[less.in[0]])
			less.in[0] = len(g.tensors) - 1
		},
		"of itself": func(_ *graph, choose, less *node) { less.in[1] = choose.in[2] },
	} {
		graphs, err := parse(data)
		require.NoError(t, err)
		g := graphs[0]
		var choose, less *node
		for i := range g.nodes {
			switch n := &g.nodes[i]; {
			case n.op == opSelect && choose == nil:
				choose = n
			case n.op == opLess && less == nil:
				less = n
			}
		}
		change(g, choose, less)
		r := &reader{g: g, states: map[int]bool{}, budget: math.MaxInt64}
		if _, err := r.lower(graphs); name == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, "(LESS) is not supported", name)
		}
	}
}

// user is the first node of an operator that reads a tensor.
func (g *graph) user(t *testing.T, k, op int) *node {
	for i := range g.nodes {
		for _, in := range g.nodes[i].in {
			if in == k && g.nodes[i].op == op {
				return &g.nodes[i]
			}
		}
	}
	t.Fatalf("no %s of tensor %d", opNames[op], k)
	return nil
}
