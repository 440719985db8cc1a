package keras

import (
	"errors"
	"fmt"
	"math"

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
