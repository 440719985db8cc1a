package torchscript

import "github.com/rnnedge/rnnedge/format"

// shape follows what moves dimensions: all but the last are time and streams.
func (r *run) shape(a arguments) *node {
	if f, ok := a.at(0, "input").(final); ok {
		return r.finalShape(a, f)
	}
	x := r.stream(a.at(0, "input"))
	dim := a.dimension(1, "dim")
	outer := func(d int64) bool { // not the last dimension
		rank := x.rank
		if rank == 0 {
			rank = 3
		}
		if d < 0 {
			d += int64(rank)
		}
		return d >= 0 && d < int64(rank-1)
	}
	switch a.op {
	case "squeeze":
		if len(a.args) < 2 || !outer(dim) {
			if *x.width == 1 || len(a.args) < 2 {
				return x.ranked(0) // to one number for a step, if anything
			}
			r.fail("torch.squeeze of the features")
		}
		return x.ranked(max(x.rank-1, 0))
	case "unsqueeze":
		if x.name == "input" && *x.width == 0 && dim == -1 {
			*x.width = 1
			return x.ranked(0)
		}
		if dim < 0 && dim > -2 || x.rank > 0 && dim == int64(x.rank) {
			r.fail("torch.unsqueeze of the features")
		}
		if x.rank == 0 {
			return x
		}
		return x.ranked(x.rank + 1)
	case "select":
		if i, ok := a.at(2, "index").(int64); !ok || i != -1 || !outer(dim) {
			r.fail("torch.select is supported of the last step")
		}
		r.note("the last step of a sequence is what each step gives")
		return x.ranked(max(x.rank-1, 0))
	case "slice":
		start, end, step := a.at(2, "start"), a.at(3, "end"), a.at(4, "step")
		from, ok := start.(int64)
		to, ok2 := end.(int64)
		all := (end == nil || ok2 && to == 1<<63-1) && (step == nil || step == int64(1))
		if all && (start == nil || ok && (from == 0 || from == -1 && outer(dim))) {
			return x
		}
		r.fail("torch.slice is supported of all or of the last step")
	case "transpose":
		if outer(dim) && outer(a.dimension(2, "dim1")) {
			return x
		}
		r.fail("torch.transpose of the features")
	case "view", "reshape":
		if shape, ok := a.at(1, "size").(List); ok && len(shape) > 0 {
			last, ok := shape[len(shape)-1].(int64)
			if ok && last > 0 && last <= format.MaxWidth && (*x.width == int(last) || *x.width == 0 && x.name == "input") {
				*x.width = int(last)
				return x.ranked(len(shape))
			}
		}
		r.fail("torch.%s to another number of features, or to one that only a run decides", a.op)
	}
	r.fail("torch.%s is not supported", a.op)
	return nil
}

// dimension is an argument that must be a known number, 0 if it is not given; a list of
// sizes is none.
func (a arguments) dimension(i int, name string) int64 {
	switch d := a.at(i, name).(type) {
	case int64:
		return d
	case nil, List:
	default:
		a.r.fail("torch.%s with %s for a dimension", a.op, kindOf(d))
	}
	return 0
}

// finalShape follows what takes the state of the last layer out of those of all.
func (r *run) finalShape(a arguments, f final) *node {
	dim := a.dimension(1, "dim")
	last, known := a.at(2, "index").(int64)
	switch {
	case a.op == "squeeze" && (len(a.args) < 2 || dim == 0) && f.layers == 1,
		a.op == "select" && dim == 0 && known && (last == -1 || last == int64(f.layers-1)):
		return r.stream(final{f.of, 1}).ranked(2)
	}
	r.fail("torch.%s of a final state is supported to take that of the last layer", a.op)
	return nil
}
