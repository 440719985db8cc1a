// Package converter turns trained weights into a .rnn model: it recognises the
// format of the source by its content, reads it, puts the layers together and
// gives the model a witness.
package converter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/keras"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numpy"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
	"github.com/rnnedge/rnnedge/tools/internal/regular"
)

// witnessSteps is the length of the witness that a conversion adds, unless a state
// without a bound of its own leaves its range before.
const witnessSteps = 256

// witnessSeed makes conversions of one source the same, byte for byte.
const witnessSeed = 1

// A Result is a converted model and what there is to say about it.
type Result struct {
	Model  *format.Model
	Float  *format.Model // Model before its matrices became int8; Model itself where they did not
	Source string        // the file, and its format
	Spec   string        // the spec that was used, "" for none
	Notes  []string      // what was left aside or changed
}

// Options are what a source does not say. The zero value adds nothing.
type Options struct {
	// Spec is the path of the spec; "" is the spec beside the source with the same
	// name and the ending .yaml or .yml, if there is one. For a Keras model it may be
	// its configuration, .json, which beside the source counts only where that has none.
	Spec string
	// Bind names inputs of an ONNX model that become constants: each with the path
	// of a TensorProto (.pb) or a NumPy array (.npy).
	Bind map[string]string
	// States names the inputs of an ONNX or TensorFlow Lite model of one step that are
	// states, all of them, where their shapes do not tell.
	States []string
	// Int8 stores the matrices of the layers as int8, except those of the layers that
	// Keep names and those of fewer than Smallest elements, 0 being 2048: below that int8
	// is no faster than float32, and less exact.
	Int8     bool
	Keep     []string
	Smallest int
	// Vectors, with Int8, is how many bits the vectors have that these matrices multiply, 8 or
	// 16; 0 is 8. With 16 a product takes twice the multiplications and loses nothing but what
	// the weights' own rounding does.
	Vectors int
	// Calibrate, with Int8, is the path of a file or folder of steps (.npy, .npz, .csv,
	// .wav) like those that the model will see: the weights are rounded for what the
	// matrices multiply there, instead of for random input.
	Calibrate string
	// Progress, if not nil, is told how many of the steps of a file of Calibrate are done.
	Progress func(file string, done, total int)
}

// Convert reads the checkpoint at source, a file or a folder. The error names the file,
// the tensor or layer, and what was expected.
func (o Options) Convert(source string) (*Result, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, err
	}
	var data []byte // of a file
	if !info.IsDir() {
		if data, err = regular.ReadFile(source); err != nil {
			return nil, err
		}
	}
	e := extras{bind: map[string][]byte{}, states: o.States}
	for name, path := range o.Bind {
		if e.bind[name], err = regular.ReadFile(path); err != nil {
			return nil, err
		}
	}
	path := o.Spec
	if path == "" {
		path = beside(source, info.IsDir(), data)
		e.beside = true
	}
	e.path = path
	if path != "" {
		text, err := regular.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if keras.Sniff(data) && keras.SniffConfig(text) {
			e.keras = keras.Config{File: path, Text: text}
		} else if e.spec, err = spec.Parse(path, text); err != nil && !e.beside {
			return nil, err
		} else {
			e.unread = err // perhaps it is for another file of the same name
		}
	}
	e.hub = besideWeights(source, data)
	switch o.Vectors {
	case 0, 8:
		e.digits = 1
	case 16:
		e.digits = 2
	default:
		return nil, fmt.Errorf("vectors of %d bits, want 8 or 16", o.Vectors)
	}
	e.int8, e.keep, e.smallest, e.calibrate, e.progress = o.Int8, o.Keep, o.Smallest, o.Calibrate, o.Progress
	if e.smallest == 0 {
		e.smallest = smallestInt8
	}
	if info.IsDir() {
		return convertFolder(source, e)
	}
	return convert(source, data, e)
}

// beside finds what lies beside a source, with another ending: a spec, or the configuration
// of a Keras model beside its weights, which may end in .weights.h5. A folder's has its name.
func beside(source string, folder bool, data []byte) string {
	stem := filepath.Clean(source)
	if !folder {
		stem = strings.TrimSuffix(stem, filepath.Ext(stem))
	}
	paths := []string{stem + ".yaml", stem + ".yml"}
	if keras.Sniff(data) && !keras.HasConfig(data) {
		paths = append(paths, stem+".json", strings.TrimSuffix(stem, ".weights")+".json")
	}
	for _, path := range paths {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	return ""
}

func convert(source string, data []byte, e extras) (*Result, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%s: the file is empty", source)
	}
	if bytes.HasPrefix(data, []byte("\x89rnn")) {
		return nil, fmt.Errorf("%s: is a .rnn model already; look into it with -inspect", source)
	}
	if len(data) > 262 && string(data[257:262]) == "ustar" {
		return nil, fmt.Errorf("%s: is an archive of tar, not what torch.save writes into a file of that name; unpack it and convert what is in it", source)
	}
	for _, from := range importers {
		if !from.sniff(data) {
			continue
		}
		i, err := from.read(source, data, e)
		if err != nil {
			return nil, err
		}
		return finish(source, i, e)
	}
	var names []string
	for _, from := range importers {
		names = append(names, from.name)
	}
	return nil, fmt.Errorf("%s: the content is of no format that is supported: %s", source, strings.Join(names, ", "))
}

// convertFolder is convert for a folder: one of NumPy arrays.
func convertFolder(source string, e extras) (*Result, error) {
	read := tensors(func(string, []byte) (*checkpoint.Checkpoint, error) {
		return numpy.ReadFolder(source, os.DirFS(source))
	})
	i, err := read(source, nil, e)
	if err != nil {
		return nil, err
	}
	return finish(source, i, e)
}

// maxNotes are as many as somebody reads.
const maxNotes = 1000

// finish does to every model what is left to do, whatever its source.
func finish(source string, i *imported, e extras) (*Result, error) {
	float := i.model
	if e.int8 {
		if err := i.quantize(e); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
	}
	if err := complete(i.model, source, i.format); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if more := len(i.notes) - maxNotes; more > 0 {
		i.notes = append(i.notes[:maxNotes:maxNotes], fmt.Sprintf("… and %d more notes", more))
	}
	if n := i.model.Witness.Steps; n < witnessSteps {
		i.notes = append(i.notes, fmt.Sprintf("the witness has only %d steps: on its random input a state of this model grows beyond all bounds", n))
	}
	return &Result{Model: i.model, Float: float, Source: fmt.Sprintf("%s (%s)", source, i.format), Spec: i.spec, Notes: i.notes}, nil
}

// complete adds what a model says about itself: where it came from, unless the
// spec says so, and the witness.
func complete(m *format.Model, source, sourceFormat string) error {
	for _, e := range []format.Meta{{Key: "source", Value: filepath.Base(source)}, {Key: "source format", Value: sourceFormat}} {
		if m.Value(e.Key) == "" {
			m.Meta = append(m.Meta, e)
		}
	}
	file, err := format.Marshal(m)
	if err != nil {
		return err
	}
	engine, err := infer.FromBytes(file)
	if err != nil {
		return err
	}
	for steps := uint32(witnessSteps); ; steps /= 2 {
		m.Witness, err = engine.Witness(witnessSeed, steps)
		if steps == 1 || !errors.Is(err, infer.ErrOverflow) {
			return err
		}
	}
}
