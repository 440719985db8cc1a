// Package tflite reads TensorFlow Lite models. The graph becomes one of ONNX (lower.go),
// whose importer makes the model: it knows where time goes, and finds cells that are written
// out in operators. Those that are operators of TFLite are added as they are (cells.go): an
// LSTM's gates are separate tensors, i, f, c, o; one without an input gate is coupled,
// i = 1 − f. Quantised weights become the float32 numbers that they stand for.
package tflite

import (
	"fmt"

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
	opConv, opLookup, opPad, opMean, opCast, opPRelu                  = 3, 7, 34, 40, 53, 54
	opMaximum, opMinimum, opNeg, opSqrt, opRsqrt, opDifference        = 55, 57, 59, 75, 76, 99
	opExp, opGreater, opSelect, opLog, opAbs, opSelectV2              = 47, 61, 64, 73, 101, 123
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
	34: "PAD", 47: "EXP", 54: "PRELU", 55: "MAXIMUM", 56: "ARG_MAX", 57: "MINIMUM", 59: "NEG", 61: "GREATER", 64: "SELECT",
	69: "TILE", 73: "LOG", 74: "SUM", 75: "SQRT", 76: "RSQRT", 78: "POW", 82: "REDUCE_MAX", 92: "SQUARE", 96: "RANGE",
	99: "SQUARED_DIFFERENCE", 101: "ABS", 123: "SELECT_V2", 126: "BATCH_MATMUL", 129: "CALL_ONCE", 142: "VAR_HANDLE",
	143: "READ_VARIABLE", 144: "ASSIGN_VARIABLE", 150: "GELU",
}

// A reader reads the constants of a file.
type reader struct {
	g            *graph
	states       map[int]bool // the variables that are some cell's state
	said         []string     // inputs that are states, where shapes do not tell
	notes        []string
	quantised    bool
	budget, most int64
}

// Read turns a file into a model. Errors name the file and the node. Notes say what is not
// as it is in the file: quantised weights, and when an output counts.
func Read(file string, data []byte, states ...string) (*format.Model, []string, error) {
	graphs, err := parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	most := 16*int64(len(data)) + 1<<16
	r := &reader{g: graphs[0], said: states, states: map[int]bool{}, budget: most, most: most}
	m, err := r.lower(graphs)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.quantised {
		r.notes = append(r.notes, "quantised weights became the float32 numbers that they stand for; activations are not quantised, and input and output are real numbers")
	}
	return m, r.notes, nil
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
