package tflite

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// Every tensor of a file has a fixed shape. What computes shapes and counts steps is
// therefore not translated: where a shape is needed it is the tensor's own.

// A lowering translates one subgraph.
type lowering struct {
	*reader // with the subgraph
	to      *onnx.Graph
	graphs  []*graph
	prefix  string                 // of the names of tensors that are not inputs
	names   map[int]string         // of tensors that have one
	made    map[int]int            // the node that computes a tensor
	norms   map[int]*normalisation // by the node that ends it
	written map[int]*function      // by the node that ends it
	ints    map[string]string      // constants by their elements
	inside  *loop                  // whose body it is, nil for the main graph
}

// lower makes the model of the main graph.
func (r *reader) lower(graphs []*graph) (*format.Model, error) {
	if len(graphs) > 1 && !slices.ContainsFunc(r.g.nodes, func(n node) bool { return n.op == opWhile }) {
		return nil, fmt.Errorf("has %d subgraphs, supported are one, and those of loops (WHILE): not branches (IF), and not several signatures", len(graphs))
	}
	l := r.lowering(r.g, graphs, "tensor ")
	seen := map[string]bool{}
	for _, k := range r.g.in {
		t := r.g.tensors[k]
		token := (t.kind == typeInt32 || t.kind == typeInt64) && len(t.scale) == 0
		if t.kind != typeFloat32 && !token && (sizes[t.kind] == 0 || len(t.scale) == 0) {
			return nil, fmt.Errorf("has the input %.60q of tensor type %d, supported are vectors of float32 or quantised numbers, and tokens of int32 or int64", t.name, t.kind)
		}
		name := t.name
		if name == "" || seen[name] {
			name = fmt.Sprintf("tensor %d", k)
		}
		seen[name] = true
		l.names[k] = name
		if token {
			l.to.Tokens(name, t.shape...)
		} else {
			l.to.Input(name, t.shape...)
		}
	}
	if err := l.nodes(r.g.out); err != nil {
		return nil, err
	}
	for _, k := range r.g.out {
		name, err := l.name(k)
		if err != nil {
			return nil, fmt.Errorf("the output, tensor %d, %w", k, err)
		}
		l.to.Output(name)
	}
	m, notes, err := l.to.Model(r.said...)
	r.notes = append(r.notes, notes...)
	return m, err
}

func (r *reader) lowering(g *graph, graphs []*graph, prefix string) *lowering {
	l := &lowering{reader: r, to: new(onnx.Graph), graphs: graphs, prefix: prefix, names: map[int]string{}, made: map[int]int{}, norms: map[int]*normalisation{}, written: map[int]*function{}, ints: map[string]string{}}
	for i, n := range g.nodes {
		for _, k := range n.out {
			l.made[k] = i
		}
	}
	return l
}

// data are the inputs of a node that are computed with; the others are shapes, axes and
// places, which are constants.
func (l *lowering) data(n node) []int {
	first, end := 0, len(n.in)
	switch n.op {
	case opReshape, opTranspose, opSqueeze, opExpandDims, opSlice, opSliceOf, opSplitV, opReverse, opUnpack, opMean, opPad:
		end = 1
	case opSplit:
		first, end = 1, 2
	case opSequenceLSTM, opLSTM, opSequenceRNN, opRNN, opBothLSTM, opBothRNN:
		end = 1 // the others are weights and states
	case opGather:
		if n.there(1) && l.g.tensors[n.in[1]].data != nil {
			end = 1
		}
	case opFill:
		end = 0
	}
	return n.in[min(first, len(n.in)):min(end, len(n.in))]
}

// nodes translates what some tensors need, in the order of the file.
func (l *lowering) nodes(need []int) error {
	wanted := make([]bool, len(l.g.nodes))
	seen := map[int]bool{}
	for need = slices.Clone(need); len(need) > 0; {
		k := need[len(need)-1]
		need = need[:len(need)-1]
		i, computed := l.made[k]
		if seen[k] || k < 0 || !computed || l.names[k] != "" {
			continue
		}
		seen[k], wanted[i] = true, true
		if l.norms[i] = l.normalised(l.g.nodes[i]); l.norms[i] != nil {
			need = append(need, l.norms[i].x)
			continue
		}
		if l.written[i] = l.composed(l.g.nodes[i]); l.written[i] != nil {
			need = append(need, l.written[i].reads()...)
			continue
		}
		need = append(need, l.data(l.g.nodes[i])...)
	}
	for i, n := range l.g.nodes {
		if !wanted[i] {
			continue
		}
		var err error
		if c := l.norms[i]; c != nil {
			err = l.normalise(n, c)
		} else if f := l.written[i]; f != nil {
			err = l.compose(n, f)
		} else {
			err = l.node(n)
		}
		if err != nil {
			return fmt.Errorf("%v %w", n, err)
		}
	}
	return nil
}

