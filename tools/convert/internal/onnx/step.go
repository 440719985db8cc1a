package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// A step that a graph writes out, its own or that of a loop's body, is looked at as a
// whole: the same translation runs over its nodes, but what computes makes numbers of a
// cellmatch.Graph where it would add layers. Ops that only move elements about are the
// same for both.

// symbolCost is what a symbol takes of the budget: it is larger than an element.
const symbolCost = 16

// stepOf returns a translation of the nodes of a step, which has nothing computed yet.
func (t *translation) stepOf(g *graphProto) *translation {
	return &translation{
		graph: g, opset: t.opset,
		values: map[string]*tensor{}, stored: map[string]*tensorProto{}, uses: map[string]int{},
		refused: map[string]error{}, steps: t.steps, budget: t.budget,
		step:    cellmatch.New(),
		sources: []source{{kind: computed}}, // of all symbols
	}
}

// symbolic is a value of what the step computes.
func (t *translation) symbolic(shape []int, free []mark, size int, compute func() []cellmatch.Value) (*tensor, error) {
	if err := t.spend(symbolCost * size); err != nil {
		return nil, err
	}
	v := &tensor{shape: shape, free: free, kind: activation, refs: make([]ref, size)}
	for k, s := range compute() {
		v.refs[k] = ref{0, int32(s)}
	}
	return v, nil
}

// symbols are the elements of a value of a step.
func (v *tensor) symbols() []cellmatch.Value {
	out := make([]cellmatch.Value, len(v.refs))
	for k, r := range v.refs {
		out[k] = cellmatch.Value(r.index)
	}
	return out
}

// leaves makes a value of a step of which nothing is known.
func (t *translation) leaves(shape []int, free []mark) (*tensor, error) {
	n, err := checked(shape)
	if err != nil {
		return nil, err
	}
	return t.symbolic(shape, free, n, func() []cellmatch.Value { return t.step.Leaves(n) })
}

// attempt translates the nodes that can be, and returns why another could not, by its
// outputs.
func (t *translation) attempt(nodes []*nodeProto) map[string]error {
	failed := map[string]error{}
	for _, n := range nodes {
		err := errors.New("which is not known inside a step")
		if op := ops[n.op]; op != nil && (n.domain == "" || n.domain == "ai.onnx") && len(n.graphs()) == 0 {
			err = op(t, n)
		}
		if err == nil {
			continue
		}
		for _, in := range n.inputs {
			if first := failed[in]; first != nil {
				err = first // which is the reason
				break
			}
		}
		var of *nodeError
		if !errors.As(err, &of) {
			err = &nodeError{fmt.Errorf("node %q (%s): %w", n.name, n.op, err)}
		}
		for _, out := range n.outputs {
			failed[out] = err
		}
	}
	return failed
}

// A nodeError names the node inside a step that could not be translated.
type nodeError struct{ error }

// keyOf names the numbers of a list, whichever way they were computed.
func (t *translation) keyOf(list []cellmatch.Value) string {
	key := make([]byte, 0, 4*len(list))
	for _, v := range list {
		key = binary.LittleEndian.AppendUint32(key, uint32(t.step.Canonical(v)))
	}
	return string(key)
}

// addCell adds the layer of a cell that was found.
func (t *translation) addCell(name string, x format.Buffer, c *cellmatch.Cell, h0, c0 []float32) format.Buffer {
	w := c.Weights()
	w.H0, w.C0 = h0, c0
	opts := []format.CellOption{format.WithFunctions(c.Functions...)}
	switch c.Kind {
	case cellmatch.RNN:
		return t.builder.RNN(name, x, w, format.Tanh, opts...)
	case cellmatch.GRU:
		return t.builder.GRU(name, x, w, opts...)
	case cellmatch.GRUBefore:
		return t.builder.GRUBefore(name, x, w, opts...)
	}
	opts = append(opts, format.WithCellClip(c.CellClip))
	if c.Kind == cellmatch.CoupledLSTM {
		return t.builder.CoupledLSTM(name, x, w, opts...)
	}
	return t.builder.LSTM(name, x, w, opts...)
}

// A foundCell is a cell with its values in the graph that is translated.
type foundCell struct {
	*cellmatch.Cell
	name   string
	x      *tensor
	h0, c0 initial
}

// addFound adds the layer of a cell that was found, and returns the elements of h for
// every step, and of h and c after the last one.
func (t *translation) addFound(f foundCell) (steps, h, c []ref, err error) {
	x, err := t.whole(f.name+".input", f.x)
	if err != nil {
		return nil, nil, nil, err
	}
	H := len(f.H)
	if err := t.spend(len(f.W) + len(f.R) + 3*H); err != nil {
		return nil, nil, nil, err
	}
	own := t.addSource(source{kind: computed, width: H, buf: t.addCell(f.name, x, f.Cell, f.h0.constant, f.c0.constant)})
	last := func(k sourceKind, state string, from initial) []ref {
		refs := t.addSource(source{kind: k, width: H, of: own[0].source, name: state})
		if from.refs != nil {
			t.states = append(t.states, fedState{state, from.refs, refs[0].source})
		}
		return refs
	}
	h = last(hiddenLast, f.name+".h", f.h0)
	if f.C != nil {
		c = last(cellLast, f.name+".c", f.c0)
	}
	return own, h, c, nil
}
