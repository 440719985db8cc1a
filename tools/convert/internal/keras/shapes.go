package keras

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// masking is nothing but a mark where the masked features are zeros, as they stay.
func (t *translation) masking(f *fields, name string, x value, _ *arrays) (value, error) {
	v, err := f.number(0, "mask_value")
	if err != nil {
		return x, err
	}
	if v != 0 {
		return x, fmt.Errorf("has the mask_value %g, supported is 0, and before layers that do not run along time", v)
	}
	x.masked = name
	return x, nil
}

// reshape is nothing where steps stay steps; of an input without time it may make one.
func (t *translation) reshape(f *fields, name string, x value, _ *arrays) (value, error) {
	list, ok := f.take("target_shape").([]any)
	if !ok || len(list) == 0 || len(list) > 8 {
		return x, errors.New("has no target_shape")
	}
	if slices.Contains(x.dims, 0) {
		return x, fmt.Errorf("reads a value of shape %s, expected a fixed number of features", x.shape())
	}
	features := product(x.dims)
	target := make([]int, len(list))
	known, free := 1, -1
	for k, d := range list {
		n, ok := integer(d)
		if !ok || n != -1 && (n < 1 || n > format.MaxWidth) || n == -1 && free >= 0 {
			return x, fmt.Errorf("has the target_shape %s, expected sizes, of which one may be -1", brief(list))
		}
		if target[k] = n; n == -1 {
			free = k
		} else if known > format.MaxWidth/n {
			return x, fmt.Errorf("has the target_shape %s, supported are up to %d numbers", brief(list), format.MaxWidth)
		} else {
			known *= n
		}
	}
	refuse := fmt.Errorf("makes %s of a value of shape %s, supported is what leaves the steps as they are", brief(list), x.shape())
	y := x
	if !x.sequence {
		if free >= 0 {
			target[free] = features / known
			known *= target[free]
		}
		whole := x.from != nil && !x.from.ready && len(t.inputs) == 1 // the model's input, which nothing has read yet
		switch {
		case known != features:
			return x, refuse
		case len(target) == 1:
			y.dims = target
		case x.from != nil && target[0] == 1:
			y.sequence, y.steps, y.dims = true, 1, target[1:]
		case whole: // it is a sequence
			y.sequence, y.steps, y.dims = true, target[0], target[1:]
			x.from.width = features / target[0]
			t.note("the input of the model is %d steps of %d floats, and that of a step here one of them", y.steps, x.from.width)
		default:
			return x, refuse
		}
		return y, nil
	}
	rest := 1 // of the target's dimensions after time
	for k, d := range target[1:] {
		if k+1 != free {
			rest *= d
		}
	}
	if free > 0 {
		if features%rest != 0 {
			return x, refuse
		}
		target[free] = features / rest
		rest = features
	}
	steps := target[0]
	if len(target) < 2 || rest != features || free != 0 && steps != x.steps {
		return x, refuse
	}
	y.dims = target[1:]
	return y, nil
}

func (t *translation) flatten(f *fields, _ string, x value, _ *arrays) (value, error) {
	f.take("data_format")
	if slices.Contains(x.dims, 0) || x.sequence && x.steps != 1 {
		return x, fmt.Errorf("makes one vector of a value of shape %s, supported is what has one step or none", x.shape())
	}
	y := x
	y.last = x.last || x.sequence && x.from == nil
	y.sequence, y.steps, y.dims = false, 0, []int{product(x.dims)}
	return y, nil
}

func (t *translation) repeat(f *fields, _ string, x value, _ *arrays) (value, error) {
	n, err := f.size(format.MaxWidth, "n")
	if err != nil {
		return x, err
	}
	if x.last || x.sequence || n != 1 {
		return x, fmt.Errorf("gives a value of shape %s to %d steps, supported is one step of an input without time", x.shape(), n)
	}
	y := x
	y.sequence, y.steps = true, 1
	return y, nil
}

func (t *translation) permute(f *fields, _ string, x value, _ *arrays) (value, error) {
	list, _ := f.take("dims").([]any)
	for k, d := range list {
		if n, ok := integer(d); !ok || n != k+1 {
			return x, fmt.Errorf("has the dims %s, supported is what leaves them in their order", brief(list))
		}
	}
	return x, nil
}

func (t *translation) identity(_ *fields, _ string, x value, _ *arrays) (value, error) { return x, nil }
