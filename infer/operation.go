package infer

import "github.com/rnnedge/rnnedge/asm"

// An operation is a layer bound to a block.
type operation interface {
	// step runs the layer for a session's single step. It reports whether the state is
	// within its bounds.
	step() bool

	// run runs the layer over steps·streams slots. It returns the stream whose
	// state left its bounds, −1 if none did.
	run(steps, streams int) int
}

// each is a layer that treats every slot alone.
type each func(slot int)

func (o each) step() bool {
	o(single)
	return true
}

func (o each) run(steps, streams int) int {
	for slot := range steps * streams {
		o(slot)
	}
	return -1
}

// dense is y = f(b + W·x).
type dense struct {
	product
	kernels *asm.Kernels
	f       asm.Function
}

func (o *dense) step() bool {
	o.mulOne()
	if o.f.Kind != asm.Linear {
		o.kernels.ApplyF32(o.f, o.y.one, o.y.one)
	}
	return true
}

func (o *dense) run(steps, streams int) int {
	o.mul(steps * streams)
	if o.f.Kind != asm.Linear {
		for slot := range steps * streams {
			y := o.y.at(slot)
			o.kernels.ApplyF32(o.f, y, y)
		}
	}
	return -1
}

// A cell is a recurrent layer. Its pre-activations are zx = b + W·x, for all slots at
// once, and zh = br + R·h, for all streams at each step; update makes the new states of
// one stream from both.
type cell struct {
	r, w   product
	update update
	second *second // nil for most
	turns  bool    // in single steps W and R come first by turns, see outgrow32K
	wFirst bool    // in the last single step
	y, zx  vectors // of each slot
	h, zh  vectors // of each stream

	within func(x []float32, limit float32) bool
	limit  float32
	grow   []vectors // states that may grow, checked at each step
}

// second is the product that some cells need after their update: of a GRU whose reset
// gate acts before it, of a projection.
type second struct {
	product
	finish update // nothing for some
}

// An update makes new states, of one stream for one slot, or for a session's single step: there
// a kernel that takes its arguments where they lie goes before one.
type update struct {
	at   func(*asm.CellF32)
	args asm.CellF32
	one  func()
	each func(slot, stream int)
}

func (u *update) step() {
	if u.at != nil {
		u.at(&u.args)
	} else if u.one != nil {
		u.one()
	}
}

func (o *cell) step() bool {
	if o.r.back || o.r.small {
		o.r.prepareOne()
		o.w.prepareOne()
		o.wFirst = o.turns && !o.wFirst // but for this as in run
		if o.wFirst {
			o.w.multiplyOne()
			o.r.multiplyOne()
		} else {
			o.r.multiplyOne()
			o.w.multiplyOne()
		}
	} else {
		o.w.mulOne()
		o.r.mulOne()
	}
	o.update.step()
	if s := o.second; s != nil {
		s.mulOne()
		s.finish.step()
	}
	return o.grow == nil || o.outOfBounds(1) < 0 // y is h
}

func (o *cell) run(steps, streams int) int {
	// Both products of a step go to and fro together: forward W before R, back R before W.
	// Where they are small R is always first: its vector is what a step waits for.
	back := steps == 1 && (o.r.back || o.r.small)
	if !back {
		o.w.mul(steps * streams)
	}
	for t := range steps {
		first := t * streams
		o.r.prepare(streams)
		if back {
			o.w.prepare(streams)
		}
		o.r.multiply(streams)
		if back {
			o.w.multiply(streams)
		}
		for s := range streams {
			o.update.each(first+s, s)
		}
		if o.second != nil {
			o.second.run(first, streams)
		}
		for s := range streams {
			copy(o.y.at(first+s), o.h.at(s))
		}
		if o.grow != nil {
			if s := o.outOfBounds(streams); s >= 0 {
				return s
			}
		}
	}
	return -1
}

func (o *second) run(first, streams int) {
	o.mul(streams)
	if o.finish.each != nil {
		for s := range streams {
			o.finish.each(first+s, s)
		}
	}
}

func (o *cell) outOfBounds(streams int) int {
	for s := range streams {
		for i := range o.grow {
			if !o.within(o.grow[i].at(s), o.limit) {
				return s
			}
		}
	}
	return -1
}
