package infer

import (
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// A model that does not stream is cut at its Reverse layers into segments, which
// do. Each segment runs over the whole sequence before the next one starts; the
// buffers that one segment writes and another reads are kept for all steps:
//
//	segment 0            Reverse        segment 1        Reverse        segment 2
//	forward cell ─┐      x backward ──▶ backward cell ─▶ back in  ──┐
//	              └─────────────────── kept ─────────────  order ───┴─▶ concat, dense
//
// Within a segment a step is what it is in a model that streams, so a layer's bits
// do not depend on the way it is run.
type segment struct {
	first, last  int // layers first … last−1; then the Reverse at last, unless the program ends there
	loads, saves []format.Buffer
	from, to     format.Buffer // of the Reverse
}

// keep plans the segments of a model that does not stream.
func (p *plan) keep(m *format.Model) {
	if m.Streams() {
		return
	}
	// by[b] is the segment that writes b; none writes the input and what a Reverse does.
	const none = -1
	by := make([]int, len(m.Buffers))
	by[format.Input] = none
	s := segment{}
	for i, l := range m.Layers {
		by[format.FieldsOf(l).Writes] = len(p.segments)
		if r, ok := l.(*format.Reverse); ok {
			by[r.Y] = none
			s.last, s.from, s.to = i, r.X, r.Y
			p.segments = append(p.segments, s)
			s = segment{first: i + 1}
		}
	}
	s.last = len(m.Layers)
	p.segments = append(p.segments, s)

	isKept := make([]bool, len(m.Buffers))
	isKept[format.Input], isKept[m.Output] = true, true
	for i := range p.segments {
		s := &p.segments[i]
		for _, l := range m.Layers[s.first:s.last] {
			for _, b := range format.FieldsOf(l).Reads {
				if by[b] != i && !slices.Contains(s.loads, b) {
					s.loads = append(s.loads, b)
					isKept[b] = true
				}
			}
		}
		if s.last < len(m.Layers) {
			isKept[s.from], isKept[s.to] = true, true
		}
	}
	p.kept = make([]int, len(m.Buffers))
	for b, is := range isKept {
		if !is {
			continue
		}
		p.kept[b] = p.keptFloats
		p.keptFloats += m.Buffers[b]
		if by[b] != none {
			p.segments[by[b]].saves = append(p.segments[by[b]].saves, format.Buffer(b))
		}
	}
}

// Reserve makes room for sequences of this many steps, so that Run on one that is no
// longer does not allocate. Without it the first Run on a longer sequence does. A
// model that streams needs no such room. Like make, it panics where the machine
// cannot have that much.
func (s *Session) Reserve(steps int) {
	if n := times(steps, s.model.plan.keptFloats); n > len(s.kept) {
		s.kept = make([]float32, n)
	}
}

// SequenceBytes is the memory that a session needs, beside SessionBytes, to run
// a sequence of this many steps: 0 for a model that streams, and the largest int
// where an int does not hold it.
func (m *Model) SequenceBytes(steps int) int { return times(steps, 4*m.plan.keptFloats) }

// times is steps·n, 0 for less than no steps, the largest int for more than fits.
func times(steps, n int) int {
	if steps <= 0 {
		return 0
	}
	if n > math.MaxInt/steps {
		return math.MaxInt
	}
	return steps * n
}

// runSequence runs a whole sequence.
func (s *Session) runSequence(ys, xs []float32) (int, error) {
	I := s.input.size()
	if bad := s.model.checkInputs(&s.err, xs, s.vocabulary); bad >= 0 {
		s.err.inSequence(bad * I)
		return 0, &s.err
	}
	steps := len(xs) / I
	s.Reserve(steps)
	copy(s.spare, s.state)
	copy(s.all(format.Input, steps), xs)
	plan := &s.model.plan
	for i := range plan.segments {
		g := &plan.segments[i]
		if layer := s.runSegment(g, steps); layer >= 0 {
			return 0, s.overflow(layer)
		}
		if g.last < len(s.operations) {
			turn(s.all(g.to, steps), s.all(g.from, steps), s.model.file.Buffers[g.from])
		}
	}
	copy(ys, s.all(s.model.file.Output, steps))
	return steps, nil
}

// runSegment runs the layers of g over all steps. It returns the layer whose state
// left its bounds, −1 if none did.
func (s *Session) runSegment(g *segment, steps int) int {
	for first := 0; first < steps; first += s.slots {
		n := min(steps-first, s.slots)
		for _, b := range g.loads {
			for t := range n {
				copy(s.buffer(b, t), s.at(b, first+t, steps))
			}
		}
		if layer, _ := s.run(g.first, g.last, n, 1); layer >= 0 {
			return layer
		}
		for _, b := range g.saves {
			for t := range n {
				copy(s.at(b, first+t, steps), s.buffer(b, t))
			}
		}
	}
	return -1
}

// turn makes y the sequence x with the last step first.
func turn(y, x []float32, width int) {
	for first, last := 0, len(x)-width; last >= 0; first, last = first+width, last-width {
		copy(y[first:first+width], x[last:])
	}
}

func (s *Session) buffer(b format.Buffer, slot int) []float32 {
	return s.buffers[b].at(slot)
}

// all is a kept buffer at all steps, at one of them.
func (s *Session) all(b format.Buffer, steps int) []float32 {
	return s.kept[s.model.plan.kept[b]*steps:][:s.model.file.Buffers[b]*steps]
}

func (s *Session) at(b format.Buffer, t, steps int) []float32 {
	width := s.model.file.Buffers[b]
	return s.all(b, steps)[t*width:][:width]
}
