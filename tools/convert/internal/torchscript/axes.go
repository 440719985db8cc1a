package torchscript

import "slices"

// An axis is what a dimension of a tensor stands for. Those from 0 on are the input's own
// dimensions of time and streams, and what a view makes of several of them.
type axis int

const (
	features axis = -1 // what the layers read
	single   axis = -2 // made by the program, of size 1
	calls    axis = -3 // no dimension: each call of the model is one step
)

// A layout is what the dimensions of a model's input may be: the program does not say, but
// it runs with one of them only.
type layout []axis

// layouts are tried in this order: those of more dimensions first, and of fewer only where
// PyTorch itself would refuse those.
var layouts = []layout{
	{0, 1, features}, {0, features, 1},
	{0, features}, {features, 0}, {0, 1},
	{0}, {features},
	{},
}

// A kind of failure says what it means for a layout of the input.
type kind int

const (
	unsupported kind = iota
	elsewhere        // the features are not where a layer needs them
	impossible       // PyTorch would refuse a tensor of so many dimensions
)

// rank is the number of dimensions of n.
func (n *node) rank() int { return len(n.axes) }

// flat reports whether n has no dimension of features, but one number for each step.
func (n *node) flat() bool { return !slices.Contains(n.axes, features) }

// arranged is n with other dimensions.
func (n *node) arranged(axes []axis) *node {
	if slices.Equal(n.axes, axes) {
		return n
	}
	m := *n
	m.axes, m.product = axes, nil
	return &m
}

// loosened is n after a squeeze of all dimensions of size 1, which only a run knows.
func (n *node) loosened() *node {
	m := *n.arranged(slices.DeleteFunc(slices.Clone(n.axes), func(a axis) bool { return a == single }))
	m.loose, m.product = true, nil
	return &m
}

// dimension is where d, which may count from the end, is among n dimensions; ok says that
// it is a number.
func dimension(d any, n int) (at int, ok bool) {
	i, ok := d.(int64)
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		return 0, false
	}
	return int(i), ok
}

// firm verifies that the dimensions of x are known.
func (r *run) firm(x *node, op string) {
	if x.loose {
		r.fail("%s after a squeeze of all dimensions of size 1, which only a run knows; supported is a squeeze of one by its number", op)
	}
}

// featuresLast verifies that the last dimension of x is that of features.
func (r *run) featuresLast(x *node, op string) {
	if x.loose && *x.width < 2 {
		r.firm(x, op)
	}
	if n := x.rank(); n == 0 || x.axes[n-1] != features {
		r.failAs(elsewhere, "%s over another dimension than that of features", op)
	}
}

// overFeatures verifies that d is the dimension of features of x.
func (r *run) overFeatures(x *node, d any, op string) {
	if x.loose {
		if d == int64(-1) && *x.width > 1 {
			return
		}
		r.firm(x, op)
	}
	at, ok := dimension(d, x.rank())
	if !ok || x.axes[at] != features {
		r.failAs(elsewhere, "%s over another dimension than that of features", op)
	}
}

// alike verifies that two streams have one number for another, without repeating the one
// along a dimension of the other.
func (r *run) alike(x, y *node, op string) {
	if !slices.Equal(x.axes, y.axes) || x.loose != y.loose {
		r.fail("%s of two tensors of different dimensions: one is repeated along those of the other, as the last step is along all", op)
	}
	if *x.width > 0 && *y.width > 0 && *x.width != *y.width {
		r.fail("%s of two tensors with %d and %d features", op, *x.width, *y.width)
	}
}

// along notes that a recurrent layer runs along t, as all must.
func (r *run) along(t axis, op string) {
	switch {
	case r.timed && !r.ofTime(t):
		r.fail("%s runs along another dimension than the recurrent layers before it, or along one step of theirs", op)
	case r.reduced[t] != "":
		r.fail("%s runs along a dimension that counts as one of size 1 in %s", op, r.reduced[t])
	}
	if !r.timed || slices.Contains(r.parts[r.time], t) {
		r.time, r.timed = t, true
	}
}

// timeOf is the dimension that a stack of recurrent layers runs along over x.
func (r *run) timeOf(x *node, batchFirst bool, op string) (axis, int) {
	r.firm(x, op)
	at := 0
	switch x.rank() {
	case 2:
	case 3:
		if batchFirst {
			at = 1
		}
	default:
		r.failAs(impossible, "%s of a tensor of %d dimensions, want 2 or 3", op, x.rank())
	}
	r.featuresLast(x, op)
	return x.axes[at], at
}

// describe notes which dimension of the input is which, where a caller could take one for
// another.
func (r *run) describe() {
	names := []string{"first", "second", "third"}
	if at := slices.Index(r.input.axes, features); at >= 0 && at < r.input.rank()-1 {
		r.note("the features are the " + names[at] + " dimension of the input of forward")
	}
	if at := slices.Index(r.input.axes, r.time); r.timed && at >= 0 && slices.Contains(r.input.axes, axis(1)) {
		r.note("time is the " + names[at] + " dimension of the input of forward")
	}
}

// reduce notes that an operation counts on a dimension of the input being of size 1, or
// takes its first element. Time may be, where the state comes from the call before.
func (r *run) reduce(a axis, op string) {
	if r.ofTime(a) {
		if len(r.carried) == 0 {
			r.fail("%s of time", op)
		}
		r.note("forward makes one step a call")
		return
	}
	r.reduced[a] = op
	for _, a := range r.parts[a] {
		r.reduced[a] = op
	}
}
