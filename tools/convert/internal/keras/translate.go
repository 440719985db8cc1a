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
