package converter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/guitarml"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hub"
	"github.com/rnnedge/rnnedge/tools/convert/internal/keras"
	"github.com/rnnedge/rnnedge/tools/convert/internal/nam"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numpy"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/convert/internal/rnnoise"
	"github.com/rnnedge/rnnedge/tools/convert/internal/rtneural"
	"github.com/rnnedge/rnnedge/tools/convert/internal/safetensors"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
	"github.com/rnnedge/rnnedge/tools/convert/internal/tflite"
	"github.com/rnnedge/rnnedge/tools/convert/internal/torch"
)

// An importer reads one source format.
type importer struct {
	name  string
	sniff func(data []byte) bool
	// read turns a file into a model, with what e adds to it.
	read func(file string, data []byte, e extras) (*imported, error)
}

// extras are what a file does not say.
type extras struct {
	path     string            // of what comes with the source: a spec or Keras's configuration
	beside   bool              // it was found there, not asked for
	spec     *spec.Spec        // nil for none
	unread   error             // why what was found cannot be read as a spec
	keras    keras.Config      // the configuration of a Keras model, from a file of its own
	hub      hub.Config        // what config.json beside weights says
	bind     map[string][]byte // values of inputs, as files
	states   []string          // inputs of one step that are states
	int8     bool              // store matrices as int8 …
	digits   int               // … which multiply vectors of so many int8 digits …
	keep     []string          // … but those of these layers …
	smallest int               // … and those of fewer elements

	calibrate string // data to round weights for, "" for random input
	progress  func(file string, done, total int)
}

// imported is what an importer makes of a file.
type imported struct {
	model  *format.Model
	format string   // the source format, as exactly as the file tells
	notes  []string // what was left aside or changed
	spec   string   // the path of the spec, or configuration, that was used
}

// importers, in the order they are asked whether a file is theirs.
var importers = []importer{
	{"PyTorch .pt/.pth", torch.Sniff, tensors(torch.Read)},
	{"safetensors", safetensors.Sniff, tensors(safetensors.Read)},
	{numpy.Format, numpy.Sniff, tensors(numpy.Read)},
	{guitarml.Format, guitarml.Sniff, whole(guitarml.Format, guitarml.Read)},
	{nam.Format, nam.Sniff, whole(nam.Format, nam.Read)},
	{rtneural.Format, rtneural.Sniff, whole(rtneural.Format, rtneural.Read)},
	{rtneural.StateDictFormat, rtneural.SniffStateDict, tensors(rtneural.ReadStateDict)},
	{rnnoise.Format, rnnoise.Sniff, whole(rnnoise.Format, rnnoise.Read)},
	{tflite.Format, tflite.Sniff, stated(tflite.Format, tflite.Read)},
	{"ONNX", onnx.Sniff, bindable(onnx.Read)},
	{"Keras .keras and .h5", keras.Sniff, readKeras},
}

// tensors makes an importer's read of a source that holds tensors and no program:
// the spec says how they are connected.
func tensors(read func(file string, data []byte) (*checkpoint.Checkpoint, error)) func(string, []byte, extras) (*imported, error) {
	return func(file string, data []byte, e extras) (*imported, error) {
		if err := e.noInputs(file); err != nil {
			return nil, err
		}
		if e.unread != nil {
			return nil, e.unread
		}
		c, err := read(file, data)
		if err != nil {
			return nil, err
		}
		if c.Spec == nil {
			c.ComputeWeightNorm() // else the spec has the tensors as they are
		}
		e.hub.Apply(c)
		m, err := assemble.Model(c, e.spec)
		if err != nil {
			return nil, err
		}
		if rate := e.hub.SampleRate; rate != "" && m.Value("sample rate") == "" {
			m.Meta = append(m.Meta, format.Meta{Key: "sample rate", Value: rate})
		}
		return &imported{m, c.Format, c.Skipped, e.path}, nil
	}
}

