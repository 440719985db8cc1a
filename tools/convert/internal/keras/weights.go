package keras

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
)

// An array is one weight of a layer, row-major.
type array struct {
	path  string // for messages
	name  string // what Keras calls it, as "kernel"; "" in a file of Keras 3, which numbers them
	shape []int
	data  func() ([]float32, error)
}

// A store is where the weights of a model's layers are.
type store interface {
	// of returns where those of a layer are.
	of(l *layer) (holder, error)
}

// A holder is where the weights of one layer are.
type holder interface {
	// arrays returns the weights in the order in which Keras makes them, a wrapper's
	// with those of the layers it wraps.
	arrays(l *layer) ([]array, error)
	// wrapped is the holder of the layer inside TimeDistributed.
	wrapped() (holder, error)
	// model is the store of a layer that is a model.
	model(m *model) (store, error)
}

// A budget is how many groups and arrays may still be looked up: in HDF5 one group may be
// in many places, and in itself.
type budget int

func newBudget() *budget { b := budget(1 << 14); return &b }

func (b *budget) spend(n int) error {
	if *b -= budget(n); *b < 0 {
		return errors.New("has more weights than any model of use")
	}
	return nil
}

// openStore finds the weights of m in a file.
func openStore(f *hdf5.File, m *model) (store, error) {
	root := f.Root()
	if root.Has("model_weights") {
		var err error
		if root, err = root.Group("model_weights"); err != nil {
			return nil, err
		}
	}
	if _, err := texts(root, "layer_names"); err == nil {
		return named{root, nil, newBudget()}, nil
	}
	return openNumbered(root, m, newBudget())
}

// texts reads an attribute of strings, which Keras cuts where it is long.
func texts(g *hdf5.Group, name string) ([]string, error) {
	a, err := g.Attribute(name)
	if err == nil {
		return a.Strings()
	}
	var list []string
	for i := 0; ; i++ {
		a, missing := g.Attribute(name + strconv.Itoa(i))
		if missing != nil {
			if i == 0 {
				return nil, err
			}
			return list, nil
		}
		more, err := a.Strings()
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
}

// named is the layout until Keras 3, and that of its .h5 files: a group for each layer
// of the model by its name, whose attribute weight_names lists the arrays in it. Those
// of a model inside the model are all in the group of that.
type named struct {
	group *hdf5.Group
	list  []array // of a model inside the model
	left  *budget
}

func (n named) of(l *layer) (holder, error) {
	if n.list != nil {
		h := named{left: n.left}
		for _, a := range n.list {
			if strings.HasPrefix(a.path, l.name+"/") || strings.Contains(a.path, "/"+l.name+"/") {
				h.list = append(h.list, a)
			}
		}
		if h.list == nil && l.model != nil { // whose name is not always among them
			h.list = n.list
		}
		return h, nil
	}
	if !n.group.Has(l.name) {
		return named{left: n.left}, nil
	}
	g, err := n.group.Group(l.name)
	if err != nil {
		return nil, err
	}
	list, err := namedArrays(g, n.left)
	return named{list: list, left: n.left}, err
}

func (n named) arrays(*layer) ([]array, error) { return n.list, nil }
func (n named) wrapped() (holder, error)       { return n, nil }
func (n named) model(*model) (store, error) {
	if n.list == nil {
		n.list = []array{}
	}
	return n, nil
}

// namedArrays lists the arrays of a layer's group.
func namedArrays(g *hdf5.Group, left *budget) (list []array, err error) {
	names, err := texts(g, "weight_names")
	if err != nil {
		return nil, fmt.Errorf("group %s: %w", g.Path(), err)
	}
	if err := left.spend(len(names)); err != nil {
		return nil, err
	}
	for _, name := range names {
		d, err := g.Dataset(name)
		if err != nil {
			return nil, err
		}
		last := name[strings.LastIndexByte(name, '/')+1:]
		last, _, _ = strings.Cut(last, ":")
		list = append(list, array{path: name, name: last, shape: d.Shape(), data: d.Float32})
	}
	return join1(list)
}

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
		name := snake(l.class)
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
	words  = regexp.MustCompile(`(.)([A-Z][a-z0-9]+)`)
	humps  = regexp.MustCompile(`([a-z])([A-Z])`)
	keras1 = regexp.MustCompile(`(?:^|_)([WUb])_([ifcozrh])(?:_\d+)?$`)
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
	cells, err := l.cells()
	if err != nil {
		return nil, err
	}
	return g.collect(cells, 0)
}

// collect returns the arrays of a group and of the layer's parts inside; cells are those
// of a StackedRNNCells, which lie no deeper than in forward_layer/cell/cells.
func (g grouped) collect(cells []*layer, depth int) (list []array, err error) {
	if list, err = varsOf(g.group, g.left); err != nil || depth == 3 {
		return list, err
	}
	inside := []string{"cell", "forward_layer", "backward_layer"}
	if g.group.Has("cells") {
		names := groupNames(cells)
		for _, c := range cells {
			inside = append(inside, "cells/"+names[c])
		}
	}
	for _, name := range inside {
		if !g.group.Has(name) {
			continue
		}
		inner, err := g.group.Group(name)
		if err != nil {
			return nil, err
		}
		more, err := grouped{inner, g.left}.collect(cells, depth+1)
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

// join1 makes of the arrays that Keras 1 has for each gate, lstm_1_W_i and so on, those
// of later versions, in the same place.
func join1(list []array) ([]array, error) {
	var out []array
	for i := 0; i < len(list); {
		gates := map[string]array{}
		j := i
		for ; j < len(list); j++ {
			m := keras1.FindStringSubmatch(list[j].name)
			if m == nil {
				break
			}
			if _, twice := gates[m[1]+m[2]]; twice {
				break
			}
			gates[m[1]+m[2]] = list[j]
		}
		if j == i {
			out = append(out, list[i])
			i++
			continue
		}
		order := "zrh"
		if len(gates) == 12 {
			order = "ifco"
		}
		for _, k := range []struct{ old, name string }{{"W", "kernel"}, {"U", "recurrent_kernel"}, {"b", "bias"}} {
			var parts []array
			for _, gate := range order {
				a, ok := gates[k.old+string(gate)]
				if !ok || len(parts) > 0 && !slices.Equal(a.shape, parts[0].shape) {
					return nil, fmt.Errorf("array %q: found no %s_%c of its shape beside it, expected one for each of the gates %s", list[i].path, k.old, gate, order)
				}
				parts = append(parts, a)
			}
			out = append(out, beside(k.name, parts))
		}
		i = j
	}
	return out, nil
}

// beside joins arrays along their last dimension.
func beside(name string, parts []array) array {
	a := array{path: parts[0].path, name: name, shape: slices.Clone(parts[0].shape)}
	last := len(a.shape) - 1
	if last < 0 {
		return parts[0]
	}
	width := a.shape[last]
	a.shape[last] *= len(parts)
	a.data = func() ([]float32, error) {
		var columns [][]float32
		for _, p := range parts {
			v, err := p.data()
			if err != nil {
				return nil, err
			}
			columns = append(columns, v)
		}
		var all []float32
		for at := 0; width > 0 && at+width <= len(columns[0]); at += width {
			for _, c := range columns {
				all = append(all, c[at:at+width]...)
			}
		}
		return all, nil
	}
	return a
}
