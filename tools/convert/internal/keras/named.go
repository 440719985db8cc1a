package keras

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
)

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
		switch {
		case h.list != nil:
		case l.model != nil: // whose name is not always among them
			h.list = n.list
		case l.class == "TimeDistributed": // nor is that of one around a model
			inner, err := l.only("layer")
			if err != nil {
				return nil, err
			}
			return n.of(inner)
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

func (n named) arrays(l *layer) ([]array, error) { return l.inOrder(n.list, 0) }
func (n named) wrapped() (holder, error)         { return n, nil }
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
	return joinGates(list)
}

// perGate are the names of Keras 1: a letter for the kind of array, one for the gate.
var perGate = regexp.MustCompile(`(?:^|_)([WUb])_([ifcozrh])(?:_\d+)?$`)

// joinGates makes of the arrays that Keras 1 has for each gate, lstm_1_W_i and so on, those
// of later versions, in the same place.
func joinGates(list []array) ([]array, error) {
	var out []array
	for i := 0; i < len(list); {
		gates := map[string]array{}
		j := i
		for ; j < len(list); j++ {
			m := perGate.FindStringSubmatch(list[j].name)
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
