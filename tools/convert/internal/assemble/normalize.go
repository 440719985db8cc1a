package assemble

import (
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// epsilon is what a normalisation of l adds to the variance, that of the checkpoint's
// framework unless it is given.
func (a *assembly) epsilon(l spec.Layer) float32 {
	switch {
	case l.Epsilon != 0:
		return l.Epsilon
	case a.checkpoint.Epsilon != 0:
		return a.checkpoint.Epsilon
	}
	return 1e-5
}

// gains returns weight and bias of a layer that is as wide as x, each nil if there is
// none.
func (a *assembly) gains(prefix string, x format.Buffer) (weight, bias []float32, err error) {
	if weight, err = a.vector(prefix, "weight", a.b.Width(x)); err == nil {
		bias, err = a.vector(prefix, "bias", a.b.Width(x))
	}
	return weight, bias, err
}

func (a *assembly) scale(name, prefix string, x format.Buffer) (format.Buffer, error) {
	weight, bias, err := a.gains(prefix, x)
	if err != nil {
		return 0, err
	}
	if weight == nil && bias == nil {
		return 0, fmt.Errorf("no tensor %q or %q in %s", join(prefix, "weight"), join(prefix, "bias"), a.checkpoint.File)
	}
	return a.b.Scale(name, x, weight, bias), nil
}

// layerNorm adds nn.LayerNorm over the width of x.
func (a *assembly) layerNorm(name string, l spec.Layer, x format.Buffer) (format.Buffer, error) {
	weight, bias, err := a.gains(l.Prefix, x)
	if err != nil {
		return 0, err
	}
	if weight == nil && bias == nil { // elementwise_affine=False
		return a.b.Normalize(name, x, a.epsilon(l)), nil
	}
	return a.b.Scale(name, a.b.Normalize(name+".normalize", x, a.epsilon(l)), weight, bias), nil
}

// batchNorm adds nn.BatchNorm1d as it is after training: y = s·x + b with
// s = weight/√(running_var + ε) and b = bias − s·running_mean, each rounded once.
func (a *assembly) batchNorm(name string, l spec.Layer, x format.Buffer) (format.Buffer, error) {
	n := a.b.Width(x)
	weight, bias, err := a.gains(l.Prefix, x)
	if err != nil {
		return 0, err
	}
	mean, err := a.vector(l.Prefix, "running_mean", n)
	if err != nil {
		return 0, err
	}
	variance, err := a.vector(l.Prefix, "running_var", n)
	if err != nil {
		return 0, err
	}
	if mean == nil || variance == nil {
		return 0, fmt.Errorf("no tensors %q and %q in %s; without them the layer is of kind scale",
			join(l.Prefix, "running_mean"), join(l.Prefix, "running_var"), a.checkpoint.File)
	}
	s, b := make([]float32, n), make([]float32, n)
	for i := range s {
		gain, shift := 1.0, 0.0
		if weight != nil {
			gain = float64(weight[i])
		}
		if bias != nil {
			shift = float64(bias[i])
		}
		if !(variance[i] >= 0) {
			return 0, fmt.Errorf("tensor %q: element %d is %v, want a variance, 0 or more", join(l.Prefix, "running_var"), i, variance[i])
		}
		gain /= math.Sqrt(float64(variance[i]) + float64(a.epsilon(l)))
		s[i], b[i] = float32(gain), float32(shift-gain*float64(mean[i]))
	}
	return a.b.Scale(name, x, s, b), nil
}
