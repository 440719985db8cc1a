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
//   - nn.Conv1d with kernel_size 1, weight [out, in, 1], is a dense layer.
//   - A scale is x·weight/divisor + bias, of those that are there.
//   - A weight under weight_norm is in two tensors, which package checkpoint joins.
//
// Arrays of Keras, with `layout: keras`, are turned into that: see keras.go.
//
// A checkpoint does not say in what order layers run, so a spec does; only a
// checkpoint that is nothing but one LSTM or GRU stack needs none.
package assemble

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// Model builds the model of a checkpoint, as s says, or if s is nil as the checkpoint's
// own spec or the tensors alone say. Where they cannot, the error holds a spec to start
// from.
func Model(c *checkpoint.Checkpoint, s *spec.Spec) (*format.Model, error) {
	if s == nil {
		s = c.Spec
	}
	if s == nil {
		var err error
		if s, err = alone(c); err != nil {
			return nil, err
		}
	}
	if len(s.Layers) > maxLayers {
		return nil, fmt.Errorf("%s: %d layers, want at most %d", s.File, len(s.Layers), maxLayers)
	}
	a := assembly{
		checkpoint: c, spec: s,
		tensors: make(map[string]*checkpoint.Tensor, len(c.Tensors)),
		used:    make(map[string]bool),
		layers:  map[string]format.Buffer{"input": format.Input},
		order:   []string{"input"},
		numbers: make(map[string]int),
		left:    1 << 20,
	}
	for i := range c.Tensors {
		t := &c.Tensors[i]
		if a.tensors[t.Name] == nil {
			a.tensors[t.Name] = t
		}
		a.left += maxReads * len(t.Data)
	}
	return a.model()
}

// A spec has far fewer layers than maxLayers. All of them together read the tensors maxReads
// times: each layer has a copy of its own, and a spec may name one tensor again and again.
const (
	maxLayers = 1 << 12
	maxReads  = 16
)

type assembly struct {
	checkpoint *checkpoint.Checkpoint
	tensors    map[string]*checkpoint.Tensor // by name
	spec       *spec.Spec
	b          *format.Builder
	used       map[string]bool          // names of tensors
	asked      map[string]bool          // roles of the layer being made
	layers     map[string]format.Buffer // what each name stands for
	order      []string                 // those names, in order
	numbers    map[string]int           // the last number given to a layer without a name, by kind
	left       int                      // elements that layers may still read
}