// name is what a tensor is called, a constant of the file after it has been added.
func (l *lowering) name(k int) (string, error) {
	if name := l.names[k]; name != "" {
		return name, nil
	}
	if k >= 0 && l.g.tensors[k].variable {
		return "", fmt.Errorf("starts from tensor %d, which another cell changes: TensorFlow's converter shares the zeros of two cells that are as wide, and its interpreter then starts the second one from the end of the first; convert the Keras model itself", k)
	}
	if k < 0 || l.g.tensors[k].data == nil {
		return "", fmt.Errorf("reads tensor %d, which nothing before it computes", k)
	}
	t := l.g.tensors[k]
	v, err := l.constant(k, "constant", t.elements)
	if err != nil {
		return "", err
	}
	return l.floats(k, t.shape, v), nil
}

// floats adds constants for a tensor.
func (l *lowering) floats(k int, shape []int, v []float32) string {
	l.names[k] = fmt.Sprint(l.prefix, k)
	l.to.Floats(l.names[k], shape, v)
	return l.names[k]
}

// integers adds a constant vector of integers, one for all that are alike.
func (l *lowering) integers(v ...int) string {
	key := fmt.Sprint(v)
	if l.ints[key] == "" {
		l.ints[key] = l.prefix + key
		l.to.Ints(l.ints[key], v)
	}
	return l.ints[key]
}

// add adds a node of ONNX for the only output of n.
func (l *lowering) add(op string, n node, attributes map[string]any, in ...string) {
	l.names[n.out[0]] = l.step(op, n, "", attributes, in...)
}

// step adds a node of ONNX, and returns the name of what it computes. The last one for an
// output has no suffix.
func (l *lowering) step(op string, n node, suffix string, attributes map[string]any, in ...string) string {
	out := fmt.Sprint(l.prefix, n.out[0], suffix)
	l.to.Node(op, fmt.Sprint(l.label(n), suffix), in, []string{out}, attributes)
	return out
}

// label names the layers of a node.
func (l *lowering) label(n node) string {
	if l.inside != nil {
		return fmt.Sprintf("%s.%s%d", l.inside.label, opNames[n.op], n.index)
	}
	return fmt.Sprintf("%s%d", opNames[n.op], n.index)
}

// unary are the operators that need nothing but another name.
var unary = map[int]string{
	opLogistic: "Sigmoid", opTanh: "Tanh", opRelu: "Relu", opElu: "Elu", opHardSwish: "HardSwish",
	opQuantize: "Identity", opDequantize: "Identity", opLogSoftmax: "LogSoftmax", opNeg: "Neg", opSqrt: "Sqrt",
	opAbs: "Abs", opMinimum: "Min", opMaximum: "Max", opPRelu: "PRelu",
	opAdd: "Add", opSub: "Sub", opMul: "Mul", opDiv: "Div",
}

// lowered are the others.
var lowered = map[int]bool{
	opWhile: true, opFill: true, opGather: true, opDense: true, opRelu6: true, opReluN1: true, opLeakyRelu: true, opSoftmax: true,
	opReshape: true, opSqueeze: true, opExpandDims: true, opTranspose: true, opConcat: true, opPack: true, opSplit: true,
	opSplitV: true, opUnpack: true, opSlice: true, opSliceOf: true, opReverse: true,
	opCast: true, opLookup: true, opMean: true, opRsqrt: true, opDifference: true, opPad: true, opConv: true,
	opSequenceLSTM: true, opLSTM: true, opSequenceRNN: true, opRNN: true, opBothLSTM: true, opBothRNN: true,
}

