package keras

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/compose"
)

// gains returns gamma and beta, nil for one that the layer has not.
func gains(f *fields, w *arrays, n int) (gamma, beta []float32, err error) {
	if f.flag("scale", true) {
		gamma, err = w.next("gamma", n)
	}
	if f.flag("center", true) && err == nil {
		beta, err = w.next("beta", n)
	}
	return gamma, beta, err
}

// batchNorm is that after training, with the moving_mean and the moving_variance.
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
	gamma, beta, err := gains(f, w, n)
	if err != nil {
		return x, err
	}
	mean, err := w.next("moving_mean", n)
	if err != nil {
		return x, err
	}
	variance, err := w.next("moving_variance", n)
	if err != nil {
		return x, err
	}
	s, shift, err := compose.BatchNorm(gamma, beta, mean, variance, epsilon)
	if err != nil {
		return x, fmt.Errorf("has numbers in the file that cannot be: %w", err)
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
	gamma, beta, err := gains(f, w, n)
	if err != nil {
		return x, err
	}
	b := t.b()
	y := b.Normalize(name, t.read(x), float32(epsilon))
	if gamma != nil || beta != nil {
		y = b.Scale(name+".scale", y, gamma, beta)
	}
	return x.as(y), nil
}

// normalization is the layer that standardises features by what it has seen of them, or by
// what its configuration says.
func (t *translation) normalization(f *fields, name string, x value, w *arrays) (value, error) {
	n, err := x.features()
	if err != nil {
		return x, err
	}
	wide := []int{n}
	if list, ok := f.config["axis"].([]any); ok && len(list) == 0 { // one for all features
		f.take("axis")
		wide = []int{}
	} else if err := f.axis(x.rank()); err != nil {
		return x, err
	}
	var mean, variance []float32
	if f.config["mean"] != nil || f.config["variance"] != nil {
		if mean, err = f.numbers("mean", n); err == nil {
			variance, err = f.numbers("variance", n)
		}
	} else {
		if mean, err = w.next("mean", wide...); err == nil {
			variance, err = w.next("variance", wide...)
		}
		w.list = nil // how many it has seen
	}
	if err != nil {
		return x, err
	}
	if len(mean) == 1 {
		mean, variance = slices.Repeat(mean, n), slices.Repeat(variance, n)
	}
	invert := f.flag("invert", false)
	s, shift := make([]float32, n), make([]float32, n)
	for i := range s {
		if !(variance[i] >= 0) {
			return x, fmt.Errorf("has the variance %v, expected 0 or more", variance[i])
		}
		deviation := max(math.Sqrt(float64(variance[i])), 1e-7)
		if s[i], shift[i] = float32(1/deviation), float32(-float64(mean[i])/deviation); invert {
			s[i], shift[i] = float32(deviation), mean[i]
		}
	}
	return x.as(t.b().Scale(name, t.read(x), s, shift)), nil
}

// numbers returns n numbers of a field, or one for all of them.
func (f *fields) numbers(key string, n int) ([]float32, error) {
	v := f.take(key)
	for list, ok := v.([]any); ok; list, ok = v.([]any) {
		if len(list) != 1 { // else one of dimensions that are 1
			break
		}
		v = list[0]
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) != 1 && len(list) != n {
		return nil, fmt.Errorf("has %d numbers as %s for %d features", len(list), key, n)
	}
	out := make([]float32, n)
	for i := range out {
		x, ok := list[min(i, len(list)-1)].(float64)
		if !ok || math.Abs(x) > math.MaxFloat32 {
			return nil, fmt.Errorf("has the %s %s, expected numbers", key, brief(v))
		}
		out[i] = float32(x)
	}
	return out, nil
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
