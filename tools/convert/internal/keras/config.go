package keras

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Limits on a configuration, far above those of any model of use.
const (
	maxConfig = 4 << 20 // bytes
	maxDepth  = 100     // of its JSON
	maxLayers = 4096    // and calls of layers, models inside models counted
)

// A model is the configuration of a Sequential or functional model.
type model struct {
	name       string
	sequential bool
	layers     []*layer
	byName     map[string]*layer
	inputs     []reference
	outputs    []reference
	shape      []any // of the input, where the model and not a layer says it
}

// A layer is the configuration of one layer, or of the cell or layer inside one.
type layer struct {
	class  string
	saved  string // the class by which the file names its group, where that is another
	name   string
	config map[string]any
	calls  []call            // of a functional model
	offset int               // number of the first call
	model  *model            // of a layer that is a model
	inner  map[string]*layer // what only has found
	stack  []*layer          // what cells has found
}

// SniffConfig reports whether text looks like the configuration of a Keras model, as
// model.to_json() gives it and a .keras archive has it.
func SniffConfig(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) &&
		bytes.Contains(text, []byte(`"class_name"`)) && bytes.Contains(text, []byte(`"config"`))
}

// parse reads a configuration; version is that of Keras, if the configuration says it.
func parse(text []byte) (m *model, version string, err error) {
	if len(text) > maxConfig {
		return nil, "", fmt.Errorf("the configuration has %d bytes, supported are up to %d", len(text), maxConfig)
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return nil, "", fmt.Errorf("the configuration is nested more than %d deep", maxDepth)
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, "", err
	}
	p := &parser{left: maxLayers}
	l, err := p.layer(root)
	if err != nil {
		return nil, "", err
	}
	if l.model == nil {
		return nil, "", fmt.Errorf("the configuration is of class %q, supported are Sequential and functional models", l.class)
	}
	version, _ = root["keras_version"].(string)
	return l.model, version, nil
}

// A parser turns decoded JSON into models.
type parser struct{ left int }

func (p *parser) layer(entry any) (*layer, error) {
	if p.left--; p.left < 0 {
		return nil, fmt.Errorf("the configuration has more than %d layers", maxLayers)
	}
	e, ok := entry.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the configuration has %s where a layer is expected", brief(entry))
	}
	l := &layer{}
	l.class, _ = e["class_name"].(string)
	list, plain := e["config"].([]any) // of a Sequential model before Keras 2.2.3
	l.config, ok = e["config"].(map[string]any)
	if l.class == "" || !ok && !plain {
		return nil, errors.New("the configuration has a layer without class_name and config")
	}
	l.name, _ = l.config["name"].(string)
	if name, ok := e["name"].(string); ok {
		l.name = name
	}
	fail := func(format string, a ...any) (*layer, error) {
		return nil, fmt.Errorf("%s %s", l.title(), fmt.Sprintf(format, a...))
	}
	if r, _ := e["registered_name"].(string); strings.Contains(r, ">") {
		return fail("is the custom class %.80q, supported are the layers of Keras", r)
	}
	if m, _ := e["module"].(string); m != "" && !strings.HasPrefix(m, "keras") && !strings.HasPrefix(m, "tf_keras") && !strings.HasPrefix(m, "tensorflow") {
		return fail("is of the module %.80q, supported are the layers of Keras", m)
	}
	operation := l.class == "TFOpLambda"
	if m, _ := e["module"].(string); operation || strings.Contains(m, ".ops") {
		if !l.operation() {
			return fail("is an operation on tensors, supported are layers, and x + y, x − y and x·y")
		}
	}
	var err error
	if l.calls, err = p.calls(e["inbound_nodes"], operation); err != nil {
		return fail("has inbound_nodes that %v", err)
	}
	if plain || l.config["layers"] != nil {
		if plain {
			l.config = map[string]any{"layers": list}
		}
		l.model, err = p.model(l, e)
	}
	return l, err
}

// operation makes a layer of an operation on two tensors, as x + y is written without one: by
// Keras 3 as a class of a module of its own, and by TensorFlow before as the name of a
// function.
func (l *layer) operation() bool {
	if l.class != "TFOpLambda" {
		return slices.Contains([]string{"Add", "Subtract", "Multiply"}, l.class)
	}
	function, _ := l.config["function"].(string)
	class := map[string]string{
		"__operators__.add": "Add", "math.add": "Add", "math.subtract": "Subtract", "math.multiply": "Multiply",
	}[function]
	if class == "" {
		return false
	}
	l.class, l.saved = class, l.class
	delete(l.config, "function")
	return true
}

func (l *layer) title() string { return fmt.Sprintf("layer %.80q (%.80s)", l.name, l.class) }

func (p *parser) model(of *layer, entry map[string]any) (*model, error) {
	m := &model{name: of.name, sequential: of.class == "Sequential", byName: map[string]*layer{}}
	fail := func(format string, a ...any) (*model, error) {
		return nil, fmt.Errorf("model %.80q %s", m.name, fmt.Sprintf(format, a...))
	}
	list, ok := of.config["layers"].([]any)
	if !ok {
		return fail("has no list of layers")
	}
	for _, e := range list {
		l, err := p.layer(e)
		if err != nil {
			return nil, err
		}
		if m.byName[l.name] != nil && !m.sequential {
			return fail("has two layers named %.80q", l.name)
		}
		m.byName[l.name] = l
		m.layers = append(m.layers, l)
	}
	if len(m.layers) == 0 {
		return fail("has no layers")
	}
	m.shape, _ = of.config["build_input_shape"].([]any)
	if b, ok := entry["build_config"].(map[string]any); ok && m.shape == nil {
		m.shape, _ = b["input_shape"].([]any)
	}
	if m.sequential {
		return m, nil
	}
	var err error
	if m.inputs, err = references(of.config["input_layers"]); err != nil {
		return fail("has input_layers that %v", err)
	}
	if m.outputs, err = references(of.config["output_layers"]); err != nil {
		return fail("has output_layers that %v", err)
	}
	m.number()
	return m, nil
}

// number finds out where calls of models are counted from: TensorFlow counts the one
// that a model was made with, which the configuration leaves out.
func (m *model) number() {
	see := func(r reference) {
		if l := m.byName[r.layer]; l != nil && l.model != nil && r.call == len(l.calls) && r.call > 0 {
			l.offset = 1
		}
	}
	for _, l := range m.layers {
		for _, c := range l.calls {
			for _, r := range c.reads {
				see(r)
			}
		}
	}
	for _, r := range m.outputs {
		see(r)
	}
}

// integer is a number that is whole and of a size that something could have.
func integer(v any) (int, bool) {
	f, ok := v.(float64)
	return int(f), ok && f == math.Trunc(f) && math.Abs(f) < 1<<31
}

// A version of Keras: major and minor, 0 where it is not known, and whether it is that
// of TensorFlow from the time of two.
type version struct {
	major, minor int
	tensorflow   bool
}

func parseVersion(text string) (v version) {
	number, tail, _ := strings.Cut(text, "-")
	parts := strings.Split(number, ".")
	v.major, _ = strconv.Atoi(parts[0])
	if len(parts) > 1 {
		v.minor, _ = strconv.Atoi(parts[1])
	}
	v.tensorflow = strings.HasPrefix(tail, "tf")
	return v
}
