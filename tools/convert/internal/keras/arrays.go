package keras

import (
	"errors"
	"fmt"
	"slices"
)

// arrays are the weights of a layer that are not used yet.
type arrays struct{ list []array }

// next takes the next array, which must have this shape.
func (w *arrays) next(name string, shape ...int) ([]float32, error) {
	if len(w.list) == 0 {
		return nil, fmt.Errorf("has no %s in the file", name)
	}
	a := w.list[0]
	w.list = w.list[1:]
	return a.of(name, shape...)
}

// arrayNames are those that say what an array is.
var arrayNames = []string{"kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embeddings", "alpha", "mean", "variance"}

// of returns the numbers of an array that must have this shape and, where the file says
// one, this name.
func (a array) of(name string, shape ...int) ([]float32, error) {
	if !slices.Equal(a.shape, shape) {
		return nil, fmt.Errorf("has a %s of shape %v in the file (%.120q), expected %v", name, a.shape, a.path, shape)
	}
	if a.name != name && slices.Contains(arrayNames, a.name) {
		return nil, fmt.Errorf("has a %s in the file where a %s is expected (%.120q)", a.name, name, a.path)
	}
	v, err := a.data()
	if err == nil && len(v) != product(shape) {
		err = fmt.Errorf("has a %s of %d numbers in the file (%.120q), expected %d", name, len(v), a.path, product(shape))
	}
	return v, err
}

// held returns the weights of a layer.
func (t *translation) held(l *layer, h holder) ([]array, error) {
	if h == nil {
		return nil, nil
	}
	list, err := h.arrays(l)
	if err == nil {
		err = t.spend(list)
	}
	return list, err
}

// spend counts what is to be read: a layer may be called often.
func (t *translation) spend(list []array) error {
	for _, a := range list {
		n := int64(1)
		for _, d := range a.shape {
			if d < 0 || d > 0 && n > t.left/int64(d) {
				return errors.New("needs more weights than a file of this size may hold")
			}
			n *= int64(d)
		}
		t.left -= n
	}
	return nil
}
