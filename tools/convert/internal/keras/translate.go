package keras

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
)

// A value is the output of a layer, at one step of one stream.
type value struct {
	buf      format.Buffer
	from     *input // nil for what a layer computes
	sequence bool   // it has a time dimension
	last     bool   // it is of the last step of a sequence only
	steps    int    // how many, 0 if that is not fixed
	dims     []int  // those after time; 0 is not fixed
	masked   string // the layer that masks some of the steps
}

// as is the value in another buffer.
func (x value) as(buf format.Buffer) value {
	x.buf, x.from = buf, nil
	return x
}

// features is the number of features of a value that has no other dimensions.
func (x value) features() (int, error) {
	if len(x.dims) != 1 || x.dims[0] < 1 {
		return 0, fmt.Errorf("reads a value of shape %s, supported is one with a fixed number of features and no dimensions beside them and time", x.shape())
	}
	return x.dims[0], nil
}

// shape is the shape in Keras, for messages.
func (x value) shape() string {
	list := []string{"batch"}
	dims := x.dims
	if x.sequence {
		dims = append([]int{x.steps}, dims...)
	}
	for _, d := range dims {
		if d == 0 {
			list = append(list, "?")
		} else {
			list = append(list, fmt.Sprint(d))
		}
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// rank is the number of dimensions in Keras.
func (x value) rank() int {
	if x.sequence {
		return 2 + len(x.dims)
	}
	return 1 + len(x.dims)
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// An input is one of the model's.
type input struct {
	name  string
	width int
	buf   format.Buffer
	ready bool // buf is known, and width does not change any more
}

// A translation is a model in the making.
type translation struct {
	version version
	builder *format.Builder // made when the first layer reads the input
	inputs  []*input
	states  map[string]bool  // inputs that are initial states
	stores  map[*model]store // of the models inside
	notes   []string
	left    int64 // floats of weights that may still be read
	calls   int   // layers that may still be added
}

func newTranslation(version string, size int) *translation {
	return &translation{
		version: parseVersion(version), states: map[string]bool{}, stores: map[*model]store{},
		left: 8*int64(size) + 1<<20, calls: maxLayers,
	}
}

func (t *translation) note(format string, a ...any) {
	if n := fmt.Sprintf(format, a...); !slices.Contains(t.notes, n) && len(t.notes) < 100 {
		t.notes = append(t.notes, n)
	}
}

// b returns the builder; from now on the width of the input is what it is.
func (t *translation) b() *format.Builder {
	if t.builder == nil {
		width := 0
		for _, in := range t.inputs {
			width += in.width
		}
		t.builder = format.NewBuilder(width)
	}
	return t.builder
}

// read returns the buffer of a value.
func (t *translation) read(x value) format.Buffer {
	b := t.b()
	if x.from == nil {
		return x.buf
	}
	if !x.from.ready && len(t.inputs) > 1 {
		at := 0
		for _, in := range t.inputs {
			if in == x.from {
				break
			}
			at += in.width
		}
		x.from.buf = b.Slice(x.from.name, format.Input, at, x.from.width)
	}
	x.from.ready = true
	return x.from.buf
}

// whole translates a model with the weights in f.
func (t *translation) whole(f *hdf5.File, m *model) (*format.Model, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	t.guessVersion(m)
	weights, err := openStore(f, m)
	if err != nil {
		return nil, err
	}
	ins, err := t.declare(m)
	if err != nil {
		return nil, err
	}
	outs, err := t.model(m, "", ins, weights)
	if err != nil {
		return nil, err
	}
	return t.finish(outs)
}

// guessVersion tells Keras 1 from 3 by their words, where the version is not said.
func (t *translation) guessVersion(m *model) {
	if t.version.major != 0 {
		return
	}
	t.version.major = 2
	for _, l := range m.layers {
		if l.config["inner_activation"] != nil || l.config["output_dim"] != nil && l.class != "Embedding" {
			t.version.major = 1
		}
		if _, policy := l.config["dtype"].(map[string]any); policy || l.config["batch_shape"] != nil {
			t.version.major = 3
		}
	}
	if t.version.major == 2 {
		t.version.minor = 3 // the default of the gates, where it is not said, is refused
		t.version.tensorflow = true
	}
}

// declare makes values of the model's inputs.
func (t *translation) declare(m *model) ([]value, error) {
	if m.sequential {
		first := m.layers[0]
		shape := inputShape(first)
		for inner := first; shape == nil && inner.model != nil; {
			inner = inner.model.layers[0]
			shape = inputShape(inner)
		}
		if shape == nil {
			shape = m.shape
		}
		x, err := t.input(first.name, shape)
		return []value{x}, err
	}
	t.findStates(m)
	var list []value
	for _, r := range m.inputs {
		l := m.byName[r.layer]
		if l == nil || l.class != "InputLayer" {
			return nil, fmt.Errorf("the input %.80q is no InputLayer of the model", r.layer)
		}
		if t.states[l.name] {
			t.note("input %q is an initial state, which starts from zeros: set it with Session.WriteState", l.name)
			list = append(list, value{})
			continue
		}
		x, err := t.input(l.name, inputShape(l))
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	if len(t.inputs) > 1 {
		var names []string
		for _, in := range t.inputs {
			names = append(names, fmt.Sprintf("%d of %q", in.width, in.name))
		}
		t.note("the input of a step is %s, one after the other", strings.Join(names, ", "))
	}
	return list, nil
}

// inputShape is what a layer says of its input, nil for nothing.
func inputShape(l *layer) []any {
	for _, key := range []string{"batch_input_shape", "batch_shape"} {
		if s, ok := l.config[key].([]any); ok {
			return s
		}
	}
	return nil
}

// input adds an input of a shape that starts with the batch.
func (t *translation) input(name string, shape []any) (value, error) {
	var dims []int
	for k, d := range shape {
		n, ok := integer(d)
		if d != nil && (!ok || n < 1 || n > format.MaxWidth) {
			return value{}, fmt.Errorf("input %.80q has the shape %.80v, expected sizes from 1 to %d", name, shape, format.MaxWidth)
		}
		if k > 0 {
			dims = append(dims, n)
		}
	}
	if len(dims) < 1 || len(dims) > 8 {
		return value{}, fmt.Errorf("input %.80q has the shape %.80v, expected [batch, time, features] or [batch, features]", name, shape)
	}
	x := value{dims: dims}
	if len(dims) > 1 {
		x.sequence, x.steps, x.dims = true, dims[0], dims[1:]
	}
	width := 1
	for _, d := range x.dims {
		if d > 0 && width > format.MaxWidth/d {
			return x, fmt.Errorf("input %.80q has the shape %.80v, supported are up to %d features", name, shape, format.MaxWidth)
		}
		width *= max(d, 1)
	}
	x.from = &input{name: name, width: width}
	t.inputs = append(t.inputs, x.from)
	return x, nil
}

// findStates finds the inputs that are nothing but initial states.
func (t *translation) findStates(m *model) {
	read := map[string]bool{}
	for _, l := range m.layers {
		for _, c := range l.calls {
			values, states := c.reads, c.states
			if isRecurrent(l.class) && len(values) > 1 {
				values, states = values[:1], append(slices.Clone(states), values[1:]...)
			}
			for _, r := range values {
				read[r.layer] = true
			}
			for _, r := range states {
				if from := m.byName[r.layer]; from != nil && from.class == "InputLayer" {
					t.states[r.layer] = true
				}
			}
		}
	}
	for name := range read {
		delete(t.states, name)
	}
}

// finish makes the model's output of its outputs.
func (t *translation) finish(outs []value) (*format.Model, error) {
	b := t.b()
	var bufs []format.Buffer
	for _, x := range outs {
		if x.from != nil {
			return nil, errors.New("an output is an input as it is, supported are models with a layer in between")
		}
		if x.sequence != outs[0].sequence {
			return nil, errors.New("one output is of every step and another of the last one, supported are those of one kind")
		}
		bufs = append(bufs, x.buf)
	}
	y := bufs[0]
	if len(bufs) > 1 {
		var widths []string
		for _, x := range bufs {
			widths = append(widths, fmt.Sprint(b.Width(x)))
		}
		y = b.Concat("outputs", bufs...)
		t.note("the output of a step is that of the model's %d outputs one after the other, of %s floats", len(bufs), strings.Join(widths, ", "))
	}
	if outs[0].last {
		t.note("the output is what the model gives at the last step of a sequence")
	}
	b.Output(y)
	return b.Model()
}

// A run is a model that is being followed, the whole or one inside.
type run struct {
	t       *translation
	m       *model
	prefix  string // of names
	weights store
	values  map[callOf]value
	pending map[callOf]bool
}

type callOf struct {
	layer string
	call  int
}

// model follows a model from its inputs to its outputs.
func (t *translation) model(m *model, prefix string, ins []value, weights store) ([]value, error) {
	r := &run{t, m, prefix, weights, map[callOf]value{}, map[callOf]bool{}}
	if m.sequential {
		x := ins[0]
		for _, l := range m.layers {
			var err error
			if x, err = r.call(l, prefix+l.name, []value{x}); err != nil {
				return nil, err
			}
		}
		return []value{x}, nil
	}
	if len(ins) != len(m.inputs) {
		return nil, fmt.Errorf("model %.80q is called with %d inputs, expected %d", m.name, len(ins), len(m.inputs))
	}
	for i, in := range m.inputs {
		r.values[callOf{in.layer, 0}] = ins[i]
	}
	var outs []value
	for _, o := range m.outputs {
		if l := m.byName[o.layer]; o.output > 0 && l != nil && isRecurrent(l.class) && len(m.outputs) > 1 && prefix == "" {
			t.note("output %d of layer %q is left aside: after the last step it is a state, for Session.ReadState", o.output, o.layer)
			continue
		}
		x, err := r.value(o)
		if err != nil {
			return nil, err
		}
		outs = append(outs, x)
	}
	if len(outs) == 0 {
		x, err := r.value(reference{m.outputs[0].layer, m.outputs[0].call, 1})
		if err != nil {
			return nil, err
		}
		outs = []value{x}
	}
	return outs, nil
}

// value is what a reference stands for.
func (r *run) value(ref reference) (value, error) {
	l := r.m.byName[ref.layer]
	if l == nil {
		return value{}, fmt.Errorf("found no layer %.80q, of which an output is read", ref.layer)
	}
	x, err := r.output(l, ref)
	if err != nil || ref.output == 0 {
		return x, err
	}
	if ref.output == 1 && cellKinds[l.class] != "" { // h after the last step
		x.last, x.sequence, x.steps = true, false, 0
		return x, nil
	}
	return x, fmt.Errorf("%s: output %d is read, supported are the first and, of a recurrent layer, the state h", l.title(), ref.output)
}

func (r *run) output(l *layer, ref reference) (value, error) {
	key := callOf{l.name, ref.call}
	if x, ok := r.values[key]; ok {
		if len(x.dims) == 0 {
			return x, fmt.Errorf("input %.80q is an initial state and read as a value", l.name)
		}
		return x, nil
	}
	index := ref.call - l.offset
	if index < 0 || index >= len(l.calls) {
		return value{}, fmt.Errorf("%s: call %d is read of %d", l.title(), ref.call, len(l.calls))
	}
	if r.pending[key] {
		return value{}, fmt.Errorf("%s reads its own output", l.title())
	}
	r.pending[key] = true
	c := l.calls[index]
	reads, states := c.reads, c.states
	if isRecurrent(l.class) && len(reads) > 1 {
		reads, states = reads[:1], append(slices.Clone(states), reads[1:]...)
	}
	for _, s := range states {
		if !r.t.states[s.layer] || r.prefix != "" {
			return value{}, fmt.Errorf("%s starts from a state that layer %.80q computes, supported are zeros and inputs of the model", l.title(), s.layer)
		}
	}
	var xs []value
	for _, a := range reads {
		x, err := r.value(a)
		if err != nil {
			return x, err
		}
		xs = append(xs, x)
	}
	name := r.prefix + l.name
	if index > 0 {
		name = fmt.Sprintf("%s.%d", name, index+1)
	}
	x, err := r.call(l, name, xs)
	r.values[key] = x
	return x, err
}

// call adds one call of a layer.
func (r *run) call(l *layer, name string, xs []value) (value, error) {
	h, err := r.weights.of(l)
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", l.title(), err)
	}
	x, err := r.t.evaluate(l, name, xs, h)
	if err == nil && x.from == nil && len(x.dims) > 0 && product(x.dims) != r.t.b().Width(x.buf) {
		err = errors.New("reads an input both as a sequence and as one vector")
	}
	var named inLayer
	if err != nil && !errors.As(err, &named) {
		err = inLayer{l.title(), err}
	}
	return x, err
}

// An inLayer is an error that says which layer it is of, innermost.
type inLayer struct {
	title string
	err   error
}

func (e inLayer) Error() string { return e.title + " " + e.err.Error() }
func (e inLayer) Unwrap() error { return e.err }
