// Package spec reads the small YAML or JSON file that says what a checkpoint's
// tensors cannot: which layers there are, in what order, with what activations.
//
//	layers:
//	  - embedding: embed     # the value is the prefix of the layer's tensors
//	  - lstm: encoder.lstm   # all its stacked layers; also gru, rnn
//	  - layernorm: norm      # also batchnorm, scale
//	  - dense: head
//	    activation: sigmoid  # any of Activations
//	  - softmax:             # also log_softmax
//	output: head             # the last layer if absent
//	meta: {labels: "yes no"}
//
// A layer reads the one before it, the first reads the input. `from: name` reads
// another one; `add: [a, b]`, `mul: [a, b]` and `concat: [a, b, …]` name what they
// join; the model's input is called input. A layer is named by its prefix, or by its
// kind, unless it has a `name:`. `ignore:` lists prefixes of tensors to leave out,
// and `input: 3` gives the width of the input where no layer tells it.
//
// An activation with parameters is a mapping to them, `activation: {elu: 1}` or
// `apply: {clip: [0, 6]}`; none has a default.
//
// Beside lstm, gru or rnn, `direction: forward`, `reverse` or `bidirectional` says
// which way it runs, where it is not enough that the tensors show both ways, and
// `merge: concat`, `sum`, `mul` or `average` how the two ways of its last layer are
// joined. Beside layernorm and batchnorm, `epsilon: 1e-3` is what the variance is
// raised by.
//
// Where the tensors have names of their own, `tensors: {weight: enc_w}` beside a layer
// gives the name of each by what it is to the layer: weight or bias, weight_ih_l0 and so
// on; it has no others then. `layout: keras`, beside layers, says that arrays are as Keras has them, and are
// called kernel, recurrent_kernel, bias and so on: see package assemble.
package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rnnedge/rnnedge/format"
)

// A Spec is the content of one file.
type Spec struct {
	File   string  // for messages
	Input  int     // width of the input, 0 if the layers tell it
	Layout string  // one of Layouts, "" if not given
	Layers []Layer // in order of execution
	Output string  // name of a layer, "" for the last
	Meta   []Entry // in order of the file
	Ignore []string
}

// An Entry is one line of metadata.
type Entry struct{ Key, Value string }

// A Layer is one entry of layers.
type Layer struct {
	Line       int    // in the file
	Kind       string // one of Kinds
	Prefix     string // of its tensors
	Name       string
	From       []string         // what it reads: names of layers, or "input"
	Activation *format.Function // nil if not given; what a layer of kind "apply" is
	Direction  string           // one of Directions, "" if not given
	Merge      string           // one of Merges, "" if not given
	Epsilon    float32          // 0 if not given

	Tensors map[string]string // names of tensors, by their roles in the layer
}

// Tensor is the name of the tensor that has a role in the layer: the role under the
// layer's prefix, or the name given for it; with names given, there are no others.
func (l *Layer) Tensor(role string) (name string, ok bool) {
	switch {
	case l.Tensors != nil:
		name, ok = l.Tensors[role]
		return name, ok
	case l.Prefix == "":
		return role, true
	}
	return l.Prefix + "." + role, true
}

// Kinds are the kinds of layers, Directions and Merges what may be said of the
// recurrent ones, Layouts who laid the tensors out; the first is taken if none is given.
var (
	Kinds = []string{
		"embedding", "rnn", "lstm", "gru", "dense", "apply", "scale", "batchnorm", "layernorm",
		"softmax", "log_softmax", "add", "mul", "concat",
	}
	Directions = []string{"forward", "reverse", "bidirectional"}
	Merges     = []string{"concat", "sum", "mul", "average"}
	Layouts    = []string{"pytorch", "keras"}
)

// maxSize bounds a spec; YAML aliases are refused, so what is read is bounded too.
const maxSize = 1 << 20

// Parse reads a spec, YAML or JSON (which is YAML); file is its name in messages.
// The error names the line, what was found and what was expected.
func Parse(file string, data []byte) (*Spec, error) {
	s := &Spec{File: file}
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s: %d bytes, want at most %d", file, len(data), maxSize)
	}
	var doc, more yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(data))
	if err := documents.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: empty, want a list of layers", file)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := documents.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one document, want one", file)
	}
	if err := s.root(doc.Content[0]); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Spec) errorf(n *yaml.Node, format string, a ...any) error {
	return fmt.Errorf("%s:%d: %s", s.File, n.Line, fmt.Sprintf(format, a...))
}

