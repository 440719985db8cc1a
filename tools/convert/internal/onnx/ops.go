package onnx

import "fmt"

// ops translate the nodes, by op.
var ops map[string]func(*translation, *nodeProto) error

// cells are the ops with state.
var cells = map[string]bool{"RNN": true, "GRU": true, "LSTM": true, "DynamicQuantizeLSTM": true}

func init() {
	ops = map[string]func(*translation, *nodeProto) error{
		"RNN": (*translation).cell, "GRU": (*translation).cell, "LSTM": (*translation).cell,

		"Gemm": (*translation).gemm, "MatMul": (*translation).matMul, "Conv": (*translation).convolution,
		"Add": (*translation).arithmetic, "Sub": (*translation).arithmetic,
		"Mul": (*translation).arithmetic, "Div": (*translation).arithmetic,
		"Sum": (*translation).sumOf, "Neg": (*translation).negative, "Pow": (*translation).power,

		"Clip": (*translation).clip, "Min": (*translation).extreme, "Max": (*translation).extreme,
		"PRelu": (*translation).pRelu, "Selu": (*translation).selu,
		"HardSwish": (*translation).gated, "Mish": (*translation).gated, "Gelu": (*translation).gelu,

		"Softmax": (*translation).softmax, "LogSoftmax": (*translation).softmax,
		"LayerNormalization": (*translation).layerNormalization,
		"BatchNormalization": (*translation).batchNormalization,

		"Identity": (*translation).identity, "Dropout": (*translation).identity, "Cast": (*translation).cast,
		"Squeeze": (*translation).squeeze, "Unsqueeze": (*translation).unsqueeze,
		"Reshape": (*translation).reshape, "Flatten": (*translation).flatten,
		"Transpose": (*translation).transpose, "Concat": (*translation).concat,
		"Slice": (*translation).slice, "Split": (*translation).split, "Gather": (*translation).gather,
		"Expand": (*translation).expand, "Tile": (*translation).tile,
		"ReverseSequence": (*translation).reverseSequence, "Pad": (*translation).pad,

		"Constant": (*translation).constantNode, "ConstantOfShape": (*translation).constantOfShape,
		"Shape": (*translation).shapeOf, "Size": (*translation).sizeOf,
		"Range": (*translation).integerRange, "ReduceProd": (*translation).elements, "Where": (*translation).where,
		"If": (*translation).conditional, cellOp: (*translation).written, readyOp: (*translation).ready,
		"QuantizeLinear": (*translation).quantizeLinear, "DequantizeLinear": (*translation).dequantizeLinear,
		"DynamicQuantizeMatMul": (*translation).dynamicQuantizeMatMul, "DynamicQuantizeLSTM": (*translation).dynamicQuantizeLSTM,
		"Loop": (*translation).loop, "Scan": (*translation).scan,
	}
	for op := range functions {
		ops[op] = (*translation).elementwise
	}
	for _, op := range []string{"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not"} {
		ops[op] = (*translation).comparison
	}
}

// Why an op cannot be, and what can, for those of which more can be said than that they are
// not known.
const (
	readsFrames = "which reads several time steps or frames at once; supported is what works on the features of one: export the model from its features on"
	noPlace     = "whose result has no fixed place; supported is what gives the same features at each step: export the model up to there"
	reduces     = "which reduces a dimension; supported is that inside a layer normalisation over the features: export the model without it"
	noFunction  = "a function that is not supported; supported are sigmoid, tanh, relu, elu, softsign, softplus and their kin: use one of them"
	exactGelu   = "which takes erf, as a gelu does that is not approximated; supported is the gelu with tanh: nn.GELU(\"tanh\"), in training, too"
	quantised   = "which computes with integers in another way than quantize_dynamic writes it: quantise with QuantFormat.QDQ, or convert the float model and quantise with convert -q int8"
	unknown     = "which is not known; supported are RNN, GRU, LSTM and what works on the features of one time step around them: export the model without it"
)

var reasons = map[string]string{
	"ConvTranspose": readsFrames, "STFT": readsFrames, "DFT": readsFrames, "MaxPool": readsFrames, "AveragePool": readsFrames,
	"GlobalAveragePool": readsFrames, "GlobalMaxPool": readsFrames, "CumSum": readsFrames, "Attention": readsFrames,
	"InstanceNormalization": readsFrames, "Resize": readsFrames, "Upsample": readsFrames,
	"NonZero": noPlace, "TopK": noPlace, "ArgMax": noPlace, "ArgMin": noPlace, "Compress": noPlace, "Unique": noPlace,
	"ReduceMean": reduces, "ReduceSum": reduces, "ReduceMax": reduces, "ReduceMin": reduces,
	"ReduceL2": reduces, "ReduceSumSquare": reduces,
	"Abs": noFunction, "Exp": noFunction, "Log": noFunction, "Sqrt": noFunction, "Reciprocal": noFunction, "Sin": noFunction,
	"Cos": noFunction, "Erf": exactGelu, "Celu": noFunction, "Floor": noFunction, "Ceil": noFunction,
	"Round": noFunction, "Sign": noFunction, "Mod": noFunction,
	"DynamicQuantizeLinear": quantised,
	"MatMulInteger":         quantised, "QLinearMatMul": quantised, "ConvInteger": quantised, "QLinearConv": quantised,
}

// unsupported returns an error if one of the live nodes has no translation. That it
// reads frames says most about a model, so such a node comes first.
func unsupported(nodes []*nodeProto, live []bool) error {
	var first error
	for k, n := range nodes {
		if !live[k] {
			continue
		}
		name, why := n.op, reasons[n.op]
		if a := n.attributes["kernel_shape"]; n.op == "Conv" && a != nil && !mayStream(n, a.ints) {
			name, why = fmt.Sprintf("Conv with a kernel of %v", a.ints), readsFrames
		}
		foreign := n.domain != "" && n.domain != "ai.onnx" && !(n.domain == "com.microsoft" && contrib[n.op])
		if ops[n.op] != nil && why == "" && !foreign {
			continue
		}
		if foreign {
			name = n.domain + "." + name
		}
		if why == "" {
			why = unknown
		}
		err := fmt.Errorf("node %q (%s): found op %s, %s", n.name, n.op, name, why)
		if why == readsFrames {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}
