package spec

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rnnedge/rnnedge/format"
)

// Activations are the names of the element-wise functions, those of package format;
// an underscore may stand for a space.
var Activations = activations()

func activations() (list []string) {
	for a := format.Linear; a <= format.Clip; a++ {
		list = append(list, a.String())
	}
	return list
}

// function reads an element-wise function: a name, or a mapping from the name to its
// parameters, alpha and then beta.
func (s *Spec) function(n *yaml.Node, what string) (*format.Function, error) {
	name, values := n, []*yaml.Node(nil)
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		name = n.Content[0]
		values = n.Content[1:]
		if values[0].Kind == yaml.SequenceNode {
			values = values[0].Content
		}
	}
	if name.Kind != yaml.ScalarNode {
		return nil, s.errorf(n, "%s is neither the name of a function nor a mapping from one to its parameters, as in {elu: 1}", what)
	}
	kind := slices.Index(Activations, strings.ReplaceAll(name.Value, "_", " "))
	if kind < 0 {
		return nil, s.errorf(n, "%s %q, want %s", what, name.Value, either(Activations))
	}
	f := &format.Function{Kind: format.Activation(kind)}
	parameters := []*float32{&f.Alpha, &f.Beta}[:f.Kind.Parameters()]
	if len(values) != len(parameters) {
		form := []string{"%s: %s", "%s: {%s: α}", "%s: {%s: [α, β]}"}[len(parameters)]
		return nil, s.errorf(n, "%s %q: the number of parameters is %d, want "+form, what, name.Value, len(values), what, name.Value)
	}
	for i, v := range values {
		var err error
		if *parameters[i], err = s.float(v, what+" "+name.Value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// float reads a finite float32.
func (s *Spec) float(n *yaml.Node, what string) (float32, error) {
	x, err := strconv.ParseFloat(n.Value, 32)
	if n.Kind != yaml.ScalarNode || err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, s.errorf(n, "%s is %q, want a number", what, n.Value)
	}
	return float32(x), nil
}

// word reads one of a few words.
func (s *Spec) word(n *yaml.Node, what string, words []string) (string, error) {
	t, err := s.text(n, what)
	if err == nil && !slices.Contains(words, t) {
		err = s.errorf(n, "%s %q, want %s", what, t, either(words))
	}
	return t, err
}