func (l *lowering) node(n node) error {
	for _, k := range n.out {
		if k < 0 {
			return fmt.Errorf("has outputs %v", n.out)
		}
	}
	several := n.op == opBothLSTM || n.op == opBothRNN || n.op == opSplit || n.op == opSplitV || n.op == opUnpack || n.op == opWhile
	if _, known := opNames[n.op]; !known || n.custom != "" || len(n.out) == 0 || !several && len(n.out) != 1 || n.op != opWhile && n.op != opFill && len(l.data(n)) == 0 {
		return errOperator
	}
	if unary[n.op] == "" && !lowered[n.op] {
		return errOperator
	}
	switch n.op { // those that do not read tensors by name
	case opWhile:
		return l.loop(n)
	case opFill:
		return l.fill(n)
	}
	var in []string
	for i, k := range l.data(n) {
		if bias := i == 2 && (n.op == opDense || n.op == opConv); k < 0 && bias {
			break
		} else if k < 0 {
			return fmt.Errorf("lacks input %d", i)
		}
		name, err := l.name(k)
		if err != nil {
			return err
		}
		in = append(in, name)
	}
	out := l.g.tensors[n.out[0]].shape
	if op := unary[n.op]; op != "" {
		l.add(op, n, nil, in...)
		if n.op == opAdd || n.op == opSub || n.op == opMul || n.op == opDiv {
			return l.end(n, n.settings.byte(0))
		}
		return nil
	}
	switch n.op {
	case opSequenceLSTM, opLSTM, opSequenceRNN, opRNN, opBothLSTM, opBothRNN:
		return l.cell(n, in[0])
	case opDense:
		return l.dense(n, in)
	case opRelu6:
		l.clip(n, 0, 6, in[0])
	case opReluN1:
		l.clip(n, -1, 1, in[0])
	case opLeakyRelu:
		l.add("LeakyRelu", n, map[string]any{"alpha": n.settings.float(0)}, in...)
	case opSoftmax:
		if beta := n.settings.float(0); beta != 1 {
			return fmt.Errorf("has beta %g, supported is 1", beta)
		}
		l.add("Softmax", n, map[string]any{"axis": -1}, in...)
	case opReshape, opSqueeze, opExpandDims:
		l.names[n.out[0]] = l.reshape(n, in[0], l.g.tensors[n.in[0]].shape, out)
	case opTranspose:
		perm, err := l.g.places(n, 1)
		if err != nil {
			return err
		}
		l.add("Transpose", n, map[string]any{"perm": perm}, in...)
	case opPad:
		return l.pad(n, in[0])
	case opConv:
		return l.convolution(n, in)
	case opCast:
		to := map[int]int{typeFloat32: onnx.Float, typeInt32: onnx.Int, typeInt64: onnx.Int}[l.g.tensors[n.out[0]].kind]
		l.add("Cast", n, map[string]any{"to": to}, in...)
	case opLookup:
		l.add("Gather", n, nil, in[1], in[0])
	case opMean:
		return l.mean(n, in[0])
	case opRsqrt:
		l.add("Reciprocal", n, nil, l.step("Sqrt", n, ".root", nil, in[0]))
	case opDifference:
		d := l.step("Sub", n, ".difference", nil, in...)
		l.add("Mul", n, nil, d, d)
	case opGather:
		return l.gather(n, in)
	case opConcat:
		l.add("Concat", n, map[string]any{"axis": n.settings.int(0)}, in...)
		return l.end(n, n.settings.byte(1))
	case opPack:
		axis := n.settings.int(1)
		for i, name := range in {
			in[i] = l.step("Unsqueeze", n, fmt.Sprint(".", i), nil, name, l.integers(axis))
		}
		l.add("Concat", n, map[string]any{"axis": axis}, in...)
	case opSplit, opSplitV, opUnpack:
		return l.split(n, in[0])
	case opSlice:
		return l.stridedSlice(n, in[0])
	case opSliceOf:
		return l.slice(n, in[0])
	case opReverse:
		axes, err := l.g.places(n, 1)
		if err != nil {
			return err
		}
		if len(axes) != 1 {
			return fmt.Errorf("reverses axes %v, supported is one", axes)
		}
		l.names[n.out[0]] = l.turned(n, "", in[0], axes[0])
	default:
		return errOperator
	}
	return nil
}

var errOperator = errors.New("is not supported: supported are fused LSTM and RNN operators, cells written out in a step or a loop (WHILE), FULLY_CONNECTED, CONV_2D along time, layer normalisation, element-wise operators, and those that move elements about")
