package keras

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// A translator adds a layer that reads one value.
type translator func(t *translation, f *fields, name string, x value, w *arrays) (value, error)

// layers are the classes that read one value and are not recurrent.
var layers map[string]translator

func init() { // since translators look up layers
	layers = map[string]translator{
		"Dense": (*translation).dense, "TimeDistributedDense": (*translation).dense, "Embedding": (*translation).embedding, "Conv1D": (*translation).conv1d,
		"Activation": (*translation).activationLayer, "ReLU": (*translation).relu, "LeakyReLU": (*translation).leakyRelu,
		"ELU": (*translation).elu, "PReLU": (*translation).prelu, "Softmax": (*translation).softmax, "ThresholdedReLU": (*translation).thresholded,
		"BatchNormalization": (*translation).batchNorm, "LayerNormalization": (*translation).layerNorm,
		"Normalization": (*translation).normalization, "Rescaling": (*translation).rescaling,
		"Masking": (*translation).masking, "Reshape": (*translation).reshape, "Flatten": (*translation).flatten, "RepeatVector": (*translation).repeat,
		"Permute": (*translation).permute, "Identity": (*translation).identity,
	}
}

// training are the classes of layers that do nothing after it.
var training = []string{
	"Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
}

// joins are the classes of layers that read several values.
var joins = []string{"Add", "Subtract", "Multiply", "Average", "Concatenate"}

// refusals say what to do about some of the classes that are not supported.
var refusals = []struct{ prefix, why string }{
	{"Lambda", "holds code, which is not executed; put layers in its place, or cut it off with a configuration of the part that is to be converted, given with -spec"},
	{"SlicingOpLambda", "is an operation on tensors, supported are layers, and x + y, x − y and x·y"},
	{"Conv", "is a convolution, supported is Conv1D along time; cut it off with a configuration of the part that is to be converted, given with -spec, and feed that part"},
	{"SeparableConv", "is a convolution, supported is Conv1D along time; cut it off with a configuration of the part that is to be converted, given with -spec, and feed that part"},
	{"Global", "reads all steps at once, which is not supported"},
}

func unsupported(class string) error {
	for _, r := range refusals {
		if strings.HasPrefix(class, r.prefix) {
			return errors.New(r.why)
		}
	}
	return errors.New("is of a class that is not supported; supported are SimpleRNN, LSTM, GRU, their CuDNN forms, RNN of their cells, Bidirectional, TimeDistributed, Dense, causal Conv1D, Embedding, Activation and its like, normalisations, Dropout and its like, Add, Subtract, Multiply, Average, Concatenate, Reshape, Flatten and models")
}

