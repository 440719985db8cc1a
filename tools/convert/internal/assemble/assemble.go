// Package assemble turns the tensors of a PyTorch checkpoint, or of a
// safetensors file written from one, into a model. PyTorch's dialect is handled
// here and nowhere else:
//
//   - nn.RNN, nn.LSTM and nn.GRU keep layer l in weight_ih_l0, weight_hh_l0,
//     bias_ih_l0 and bias_hh_l0; the cell classes (nn.LSTMCell …) have no suffix.
//   - Gates are stacked i, f, g, o (LSTM) and r, z, n (GRU, reset after the
//     product): the order of package format.
//   - There are two biases. They are added, with one rounding, where only their
//     sum counts; a GRU keeps both, since r multiplies the second.
//   - bidirectional=True adds the same with the suffix _reverse. Every layer joins
//     its two ways, forward first, and the next one reads both.
//   - proj_size of nn.LSTM adds weight_hr_l0 [P, H]; weight_hh_l0 is [4H, P] then.
//   - nn.Linear has weight [out, in] and bias; nn.Embedding has weight
//     [vocabulary, dim].
//   - nn.LayerNorm has weight and bias, nn.BatchNorm1d running_mean and running_var
//     beside them; their eps, 1e-5 unless it was changed, is not among the tensors.
//
// A checkpoint does not say in what order layers run, so a spec does; only a
// checkpoint that is nothing but one LSTM or GRU stack needs none.
package assemble

import (
	"fmt"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// Model builds the model of a checkpoint, as s says, or as the tensors alone say
// if s is nil. Where they cannot, the error holds a spec to start from.
func Model(c *checkpoint.Checkpoint, s *spec.Spec) (*format.Model, error) {
	if s == nil {
		var err error
		if s, err = alone(c); err != nil {
			return nil, err
		}
	}
	a := assembly{
		checkpoint: c, spec: s,
		used:   make(map[string]bool),
		layers: map[string]format.Buffer{"input": format.Input},
		order:  []string{"input"},
	}
	return a.model()
}

type assembly struct {
	checkpoint *checkpoint.Checkpoint
	spec       *spec.Spec
	b          *format.Builder
	used       map[string]bool          // names of tensors
	layers     map[string]format.Buffer // what each name stands for
	order      []string                 // those names, in order
}

func (a *assembly) model() (*format.Model, error) {
	input, err := a.inputWidth()
	if err != nil {
		return nil, err
	}
	a.b = format.NewBuilder(input)
	last := format.Input
	for _, l := range a.spec.Layers {
		if last, err = a.layer(l, last); err != nil {
			return nil, fmt.Errorf("%s:%d: %s %q: %w", a.spec.File, l.Line, l.Kind, l.Prefix, err)
		}
	}
	if a.spec.Output != "" {
		output, ok := a.layers[a.spec.Output]
		if !ok {
			return nil, fmt.Errorf("%s: output: no layer %q, there are %s", a.spec.File, a.spec.Output, a.names())
		}
		last = output
	}
	a.b.Output(last)
	for _, e := range a.spec.Meta {
		a.b.Meta(e.Key, e.Value)
	}
	if err := a.everythingUsed(); err != nil {
		return nil, err
	}
	if err := a.ignoresExist(); err != nil {
		return nil, err
	}
	m, err := a.b.Model()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.spec.File, err)
	}
	return m, nil
}

// layer adds l, which reads previous unless it says otherwise.
func (a *assembly) layer(l spec.Layer, previous format.Buffer) (format.Buffer, error) {
	from := []format.Buffer{previous}
	if l.From != nil {
		from = from[:0]
		for _, name := range l.From {
			x, ok := a.layers[name]
			if !ok {
				return 0, fmt.Errorf("no layer %q before this one, there are %s", name, a.names())
			}
			from = append(from, x)
		}
	}
	if len(from) != 1 && l.Kind != "add" && l.Kind != "mul" && l.Kind != "concat" {
		return 0, fmt.Errorf("reads %d layers, want 1", len(from))
	}
	name := a.name(l)
	if _, ok := a.layers[name]; ok {
		return 0, fmt.Errorf("a second layer %q; give one of them a name", name)
	}
	var y format.Buffer
	var err error
	switch l.Kind {
	case "embedding":
		y, err = a.embedding(name, l.Prefix)
	case "dense":
		y, err = a.dense(name, l, from[0])
	case "rnn", "lstm", "gru":
		y, err = a.stack(name, l, from[0])
	case "apply":
		y = a.b.Function(name, from[0], *l.Activation)
	case "scale":
		y, err = a.scale(name, l.Prefix, from[0])
	case "batchnorm":
		y, err = a.batchNorm(name, l, from[0])
	case "layernorm":
		y, err = a.layerNorm(name, l, from[0])
	case "softmax":
		y = a.b.Softmax(name, from[0])
	case "log_softmax":
		y = a.b.LogSoftmax(name, from[0])
	case "add":
		y = a.b.Add(name, from[0], from[1])
	case "mul":
		y = a.b.Mul(name, from[0], from[1])
	case "concat":
		y = a.b.Concat(name, from...)
	}
	a.layers[name] = y
	a.order = append(a.order, name)
	return y, err
}

