package keras

import (
	"errors"
	"strconv"

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