// check makes sure that every class in m is one that is supported, so that the error is
// of what stands in the way and not of the first that comes near it.
func (m *model) check() error {
	for _, l := range m.layers {
		var err error
		switch {
		case l.model != nil:
			err = l.model.check()
		case layers[l.class] == nil && !isRecurrent(l.class) && l.class != "TimeDistributed" && l.class != "InputLayer" &&
			!slices.Contains(training, l.class) && !slices.Contains(joins, l.class):
			err = inLayer{l.title(), unsupported(l.class)}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// evaluate adds one call of a layer; h is nil for one without weights.
func (t *translation) evaluate(l *layer, name string, xs []value, h holder) (value, error) {
	if t.calls--; t.calls < 0 {
		return value{}, fmt.Errorf("is one of more than %d calls of layers", maxLayers)
	}
	p, err := l.precision()
	if err != nil {
		return value{}, err
	}
	if p != "" && p != "float32" && l.class != "InputLayer" {
		t.note("layer %q computes in %s in Keras, and in float32 here", l.name, p)
	}
	if len(xs) == 0 {
		return value{}, errors.New("reads nothing")
	}
	if slices.Contains(joins, l.class) {
		return t.join(l, name, xs)
	}
	if l.model != nil {
		inside := t.stores[l.model]
		if inside == nil {
			if inside, err = h.model(l.model); err != nil {
				return value{}, err
			}
			t.stores[l.model] = inside
		}
		outs, err := t.model(l.model, name+"/", xs, inside)
		if err == nil && len(outs) != 1 {
			err = fmt.Errorf("has %d outputs, supported is one of a model inside a model", len(outs))
		}
		if err != nil {
			return value{}, err
		}
		return outs[0], nil
	}
	if len(xs) != 1 {
		return value{}, fmt.Errorf("reads %d values, supported is one", len(xs))
	}
	x := xs[0]
	switch {
	case l.class == "InputLayer":
		return x, nil
	case slices.Contains(training, l.class):
		t.note("layer %q (%s) was dropped: it works in training only", l.name, l.class)
		return x, nil
	case l.class == "TimeDistributed":
		return t.timeDistributed(l, name, x, h)
	}
	list, err := t.held(l, h)
	if err != nil {
		return x, err
	}
	if isRecurrent(l.class) {
		return t.recurrent(l, name, x, list)
	}
	translate := layers[l.class]
	if translate == nil {
		return x, unsupported(l.class)
	}
	f, w := l.fields(), &arrays{list}
	y, err := translate(t, f, name, x, w)
	if err == nil {
		err = f.rest()
	}
	if err == nil && len(w.list) > 0 {
		err = fmt.Errorf("leaves weights in the file unused, from %.120q on", w.list[0].path)
	}
	return y, err
}

// timeDistributed adds a layer for each step, as every layer is here that does not run
// along time.
func (t *translation) timeDistributed(l *layer, name string, x value, h holder) (value, error) {
	if !x.sequence {
		return x, fmt.Errorf("reads a value of shape %s, expected a sequence", x.shape())
	}
	f := l.fields()
	inner, err := l.only("layer")
	if err != nil {
		return x, err
	}
	f.take("layer")
	if err := f.rest(); err != nil {
		return x, err
	}
	if isRecurrent(inner.class) {
		return x, fmt.Errorf("runs %s along another dimension than time, which is not supported", inner.title())
	}
	if h, err = h.wrapped(); err != nil {
		return x, err
	}
	step := x.as(t.read(x))
	step.sequence, step.steps = false, 0
	y, err := t.evaluate(inner, name, []value{step}, h)
	if err != nil {
		return x, err
	}
	if y.sequence || y.last {
		return x, fmt.Errorf("has %s inside, whose output has a time dimension of its own", inner.title())
	}
	y.sequence, y.steps = true, x.steps
	return y, nil
}

func (t *translation) dense(f *fields, name string, x value, w *arrays) (value, error) {
	I, err := x.features()
	if err != nil {
		return x, err
	}
	return t.affine(f, name, x, t.read(x), []string{"units", "output_dim"}, w, I)
}

// affine adds a dense layer that reads in, with the activation of f: its rows are as many as
// f says by one of these names, and the columns of its kernel have this shape in the file. x
// is what the layer reads in Keras.
func (t *translation) affine(f *fields, name string, x value, in format.Buffer, units []string, w *arrays, columns ...int) (value, error) {
	U, err := f.size(format.MaxWidth, units...)
	if err != nil {
		return x, err
	}
	kernel, err := w.next("kernel", append(columns, U)...)
	if err != nil {
		return x, err
	}
	var bias []float32
	if f.first("use_bias", "bias") != false {
		if bias, err = w.next("bias", U); err != nil {
			return x, err
		}
	}
	y := x
	y.dims = []int{U}
	matrix := transpose(kernel, product(columns), U)
	function, isName := f.config["activation"].(string)
	if g, ok := t.function(function); isName && ok && g.Kind <= format.Relu {
		f.take("activation")
		return y.as(t.b().Dense(name, in, matrix, bias, g.Kind)), nil
	}
	y = y.as(t.b().Dense(name, in, matrix, bias, format.Linear))
	return t.activate(name+".activation", y, f, "activation")
}

// embedding looks up a token, which makes steps of what was [batch, tokens].
func (t *translation) embedding(f *fields, name string, x value, w *arrays) (value, error) {
	if x.from == nil || x.sequence || len(x.dims) != 1 || len(t.inputs) > 1 {
		return x, fmt.Errorf("reads a value of shape %s, supported is the model's one input, tokens of shape [batch, time]", x.shape())
	}
	tokens, err := f.size(format.MaxTokens, "input_dim")
	if err != nil {
		return x, err
	}
	dim, err := f.size(format.MaxWidth, "output_dim")
	if err != nil {
		return x, err
	}
	table, err := w.next("embeddings", tokens, dim)
	if err != nil {
		return x, err
	}
	if x.from.ready && x.from.width != 1 {
		return x, errors.New("reads an input that another layer reads as features")
	}
	x.from.width = 1
	t.read(x)
	y := x.as(t.b().Embedding(name, table, dim))
	y.sequence, y.steps, y.dims = true, x.dims[0], []int{dim}
	if f.flag("mask_zero", false) {
		y.masked = name
	}
	return y, nil
}
