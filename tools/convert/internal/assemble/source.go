package assemble

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// source is the module that l's tensors come from, where the file says something of it.
func (a *assembly) source(l *spec.Layer) checkpoint.Module {
	if l.Tensors == nil {
		return a.checkpoint.Modules[l.Prefix]
	}
	for _, role := range slices.Sorted(maps.Keys(l.Tensors)) {
		if prefix, ok := strings.CutSuffix(l.Tensors[role], "."+role); ok || l.Tensors[role] == role {
			return a.checkpoint.Modules[strings.TrimSuffix(prefix, role)]
		}
	}
	return checkpoint.Module{}
}

// fits verifies that the spec says of l what the file says of its module.
func (a *assembly) fits(l *spec.Layer) error {
	m := a.source(l)
	switch kind, known := m.Layer(); {
	case a.checkpoint.Spec != nil, !known:
	case m.MaxNorm:
		return fmt.Errorf("the file has a %s with max_norm there, which is not supported", m.Class)
	case kind != l.Kind:
		return fmt.Errorf("the file has a %s there, which is not of kind %s", m.Class, l.Kind)
	case l.Epsilon != 0 && m.Epsilon != 0 && l.Epsilon != m.Epsilon:
		return fmt.Errorf("epsilon is %g, but that of the %s in the file is %g; leave it out", l.Epsilon, m.Class, m.Epsilon)
	case l.Activation != nil && m.Nonlinearity != "" && l.Activation.Kind.String() != m.Nonlinearity:
		return fmt.Errorf("activation is %v, but that of the %s in the file is %s; leave it out", l.Activation, m.Class, m.Nonlinearity)
	}
	return nil
}
