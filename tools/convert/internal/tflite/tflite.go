// Package tflite reads TensorFlow Lite models. One with the recurrent operators that TFLite
// has as such is one subgraph with one input and one output; an LSTM's gates are separate
// tensors, i, f, c, o; one without an input gate is coupled, i = 1 − f. Other cells are
// written out in operators (lower.go). Quantised weights become the float32 numbers that
// they stand for.
package tflite

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// Format is what the source is called.
const Format = "TensorFlow Lite"

// Sniff reports whether data is a TFLite file.
func Sniff(data []byte) bool { return len(data) >= 8 && string(data[4:8]) == "TFL3" }

// BuiltinOperator codes of the schema, those that are read or worth a name in an error.
const (
	opAdd, opConcat, opDequantize, opDense, opLogistic, opLSTM, opMul = 0, 2, 6, 9, 14, 16, 18
	opRelu, opRelu6, opReshape, opRNN, opSoftmax, opTanh              = 19, 21, 22, 24, 25, 28
	opSequenceRNN, opSub, opSqueeze, opSequenceLSTM, opSlice          = 35, 41, 43, 44, 45
	opLogSoftmax, opExpandDims, opLeakyRelu, opElu, opQuantize        = 50, 70, 98, 111, 114
	opReluN1, opGather, opTranspose, opDiv, opSplit, opLess           = 20, 36, 39, 42, 49, 58
	opSliceOf, opPack, opAnd, opUnpack, opFill, opSplitV              = 65, 83, 86, 88, 94, 102
	opReverse, opHardSwish, opWhile, opBothRNN, opBothLSTM            = 105, 117, 119, 46, 52
)

var opNames = map[int]string{
	0: "ADD", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE", 7: "EMBEDDING_LOOKUP",
	9: "FULLY_CONNECTED", 14: "LOGISTIC", 16: "LSTM", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6",
	22: "RESHAPE", 24: "RNN", 25: "SOFTMAX", 27: "SVDF", 28: "TANH", 35: "UNIDIRECTIONAL_SEQUENCE_RNN", 36: "GATHER",
	39: "TRANSPOSE", 40: "MEAN", 41: "SUB", 43: "SQUEEZE", 44: "UNIDIRECTIONAL_SEQUENCE_LSTM", 45: "STRIDED_SLICE",
	46: "BIDIRECTIONAL_SEQUENCE_RNN", 49: "SPLIT", 50: "LOG_SOFTMAX", 52: "BIDIRECTIONAL_SEQUENCE_LSTM", 53: "CAST",
	70: "EXPAND_DIMS", 77: "SHAPE", 83: "PACK", 88: "UNPACK", 94: "FILL", 98: "LEAKY_RELU", 111: "ELU", 114: "QUANTIZE",
	20: "RELU_N1_TO_1", 42: "DIV", 58: "LESS", 65: "SLICE", 86: "LOGICAL_AND", 102: "SPLIT_V", 105: "REVERSE_V2",
	117: "HARD_SWISH", 118: "IF", 119: "WHILE",
}

var errOperator = errors.New("is not supported: supported are fused LSTM and RNN operators, FULLY_CONNECTED and element-wise operators")

// A value is a computed tensor: a vector, in a buffer, at each step of the sequence, or
// (time −1) one vector that counts at its last step. All other axes have size 1.
type value struct {
	buf   format.Buffer
	width int
	time  int // the axis of steps
	steps int
}

type reader struct {
	g            *graph
	b            *format.Builder
	values       map[int]value
	states       map[int]bool // the variables that are some cell's state
	notes        []string
	quantised    bool
	budget, most int64
}

