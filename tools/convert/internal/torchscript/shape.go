package torchscript

import (
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// A size is that of a dimension of a tensor, which only a run knows.
type size struct{ of axis }

// sizeOf is the size of one dimension.
func (r *run) sizeOf(x *node, at int) any {
	switch a := x.axes[at]; {
	case a == single:
		return int64(1)
	case a == features && *x.width > 0:
		return int64(*x.width)
	default:
		return size{a}
	}
}

// sizes follows torch.size, torch.dim and torch.len of what comes from the input.
func (r *run) sizes(a arguments) any {
	n, ok := a.at(0, "input").(*node)
	if f, is := a.at(0, "input").(final); is && f.layers == 1 {
		n, ok = f.of, true
	}
	if !ok || n.loose {
		return unknown{why: aSize}
	}
	switch a.op {
	case "dim":
		return int64(n.rank())
	case "len":
		if n.rank() > 0 {
			return r.sizeOf(n, 0)
		}
	case "size":
		d := a.at(1, "dim")
		if d == nil {
			list := make(List, n.rank())
			for i := range list {
				list[i] = r.sizeOf(n, i)
			}
			return list
		}
		if at, ok := dimension(d, n.rank()); ok {
			return r.sizeOf(n, at)
		}
	}
	return unknown{why: aSize}
}

// shape follows what moves dimensions or takes a part of them.
func (r *run) shape(a arguments) *node {
	if f, ok := a.at(0, "input").(final); ok && f.layers > 1 {
		return r.lastLayer(a, f)
	}
	x, op := r.stream(a.at(0, "input")), "torch."+a.op
	if a.op == "squeeze" && len(a.args) < 2 && a.keyword["dim"] == nil {
		return x.loosened()
	}
	r.firm(x, op)
	n := x.rank()
	switch a.op {
	case "squeeze":
		return r.squeeze(x, a.known(1, "dim", n))
	case "unsqueeze":
		at := a.known(1, "dim", n+1)
		made := single
		if x.flat() && at == n {
			made = features
		}
		return x.arranged(slices.Insert(slices.Clone(x.axes), at, made))
	case "select":
		return r.selected(x, a.known(1, "dim", n), a.at(2, "index"))
	case "slice":
		return r.slice(a, x, a.known(1, "dim", n))
	case "transpose", "t":
		d0, d1 := 0, n-1
		if a.op == "transpose" {
			d0, d1 = a.known(1, "dim0", n), a.known(2, "dim1", n)
		} else if n != 2 {
			r.failAs(impossible, "torch.t of %d dimensions", n)
		}
		axes := slices.Clone(x.axes)
		axes[d0], axes[d1] = axes[d1], axes[d0]
		return x.arranged(axes)
	case "permute":
		order, _ := a.at(1, "dims").(List)
		axes, seen := make([]axis, len(order)), map[int]bool{}
		for i, d := range order {
			at, ok := dimension(d, n)
			if !ok || seen[at] {
				break
			}
			axes[i], seen[at] = x.axes[at], true
		}
		if len(order) != n || len(seen) != n {
			r.failAs(impossible, "torch.permute of %d dimensions to %d", n, len(order))
		}
		return x.arranged(axes)
	case "expand":
		list, _ := a.at(1, "size").(List)
		for _, d := range list {
			if d != int64(-1) {
				r.fail("torch.expand of what comes from the input")
			}
		}
		if len(list) == n {
			return x
		}
	case "flatten":
		from, to := 0, n-1
		if n > 0 {
			from, to = a.known(1, "start_dim", n), n-1
			if d := a.at(2, "end_dim"); d != nil {
				to = a.known(2, "end_dim", n)
			}
		}
		list := make(List, 0, n)
		for i := range n {
			switch {
			case i <= from || i > to:
				list = append(list, r.sizeOf(x, i))
			case i == to && x.axes[i] == features && !slices.ContainsFunc(x.axes[from:i], func(a axis) bool { return a != single }):
				list[from] = r.sizeOf(x, i) // dimensions of size 1 go into that of features
			default:
				list[from] = int64(-1)
			}
		}
		return r.view(x, list, op)
	case "view", "reshape":
		if list, ok := a.at(1, "size").(List); ok {
			return r.view(x, list, op)
		}
	}
	r.fail("torch.%s is not supported", a.op)
	return nil
}

// known is an argument that must be a number of a dimension out of n.
func (a arguments) known(i int, name string, n int) int {
	v := a.at(i, name)
	if v == nil {
		v = int64(0)
	}
	if _, number := v.(int64); !number {
		a.r.fail("torch.%s with %s for a dimension", a.op, kindOf(v))
	}
	at, ok := dimension(v, n)
	if !ok {
		a.r.failAs(impossible, "torch.%s of dimension %d of %d", a.op, v, n)
	}
	return at
}

func without(axes []axis, at int) []axis { return slices.Delete(slices.Clone(axes), at, at+1) }

func (r *run) squeeze(x *node, at int) *node {
	switch a := x.axes[at]; {
	case a == features && *x.width > 1:
		return x
	case a == features && *x.width == 0:
		r.fail("torch.squeeze of features whose number is not known")
	case a >= 0:
		r.reduce(a, "torch.squeeze")
	}
	return x.arranged(without(x.axes, at))
}

// selected follows torch.select, of the last step above all.
func (r *run) selected(x *node, at int, index any) *node {
	i, ok := index.(int64)
	a := x.axes[at]
	switch {
	case !ok || i != 0 && i != -1, a == features && *x.width != 1:
		r.fail("torch.select is supported of the last step")
	case a >= 0 && i == 0:
		if r.ofTime(a) {
			r.fail("torch.select is supported of the last step")
		}
		r.reduce(a, "torch.select of the first")
	case a >= 0 && (!r.timed || r.ofTime(a)):
		r.note("the last step of a sequence is what each step gives")
	}
	return x.arranged(without(x.axes, at))
}

func (r *run) slice(a arguments, x *node, at int) *node {
	start, end, step := a.at(2, "start"), a.at(3, "end"), a.at(4, "step")
	from, ok := start.(int64)
	to, ok2 := end.(int64)
	if (end == nil || ok2 && to == 1<<63-1) && (step == nil || step == int64(1)) {
		switch {
		case start == nil || ok && from == 0:
			return x
		case ok && from == -1 && (x.axes[at] >= 0 || x.axes[at] == single):
			if axes := slices.Clone(x.axes); axes[at] >= 0 {
				if axes[at] = single; !r.timed || r.ofTime(x.axes[at]) {
					r.note("the last step of a sequence is what each step gives")
				}
				return x.arranged(axes)
			}
			return x
		}
	}
	r.fail("torch.slice is supported of all or of the last step")
	return nil
}

// view follows torch.view: the features must stay together, and the other dimensions in
// their order.
func (r *run) view(x *node, list List, op string) *node {
	outer := slices.DeleteFunc(slices.Clone(x.axes), func(a axis) bool { return a == single || a == features })
	if at := slices.Index(x.axes, features); at >= 0 && slices.ContainsFunc(x.axes[at:], func(a axis) bool { return a >= 0 }) {
		r.failAs(elsewhere, "%s of other dimensions than the features in the end", op)
	}
	if n := len(list) - 1; n >= 0 {
		if axes, left, exact := r.outer(outer, list[:n]); axes != nil {
			last, ok := list[n].(int64)
			_, same := list[n].(size)
			same = same && list[n] == size{features} || ok && last == int64(*x.width) && last > 0
			switch {
			case same, ok && last == -1 && exact && len(left) == 0:
			case ok && x.name == "input" && *x.width == 0 && last > 0 && last <= format.MaxWidth:
				*x.width = int(last)
			default:
				axes = nil
			}
			if axes != nil {
				for _, a := range left {
					r.reduce(a, op)
				}
				return x.arranged(append(axes, features))
			}
		}
	}
	if *x.width == 1 { // one number for each step, without a dimension of its own
		if axes, left, _ := r.outer(outer, list); axes != nil && len(left) == 0 {
			return x.arranged(axes)
		}
	}
	r.fail("%s to another number of features, or to one that only a run decides", op)
	return nil
}

// outer matches sizes with the dimensions of time and streams, nil if they do not match.
// left are dimensions that must be of size 1; exact says that each size is that of its
// dimension whatever the input.
func (r *run) outer(from []axis, list List) (axes, left []axis, exact bool) {
	axes, exact, from = []axis{}, true, r.apart(from)
	sizes := 0 // that are still to come
	for _, v := range list {
		if s, ok := v.(size); ok && s.of >= 0 {
			sizes++
		}
	}
	free := false
	for _, v := range list {
		s, isSize := v.(size)
		switch {
		case v == int64(1):
			axes = append(axes, single)
		case isSize && s.of >= 0:
			if sizes--; len(from) == 0 || from[0] != s.of {
				return nil, nil, false
			}
			axes, from = append(axes, s.of), from[1:]
		case isSize || free || len(from) < sizes:
			return nil, nil, false
		default: // the rest
			free, exact = true, false
			rest := from[:len(from)-sizes]
			from = from[len(rest):]
			axes = append(axes, r.merged(rest))
		}
	}
	return axes, from, exact
}

// merged is the dimension that several become. Only one of them is longer than 1, since
// there is one stream.
func (r *run) merged(axes []axis) axis {
	switch len(axes) {
	case 0:
		return single
	case 1:
		return axes[0]
	}
	for a, parts := range r.parts {
		if slices.Equal(parts, axes) {
			return a
		}
	}
	a := axis(2 + len(r.parts)) // after those of the input
	r.parts[a] = slices.Clone(axes)
	return a
}

// apart is axes with the parts of those that are merged.
func (r *run) apart(axes []axis) (all []axis) {
	for _, a := range axes {
		if parts := r.parts[a]; parts != nil {
			all = append(all, parts...)
		} else {
			all = append(all, a)
		}
	}
	return all
}

// ofTime reports whether a is the dimension that the recurrent layers run along, or merged
// with it.
func (r *run) ofTime(a axis) bool {
	return r.timed && (a == r.time || slices.Contains(r.parts[a], r.time) || slices.Contains(r.parts[r.time], a))
}

// lastLayer follows what takes the state of the last layer out of those of all.
func (r *run) lastLayer(a arguments, f final) *node {
	dim, known := a.at(1, "dim").(int64)
	last, ok := a.at(2, "index").(int64)
	if a.op == "select" && known && dim == 0 && ok && (last == -1 || last == int64(f.layers-1)) {
		y := r.stream(final{f.of, 1})
		return y.arranged(without(y.axes, 0))
	}
	r.fail("torch.%s of a final state is supported to take that of the last layer", a.op)
	return nil
}
