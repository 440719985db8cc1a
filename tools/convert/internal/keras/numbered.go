package keras

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
)

// numbered is the layout of .keras and .weights.h5: layers/lstm_1/cell/vars/0. A layer's
// group has the name of its class, with a number after it from the second on.
type numbered struct {
	group  *hdf5.Group
	groups map[*layer]string
	left   *budget
}

func openNumbered(g *hdf5.Group, m *model, left *budget) (store, error) {
	container := ""
	for _, name := range []string{"layers", "_layer_checkpoint_dependencies"} { // the latter until Keras 2.13
		if g.Has(name) {
			container = name
			break
		}
	}
	if container == "" {
		return nil, fmt.Errorf("group %s has neither an attribute layer_names nor a group layers; supported are the files that Keras saves models and weights in", g.Path())
	}
	layers, err := g.Group(container)
	if err != nil {
		return nil, err
	}
	n := numbered{layers, groupNames(m.layers), left}
	byName, err := n.byName(m)
	if err != nil {
		return nil, err
	}
	if byName != nil {
		n.groups = byName
		return n, nil
	}
	return n, n.complete()
}

// complete makes sure that no layer of the file is left over where they are told apart by
// their number: all would be taken for others.
func (n numbered) complete() error {
	names, err := n.group.Names()
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, name := range n.groups {
		used[name] = true
	}
	for _, name := range names {
		if !used[name] && !strings.HasPrefix(name, "input_layer") && len(n.groups) > 0 {
			return fmt.Errorf("the file has the layer %.80q, which the configuration has not; in this file a part of a model cannot be told from the whole", name)
		}
	}
	return nil
}

// groupNames are the names that Keras gives to the groups of layers.
func groupNames(layers []*layer) map[*layer]string {
	names, used := map[*layer]string{}, map[string]int{}
	for _, l := range layers {
		name := snake(cmp.Or(l.saved, l.class))
		if n := used[name]; n > 0 {
			names[l] = fmt.Sprintf("%s_%d", name, n)
		} else {
			names[l] = name
		}
		used[name]++
	}
	return names
}

var (
	words = regexp.MustCompile(`(.)([A-Z][a-z0-9]+)`)
	humps = regexp.MustCompile(`([a-z])([A-Z])`)
)

// snake is Keras's to_snake_case.
func snake(class string) string {
	return strings.ToLower(humps.ReplaceAllString(words.ReplaceAllString(class, "${1}_$2"), "${1}_$2"))
}

// byName is the group of each layer by the layer's name, which newer files have as an
// attribute; nil if not all are found. So a configuration may be a part of the model.
func (n numbered) byName(m *model) (map[*layer]string, error) {
	names, err := n.group.Names()
	if err != nil {
		return nil, err
	}
	if err := n.left.spend(len(names)); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, group := range names {
		if !n.group.Has(group + "/vars") {
			continue
		}
		vars, err := n.group.Group(group + "/vars")
		if err != nil {
			return nil, err
		}
		a, err := vars.Attribute("name")
		if err != nil {
			continue
		}
		if name, err := a.Strings(); err == nil && len(name) == 1 {
			found[name[0]] = group
		}
	}
	groups := map[*layer]string{}
	for _, l := range m.layers {
		group, ok := found[l.name]
		if !ok && l.class != "InputLayer" {
			return nil, nil
		}
		groups[l] = group
	}
	return groups, nil
}

func (n numbered) of(l *layer) (holder, error) {
	name := n.groups[l]
	if name == "" || !n.group.Has(name) {
		return grouped{left: n.left}, nil
	}
	g, err := n.group.Group(name)
	return grouped{g, n.left}, err
}

// A grouped holder is the group of a layer, which may have groups of others inside.
type grouped struct {
	group *hdf5.Group // nil for none
	left  *budget
}

func (g grouped) arrays(l *layer) ([]array, error) {
	if g.group == nil {
		return nil, nil
	}
	return g.collect(l, 0)
}

// collect returns the arrays of a layer whose group this is, and of its parts inside.
func (g grouped) collect(l *layer, depth int) (list []array, err error) {
	if list, err = varsOf(g.group, g.left); err != nil || depth == deepest {
		return list, err
	}
	parts, err := l.parts()
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if !g.group.Has(p.group) {
			continue
		}
		inner, err := g.group.Group(p.group)
		if err != nil {
			return nil, err
		}
		more, err := grouped{inner, g.left}.collect(p.layer, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// varsOf returns the arrays of a group itself.
func varsOf(g *hdf5.Group, left *budget) (list []array, err error) {
	if !g.Has("vars") {
		return nil, nil
	}
	vars, err := g.Group("vars")
	if err != nil {
		return nil, err
	}
	for i := 0; vars.Has(strconv.Itoa(i)); i++ {
		if err := left.spend(1); err != nil {
			return nil, err
		}
		d, err := vars.Dataset(strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		list = append(list, array{path: d.Path(), shape: d.Shape(), data: d.Float32})
	}
	return list, nil
}

func (g grouped) wrapped() (holder, error) {
	if g.group == nil || !g.group.Has("layer") {
		return grouped{left: g.left}, nil
	}
	inner, err := g.group.Group("layer")
	return grouped{inner, g.left}, err
}

func (g grouped) model(m *model) (store, error) {
	if g.group == nil {
		return nil, errors.New("has no weights in the file")
	}
	return openNumbered(g.group, m, g.left)
}