// bindable makes an importer's read of a source that is a whole program, whose inputs
// can be bound to constants: there is nothing for a spec to say.
func bindable(read func(file string, data []byte, bind map[string][]byte, states ...string) (*format.Model, string, []string, error)) func(string, []byte, extras) (*imported, error) {
	return func(file string, data []byte, e extras) (*imported, error) {
		unused, err := e.noSpec(file)
		if err != nil {
			return nil, err
		}
		m, sourceFormat, notes, err := read(file, data, e.bind, e.states...)
		if err != nil {
			return nil, err
		}
		return &imported{m, sourceFormat, append(unused, notes...), ""}, nil
	}
}

// stated makes an importer's read of a whole model, of which inputs may be states.
func stated(sourceFormat string, read func(file string, data []byte, states ...string) (*format.Model, []string, error)) func(string, []byte, extras) (*imported, error) {
	return func(file string, data []byte, e extras) (*imported, error) {
		states := e.states
		e.states = nil
		return whole(sourceFormat, func(file string, data []byte) (*format.Model, []string, error) { return read(file, data, states...) })(file, data, e)
	}
}

// whole makes an importer's read of a source that is a whole model of one form: there is
// nothing for a spec to say and nothing to bind.
func whole(sourceFormat string, read func(file string, data []byte) (*format.Model, []string, error)) func(string, []byte, extras) (*imported, error) {
	return func(file string, data []byte, e extras) (*imported, error) {
		unused, err := e.noSpec(file)
		if err != nil {
			return nil, err
		}
		if err := e.noInputs(file); err != nil {
			return nil, err
		}
		m, notes, err := read(file, data)
		if err != nil {
			return nil, err
		}
		return &imported{m, sourceFormat, append(unused, notes...), ""}, nil
	}
}

// readKeras reads a model with its configuration, or weights alone with a spec.
func readKeras(file string, data []byte, e extras) (*imported, error) {
	if err := e.noInputs(file); err != nil {
		return nil, err
	}
	var unused []string
	if e.beside && keras.HasConfig(data) {
		unused, _ = e.noSpec(file)
		e.spec, e.unread, e.path = nil, nil, ""
	}
	if e.spec == nil && e.unread == nil {
		m, sourceFormat, notes, err := keras.Read(file, data, e.keras)
		if !errors.Is(err, keras.ErrNoConfig) {
			return &imported{m, sourceFormat, append(unused, notes...), e.path}, err
		}
		c, damage := keras.Tensors(file, data)
		if damage != nil {
			return nil, fmt.Errorf("%w; the weights alone cannot be read either: %s", err, strings.TrimPrefix(damage.Error(), file+": "))
		}
		return nil, fmt.Errorf("%w; or save this as a .yaml beside it, correct it, and give it with -spec:\n\n%s", err, assemble.Suggest(c))
	}
	return tensors(keras.Tensors)(file, data, e)
}

// noSpec is for a file that needs no spec: one that was asked for is an error, one that
// lies beside the file, perhaps for another of the same name, a note.
func (e extras) noSpec(file string) (notes []string, err error) {
	switch {
	case e.spec == nil && e.unread == nil:
		return nil, nil
	case e.beside:
		return []string{fmt.Sprintf("%s, beside it, was not used: the file says itself how its layers are connected", e.path)}, nil
	}
	return nil, fmt.Errorf("%s: the file says how its layers are connected; convert it without the spec %s", file, e.path)
}

// noInputs is for a format without inputs that can be bound, or be states.
func (e extras) noInputs(file string) error {
	switch {
	case len(e.bind) > 0:
		return fmt.Errorf("%s: the format has no named inputs to bind, supported is that of ONNX models", file)
	case len(e.states) > 0:
		return fmt.Errorf("%s: the format has no named inputs that may be states, supported is that of ONNX and TensorFlow Lite models", file)
	}
	return nil
}