// Read turns a file into a model. Errors name the file and the node. Notes say what is not
// as it is in the file: quantised weights, and when an output counts.
func Read(file string, data []byte) (*format.Model, []string, error) {
	graphs, err := parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	most := 16*int64(len(data)) + 1<<16
	r := &reader{g: graphs[0], values: map[int]value{}, states: map[int]bool{}, budget: most, most: most}
	var m *format.Model
	if writtenOut(r.g) {
		m, err = r.lower(graphs)
	} else if slices.ContainsFunc(r.g.nodes, func(n node) bool { return n.op == opWhile }) {
		err = errors.New("has loops (WHILE) beside LSTM or RNN operators, supported are the ones or the others: with unroll=True Keras writes all layers out instead")
	} else if len(graphs) != 1 {
		err = fmt.Errorf("has %d subgraphs, supported are one, and those of loops (WHILE): not branches (IF), and not several signatures", len(graphs))
	} else if err = r.program(); err == nil {
		m, err = r.b.Model()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.quantised {
		r.notes = append(r.notes, "quantised weights became the float32 numbers that they stand for; activations are not quantised, and input and output are real numbers")
	}
	return m, r.notes, nil
}

func (r *reader) program() error {
	if len(r.g.in) != 1 || len(r.g.out) != 1 {
		return fmt.Errorf("has %d inputs and %d outputs, supported is one of each around an operator that is a cell", len(r.g.in), len(r.g.out))
	}
	in, out := r.g.in[0], r.g.out[0]
	v, err := r.input(in)
	if err != nil {
		return err
	}
	r.values[in] = v
	r.b = format.NewBuilder(v.width)
	for _, n := range r.g.nodes {
		both := (n.op == opBothLSTM || n.op == opBothRNN) && len(n.out) == 2 && n.out[1] >= 0
		if !both && len(n.out) != 1 || n.out[0] < 0 {
			return fmt.Errorf("%v has outputs %v, supported is one", n, n.out)
		}
		y, err := r.node(n)
		if err == nil {
			y, err = r.place(y, n.out[0])
		}
		if err != nil {
			return fmt.Errorf("%v %w", n, err)
		}
		r.values[n.out[0]] = y
	}
	y, ok := r.values[out]
	if !ok {
		return fmt.Errorf("the output, tensor %d, is not computed", out)
	}
	r.b.Output(y.buf)
	if y.time < 0 && v.steps > 1 {
		r.notes = append(r.notes, fmt.Sprintf("the output is that of a sequence of %d steps: it counts at the last of them, and the state is reset before the next sequence", v.steps))
	}
	return nil
}

// input is the vector at each step of the model's input, [T, I], [1, T, I] or [T, 1, I].
func (r *reader) input(k int) (value, error) {
	t := r.g.tensors[k]
	v := value{time: -1, steps: 1}
	if len(t.shape) == 0 || t.kind != typeFloat32 && (sizes[t.kind] == 0 || len(t.scale) == 0) {
		return v, fmt.Errorf("the input (%.60q) has shape %v and tensor type %d, supported are vectors of float32 or quantised numbers", t.name, t.shape, t.kind)
	}
	last := len(t.shape) - 1
	v.width = t.shape[last]
	for i, n := range t.shape[:last] {
		if n == 1 {
			continue
		}
		if n == 0 || v.time >= 0 || last == 1 {
			return v, fmt.Errorf("the input (%.60q) has shape %v, supported is one stream: [1, inputs], [1, steps, inputs] or [steps, 1, inputs]", t.name, t.shape)
		}
		v.time, v.steps = i, n
	}
	return v, nil
}

// place checks what was computed against the shape that the file gives it.
func (r *reader) place(v value, k int) (value, error) {
	t := r.g.tensors[k]
	bad := fmt.Errorf("gives shape %v, want a vector of %d at each of %d steps of one stream", t.shape, v.width, v.steps)
	if len(t.shape) == 0 || t.shape[len(t.shape)-1] != v.width {
		return v, bad
	}
	v.time = -1
	for i, n := range t.shape[:len(t.shape)-1] {
		if n == 1 {
			continue
		}
		if n != v.steps || v.time >= 0 {
			return v, bad
		}
		v.time = i
	}
	if v.time < 0 && v.steps > 1 {
		return v, bad
	}
	return v, nil
}

// of is the computed input i of a node.
func (r *reader) of(n node, i int) (value, error) {
	if n.there(i) {
		if v, ok := r.values[n.in[i]]; ok {
			return v, nil
		}
	}
	return value{}, fmt.Errorf("has an input %d that is not computed from the model's", i)
}

func (r *reader) node(n node) (value, error) {
	x, err := r.of(n, 0)
	if n.op == opAdd || n.op == opSub || n.op == opMul {
		return r.arithmetic(n)
	}
	if _, known := opNames[n.op]; !known || n.custom != "" {
		return x, errOperator
	}
	if err != nil {
		return x, err
	}
	name := fmt.Sprintf("%d", n.index)
	switch n.op {
	case opSequenceLSTM, opLSTM:
		return r.lstm(n, x)
	case opSequenceRNN, opRNN:
		return r.rnn(n, x)
	case opBothLSTM, opBothRNN:
		return r.bothWays(n, x)
	case opReverse:
		return r.reverse(n, x)
	case opDense:
		return r.dense(n, x)
	case opSoftmax:
		if beta := n.settings.float(0); beta != 1 {
			return x, fmt.Errorf("has beta %g, supported is 1", beta)
		}
		x.buf = r.b.Softmax("softmax"+name, x.buf)
	case opLogSoftmax:
		x.buf = r.b.LogSoftmax("log_softmax"+name, x.buf)
	case opLogistic:
		x.buf = r.b.Activate("sigmoid"+name, x.buf, format.Sigmoid)
	case opTanh:
		x.buf = r.b.Activate("tanh"+name, x.buf, format.Tanh)
	case opRelu:
		x.buf = r.b.Activate("relu"+name, x.buf, format.Relu)
	case opRelu6:
		x.buf = r.b.Function("relu6"+name, x.buf, format.Function{Kind: format.Clip, Alpha: 0, Beta: 6})
	case opElu:
		x.buf = r.b.Function("elu"+name, x.buf, format.Function{Kind: format.Elu, Alpha: 1})
	case opLeakyRelu:
		x.buf = r.b.Function("leaky_relu"+name, x.buf, format.Function{Kind: format.LeakyRelu, Alpha: n.settings.float(0)})
	case opQuantize, opDequantize: // the same real numbers, but for rounding
	case opReshape, opSqueeze, opExpandDims:
		return r.reshape(n, x)
	case opSlice:
		return r.last(n, x)
	case opConcat:
		return r.concat(n, x)
	default:
		return x, errOperator
	}
	return x, nil
}

// fused are the functions that operators end in, by ActivationFunctionType.
func fused(code int) (format.Function, error) {
	switch code {
	case 0:
		return format.Function{}, nil
	case 1:
		return format.Function{Kind: format.Relu}, nil
	case 2:
		return format.Function{Kind: format.Clip, Alpha: -1, Beta: 1}, nil
	case 3:
		return format.Function{Kind: format.Clip, Alpha: 0, Beta: 6}, nil
	case 4:
		return format.Function{Kind: format.Tanh}, nil
	}
	return format.Function{}, fmt.Errorf("ends in activation %d, supported are none, RELU, RELU_N1_TO_1, RELU6 and TANH", code)
}

// end adds the function that an operator ends in. TANH is for cells: elsewhere some kernels
// of TFLite compute it and others pass over it.
func (r *reader) end(n node, v value, code int) (value, error) {
	f, err := fused(code)
	if f.Kind == format.Tanh {
		return v, fmt.Errorf("ends in TANH, which not all kernels of TFLite compute there: supported is a TANH of its own")
	}
	if err == nil && f.Kind != format.Linear {
		v.buf = r.b.Function(fmt.Sprintf("activation%d", n.index), v.buf, f)
	}
	return v, err
}

// dense is FULLY_CONNECTED: weights [rows, cols] and a bias.
func (r *reader) dense(n node, x value) (value, error) {
	if format := n.settings.byte(1); format != 0 {
		return x, fmt.Errorf("has weights in format %d, supported is the default", format)
	}
	if !n.there(1) || len(r.g.tensors[n.in[1]].shape) != 2 || r.g.tensors[n.in[1]].shape[1] != x.width {
		return x, fmt.Errorf("has no weights of shape [outputs, %d]", x.width)
	}
	rows := r.g.tensors[n.in[1]].shape[0]
	w, err := r.constant(n.in[1], "weights", rows*x.width)
	if err != nil {
		return x, err
	}
	bias, err := r.optional(n, 2, "bias", rows)
	if err != nil {
		return x, err
	}
	x.buf, x.width = r.b.Dense(fmt.Sprintf("dense%d", n.index), x.buf, w, bias, format.Linear), rows
	return r.end(n, x, n.settings.byte(0))
}

// arithmetic is ADD, SUB and MUL of two computed vectors, or of one and a constant.
func (r *reader) arithmetic(n node) (value, error) {
	a, errA := r.of(n, 0)
	b, errB := r.of(n, 1)
	name := fmt.Sprintf("arithmetic%d", n.index)
	switch {
	case errA == nil && errB == nil:
		if a.width != b.width || a.steps != b.steps {
			return a, fmt.Errorf("joins vectors of %d at %d steps and of %d at %d, supported are equal ones", a.width, a.steps, b.width, b.steps)
		}
		switch n.op {
		case opMul:
			a.buf = r.b.Mul(name, a.buf, b.buf)
		case opAdd:
			a.buf = r.b.Add(name, a.buf, b.buf)
		case opSub:
			a.buf = r.b.Add(name, a.buf, r.b.Function(name+".minus", b.buf, format.Function{Kind: format.Affine, Alpha: -1}))
		}
	case errA == nil || errB == nil:
		x, k := a, 1
		if errA != nil {
			x, k = b, 0
		}
		c, err := r.vector(n, k, x.width)
		if err != nil {
			return x, err
		}
		switch {
		case n.op == opMul:
			x.buf = r.b.Scale(name, x.buf, c, nil)
		case n.op == opAdd:
			x.buf = r.b.Scale(name, x.buf, nil, c)
		case k == 1: // x − c
			for i := range c {
				c[i] = -c[i]
			}
			x.buf = r.b.Scale(name, x.buf, nil, c)
		default: // c − x
			minus := r.b.Function(name+".minus", x.buf, format.Function{Kind: format.Affine, Alpha: -1})
			x.buf = r.b.Scale(name, minus, nil, c)
		}
		a = x
	default:
		return a, errA
	}
	return r.end(n, a, n.settings.byte(0))
}

// vector is a constant operand: one number, or one for each element of a vector.
func (r *reader) vector(n node, i, width int) ([]float32, error) {
	if !n.there(i) {
		return nil, fmt.Errorf("lacks input %d", i)
	}
	if t := r.g.tensors[n.in[i]]; t.elements == width && (width == 1 || len(t.shape) > 0 && t.shape[len(t.shape)-1] == width) {
		return r.constant(n.in[i], "operand", width)
	}
	c, err := r.constant(n.in[i], "operand", 1)
	if err == nil {
		err = r.spend(int64(width))
	}
	if err != nil {
		return nil, err
	}
	return slices.Repeat(c, width), nil
}

// concat joins computed vectors; an axis other than the last would join steps.
func (r *reader) concat(n node, x value) (value, error) {
	rank := len(r.g.tensors[n.out[0]].shape)
	if axis := n.settings.int(0); axis != -1 && axis != rank-1 {
		return x, fmt.Errorf("joins along axis %d of %d, supported is the last", axis, rank)
	}
	bufs := []format.Buffer{x.buf}
	for i := range n.in[1:] {
		v, err := r.of(n, i+1)
		if err != nil {
			return x, err
		}
		if v.steps != x.steps {
			return x, fmt.Errorf("joins sequences of %d and %d steps", x.steps, v.steps)
		}
		bufs = append(bufs, v.buf)
		x.width += v.width
	}
	x.buf = r.b.Concat(fmt.Sprintf("concat%d", n.index), bufs...)
	return r.end(n, x, n.settings.byte(1))
}
