package onnx

import "slices"

// directions adds the layers of a cell and makes Y, Y_h and Y_c values.
//
// A direction that runs backward in time is a layer between two Reverse layers, of
// which the second is added where Y is read: Y_h and Y_c are the states after the
// layer's own last step, the sequence's first.
func (t *translation) directions(c *cell) error {
	n := c.n
	name := n.layerName()
	x, err := t.whole(name+".input", c.x)
	if err != nil {
		return err
	}
	var y, h, cellStates []ref
	for d := range c.directions {
		layer, in := name, x
		backward := c.backward || d == 1
		if d == 1 {
			layer += ".reverse"
		}
		if backward {
			if err := t.spend(c.x.size() + c.H); err != nil {
				return err
			}
			in = t.builder.Reverse(layer+".in", x)
		}
		buf := t.cellLayer(c, d, layer, in)
		own := t.addSource(source{kind: computed, width: c.H, buf: buf})
		steps := own
		if backward {
			steps = t.addSource(source{kind: turned, width: c.H, of: own[0].source, name: layer + ".out"})
		}
		last := func(k sourceKind, state string, from initial) []ref {
			refs := t.addSource(source{kind: k, width: c.H, of: own[0].source, name: state})
			if from.refs != nil {
				t.states = append(t.states, fedState{state, from.refs[d*c.H:][:c.H], refs[0].source})
			}
			return refs
		}
		y, h = slices.Concat(y, steps), slices.Concat(h, last(hiddenLast, layer+".h", c.h0))
		if n.op == "LSTM" {
			cellStates = slices.Concat(cellStates, last(cellLast, layer+".c", c.c0))
		}
	}
	t.set(n, 0, &tensor{shape: c.shape(1, c.directions, 1), free: c.free(true), kind: activation, refs: y})
	// Y_h and Y_c are of the last step only, where there may be more than one.
	time, _ := c.dimensions()
	last := c.x.free[time] != 0
	t.set(n, 1, &tensor{shape: c.shape(c.directions, 1), free: c.free(false), last: last, kind: activation, refs: h})
	if n.op == "LSTM" {
		t.set(n, 2, &tensor{shape: c.shape(c.directions, 1), free: c.free(false), last: last, kind: activation, refs: cellStates})
	}
	return nil
}

// dimensions returns which dimensions of X count time steps and streams.
func (c *cell) dimensions() (time, batch int) {
	if c.batchFirst {
		return 1, 0
	}
	return 0, 1
}

// shape is a shape that ends in features: layout 1 has the streams first.
func (c *cell) shape(dims ...int) []int {
	if c.batchFirst {
		dims = append([]int{1}, dims[:len(dims)-1]...)
	}
	return append(dims, c.H)
}

// free tells which dimensions of Y, or of Y_h and Y_c, are free.
func (c *cell) free(steps bool) []mark {
	time, batch := c.dimensions()
	var free []mark
	if steps {
		free = append(free, c.x.free[time])
	}
	free = append(free, 0, c.x.free[batch])
	if c.batchFirst {
		free = append([]mark{c.x.free[batch]}, free[:len(free)-1]...)
	}
	return append(free, 0)
}
