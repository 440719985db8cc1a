package keras

import (
	"fmt"
	"slices"
	"strings"
)

// A part is a layer or cell with weights inside a layer that runs along time.
type part struct {
	layer *layer
	group string // of a file that numbers layers, inside the layer's
}

// parts are those of a layer in the order in which their weights are read; none for a cell
// and for a layer of another kind.
func (l *layer) parts() (list []part, err error) {
	switch {
	case l.class == "Bidirectional":
		forward, err := l.only("layer")
		if err != nil {
			return nil, err
		}
		backward := forward
		if l.config["backward_layer"] != nil {
			if backward, err = l.only("backward_layer"); err != nil {
				return nil, err
			}
		}
		return []part{{forward, "forward_layer"}, {backward, "backward_layer"}}, nil
	case l.class == "RNN":
		cell, err := l.only("cell")
		return []part{{cell, "cell"}}, err
	case l.class == "StackedRNNCells":
		cells, err := l.cells()
		names := groupNames(cells)
		for _, c := range cells {
			list = append(list, part{c, "cells/" + names[c]})
		}
		return list, err
	case cellKinds[l.class] != "" && !strings.HasSuffix(l.class, "Cell"):
		return []part{{&layer{class: l.class + "Cell"}, "cell"}}, nil
	}
	return nil, nil
}

// deepest is how many layers are around a cell at most: Bidirectional, RNN, StackedRNNCells.
const deepest = 3

// inOrder puts the weights of a layer's group of an .h5 file in the order in which they are
// read. Keras lists those that training leaves alone last, also where that is one direction
// or one cell (trainable=False), and their names tell whose they are.
func (l *layer) inOrder(list []array, depth int) ([]array, error) {
	parts, err := l.parts()
	if err != nil || len(parts) == 0 || depth == deepest {
		return list, err
	}
	if len(parts) == 1 {
		return parts[0].layer.inOrder(list, depth+1)
	}
	owned, ok := owners(list, l.owner(parts))
	if !ok && l.class == "Bidirectional" {
		owned, ok = owners(list, way)
	}
	if !ok {
		for _, p := range parts {
			if frozen(p.layer.config) {
				return nil, fmt.Errorf("has weights in the file whose names do not tell which of its parts they are of, and %s is not trainable: then Keras has them in another order; set trainable and save it again", p.layer.title())
			}
		}
		return list, nil
	}
	var sorted []array
	for i, p := range parts {
		own, err := p.layer.inOrder(owned[i], depth+1)
		if err != nil {
			return nil, err
		}
		sorted = append(sorted, own...)
	}
	return sorted, nil
}

// owner tells which part a name in the path of an array is of, −1 for none.
func (l *layer) owner(parts []part) func(name string) int {
	owner, twice := map[string]int{}, map[string]bool{}
	add := func(i int, names ...string) {
		for _, name := range names {
			if at, known := owner[name]; known && at != i {
				twice[name] = true
			}
			owner[name] = i
		}
	}
	for i, p := range parts {
		if l.class != "Bidirectional" {
			add(i, p.layer.name)
			continue
		}
		// Keras 3 leaves a backward layer that it is given its own name.
		prefix := prefixes[i]
		add(i, prefix+strings.TrimPrefix(p.layer.name, prefix), prefix+p.layer.name)
		if i > 0 && p.layer.name != parts[0].layer.name {
			add(i, p.layer.name)
		}
	}
	return func(name string) int {
		if i, known := owner[name]; known && !twice[name] {
			return i
		}
		return -1
	}
}

// prefixes are what the names of the two directions begin with.
var prefixes = []string{"forward_", "backward_"}

// way is the direction that a name says it is of, −1 for none.
func way(name string) int {
	return slices.IndexFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// owners sorts arrays by whose they are, which the last name in the path says that has an
// owner. None may be left over, nor all be of one.
func owners(list []array, owner func(name string) int) (owned map[int][]array, ok bool) {
	owned = map[int][]array{}
	for _, a := range list {
		at := -1
		for _, name := range strings.Split(a.path, "/") {
			if i := owner(name); i >= 0 {
				at = i
			}
		}
		if at < 0 {
			return nil, false
		}
		owned[at] = append(owned[at], a)
	}
	return owned, len(owned) > 1
}

// frozen reports whether anything in a configuration is not trainable.
func frozen(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if v["trainable"] == false {
			return true
		}
		for _, inner := range v {
			if frozen(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, frozen)
	}
	return false
}