// name is what other layers call l: its own name, its prefix, or its kind with a
// number if that is taken.
func (a *assembly) name(l spec.Layer) string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Prefix != "":
		return l.Prefix
	}
	name := l.Kind
	for n := 2; ; n++ {
		if _, taken := a.layers[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s%d", l.Kind, n)
	}
}

func (a *assembly) names() string { return strings.Join(a.order, ", ") }

// tensor returns the tensor prefix.name and notes that it is used; nil if there
// is none.
func (a *assembly) tensor(prefix, name string) *checkpoint.Tensor {
	name = join(prefix, name)
	t := a.checkpoint.Lookup(name)
	if t != nil {
		a.used[name] = true
	}
	return t
}

// matrix returns the tensor prefix.name, which must be there with two dimensions.
func (a *assembly) matrix(prefix, name string) (*checkpoint.Tensor, error) {
	t := a.tensor(prefix, name)
	if t == nil {
		return nil, fmt.Errorf("no tensor %q in %s", join(prefix, name), a.checkpoint.File)
	}
	if len(t.Shape) != 2 || len(t.Data) == 0 {
		return nil, fmt.Errorf("tensor %q has shape %v, want a matrix", t.Name, t.Shape)
	}
	return t, nil
}

// vector returns the elements of prefix.name, nil if there is no such tensor.
func (a *assembly) vector(prefix, name string, length int) ([]float32, error) {
	t := a.tensor(prefix, name)
	if t == nil {
		return nil, nil
	}
	if len(t.Shape) != 1 || t.Shape[0] != length {
		return nil, fmt.Errorf("tensor %q has shape %v, want [%d]", t.Name, t.Shape, length)
	}
	return t.Data, nil
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func (a *assembly) embedding(name, prefix string) (format.Buffer, error) {
	w, err := a.matrix(prefix, "weight")
	if err != nil {
		return 0, err
	}
	return a.b.Embedding(name, w.Data, w.Shape[1]), nil
}

func (a *assembly) dense(name string, l spec.Layer, x format.Buffer) (format.Buffer, error) {
	w, err := a.matrix(l.Prefix, "weight")
	if err != nil {
		return 0, err
	}
	if w.Shape[1] != a.b.Width(x) {
		return 0, fmt.Errorf("tensor %q has shape %v, but the layer reads %d floats", w.Name, w.Shape, a.b.Width(x))
	}
	bias, err := a.vector(l.Prefix, "bias", w.Shape[0])
	if err != nil {
		return 0, err
	}
	var f format.Function
	if l.Activation != nil {
		f = *l.Activation
	}
	if f.Kind <= format.Relu {
		return a.b.Dense(name, x, w.Data, bias, f.Kind), nil
	}
	return a.b.Function(name+".activation", a.b.Dense(name, x, w.Data, bias, format.Linear), f), nil
}

// everythingUsed makes sure that no tensor is lost without a word.
func (a *assembly) everythingUsed() error {
	var left []string
	for i := range a.checkpoint.Tensors {
		t := &a.checkpoint.Tensors[i]
		if !a.used[t.Name] && !ignored(t.Name, a.spec.Ignore) {
			left = append(left, fmt.Sprintf("%s %v", t.Name, t.Shape))
		}
	}
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("%s: no layer of %s uses %s; add the layer, or list the prefix under ignore",
		a.checkpoint.File, a.spec.File, shorten(left))
}

// ignoresExist makes sure that what is to be left out is there: a misspelt prefix
// would leave out nothing without a word.
func (a *assembly) ignoresExist() error {
	for _, p := range a.spec.Ignore {
		found := false
		for i := range a.checkpoint.Tensors {
			found = found || ignored(a.checkpoint.Tensors[i].Name, []string{p})
		}
		if !found {
			return fmt.Errorf("%s: ignore: no tensors under %q in %s, which has %s", a.spec.File, p, a.checkpoint.File, prefixes(a.checkpoint))
		}
	}
	return nil
}

func ignored(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if name == p || strings.HasPrefix(name, p+".") {
			return true
		}
	}
	return false
}

func shorten(list []string) string {
	if len(list) > 6 {
		list = append(list[:6:6], fmt.Sprintf("… and %d more", len(list)-6))
	}
	return strings.Join(list, ", ")
}
