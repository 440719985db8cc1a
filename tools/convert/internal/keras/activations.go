package keras

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/compose"
)

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
	case slope == 0 && threshold > 0 && most >= 0:
		x, _ = t.function1(name+".threshold", x, format.Function{Kind: format.ThresholdedRelu, Alpha: float32(threshold)})
		return t.function1(name, x, format.Function{Kind: format.Clip, Beta: float32(most)})
	case threshold == 0 && most >= 0:
		x, _ = t.function1(name+".slope", x, format.Function{Kind: format.LeakyRelu, Alpha: float32(slope)})
		return t.function1(name, x, format.Function{Kind: format.Clip, Alpha: -math.MaxFloat32, Beta: float32(most)})
	}
	return x, fmt.Errorf("has negative_slope %g, threshold %g and max_value %g, supported are max_value of 0 or more with one of the others or none", slope, threshold, most)
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
	one := len(w.list) == 1 && len(w.list[0].shape) == len(shape) && product(w.list[0].shape) == 1
	if one {
		shape[len(shape)-1] = 1
	}
	if len(w.list) == 1 && !slices.Equal(w.list[0].shape, shape) {
		return x, fmt.Errorf("has slopes of shape %v in the file, supported is %v, the same at every step: shared_axes=[1]", w.list[0].shape, shape)
	}
	slopes, err := w.next("alpha", shape...)
	if err != nil {
		return x, err
	}
	if one {
		slopes = slices.Repeat(slopes, n)
	}
	return x.as(compose.PRelu(t.b(), name, t.read(x), slopes)), nil
}

func (t *translation) softmax(f *fields, name string, x value, _ *arrays) (value, error) {
	if x.masked != "" { // Keras adds −10⁹ where a mask says so, across features
		return x, fmt.Errorf("reads the mask of layer %q, which is not supported; take the mask out of the configuration and give that with -spec", x.masked)
	}
	if err := f.axis(x.rank()); err != nil {
		return x, err
	}
	return t.apply(name, x, "softmax")
}
