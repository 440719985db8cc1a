// Package keras reads the models of Keras: .h5 files from version 1 to TensorFlow's, and
// Keras 3's .keras archives and .weights.h5.
//
// The configuration, JSON, says how layers are connected; the weights beside it are
// arrays in the order in which Keras makes them. The model is followed layer by layer for
// one step of one stream:
//
//   - A value of shape [batch, time, features] is a vector for each step. One of shape
//     [batch, features] is either all there is of an input without time, or what a layer
//     without return_sequences gives: the value of the last step of a sequence.
//   - Kernels are [in, gates·units] and are transposed. Gates are i, f, c, o (LSTM), the
//     order of package format, and z, r, h (GRU), which is not. Keras 1 has an array for
//     each gate. CuDNNLSTM and CuDNNGRU save each gate's matrices transposed, and two
//     biases, whose length tells them.
//   - A GRU resets before the product, unless it has reset_after.
//   - hard_sigmoid is min(max(x/5 + ½, 0), 1) until Keras 3 and of x/6 since. It was the
//     gates' default until 2.3.
//   - go_backwards runs from the end to the start and leaves the outputs in that order;
//     the backward half of a Bidirectional layer has them put in order.
//   - A layer that works in training only is dropped. Nothing is executed: what is
//     written in Python, in a Lambda layer or a class of one's own, is refused.
//
// What would change the result is refused by name: a field that is not known has to be
// null or false.
package keras

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
)

// Format is what the source is called.
const Format = "Keras"

// ErrNoConfig is wrapped by the error for a file that has weights and no configuration.
var ErrNoConfig = errors.New("holds weights and no configuration")

// A Config is the JSON that model.to_json() gives, from a file of its own.
type Config struct {
	File string // for messages
	Text []byte // nil for none
}

// Sniff reports whether data looks like a file of Keras's, perhaps a damaged one.
func Sniff(data []byte) bool { return isArchive(data) || hdf5.Sniff(data) }

// HasConfig reports whether data has a configuration of its own.
func HasConfig(data []byte) bool {
	_, c, err := open(data)
	return err == nil && c.text != nil
}

// Read translates the model in data; file stands for it in messages. A configuration in
// instead counts in the place of the file's own, and may be a part of the model, whose
// layers are found by their names. sourceFormat names the format with the version of
// Keras, notes are what was left aside or changed. A file without a configuration is an
// [ErrNoConfig]. Nothing of the result aliases data.
func Read(file string, data []byte, instead Config) (m *format.Model, sourceFormat string, notes []string, err error) {
	weights, c, err := open(data)
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", file, err)
	}
	at := file
	if instead.Text != nil {
		c.text, at = instead.Text, instead.File
	}
	if c.text == nil {
		return nil, "", nil, fmt.Errorf("%s: %w: save that of model.to_json() beside it with the ending .json, or give it with -spec", file, ErrNoConfig)
	}
	parsed, v, err := parse(c.text)
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", at, err)
	}
	if c.version == "" {
		c.version = v
	}
	t := newTranslation(c.version, len(data))
	if m, err = t.whole(weights, parsed); err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, c.format(), t.notes, nil
}

// A config is what a file says of itself.
type config struct {
	text    []byte // nil for none
	version string // of Keras, "" if it is not said
}

func (c config) format() string {
	if c.version == "" {
		return Format
	}
	return Format + " " + c.version
}

// open finds weights and configuration of a file.
func open(data []byte) (weights *hdf5.File, c config, err error) {
	if isArchive(data) {
		if c.text, data, c.version, err = unpack(data); err != nil {
			return nil, c, err
		}
	}
	if weights, err = hdf5.Open(data); err != nil {
		return nil, c, err
	}
	root := weights.Root()
	groups := []*hdf5.Group{root}
	if root.Has("model_weights") {
		g, err := root.Group("model_weights")
		if err != nil {
			return nil, c, err
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		if text, err := texts(g, "keras_version"); err == nil && len(text) == 1 && c.version == "" {
			c.version = text[0]
		}
	}
	if c.text == nil {
		if text, err := texts(root, "model_config"); err == nil && len(text) == 1 {
			c.text = []byte(text[0])
		}
	}
	if len(c.version) > 20 {
		return nil, c, fmt.Errorf("found the Keras version %.40q, expected one as 2.15.0", c.version)
	}
	return weights, c, nil
}
