package keras

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// isRecurrent reports whether a class runs along time.
func isRecurrent(class string) bool {
	return cellKinds[class] != "" || class == "RNN" || class == "Bidirectional"
}

// recurrent translates a layer that runs along time.
func (t *translation) recurrent(l *layer, name string, x value, arrays []array) (value, error) {
	if !x.sequence {
		return x, fmt.Errorf("reads a value of shape %s, expected a sequence", x.shape())
	}
	if _, err := x.features(); err != nil {
		return x, err
	}
	if x.masked != "" {
		return x, fmt.Errorf("skips the steps that layer %q masks, supported is a sequence without masked steps: take the mask out of the configuration, give that with -spec, and do not feed the steps", x.masked)
	}
	in := x.as(t.read(x))
	y, err := t.directed(l, name, in, &arrays)
	if err == nil && len(arrays) > 0 {
		err = fmt.Errorf("leaves weights in the file unused, from %.120q on", arrays[0].path)
	}
	return y, err
}

func (t *translation) directed(l *layer, name string, x value, arrays *[]array) (value, error) {
	if l.class == "Bidirectional" {
		return t.bothWays(l, name, x, arrays)
	}
	f := l.fields()
	all := f.flag("return_sequences", false)
	back := f.flag("go_backwards", false)
	if f.flag("stateful", false) {
		t.note("layer %q is stateful in Keras, as every layer is here: Session.Reset starts a new sequence", l.name)
	}
	if f.flag("time_major", false) {
		return x, fmt.Errorf("has time_major, supported is a batch as the first dimension")
	}
	f.take("return_state")
	cells := []*layer{l}
	fs := []*fields{f}
	if l.class == "RNN" {
		inner, err := l.only("cell")
		if err != nil {
			return x, err
		}
		f.take("cell")
		cells, fs = []*layer{inner}, nil
		if inner.class == "StackedRNNCells" {
			if cells, err = inner.cells(); err != nil {
				return x, err
			}
			sf := inner.fields()
			sf.take("cells")
			sf.take("reverse_state_order") // states are not read
			if err := sf.rest(); err != nil {
				return x, err
			}
		}
		for _, c := range cells {
			fs = append(fs, c.fields())
		}
		if err := f.rest(); err != nil {
			return x, err
		}
	}
	b, at := t.b(), x.buf
	if back {
		at = b.Reverse(name+".in", at)
	}
	if t.calls -= len(cells); t.calls < 0 {
		return x, fmt.Errorf("is one of more than %d calls of layers", maxLayers)
	}
	for i, inner := range cells {
		c, err := t.cell(inner, fs[i])
		if err == nil {
			err = fs[i].rest()
		}
		if err != nil {
			return x, err
		}
		each := name
		if len(cells) > 1 {
			each = fmt.Sprintf("%s.%d", name, i)
		}
		if at, err = c.add(b, each, at, arrays); err != nil {
			return x, err
		}
	}
	y := x.as(at)
	y.dims = []int{b.Width(at)}
	if !all {
		y.sequence, y.last, y.steps = false, true, 0
	}
	return y, nil
}

// merges are the ways to join the two directions.
var merges = []string{"concat", "sum", "mul", "ave"}

func (t *translation) bothWays(l *layer, name string, x value, arrays *[]array) (value, error) {
	f := l.fields()
	forward, err := l.only("layer")
	if err != nil {
		return x, err
	}
	f.take("layer")
	merge, _ := f.take("merge_mode").(string)
	if !slices.Contains(merges, merge) {
		return x, fmt.Errorf("has the merge_mode %.40q, supported are concat, sum, mul and ave", fmt.Sprint(f.config["merge_mode"]))
	}
	backward := forward
	other := f.take("backward_layer") != nil
	if other {
		if backward, err = l.only("backward_layer"); err != nil {
			return x, err
		}
	}
	if err := f.rest(); err != nil {
		return x, err
	}
	if forward.class == "Bidirectional" || !isRecurrent(forward.class) || !isRecurrent(backward.class) || backward.class == "Bidirectional" {
		return x, fmt.Errorf("runs %.80q both ways, supported are SimpleRNN, LSTM, GRU and RNN", forward.class)
	}
	way := func(l *layer, suffix string, back bool) (value, error) {
		turned := *l
		turned.config = map[string]any{}
		for k, v := range l.config {
			turned.config[k] = v
		}
		turned.config["go_backwards"] = back
		return t.directed(&turned, name+suffix, x, arrays)
	}
	back, _ := forward.config["go_backwards"].(bool)
	y, err := way(forward, ".forward", back)
	if err != nil {
		return x, err
	}
	z, err := way(backward, ".backward", !back)
	if err != nil {
		return x, err
	}
	if y.sequence != z.sequence || len(y.dims) != 1 || len(z.dims) != 1 {
		return x, fmt.Errorf("returns a sequence of one direction only")
	}
	b := t.b()
	if z.sequence {
		z.buf = b.Reverse(name+".turned", z.buf)
	}
	if merge != "concat" && y.dims[0] != z.dims[0] {
		return x, fmt.Errorf("joins %d and %d units with %s", y.dims[0], z.dims[0], merge)
	}
	switch merge {
	case "concat":
		y.dims = []int{y.dims[0] + z.dims[0]}
		y.buf = b.Concat(name, y.buf, z.buf)
	case "sum":
		y.buf = b.Add(name, y.buf, z.buf)
	case "mul":
		y.buf = b.Mul(name, y.buf, z.buf)
	case "ave":
		y.buf = b.Function(name, b.Add(name+".sum", y.buf, z.buf), format.Function{Kind: format.Affine, Alpha: 0.5})
	}
	return y, nil
}
