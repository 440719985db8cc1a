package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// A block is a model bound to memory for some steps of some streams. Its slots hold one
// vector of each buffer; steps·streams of them are in use, the streams of a step side by
// side:
//
//	slot   0 … streams−1    first step of each stream
//	       streams …        second step
//
// A layer runs over all of them before the next one starts, so that a weight is read
// once for many vectors: of all slots where it meets the input, of one step's streams
// where it meets the state. A session is a block of one stream, a batch one of many;
// neither the bits nor the state of a stream depend on what else is in the block.
type block struct {
	operations     []operation
	input, output  vectors   // two of the buffers
	buffers        []vectors // of each slot
	states         vectors   // of each stream, all of them
	arena          []float32 // as planned
	slots, streams int
}

// vectors are vectors of one size, a stride apart. The one of a session's single step stands
// apart, at hand: it is the first of them, but where a cell writes it that cell's state,
// which then need not be copied.
type vectors struct {
	one    []float32
	all    []float32 // from the first one to beyond the last one
	stride int
}

// single is the index of the one of a single step.
const single = -1

func newVectors(all []float32, size, stride int) vectors {
	return vectors{all[:size], all, stride}
}

func (v *vectors) at(i int) []float32 {
	if i == single {
		return v.one
	}
	return v.all[i*v.stride:][:len(v.one)]
}

// apart reports whether the one of a single step is not the first.
func (v *vectors) apart() bool { return &v.one[0] != &v.all[0] }

func (v *vectors) size() int { return len(v.one) }

// from is the vectors without their first elements.
func (v *vectors) from(element int) vectors {
	return vectors{v.one[element:], v.all[element:], v.stride}
}

func newBlock(m *Model, slots, streams int) block {
	p := &m.plan
	b := &binder{
		Model: m, slots: slots, streams: streams,
		// 15 more floats, so that the arena can start on a cache line.
		arena: asm.Align(make([]float32, p.floats(slots, streams)+15))[:p.floats(slots, streams)],
		i8:    make([]int8, (slots+streams)*p.i8),
	}
	operations := make([]operation, len(m.file.Layers))
	for i, l := range m.file.Layers {
		operations[i] = b.operation(i, l)
	}
	buffers := make([]vectors, len(m.file.Buffers))
	for i := range buffers {
		buffers[i] = b.buffer(format.Buffer(i))
	}
	return block{
		arena: b.arena, operations: operations, buffers: buffers,
		states: newVectors(b.arena, p.states, p.states),
		input:  buffers[format.Input],
		output: buffers[m.file.Output],
		slots:  slots, streams: streams,
	}
}

// step runs all layers for a session's single step. It returns the layer whose state left its
// bounds, −1 if none did.
func (b *block) step() (layer int) {
	for i, o := range b.operations {
		if !o.step() {
			return i
		}
	}
	return -1
}

// run runs layers first … last−1 over the first steps·streams slots. It returns the layer
// and the stream whose state left its bounds, −1 and −1 if none did.
func (b *block) run(first, last, steps, streams int) (layer, stream int) {
	for i := first; i < last; i++ {
		if s := b.operations[i].run(steps, streams); s >= 0 {
			return i, s
		}
	}
	return -1, -1
}
