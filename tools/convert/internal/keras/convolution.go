package keras

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/compose"
)

// conv1d adds a causal convolution along time: a delay line and a dense layer, whose weights
// are Keras's kernel [steps, inputs, filters] as it lies. With a kernel of one step it is a
// dense layer, whatever the padding.
func (t *translation) conv1d(f *fields, name string, x value, w *arrays) (value, error) {
	if !x.sequence {
		return x, fmt.Errorf("reads a value of shape %s, expected a sequence", x.shape())
	}
	I, err := x.features()
	if err != nil {
		return x, err
	}
	var sizes [4]int
	for i, key := range []string{"kernel_size", "dilation_rate", "strides", "groups"} {
		if sizes[i], err = f.along(key); err != nil {
			return x, err
		}
	}
	taps, dilation := sizes[0], sizes[1]
	if sizes[2] != 1 {
		return x, fmt.Errorf("has strides of %d steps, supported is 1: an output at every step", sizes[2])
	}
	if err := t.groups(w, taps, I, sizes[3]); err != nil {
		return x, err
	}
	if v := f.take("data_format"); v != nil && v != "channels_last" {
		return x, fmt.Errorf("has the data_format %.40v, supported is channels_last", v)
	}
	switch padding := f.take("padding"); {
	case taps == 1 || padding == "causal":
	case padding == nil || padding == "valid":
		return x, fmt.Errorf("has the padding valid, which leaves out the first %d steps; supported is causal, which has them, and the same numbers after them: put it in its place in a configuration given with -spec, or train with it where a layer that runs along time follows", (taps-1)*dilation)
	default:
		return x, fmt.Errorf("has the padding %.40v, which reads steps that are still to come; supported is causal: train with it", padding)
	}
	if x.masked != "" {
		return x, fmt.Errorf("reads steps that layer %q masks, supported is a sequence without masked steps: take the mask out of the configuration, give that with -spec, and do not feed the steps", x.masked)
	}
	in, err := compose.Causal(t.b(), name+".line", t.read(x), taps, dilation)
	if err != nil {
		return x, err
	}
	return t.affine(f, name, x, in, []string{"filters"}, w, taps, I)
}

// groups makes of the kernel of a convolution in groups, each of which reads its part of the
// inputs and gives its part of the filters, that of one that reads all of them: with zeros.
func (t *translation) groups(w *arrays, taps, inputs, groups int) error {
	if groups == 1 || len(w.list) == 0 {
		return nil
	}
	a := w.list[0]
	if len(a.shape) != 3 || a.shape[0] != taps || inputs%groups != 0 || a.shape[1] != inputs/groups || a.shape[2]%groups != 0 {
		return fmt.Errorf("has a kernel of shape %v in the file (%.120q), expected [%d, %d/%[4]d, filters] for %[4]d groups, which divide inputs and filters", a.shape, a.path, taps, inputs, groups)
	}
	each, filters := a.shape[1], a.shape[2]
	whole := a
	whole.shape = []int{taps, inputs, filters}
	whole.data = func() ([]float32, error) {
		v, err := a.of("kernel", a.shape...)
		if err != nil {
			return nil, err
		}
		out := make([]float32, taps*inputs*filters)
		for k, v := range v {
			row, f := k/filters, k%filters
			group := f / (filters / groups)
			out[(row/each*inputs+group*each+row%each)*filters+f] = v
		}
		return out, nil
	}
	w.list[0] = whole
	return t.spend(w.list[:1])
}

// along returns a size along time, which Keras writes as a number or as a list of one; 1
// where it is not there.
func (f *fields) along(key string) (int, error) {
	v := f.take(key)
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	if v == nil && key != "kernel_size" {
		return 1, nil
	}
	n, ok := integer(v)
	if !ok || n < 1 || n > format.MaxWidth {
		return 0, fmt.Errorf("has the %s %.40v, expected a size from 1 to %d", key, f.config[key], format.MaxWidth)
	}
	return n, nil
}