func (a *assembly) model() (*format.Model, error) {
	if err := a.namesExist(); err != nil {
		return nil, err
	}
	input, err := a.inputWidth()
	if err != nil {
		return nil, err
	}
	a.b = format.NewBuilder(input)
	last := format.Input
	for _, l := range a.spec.Layers {
		if last, err = a.layer(&l, last); err != nil {
			return nil, fmt.Errorf("%s: %s %q: %w", a.place(&l), l.Kind, cmp.Or(l.Prefix, l.Name), err)
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

// place is where the spec has l, which has no line if the spec is a checkpoint's own.
func (a *assembly) place(l *spec.Layer) string {
	if l.Line == 0 {
		return a.spec.File
	}
	return fmt.Sprintf("%s:%d", a.spec.File, l.Line)
}

// namesExist makes sure that the tensors that layers name are there.
func (a *assembly) namesExist() error {
	for _, l := range a.spec.Layers {
		for _, role := range slices.Sorted(maps.Keys(l.Tensors)) {
			if a.tensors[l.Tensors[role]] == nil {
				return fmt.Errorf("%s: %s: no tensor %q in %s for its %s", a.place(&l), l.Kind, l.Tensors[role], a.checkpoint.File, role)
			}
		}
	}
	return nil
}

// layer adds l, which reads previous unless it says otherwise.
func (a *assembly) layer(l *spec.Layer, previous format.Buffer) (format.Buffer, error) {
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
	if err := a.fits(l); err != nil {
		return 0, err
	}
	a.asked = map[string]bool{}
	var y format.Buffer
	var err error
	switch l.Kind {
	case "embedding":
		y, err = a.embedding(name, l)
	case "dense":
		y, err = a.dense(name, l, from[0])
	case "rnn", "lstm", "gru":
		y, err = a.stack(name, l, from[0])
	case "apply":
		y = a.b.Function(name, from[0], *l.Activation)
	case "scale":
		y, err = a.scale(name, l, from[0])
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
	if a.left < 0 {
		return 0, fmt.Errorf("the layers up to this one read more than %d times what %s holds", maxReads, a.checkpoint.File)
	}
	if err != nil {
		return 0, err
	}
	for _, role := range slices.Sorted(maps.Keys(l.Tensors)) {
		if !a.asked[role] {
			return 0, fmt.Errorf("has no %s, so not the tensor %q for it; it has %s", role, l.Tensors[role], strings.Join(slices.Sorted(maps.Keys(a.asked)), ", "))
		}
	}
	a.layers[name] = y
	a.order = append(a.order, name)
	return y, nil
}

// name is what other layers call l: its own name, its prefix, or its kind with a
// number if that is taken.
func (a *assembly) name(l *spec.Layer) string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Prefix != "":
		return l.Prefix
	}
	for {
		name := l.Kind
		if a.numbers[l.Kind]++; a.numbers[l.Kind] > 1 {
			name += strconv.Itoa(a.numbers[l.Kind])
		}
		if _, taken := a.layers[name]; !taken {
			return name
		}
	}
}

func (a *assembly) names() string {
	const most = 64
	if more := len(a.order) - most; more > 0 {
		return fmt.Sprintf("%s, … and %d more", strings.Join(a.order[:most], ", "), more)
	}
	return strings.Join(a.order, ", ")
}

// lookup returns the tensor with a role in l as PyTorch lays it out, nil if there is
// none.
func (a *assembly) lookup(l *spec.Layer, role string) *checkpoint.Tensor {
	if a.spec.Layout == "keras" {
		return a.fromKeras(l, role)
	}
	return a.stored(l, role)
}

// stored returns the tensor with a role in l as it is in the checkpoint.
func (a *assembly) stored(l *spec.Layer, role string) *checkpoint.Tensor {
	a.asked[role] = true
	name, ok := l.Tensor(role)
	if !ok || a.tensors[name] == nil {
		return nil
	}
	t := a.tensors[name]
	if a.left -= len(t.Data); a.left < 0 {
		return nil // the layer fails, see layer
	}
	return t
}

// tensor returns the tensor with a role in l and notes that it is used; nil if there
// is none.
func (a *assembly) tensor(l *spec.Layer, role string) *checkpoint.Tensor {
	t := a.lookup(l, role)
	if t != nil {
		a.used[a.tensorName(l, role)] = true
	}
	return t
}

// tensorName is the name of the tensor with a role in l, or only what the checkpoint's
// layout calls the role, where l names its tensors and has none for it.
func (a *assembly) tensorName(l *spec.Layer, role string) string {
	if in := kerasRoles[l.Kind][role]; a.spec.Layout == "keras" && in != "" {
		role = in
	}
	if name, ok := l.Tensor(role); ok {
		return name
	}
	return role
}

// missing is the error for a tensor that must be there.
func (a *assembly) missing(l *spec.Layer, role string) error {
	if why := a.checkpoint.Absent[a.tensorName(l, role)]; why != "" {
		return fmt.Errorf("no tensor %q in %s: %s", a.tensorName(l, role), a.checkpoint.File, why)
	}
	return fmt.Errorf("no tensor %q in %s", a.tensorName(l, role), a.checkpoint.File)
}

// matrix returns the tensor with a role in l, which must be there with two dimensions.
func (a *assembly) matrix(l *spec.Layer, role string) (*checkpoint.Tensor, error) {
	t := a.tensor(l, role)
	if t == nil {
		return nil, a.missing(l, role)
	}
	if len(t.Shape) != 2 || len(t.Data) == 0 {
		return nil, fmt.Errorf("tensor %q has shape %v, want a matrix", t.Name, t.Shape)
	}
	return t, nil
}

// vector returns the elements of the tensor with a role in l, nil if there is none.
func (a *assembly) vector(l *spec.Layer, role string, length int) ([]float32, error) {
	t := a.tensor(l, role)
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

func (a *assembly) embedding(name string, l *spec.Layer) (format.Buffer, error) {
	w, err := a.matrix(l, "weight")
	if err != nil {
		return 0, err
	}
	return a.b.Embedding(name, w.Data, w.Shape[1]), nil
}

// oneStep reports whether w is the weight of an nn.Conv1d over one step, [out, in, 1], which
// is a dense layer.
func oneStep(w *checkpoint.Tensor) bool {
	return w != nil && len(w.Shape) == 3 && w.Shape[2] == 1 && len(w.Data) > 0
}

func (a *assembly) dense(name string, l *spec.Layer, x format.Buffer) (format.Buffer, error) {
	w := a.lookup(l, "weight")
	if oneStep(w) {
		a.used[w.Name] = true
	} else {
		var err error
		if w, err = a.matrix(l, "weight"); err != nil {
			return 0, err
		}
	}
	if w.Shape[1] != a.b.Width(x) {
		return 0, fmt.Errorf("tensor %q has shape %v, but the layer reads %d floats", w.Name, w.Shape, a.b.Width(x))
	}
	bias, err := a.vector(l, "bias", w.Shape[0])
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
	ignored := make(map[string]bool, len(a.spec.Ignore))
	for _, p := range a.spec.Ignore {
		ignored[p] = true
	}
	var left []string
	for i := range a.checkpoint.Tensors {
		t := &a.checkpoint.Tensors[i]
		leave := false
		for p := range prefixesOf(t.Name) {
			leave = leave || ignored[p]
		}
		if !leave && !a.used[t.Name] {
			left = append(left, fmt.Sprintf("%.200s %v", t.Name, t.Shape))
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
	if len(a.spec.Ignore) == 0 {
		return nil
	}
	there := map[string]bool{}
	for i := range a.checkpoint.Tensors {
		for p := range prefixesOf(a.checkpoint.Tensors[i].Name) {
			there[p] = true
		}
	}
	for _, p := range a.spec.Ignore {
		if !there[p] {
			return fmt.Errorf("%s: ignore: no tensors under %q in %s, which has %s", a.spec.File, p, a.checkpoint.File, prefixes(a.checkpoint))
		}
	}
	return nil
}

// prefixesOf are what ignore may say of a tensor: its name, and what stands before each of
// the last dots in it.
func prefixesOf(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for dots := 0; dots < 64 && yield(name); dots++ {
			dot := strings.LastIndexByte(name, '.')
			if dot < 0 {
				return
			}
			name = name[:dot]
		}
	}
}

func shorten(list []string) string {
	if len(list) > 6 {
		list = append(list[:6:6], fmt.Sprintf("… and %d more", len(list)-6))
	}
	return strings.Join(list, ", ")
}
