package onnx

import (
	"maps"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// ops translate the nodes, by op.
var (
	ops     map[string]func(*translation, *nodeProto) error
	opNames []string
)

// cells are the ops with state.
var cells = map[string]bool{"RNN": true, "GRU": true, "LSTM": true}

func init() {
	ops = map[string]func(*translation, *nodeProto) error{
		"RNN": (*translation).cell, "GRU": (*translation).cell, "LSTM": (*translation).cell,

		"Gemm": (*translation).gemm, "MatMul": (*translation).matMul,
		"Add": (*translation).arithmetic, "Sub": (*translation).arithmetic,
		"Mul": (*translation).arithmetic, "Div": (*translation).arithmetic,
		"Relu":    func(t *translation, n *nodeProto) error { return t.activate(n, format.Relu) },
		"Sigmoid": func(t *translation, n *nodeProto) error { return t.activate(n, format.Sigmoid) },
		"Tanh":    func(t *translation, n *nodeProto) error { return t.activate(n, format.Tanh) },
		"Softmax": (*translation).softmax,

		"Identity": (*translation).identity, "Dropout": (*translation).identity, "Cast": (*translation).cast,
		"Squeeze": (*translation).squeeze, "Unsqueeze": (*translation).unsqueeze,
		"Reshape": (*translation).reshape, "Flatten": (*translation).flatten,
		"Transpose": (*translation).transpose, "Concat": (*translation).concat,
		"Slice": (*translation).slice, "Split": (*translation).split, "Gather": (*translation).gather,
		"Expand": (*translation).expand,

		"Constant": (*translation).constantNode, "ConstantOfShape": (*translation).constantOfShape,
		"Shape": (*translation).shapeOf,
	}
	opNames = slices.Sorted(maps.Keys(ops))
}
