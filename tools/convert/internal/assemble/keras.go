package assemble

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/layout"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// kerasRoles are Keras's names of PyTorch's, by kind of layer. A recurrent layer of
// Keras's runs one way and has no stack, and there is one bias, whose two rows in a GRU
// with reset_after=True are the two.
var kerasRoles = map[string]map[string]string{
	"embedding": {"weight": "embeddings"},
	"dense":     {"weight": "kernel", "bias": "bias"},
	"scale":     {"weight": "gamma", "bias": "beta"},
	"layernorm": {"weight": "gamma", "bias": "beta"},
	"batchnorm": {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"},
	"rnn":       kerasCell, "lstm": kerasCell, "gru": kerasCell,
}

var kerasCell = map[string]string{"weight_ih": "kernel", "weight_hh": "recurrent_kernel", "bias_ih": "bias", "bias_hh": "bias"}

// fromKeras returns the tensor with PyTorch's role in l, in PyTorch's layout, nil if there
// is none: kernels [inputs, rows] are transposed, and a GRU's gates z, r, h become r, z, h.
// Gates of an LSTM have one order in both.
func (a *assembly) fromKeras(l *spec.Layer, role string) *checkpoint.Tensor {
	name := kerasRoles[l.Kind][role]
	if name == "" {
		return nil
	}
	t := a.stored(l, name)
	switch {
	case t == nil || l.Kind == "embedding":
		return t
	case len(t.Shape) == 2 && name == "bias": // of a GRU, [2, 3H]
		if row := len(t.Data) / 2; t.Shape[0] != 2 || l.Kind != "gru" {
			return t
		} else if role == "bias_ih" {
			t = &checkpoint.Tensor{Name: t.Name, Shape: t.Shape[1:], Data: t.Data[:row]}
		} else {
			t = &checkpoint.Tensor{Name: t.Name, Shape: t.Shape[1:], Data: t.Data[row:]}
		}
	case role == "bias_hh":
		return nil
	case len(t.Shape) == 2:
		t = &checkpoint.Tensor{
			Name:  t.Name + ", transposed",
			Shape: []int{t.Shape[1], t.Shape[0]},
			Data:  layout.Transposed(t.Data, t.Shape[0], t.Shape[1]),
		}
	}
	if l.Kind == "gru" && len(t.Data)%3 == 0 {
		gates := *t
		gates.Data = layout.ResetFirst(t.Data)
		t = &gates
	}
	return t
}

// kerasGRU adds a GRU whose bias tells where its reset gate stands: two rows with
// reset_after=True, the default since TensorFlow 2, one without.
func (a *assembly) kerasGRU(name string, l *spec.Layer, x format.Buffer, w format.Weights) (format.Buffer, error) {
	switch {
	case w.BR != nil:
		return a.b.GRU(name, x, w), nil
	case w.B != nil:
		return a.b.GRUBefore(name, x, w), nil
	}
	return 0, fmt.Errorf("no tensor %q in %s, whose shape tells where the reset gate stands; want [2, 3·H] for reset_after=True, [3·H] for False: zeros for use_bias=False",
		a.tensorName(l, "bias_ih"), a.checkpoint.File)
}
