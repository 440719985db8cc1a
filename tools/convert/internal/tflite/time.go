package tflite

import (
	"encoding/binary"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
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
	// A cell of two halves holds x and what x was one step before.
	W := x.width
	if err := r.spend(6 * int64(W) * int64(W) * int64(x.steps-1)); err != nil {
		return x, err
	}
	bufs := make([]format.Buffer, x.steps)
	now := x.buf
	for k := range bufs {
		bufs[len(bufs)-1-k] = now
		if k == len(bufs)-1 {
			break
		}
		w := format.Weights{W: make([]float32, 2*W*W), R: make([]float32, 4*W*W)}
		for i := range W {
			w.W[i*W+i] = 1
			w.R[(W+i)*2*W+i] = 1
		}
		name := fmt.Sprintf("delay%d.%d", n.index, k+1)
		both := r.b.RNN(name, now, w, format.Linear)
		now = r.b.Slice(name+".before", both, W, W)
	}
	r.notes = append(r.notes, fmt.Sprintf("%v reads the vectors of %d steps at once: a chain of %d delays keeps them", n, x.steps, x.steps-1))
	return value{buf: r.b.Concat(fmt.Sprintf("window%d", n.index), bufs...), width: W * x.steps, time: -1, steps: 1}, nil
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