// pairs walks a mapping.
func (s *Spec) pairs(n *yaml.Node, what string, f func(key string, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return s.errorf(n, "%s is not a mapping", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if seen[key] {
			return s.errorf(n.Content[i], "%s has %q twice", what, key)
		}
		seen[key] = true
		if err := f(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) text(n *yaml.Node, what string) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", s.errorf(n, "%s is not a text", what)
	}
	return n.Value, nil
}

func (s *Spec) texts(n *yaml.Node, what string) (list []string, err error) {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, s.errorf(n, "%s is not a list of names", what)
	}
	for _, e := range n.Content {
		t, err := s.text(e, what)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	if len(list) == 0 {
		return nil, s.errorf(n, "%s is an empty list", what)
	}
	return list, nil
}

func (s *Spec) root(n *yaml.Node) error {
	err := s.pairs(n, "the spec", func(key string, v *yaml.Node) (err error) {
		switch key {
		case "layers":
			if v.Kind != yaml.SequenceNode {
				return s.errorf(v, "layers is not a list")
			}
			for _, e := range v.Content {
				if err := s.layer(e); err != nil {
					return err
				}
			}
		case "input":
			if s.Input, err = strconv.Atoi(v.Value); err != nil || s.Input < 1 {
				return s.errorf(v, "input is %q, want the number of floats of a step", v.Value)
			}
		case "output":
			s.Output, err = s.text(v, "output")
		case "layout":
			s.Layout, err = s.word(v, key, Layouts)
		case "ignore":
			s.Ignore, err = s.texts(v, "ignore")
		case "meta":
			err = s.pairs(v, "meta", func(key string, v *yaml.Node) error {
				t, err := s.text(v, "meta "+key)
				s.Meta = append(s.Meta, Entry{key, t})
				return err
			})
		default:
			return s.errorf(v, "unknown key %q, want layers, input, layout, output, ignore or meta", key)
		}
		return err
	})
	if err == nil && len(s.Layers) == 0 {
		return s.errorf(n, "no layers")
	}
	return err
}

func (s *Spec) layer(n *yaml.Node) error {
	l := Layer{Line: n.Line}
	err := s.pairs(n, "a layer", func(key string, v *yaml.Node) (err error) {
		switch {
		case key == "name":
			l.Name, err = s.text(v, key)
		case key == "from" && joins(l.Kind), joins(key) && l.From != nil:
			err = s.errorf(v, "from beside add, mul or concat, which name what they read")
		case key == "from":
			l.From, err = s.texts(v, key)
		case key == "activation":
			l.Activation, err = s.function(v, key)
		case key == "direction":
			l.Direction, err = s.word(v, key, Directions)
		case key == "merge":
			l.Merge, err = s.word(v, key, Merges)
		case key == "epsilon":
			l.Epsilon, err = s.float(v, key)
			if err == nil && l.Epsilon <= 0 {
				err = s.errorf(v, "epsilon is %q, want a positive number", v.Value)
			}
		case key == "tensors":
			l.Tensors = map[string]string{}
			err = s.pairs(v, key, func(role string, v *yaml.Node) (err error) {
				l.Tensors[role], err = s.text(v, role)
				return err
			})
		case !slices.Contains(Kinds, key):
			err = s.errorf(v, "unknown key %q in a layer, want a kind (%s), name, from, activation, direction, merge, epsilon or tensors", key, either(Kinds))
		case l.Kind != "":
			err = s.errorf(v, "a layer is both %s and %s; each layer starts with a dash", l.Kind, key)
		case joins(key):
			l.Kind = key
			l.From, err = s.texts(v, key)
		case key == "apply":
			l.Kind = key
			l.Activation, err = s.function(v, key)
		default:
			l.Kind = key
			l.Prefix, err = s.text(v, key)
			if v.Tag == "!!null" {
				l.Prefix = ""
			}
			if err == nil && strings.HasSuffix(key, "softmax") && l.Prefix != "" {
				err = s.errorf(v, "%s %q, want no value: it reads the layer before, or the one that from names", key, l.Prefix)
			}
		}
		return err
	})
	if err == nil && l.Kind == "" {
		err = s.errorf(n, "a layer without a kind, want one of %s", either(Kinds))
	}
	if err == nil {
		err = s.fits(n, l)
	}
	s.Layers = append(s.Layers, l)
	return err
}

// fits verifies that what is said of a layer goes with its kind.
func (s *Spec) fits(n *yaml.Node, l Layer) error {
	for _, k := range []struct {
		key   string
		said  bool
		kinds []string
	}{
		{"activation", l.Activation != nil, []string{"dense", "rnn", "apply"}},
		{"direction", l.Direction != "", []string{"lstm", "gru", "rnn"}},
		{"merge", l.Merge != "", []string{"lstm", "gru", "rnn"}},
		{"epsilon", l.Epsilon != 0, []string{"layernorm", "batchnorm"}},
		{"tensors", l.Tensors != nil, []string{"embedding", "rnn", "lstm", "gru", "dense", "scale", "batchnorm", "layernorm"}},
	} {
		if k.said && !slices.Contains(k.kinds, l.Kind) {
			return s.errorf(n, "%s of a layer of kind %s, want it on %s", k.key, l.Kind, either(k.kinds))
		}
	}
	if (l.Kind == "add" || l.Kind == "mul") && len(l.From) != 2 {
		return s.errorf(n, "%s of %d layers, want 2", l.Kind, len(l.From))
	}
	return nil
}

// joins reports whether the value of this kind of layer is a list of what it reads.
func joins(kind string) bool { return kind == "add" || kind == "mul" || kind == "concat" }

func either(list []string) string {
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}
