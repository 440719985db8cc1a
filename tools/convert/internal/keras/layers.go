package keras

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// A translator adds a layer that reads one value.
type translator func(t *translation, f *fields, name string, x value, w *arrays) (value, error)

// layers are the classes that read one value and do not run along time.
var layers map[string]translator

func init() { // since translators look up layers
	layers = map[string]translator{
		"Dense": (*translation).dense, "TimeDistributedDense": (*translation).dense, "Embedding": (*translation).embedding,
		"Activation": (*translation).activationLayer, "ReLU": (*translation).relu, "LeakyReLU": (*translation).leakyRelu,
		"ELU": (*translation).elu, "PReLU": (*translation).prelu, "Softmax": (*translation).softmax, "ThresholdedReLU": (*translation).thresholded,
		"BatchNormalization": (*translation).batchNorm, "LayerNormalization": (*translation).layerNorm,
		"Normalization": (*translation).normalization, "Rescaling": (*translation).rescaling,
		"Masking": (*translation).masking, "Reshape": (*translation).reshape, "Flatten": (*translation).flatten, "RepeatVector": (*translation).repeat,
		"Permute": (*translation).permute,
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
	{"TFOpLambda", "is an operation on tensors, supported are layers"},
	{"SlicingOpLambda", "is an operation on tensors, supported are layers"},
	{"Conv", "is a convolution, which is not supported; cut it off with a configuration of the part that is to be converted, given with -spec, and feed that part"},
	{"SeparableConv", "is a convolution, which is not supported; cut it off with a configuration of the part that is to be converted, given with -spec, and feed that part"},
	{"Global", "reads all steps at once, which is not supported"},
}

func unsupported(class string) error {
	for _, r := range refusals {
		if strings.HasPrefix(class, r.prefix) {
			return errors.New(r.why)
		}
	}
	return errors.New("is of a class that is not supported; supported are SimpleRNN, LSTM, GRU, their CuDNN forms, RNN of their cells, Bidirectional, TimeDistributed, Dense, Embedding, Activation and its like, normalisations, Dropout and its like, Add, Subtract, Multiply, Average, Concatenate, Reshape, Flatten and models")
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

// arrays are the weights of a layer that are not used yet.
type arrays struct{ list []array }

// next takes the next array, which must have this shape.
func (w *arrays) next(name string, shape ...int) ([]float32, error) {
	if len(w.list) == 0 {
		return nil, fmt.Errorf("has no %s in the file", name)
	}
	a := w.list[0]
	w.list = w.list[1:]
	return a.of(name, shape...)
}

// arrayNames are those that say what an array is.
var arrayNames = []string{"kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embeddings", "alpha", "mean", "variance"}

// of returns the numbers of an array that must have this shape and, where the file says
// one, this name.
func (a array) of(name string, shape ...int) ([]float32, error) {
	if !slices.Equal(a.shape, shape) {
		return nil, fmt.Errorf("has a %s of shape %v in the file (%.120q), expected %v", name, a.shape, a.path, shape)
	}
	if a.name != name && slices.Contains(arrayNames, a.name) {
		return nil, fmt.Errorf("has a %s in the file where a %s is expected (%.120q)", a.name, name, a.path)
	}
	v, err := a.data()
	if err == nil && len(v) != product(shape) {
		err = fmt.Errorf("has a %s of %d numbers in the file (%.120q), expected %d", name, len(v), a.path, product(shape))
	}
	return v, err
}

// held returns the weights of a layer.
func (t *translation) held(l *layer, h holder) ([]array, error) {
	if h == nil {
		return nil, nil
	}
	list, err := h.arrays(l)
	if err == nil {
		err = t.spend(list)
	}
	return list, err
}

// spend counts what is to be read: a layer may be called often.
func (t *translation) spend(list []array) error {
	for _, a := range list {
		n := int64(1)
		for _, d := range a.shape {
			if d < 0 || d > 0 && n > t.left/int64(d) {
				return errors.New("needs more weights than a file of this size may hold")
			}
			n *= int64(d)
		}
		t.left -= n
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
	U, err := f.size(format.MaxWidth, "units", "output_dim")
	if err != nil {
		return x, err
	}
	kernel, err := w.next("kernel", I, U)
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
	function, isName := f.config["activation"].(string)
	if g, ok := t.function(function); isName && ok && g.Kind <= format.Relu {
		f.take("activation")
		return y.as(t.b().Dense(name, t.read(x), transpose(kernel, I, U), bias, g.Kind)), nil
	}
	y = y.as(t.b().Dense(name, t.read(x), transpose(kernel, I, U), bias, format.Linear))
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

func (t *translation) activationLayer(f *fields, name string, x value, _ *arrays) (value, error) {
	return t.activate(name, x, f, "activation")
}

func (t *translation) function1(name string, x value, g format.Function) (value, error) {
	return x.as(t.b().Function(name, t.read(x), g)), nil
}

func (t *translation) relu(f *fields, name string, x value, _ *arrays) (value, error) {
	slope, err := f.number(0, "negative_slope")
	if err != nil {
		return x, err
	}
	threshold, err := f.number(0, "threshold")
	if err != nil {
		return x, err
	}
	most, err := f.number(math.Inf(1), "max_value")
	switch limited := !math.IsInf(most, 1); {
	case err != nil:
		return x, err
	case slope == 0 && threshold == 0 && !limited:
		return t.function1(name, x, format.Function{Kind: format.Relu})
	case slope == 0 && threshold == 0 && most >= 0:
		return t.function1(name, x, format.Function{Kind: format.Clip, Beta: float32(most)})
	case threshold == 0 && !limited:
		return t.function1(name, x, format.Function{Kind: format.LeakyRelu, Alpha: float32(slope)})
	case slope == 0 && threshold > 0 && !limited:
		return t.function1(name, x, format.Function{Kind: format.ThresholdedRelu, Alpha: float32(threshold)})
	}
	return x, fmt.Errorf("has negative_slope %g, threshold %g and max_value %g, supported is one of them", slope, threshold, most)
}

func (t *translation) leakyRelu(f *fields, name string, x value, _ *arrays) (value, error) {
	slope, err := f.number(0.3, "negative_slope", "alpha")
	if err != nil {
		return x, err
	}
	return t.function1(name, x, format.Function{Kind: format.LeakyRelu, Alpha: float32(slope)})
}

func (t *translation) elu(f *fields, name string, x value, _ *arrays) (value, error) {
	alpha, err := f.number(1, "alpha")
	if err != nil {
		return x, err
	}
	return t.function1(name, x, format.Function{Kind: format.Elu, Alpha: float32(alpha)})
}

func (t *translation) thresholded(f *fields, name string, x value, _ *arrays) (value, error) {
	theta, err := f.number(1, "theta")
	if err != nil {
		return x, err
	}
	return t.function1(name, x, format.Function{Kind: format.ThresholdedRelu, Alpha: float32(theta)})
}

// prelu adds relu(x) − α·relu(−x), of which one part is zero: nothing is rounded but
// α·x.
func (t *translation) prelu(f *fields, name string, x value, w *arrays) (value, error) {
	n, err := x.features()
	if err != nil {
		return x, err
	}
	f.take("shared_axes")
	shape := []int{n}
	if x.sequence {
		shape = []int{1, n}
	}
	if len(w.list) == 1 && !slices.Equal(w.list[0].shape, shape) {
		return x, fmt.Errorf("has slopes of shape %v in the file, supported is %v, the same at every step: shared_axes=[1]", w.list[0].shape, shape)
	}
	slopes, err := w.next("alpha", shape...)
	if err != nil {
		return x, err
	}
	for i := range slopes {
		slopes[i] = -slopes[i]
	}
	b, in := t.b(), t.read(x)
	negative := b.Function(name+".negated", in, format.Function{Kind: format.Affine, Alpha: -1})
	negative = b.Scale(name+".slopes", b.Activate(name+".negative", negative, format.Relu), slopes, nil)
	return x.as(b.Add(name, b.Activate(name+".positive", in, format.Relu), negative)), nil
}

func (t *translation) softmax(f *fields, name string, x value, _ *arrays) (value, error) {
	if err := f.axis(x.rank()); err != nil {
		return x, err
	}
	return t.apply(name, x, "softmax")
}

func (t *translation) batchNorm(f *fields, name string, x value, w *arrays) (value, error) {
	n, err := x.features()
	if err != nil {
		return x, err
	}
	if err := f.axis(x.rank()); err != nil {
		return x, err
	}
	f.first("renorm_momentum", "fused") // of training, and how
	if mode, _ := f.number(0, "mode"); mode != 0 {
		return x, fmt.Errorf("has mode %g, supported is 0", mode)
	}
	epsilon, err := f.number(1e-3, "epsilon")
	if err != nil {
		return x, err
	}
	var gamma, beta []float32
	if f.flag("scale", true) {
		if gamma, err = w.next("gamma", n); err != nil {
			return x, err
		}
	}
	if f.flag("center", true) {
		if beta, err = w.next("beta", n); err != nil {
			return x, err
		}
	}
	mean, err := w.next("moving_mean", n)
	if err != nil {
		return x, err
	}
	variance, err := w.next("moving_variance", n)
	if err != nil {
		return x, err
	}
	// y = s·x + b, each rounded once.
	s, shift := make([]float32, n), make([]float32, n)
	for i := range s {
		if !(float64(variance[i])+epsilon > 0) {
			return x, fmt.Errorf("has the moving_variance %v in the file, expected 0 or more", variance[i])
		}
		gain, offset := 1.0, 0.0
		if gamma != nil {
			gain = float64(gamma[i])
		}
		if beta != nil {
			offset = float64(beta[i])
		}
		gain /= math.Sqrt(float64(variance[i]) + epsilon)
		s[i], shift[i] = float32(gain), float32(offset-gain*float64(mean[i]))
	}
	return x.as(t.b().Scale(name, t.read(x), s, shift)), nil
}

func (t *translation) layerNorm(f *fields, name string, x value, w *arrays) (value, error) {
	n, err := x.features()
	if err != nil {
		return x, err
	}
	if err := f.axis(x.rank()); err != nil {
		return x, err
	}
	epsilon, err := f.number(1e-3, "epsilon")
	if err != nil {
		return x, err
	}
	var gamma, beta []float32
	if f.flag("scale", true) {
		if gamma, err = w.next("gamma", n); err != nil {
			return x, err
		}
	}
	if f.flag("center", true) {
		if beta, err = w.next("beta", n); err != nil {
			return x, err
		}
	}
	b := t.b()
	y := b.Normalize(name, t.read(x), float32(epsilon))
	if gamma != nil || beta != nil {
		y = b.Scale(name+".scale", y, gamma, beta)
	}
	return x.as(y), nil
}

// normalization is the layer that standardises features by what it has seen of them.
func (t *translation) normalization(f *fields, name string, x value, w *arrays) (value, error) {
	n, err := x.features()
	if err != nil {
		return x, err
	}
	if err := f.axis(x.rank()); err != nil {
		return x, err
	}
	if f.first("mean", "variance") != nil {
		return x, errors.New("has mean and variance in the configuration, supported are those of adapt()")
	}
	if f.flag("invert", false) {
		return x, errors.New("has invert, which is not supported")
	}
	mean, err := w.next("mean", n)
	if err != nil {
		return x, err
	}
	variance, err := w.next("variance", n)
	if err != nil {
		return x, err
	}
	w.list = nil // how many it has seen
	s, shift := make([]float32, n), make([]float32, n)
	for i := range s {
		gain := 1 / max(math.Sqrt(float64(variance[i])), 1e-7)
		s[i], shift[i] = float32(gain), float32(-gain*float64(mean[i]))
	}
	return x.as(t.b().Scale(name, t.read(x), s, shift)), nil
}

func (t *translation) rescaling(f *fields, name string, x value, _ *arrays) (value, error) {
	scale, err := f.number(1, "scale")
	if err != nil {
		return x, err
	}
	offset, err := f.number(0, "offset")
	if err != nil {
		return x, err
	}
	return t.function1(name, x, format.Function{Kind: format.Affine, Alpha: float32(scale), Beta: float32(offset)})
}

// masking is nothing but a mark where the masked features are zeros, as they stay.
func (t *translation) masking(f *fields, name string, x value, _ *arrays) (value, error) {
	v, err := f.number(0, "mask_value")
	if err != nil {
		return x, err
	}
	if v != 0 {
		return x, fmt.Errorf("has the mask_value %g, supported is 0, and before layers that do not run along time", v)
	}
	x.masked = name
	return x, nil
}

// reshape is nothing where steps stay steps; of an input without time it may make one.
func (t *translation) reshape(f *fields, name string, x value, _ *arrays) (value, error) {
	list, ok := f.take("target_shape").([]any)
	if !ok || len(list) == 0 || len(list) > 8 {
		return x, errors.New("has no target_shape")
	}
	if slices.Contains(x.dims, 0) {
		return x, fmt.Errorf("reads a value of shape %s, expected a fixed number of features", x.shape())
	}
	features := product(x.dims)
	target := make([]int, len(list))
	known, free := 1, -1
	for k, d := range list {
		n, ok := integer(d)
		if !ok || n != -1 && (n < 1 || n > format.MaxWidth) || n == -1 && free >= 0 {
			return x, fmt.Errorf("has the target_shape %.80v, expected sizes, of which one may be -1", list)
		}
		if target[k] = n; n == -1 {
			free = k
		} else if known > format.MaxWidth/n {
			return x, fmt.Errorf("has the target_shape %.80v, supported are up to %d numbers", list, format.MaxWidth)
		} else {
			known *= n
		}
	}
	refuse := fmt.Errorf("makes %.80v of a value of shape %s, supported is what leaves the steps as they are", list, x.shape())
	y := x
	if !x.sequence {
		if free >= 0 {
			target[free] = features / known
			known *= target[free]
		}
		if known != features {
			return x, refuse
		}
		if len(target) == 1 || x.from == nil || x.from.ready || len(t.inputs) > 1 {
			y.dims = target
			if x.last && len(target) > 1 {
				return x, refuse
			}
			if len(target) > 1 && target[0] == 1 && x.from != nil { // one step
				y.sequence, y.steps, y.dims = true, 1, target[1:]
			} else if len(target) > 1 {
				return x, refuse
			}
			return y, nil
		}
		// The model's input is a whole sequence.
		y.sequence, y.steps, y.dims = true, target[0], target[1:]
		x.from.width = features / target[0]
		t.note("the input of the model is %d steps of %d floats, and that of a step here one of them", y.steps, x.from.width)
		return y, nil
	}
	rest := 1 // of the target's dimensions after time
	for k, d := range target[1:] {
		if k+1 != free {
			rest *= d
		}
	}
	if free > 0 {
		if features%rest != 0 {
			return x, refuse
		}
		target[free] = features / rest
		rest = features
	}
	steps := target[0]
	if len(target) < 2 || rest != features || free != 0 && steps != x.steps {
		return x, refuse
	}
	y.dims = target[1:]
	return y, nil
}

func (t *translation) flatten(f *fields, _ string, x value, _ *arrays) (value, error) {
	f.take("data_format")
	if slices.Contains(x.dims, 0) || x.sequence && x.steps != 1 {
		return x, fmt.Errorf("makes one vector of a value of shape %s, supported is what has one step or none", x.shape())
	}
	y := x
	y.last = x.last || x.sequence && x.from == nil
	y.sequence, y.steps, y.dims = false, 0, []int{product(x.dims)}
	return y, nil
}

func (t *translation) repeat(f *fields, _ string, x value, _ *arrays) (value, error) {
	n, err := f.size(format.MaxWidth, "n")
	if err != nil {
		return x, err
	}
	if x.last || x.sequence || n != 1 {
		return x, fmt.Errorf("gives a value of shape %s to %d steps, supported is one step of an input without time", x.shape(), n)
	}
	y := x
	y.sequence, y.steps = true, 1
	return y, nil
}

func (t *translation) permute(f *fields, _ string, x value, _ *arrays) (value, error) {
	list, _ := f.take("dims").([]any)
	for k, d := range list {
		if n, ok := integer(d); !ok || n != k+1 {
			return x, fmt.Errorf("has the dims %.80v, supported is what leaves them in their order", list)
		}
	}
	return x, nil
}

// join adds a layer that reads several values.
func (t *translation) join(l *layer, name string, xs []value) (value, error) {
	f := l.fields()
	y := xs[0].as(0)
	bufs := make([]format.Buffer, len(xs))
	for i, x := range xs {
		if _, err := x.features(); err != nil {
			return x, err
		}
		if x.sequence != y.sequence || x.steps != 0 && y.steps != 0 && x.steps != y.steps {
			return x, fmt.Errorf("joins values of shapes %s and %s, supported are those of the same steps", xs[0].shape(), x.shape())
		}
		if l.class != "Concatenate" && x.dims[0] != y.dims[0] {
			return x, fmt.Errorf("joins values of shapes %s and %s, expected the same", xs[0].shape(), x.shape())
		}
		y.last = y.last || x.last
		if y.masked == "" {
			y.masked = x.masked
		}
		bufs[i] = t.read(x)
	}
	if len(xs) == 1 && l.class != "Concatenate" {
		return y, errors.New("joins one value, expected two or more")
	}
	if l.class == "Concatenate" {
		if err := f.axis(y.rank()); err != nil {
			return y, err
		}
	}
	if err := f.rest(); err != nil {
		return y, err
	}
	b := t.b()
	part := func(i int) string {
		if i == len(bufs)-1 && l.class != "Average" {
			return name
		}
		return fmt.Sprintf("%s.%d", name, i)
	}
	at := bufs[0]
	switch l.class {
	case "Concatenate":
		at = b.Concat(name, bufs...)
		y.dims = []int{b.Width(at)}
	case "Multiply":
		for i, x := range bufs[1:] {
			at = b.Mul(part(i+1), at, x)
		}
	case "Subtract":
		if len(bufs) != 2 {
			return y, fmt.Errorf("subtracts %d values, expected 2", len(bufs))
		}
		at = b.Add(name, at, b.Function(name+".negated", bufs[1], format.Function{Kind: format.Affine, Alpha: -1}))
	default:
		for i, x := range bufs[1:] {
			at = b.Add(part(i+1), at, x)
		}
		if l.class == "Average" {
			at = b.Function(name, at, format.Function{Kind: format.Affine, Alpha: 1 / float32(len(bufs))})
		}
	}
	return y.as(at), nil
}
