package tflite

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// A cell that is not one operator is written out in operators that ONNX has as well, so
// the graph becomes one of ONNX, and package onnx finds the cells: in one step with its
// states as inputs and outputs, in a loop, in all steps one after the other.
//
// Every tensor of the file has a fixed shape. What computes shapes and counts steps is
// therefore not translated: where a shape is needed it is the tensor's own.

// writtenOut reports whether a graph has no recurrent operator, but what stands for one.
func writtenOut(g *graph) bool {
	apart := len(g.in) > 1 || len(g.out) > 1
	for _, n := range g.nodes {
		switch n.op {
		case opLSTM, opRNN, opSequenceLSTM, opSequenceRNN, opBothLSTM, opBothRNN:
			return false
		case opWhile, opSplit, opSplitV, opUnpack, opPack:
			apart = true
		}
	}
	return apart
}

// A lowering translates one subgraph.
type lowering struct {
	*reader // with the subgraph
	to      *onnx.Graph
	graphs  []*graph
	prefix  string            // of the names of tensors that are not inputs
	names   map[int]string    // of tensors that have one
	made    map[int]int       // the node that computes a tensor
	ints    map[string]string // constants by their elements
	inside  *loop             // whose body it is, nil for the main graph
}

// lower makes the model of a graph without recurrent operators.
func (r *reader) lower(graphs []*graph) (*format.Model, error) {
	l := r.lowering(r.g, graphs, "tensor ")
	seen := map[string]bool{}
	for _, k := range r.g.in {
		t := r.g.tensors[k]
		if t.kind != typeFloat32 && (sizes[t.kind] == 0 || len(t.scale) == 0) {
			return nil, fmt.Errorf("has the input %.60q of tensor type %d, supported are vectors of float32 or quantised numbers", t.name, t.kind)
		}
		name := t.name
		if name == "" || seen[name] {
			name = fmt.Sprintf("tensor %d", k)
		}
		seen[name] = true
		l.names[k] = name
		l.to.Input(name, t.shape...)
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
	m, notes, err := l.to.Model()
	r.notes = append(r.notes, notes...)
	return m, err
}

func (r *reader) lowering(g *graph, graphs []*graph, prefix string) *lowering {
	l := &lowering{reader: r, to: new(onnx.Graph), graphs: graphs, prefix: prefix, names: map[int]string{}, made: map[int]int{}, ints: map[string]string{}}
	for i, n := range g.nodes {
		for _, k := range n.out {
			l.made[k] = i
		}
	}
	return l
}

// data are the inputs of a node that are computed with; the others are shapes, axes and
// places, which are constants.
func (n node) data() []int {
	first, end := 0, len(n.in)
	switch n.op {
	case opReshape, opTranspose, opSqueeze, opExpandDims, opSlice, opSliceOf, opSplitV, opReverse, opGather, opUnpack:
		end = 1
	case opSplit:
		first, end = 1, 2
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
		need = append(need, l.g.nodes[i].data()...)
	}
	for i, n := range l.g.nodes {
		if !wanted[i] {
			continue
		}
		if err := l.node(n); err != nil {
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
	opQuantize: "Identity", opDequantize: "Identity", opLogSoftmax: "LogSoftmax",
	opAdd: "Add", opSub: "Sub", opMul: "Mul", opDiv: "Div",
}

// lowered are the others.
var lowered = map[int]bool{
	opWhile: true, opFill: true, opGather: true, opDense: true, opRelu6: true, opReluN1: true, opLeakyRelu: true, opSoftmax: true,
	opReshape: true, opSqueeze: true, opExpandDims: true, opTranspose: true, opConcat: true, opPack: true, opSplit: true,
	opSplitV: true, opUnpack: true, opSlice: true, opSliceOf: true, opReverse: true,
}

func (l *lowering) node(n node) error {
	for _, k := range n.out {
		if k < 0 {
			return fmt.Errorf("has outputs %v", n.out)
		}
	}
	several := n.op == opSplit || n.op == opSplitV || n.op == opUnpack || n.op == opWhile
	if _, known := opNames[n.op]; !known || n.custom != "" || len(n.out) == 0 || !several && len(n.out) != 1 || n.op != opWhile && n.op != opFill && len(n.data()) == 0 {
		return errWritten
	}
	if unary[n.op] == "" && !lowered[n.op] {
		return errWritten
	}
	switch n.op { // those that do not read tensors by name
	case opWhile:
		return l.loop(n)
	case opFill:
		return l.fill(n)
	case opGather:
		return l.gather(n)
	}
	var in []string
	for _, k := range n.data() {
		if k < 0 {
			in = append(in, "")
			continue
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
		l.names[n.out[0]] = l.reshape(n, in[0], l.g.tensors[n.data()[0]].shape, out)
	case opTranspose:
		perm, err := l.g.places(n, 1)
		if err != nil {
			return err
		}
		l.add("Transpose", n, map[string]any{"perm": perm}, in...)
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
		l.add("Slice", n, nil, in[0], l.integers(-1), l.integers(math.MinInt32), l.integers(axes[0]), l.integers(-1))
	default:
		return errWritten
	}
	return nil
}

var errWritten = fmt.Errorf("is not supported beside a cell that is not one operator: supported are FULLY_CONNECTED, element-wise operators, and those that move elements about")

// end adds the function that an operator ends in.
func (l *lowering) end(n node, code int) error {
	f, err := fused(code)
	if err != nil {
		return err
	}
	// The operator's output gets another name, and the function's the tensor's.
	from := l.names[n.out[0]]
	switch f.Kind {
	case format.Linear:
		return nil
	case format.Relu:
		l.names[n.out[0]] = l.step("Relu", n, ".activation", nil, from)
	case format.Clip:
		l.names[n.out[0]] = l.step("Clip", n, ".activation", nil, from, l.number(n, ".from", f.Alpha), l.number(n, ".to", f.Beta))
	default:
		return fmt.Errorf("ends in TANH, which not all kernels of TFLite compute there: supported is a TANH of its own")
	}
	return nil
}

func (l *lowering) clip(n node, from, to float32, x string) {
	l.add("Clip", n, nil, x, l.number(n, ".from", from), l.number(n, ".to", to))
}

// number adds a constant.
func (l *lowering) number(n node, suffix string, x float32) string {
	name := fmt.Sprint(l.prefix, n.out[0], suffix)
	l.to.Floats(name, nil, []float32{x})
	return name
}

// dense is FULLY_CONNECTED: W has a row for each output. x of more axes than two becomes a
// matrix, unless its axes are kept.
func (l *lowering) dense(n node, in []string) error {
	if layout := n.settings.byte(1); layout != 0 {
		return fmt.Errorf("has weights in format %d, supported is the default", layout)
	}
	if !n.there(0) || !n.there(1) {
		return fmt.Errorf("has no weights")
	}
	x, w, out := l.g.tensors[n.in[0]].shape, l.g.tensors[n.in[1]], l.g.tensors[n.out[0]].shape
	if len(w.shape) != 2 || w.data == nil || len(x) == 0 || w.shape[1] == 0 {
		return fmt.Errorf("has weights (%.60q) of shape %v, supported are constants, [outputs, inputs]", w.name, w.shape)
	}
	if len(out) != len(x) || x[len(x)-1] != w.shape[1] {
		rows := l.g.tensors[n.in[0]].elements / w.shape[1]
		in[0], x = l.reshape(n, in[0], x, []int{rows, w.shape[1]}), []int{rows, w.shape[1]}
	}
	var bias string
	if n.there(2) {
		bias = in[2]
	}
	if len(x) == 2 {
		l.add("Gemm", n, map[string]any{"transB": 1}, in[0], in[1], bias)
		return l.end(n, n.settings.byte(0))
	}
	turned := l.step("Transpose", n, ".weights", map[string]any{"perm": []int{1, 0}}, in[1])
	l.add("MatMul", n, nil, in[0], turned)
	if bias != "" {
		l.names[n.out[0]] = l.step("Add", n, ".bias", nil, l.names[n.out[0]], bias)
	}
	return l.end(n, n.settings.byte(0))
}

// reshape is one in which only axes of size 1 come and go, wherever it is that: then it is
// known where time went.
func (l *lowering) reshape(n node, x string, from, to []int) string {
	ones := func(shape []int) (axes, rest []int) {
		for k, d := range shape {
			if d == 1 {
				axes = append(axes, k)
			} else {
				rest = append(rest, d)
			}
		}
		return axes, rest
	}
	gone, before := ones(from)
	come, after := ones(to)
	if slices.Equal(from, to) {
		return l.step("Identity", n, ".shape", nil, x)
	}
	if !slices.Equal(before, after) {
		return l.step("Reshape", n, ".shape", nil, x, l.integers(to...))
	}
	if len(gone) > 0 {
		x = l.step("Squeeze", n, ".squeezed", nil, x, l.integers(gone...))
	}
	if len(come) > 0 {
		x = l.step("Unsqueeze", n, ".shape", nil, x, l.integers(come...))
	}
	return x
}

// fill is a constant: all shapes are known.
func (l *lowering) fill(n node) error {
	if !n.there(1) {
		return fmt.Errorf("lacks its value")
	}
	v, err := l.constant(n.in[1], "value", 1)
	if err != nil {
		return err
	}
	t := l.g.tensors[n.out[0]]
	if err := l.spend(int64(t.elements)); err != nil {
		return err
	}
	l.floats(n.out[0], t.shape, slices.Repeat(v, t.elements))
	return nil
}

// split is SPLIT, SPLIT_V and UNPACK: the parts have the sizes of the outputs.
func (l *lowering) split(n node, x string) error {
	from := l.g.tensors[n.data()[0]].shape
	axis, at := n.settings.int(1), 0
	if n.op != opUnpack {
		if n.op == opSplitV {
			at = 2
		}
		v, err := l.g.places(n, at)
		if err != nil {
			return err
		}
		if len(v) != 1 {
			return fmt.Errorf("has axes %v, supported is one", v)
		}
		axis = v[0]
	}
	if axis < 0 {
		axis += len(from)
	}
	if axis < 0 || axis >= len(from) {
		return fmt.Errorf("has axis %d of a tensor of shape %v", axis, from)
	}
	var parts []int
	var outs []string
	for _, k := range n.out {
		size := 1
		if n.op != opUnpack {
			shape := l.g.tensors[k].shape
			if len(shape) != len(from) {
				return fmt.Errorf("makes shape %v of %v", shape, from)
			}
			size = shape[axis]
		}
		parts, outs = append(parts, size), append(outs, fmt.Sprint(l.prefix, k))
	}
	whole := slices.Clone(outs)
	if n.op == opUnpack {
		for i := range whole {
			whole[i] += ".part"
		}
	}
	if len(parts) == 1 {
		l.to.Node("Identity", l.label(n), []string{x}, whole, nil)
	} else {
		l.to.Node("Split", l.label(n), []string{x, l.integers(parts...)}, whole, map[string]any{"axis": axis})
	}
	for i, k := range n.out {
		if n.op == opUnpack {
			l.to.Node("Squeeze", fmt.Sprint(l.label(n), ".", i), []string{whole[i], l.integers(axis)}, outs[i:i+1], nil)
		}
		l.names[k] = outs[i]
	}
	return nil
}

// stridedSlice takes from begin to end of each axis; a mask bit says that an axis begins
// or ends where it does, or that one index is taken and the axis goes.
func (l *lowering) stridedSlice(n node, x string) error {
	shape := l.g.tensors[n.in[0]].shape
	var at [3][]int // begin, end, strides
	for i := range at {
		v, err := l.g.places(n, i+1)
		if err != nil {
			return err
		}
		if len(v) > len(shape) || i > 0 && len(v) != len(at[0]) {
			return fmt.Errorf("takes %d indices of a tensor of shape %v", len(v), shape)
		}
		at[i] = v
	}
	if n.settings.int(2) != 0 || n.settings.int(3) != 0 {
		return fmt.Errorf("has an ellipsis or a new axis, supported are begin, end and strides")
	}
	begin, end, shrink := n.settings.int(0), n.settings.int(1), n.settings.int(4)
	var axes, gone []int
	for k := range at[0] {
		axes = append(axes, k)
		switch {
		case at[2][k] == 0:
			return fmt.Errorf("has a stride of 0")
		case shrink>>k&1 != 0:
			gone, at[2][k] = append(gone, k), 1
			if at[1][k] = at[0][k] + 1; at[1][k] == 0 {
				at[1][k] = math.MaxInt32
			}
			continue
		case at[2][k] < 0:
			return fmt.Errorf("has a stride of %d, supported are positive ones", at[2][k])
		}
		if begin>>k&1 != 0 {
			at[0][k] = 0
		}
		if end>>k&1 != 0 || at[1][k] == shape[k] {
			at[1][k] = math.MaxInt32
		}
	}
	y := l.step("Slice", n, ".slice", nil, x, l.integers(at[0]...), l.integers(at[1]...), l.integers(axes...), l.integers(at[2]...))
	if len(gone) > 0 {
		y = l.step("Squeeze", n, "", nil, y, l.integers(gone...))
	}
	l.names[n.out[0]] = y
	return nil
}

// slice is SLICE: begin and size, −1 for the rest.
func (l *lowering) slice(n node, x string) error {
	from, err := l.g.places(n, 1)
	if err != nil {
		return err
	}
	size, err := l.g.places(n, 2)
	if err != nil {
		return err
	}
	shape := l.g.tensors[n.in[0]].shape
	if len(from) != len(shape) || len(size) != len(shape) {
		return fmt.Errorf("has %d begins and %d sizes for shape %v", len(from), len(size), shape)
	}
	axes, to := make([]int, len(shape)), make([]int, len(shape))
	for k := range axes {
		if axes[k], to[k] = k, from[k]+size[k]; size[k] < 0 || to[k] == shape[k] {
			to[k] = math.MaxInt32
		}
	}
	l.add("Slice", n, nil, x, l.integers(from...), l.integers(to...), l.integers(axes...))
	return nil
}

// gather is GATHER of one constant place; a loop has given the others a name already.
func (l *lowering) gather(n node) error {
	at, err := l.g.places(n, 1)
	if err != nil {
		return err
	}
	x, err := l.name(n.in[0])
	if err != nil {
		return err
	}
	shape := l.g.tensors[n.in[0]].shape
	axis := n.settings.int(0)
	if axis < 0 {
		axis += len(shape)
	}
	if len(at) != 1 || axis < 0 || axis >= len(shape) || n.settings.int(1) != 0 || at[0] < 0 {
		return fmt.Errorf("takes places %v along axis %d of shape %v, supported is one", at, axis, shape)
	}
	end := at[0] + 1
	if end == shape[axis] {
		end = math.MaxInt32
	}
	y := l.step("Slice", n, ".slice", nil, x, l.integers(at[0]), l.integers(end), l.integers(axis))
	if len(l.g.tensors[n.out[0]].shape) < len(shape) {
		y = l.step("Squeeze", n, "", nil, y, l.integers(axis))
	}
	l.names[n.out[0]] = y
	return nil
}
