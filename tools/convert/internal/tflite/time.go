package tflite

import (
	"encoding/binary"
	"fmt"
)

// reshape moves axes of size 1, which is nothing, or lays the vectors of all steps side by
// side.
func (r *reader) reshape(n node, x value) (value, error) {
	shape := r.g.tensors[n.out[0]].shape
	if len(shape) == 0 || x.steps == 1 || shape[len(shape)-1] != x.width*x.steps {
		return x, nil // place checks it
	}
	if x.width == 1 {
		return x, fmt.Errorf("makes one vector of %d steps of one number, supported are steps of two or more", x.steps)
	}
	r.notes = append(r.notes, fmt.Sprintf("%v reads the vectors of %d steps at once: a delay line keeps them", n, x.steps))
	return value{buf: r.b.DelayLine(fmt.Sprintf("delay%d", n.index), x.buf, x.steps, 1), width: x.width * x.steps, time: -1, steps: 1}, nil
}

// last is STRIDED_SLICE where it takes the last step of a sequence.
func (r *reader) last(n node, x value) (value, error) {
	bad := fmt.Errorf("is supported where it takes the last step of a sequence")
	shape := r.g.tensors[n.in[0]].shape
	var at [3][]int // begin, end, strides
	for i := range at {
		if !n.there(i + 1) {
			return x, bad
		}
		t := r.g.tensors[n.in[i+1]]
		if t.kind != typeInt32 || len(t.data) != 4*len(shape) {
			return x, bad
		}
		for k := range shape {
			at[i] = append(at[i], int(int32(binary.LittleEndian.Uint32(t.data[4*k:]))))
		}
	}
	begin, end, new, shrink := n.settings.int(0), n.settings.int(1), n.settings.int(3), n.settings.int(4)
	if x.time < 0 || n.settings.int(2) != 0 || new != 0 || shrink&^(1<<x.time) != 0 {
		return x, bad
	}
	for k, size := range shape {
		from, to := at[0][k], at[1][k]
		if from < 0 {
			from += size
		}
		if begin>>k&1 != 0 {
			from = 0
		}
		if to < 0 {
			to += size
		}
		if end>>k&1 != 0 || k == x.time && shrink != 0 {
			to = size
		}
		want := 0
		if k == x.time {
			want = size - 1
		}
		if at[2][k] != 1 || from != want || to < size {
			return x, bad
		}
	}
	x.time, x.steps = -1, 1
	return x, nil
}
