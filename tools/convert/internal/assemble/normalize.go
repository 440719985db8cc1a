package assemble

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/compose"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// epsilon is what a normalisation of l adds to the variance: what is given, or the source's
// own, or that of its framework.
func (a *assembly) epsilon(l *spec.Layer) float32 {
	switch own := a.source(l).Epsilon; {
	case l.Epsilon != 0:
		return l.Epsilon
	case own != 0:
		return own
	case a.checkpoint.Epsilon != 0:
		return a.checkpoint.Epsilon
	case a.spec.Layout == "keras":
		return 1e-3
	}
	return 1e-5
}

// gains returns weight and bias of a layer that is as wide as x, each nil if there is
// none.
func (a *assembly) gains(l *spec.Layer, x format.Buffer) (weight, bias []float32, err error) {
	if weight, err = a.vector(l, "weight", a.b.Width(x)); err == nil {
		bias, err = a.vector(l, "bias", a.b.Width(x))
	}
	return weight, bias, err
}

// broadcast is vector for a tensor that may have dimensions of 1 before its last, or hold
// one number for all.
func (a *assembly) broadcast(l *spec.Layer, role string, length int) ([]float32, error) {
	t := a.tensor(l, role)
	switch {
	case t == nil:
		return nil, nil
	case len(t.Data) == 1:
		return slices.Repeat(t.Data, length), nil
	case len(t.Data) != length || t.Shape[len(t.Shape)-1] != length:
		return nil, fmt.Errorf("tensor %q has shape %v, want [%d] or one number", t.Name, t.Shape, length)
	}
	return t.Data, nil
}

func (a *assembly) scale(name string, l *spec.Layer, x format.Buffer) (format.Buffer, error) {
	weight, err := a.broadcast(l, "weight", a.b.Width(x))
	if err != nil {
		return 0, err
	}
	bias, err := a.broadcast(l, "bias", a.b.Width(x))
	if err != nil {
		return 0, err
	}
	divisor, err := a.broadcast(l, "divisor", a.b.Width(x))
	if err != nil {
		return 0, err
	}
	if weight == nil && bias == nil && divisor == nil {
		return 0, fmt.Errorf("no tensor %q or %q in %s", a.tensorName(l, "weight"), a.tensorName(l, "bias"), a.checkpoint.File)
	}
	if divisor != nil {
		if weight, err = quotient(weight, divisor); err != nil {
			return 0, fmt.Errorf("tensor %q: %w", a.tensorName(l, "divisor"), err)
		}
	}
	return a.b.Scale(name, x, weight, bias), nil
}

// quotient is weight/divisor, element by element, each rounded once; nil is ones.
func quotient(weight, divisor []float32) ([]float32, error) {
	q := make([]float32, len(divisor))
	for i, d := range divisor {
		w := 1.0
		if weight != nil {
			w = float64(weight[i])
		}
		if d == 0 {
			return nil, fmt.Errorf("element %d is 0, want what can be divided by", i)
		}
		q[i] = float32(w / float64(d))
	}
	return q, nil
}

// layerNorm adds nn.LayerNorm over the width of x.
func (a *assembly) layerNorm(name string, l *spec.Layer, x format.Buffer) (format.Buffer, error) {
	weight, bias, err := a.gains(l, x)
	if err != nil {
		return 0, err
	}
	if weight == nil && bias == nil { // elementwise_affine=False
		return a.b.Normalize(name, x, a.epsilon(l)), nil
	}
	return a.b.Scale(name, a.b.Normalize(name+".normalize", x, a.epsilon(l)), weight, bias), nil
}

// batchNorm adds nn.BatchNorm1d as it is after training.
func (a *assembly) batchNorm(name string, l *spec.Layer, x format.Buffer) (format.Buffer, error) {
	n := a.b.Width(x)
	weight, bias, err := a.gains(l, x)
	if err != nil {
		return 0, err
	}
	mean, err := a.vector(l, "running_mean", n)
	if err != nil {
		return 0, err
	}
	variance, err := a.vector(l, "running_var", n)
	if err != nil {
		return 0, err
	}
	if mean == nil || variance == nil {
		return 0, fmt.Errorf("no tensors %q and %q in %s; without them the layer is of kind scale",
			a.tensorName(l, "running_mean"), a.tensorName(l, "running_var"), a.checkpoint.File)
	}
	s, b, err := compose.BatchNorm(weight, bias, mean, variance, float64(a.epsilon(l)))
	if err != nil {
		return 0, fmt.Errorf("tensor %q: %w", a.tensorName(l, "running_var"), err)
	}
	return a.b.Scale(name, x, s, b), nil
}
