package infer

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// Streams that join, leave and start anew, in whatever company and order, give the bits
// of sessions of their own: on every table, with every type, alone and with others
// working beside.
func TestBatchIsSessions(t *testing.T) {
	const steps = 25
	files := map[string][]byte{"every layer": everyLayer(t), "token": tokenModel(t), "wide": cellModel(t, "lstm", 70, 90)}
	for _, cell := range cells {
		files[cell] = cellModel(t, cell, 3, 17)
	}
	for name, file := range files {
		for typ, file := range types(t, file) {
			t.Run(name+"/"+typ, func(t *testing.T) {
				onEveryISA(t, file, func(t *testing.T, m *Model) {
					sizes, workers := []int{1, 2, 13, 75}, []int{1, 3}
					if testing.Short() || raceEnabled || m.ISA() == "generic" && len(asm.All()) > 1 {
						sizes, workers = []int{13}, []int{3}
					}
					for _, streams := range sizes {
						for _, k := range workers {
							testBatch(t, m, streams, k, max(2, steps/streams))
						}
					}
				})
			})
		}
	}
}

func testBatch(t *testing.T, m *Model, streams, workers, steps int) {
	r, I, O := newRandom(uint64(streams)), m.InputSize(), m.OutputSize()
	b := m.NewBatch(streams, WithWorkers(workers))
	defer b.Close()
	sessions := make([]*Session, streams)
	for i := range sessions {
		sessions[i] = m.NewSession()
	}
	for range steps {
		ids := r.Perm(streams)[:1+r.IntN(streams)]
		xs, ys := r.uniform(len(ids)*I, 2), make([]float32, len(ids)*O)
		if v := m.Vocabulary(); v > 0 {
			for i := range xs {
				xs[i] = float32(r.IntN(v))
			}
		}
		if len(ids) == streams && r.IntN(2) == 0 {
			slices.Sort(ids)
			require.NoError(t, b.Step(ys, xs))
		} else {
			require.NoError(t, b.StepSome(ys, xs, ids))
		}
		y := make([]float32, O)
		for row, id := range ids {
			require.NoError(t, sessions[id].Step(y, xs[row*I:][:I]))
			require.Equal(t, bits(y), bits(ys[row*O:][:O]), "stream %d of %d, %d workers", id, streams, workers)
		}
		switch id := r.IntN(streams); r.IntN(6) {
		case 0:
			require.NoError(t, b.Reset(id))
			sessions[id].Reset()
		case 1: // it moves out, and in again elsewhere
			state := must(b.State(id, make([]byte, m.StateSize())))
			sessions[id] = m.NewSession()
			require.NoError(t, sessions[id].SetState(state))
			other := r.IntN(streams)
			require.NoError(t, b.SetState(other, state))
			sessions[other].Reset()
			require.NoError(t, sessions[other].SetState(state))
		}
	}
}

// A stream whose state leaves its bounds holds all of them where they were; without it
// the others go on.
func TestBatchOverflow(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.RNN("growing", format.Input, format.Weights{W: []float32{1}, R: []float32{1e15}}, format.Relu))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	for _, workers := range []int{1, 2} {
		batch := m.NewBatch(4, WithWorkers(workers))
		ys := make([]float32, 4)
		require.NoError(t, batch.Step(ys, []float32{0, 0, 1, 0}))
		require.Equal(t, []float32{0, 0, 1, 0}, ys)
		var fault error
		calls := 0
		for ; fault == nil; calls++ {
			require.Less(t, calls, 5)
			fault = batch.Step(ys, []float32{1, 2, 0, 3})
		}
		assert.ErrorIs(t, fault, ErrOverflow)
		assert.ErrorContains(t, fault, "infer: in stream ")
		assert.ErrorContains(t, fault, `, the state of layer "growing" left ±`)
		alone := m.NewSession()
		for range calls - 1 {
			require.NoError(t, alone.Step(ys[:1], []float32{3}))
		}
		state := make([]byte, m.StateSize())
		assert.Equal(t, must(alone.State(state)), must(batch.State(3, make([]byte, m.StateSize()))))
		for i := range 3 {
			require.NoError(t, batch.Reset(i))
		}
		fault = batch.StepSome(ys[:2], []float32{1, 1}, []int{0, 2})
		assert.NoError(t, fault)
		assert.Equal(t, []float32{1, 1}, ys[:2])
		batch.Close()
	}
}

func TestBatchErrors(t *testing.T) {
	m, err := FromBytes(cellModel(t, "gru", 2, 5))
	require.NoError(t, err)
	b := m.NewBatch(3)
	defer b.Close()
	ys, xs := make([]float32, 15), make([]float32, 6)
	assert.Equal(t, 3, b.Streams())
	assert.Same(t, m, b.Model())
	for _, c := range []struct {
		want string
		call func() error
	}{
		{"infer: xs has 5 elements, want 6", func() error { return b.Step(ys, xs[:5]) }},
		{"infer: ys has 14 elements, want 15", func() error { return b.Step(ys[:14], xs) }},
		{"infer: there is no stream 3, they go from 0 to 2", func() error { return b.StepSome(ys[:5], xs[:2], []int{3}) }},
		{"infer: there is no stream -1, they go from 0 to 2", func() error { return b.Reset(-1) }},
		{"infer: stream 1 is named twice", func() error { return b.StepSome(ys[:10], xs[:4], []int{1, 1}) }},
		{"infer: xs has 5 elements, want a multiple of 6", func() error { return b.Run(ys, xs[:5], nil) }},
		{"infer: lengths has 2 elements, want 3", func() error { return b.Run(ys, xs, []int{1, 1}) }},
		{"infer: lengths[1] is 2, want 0 to 1", func() error { return b.Run(ys, xs, []int{1, 2, 1}) }},
		{"infer: lengths[2] is -1, want 0 to 1", func() error { return b.Run(ys, xs, []int{1, 1, -1}) }},
		{"infer: xs[3] is NaN, want a finite number of at most ±" + fmt.Sprint(m.Limit()), func() error {
			return b.Step(ys, []float32{0, 0, 0, float32(math.NaN()), 0, 0})
		}},
		{"infer: state has 3 elements, want " + fmt.Sprint(m.StateSize()), func() error { return b.SetState(0, make([]byte, 3)) }},
	} {
		assert.EqualError(t, c.call(), c.want)
	}
	for i := range 3 { // none of them has moved
		assert.Equal(t, must(m.NewSession().State(make([]byte, m.StateSize()))), must(b.State(i, make([]byte, m.StateSize()))))
	}
	// What lies in the padding is not looked at.
	assert.NoError(t, b.Run(ys, []float32{0, 0, float32(math.NaN()), 0, 0, 0}, []int{1, 0, 1}))

	whole, err := FromBytes(bidirectional(t))
	require.NoError(t, err)
	b = whole.NewBatch(1)
	assert.ErrorIs(t, b.Step(make([]float32, 4), make([]float32, 3)), ErrStream)
	assert.NoError(t, b.Run(make([]float32, 4), make([]float32, 3), nil), "a sequence of one step")
	require.NoError(t, whole.Close())
	assert.ErrorIs(t, b.Run(make([]float32, 4), make([]float32, 3), nil), ErrClosed)
	assert.ErrorIs(t, b.Reset(0), ErrClosed)
}

// What the model says of its memory is what is taken.
func TestBatchBytes(t *testing.T) {
	for name, file := range map[string][]byte{
		"lstm": cellModel(t, "lstm", 64, 256), "int8": quantized(t, cellModel(t, "lstm", 64, 256)),
		"16 bits": in16(t, cellModel(t, "lstm", 64, 256)),
		"relu":    cellModel(t, "relu", 16, 64), "whole sequences": bidirectional(t),
	} {
		m, err := FromBytes(file)
		require.NoError(t, err)
		for _, streams := range []int{1, 16, 300} {
			for _, workers := range []int{1, 2} {
				taken := allocated(func() { m.NewBatch(streams, WithWorkers(workers)).Close() })
				said := m.BatchBytes(streams, workers)
				assert.GreaterOrEqual(t, taken, said, "%s: %d streams, %d workers", name, streams, workers)
				// The allocator rounds up by an eighth at most; a few KB are for the layers.
				assert.LessOrEqual(t, taken, said+said/8+12<<10, "%s: %d streams, %d workers", name, streams, workers)
			}
		}
	}
	m, err := FromBytes(cellModel(t, "relu", 16, 64))
	require.NoError(t, err)
	assert.Equal(t, math.MaxInt, m.BatchBytes(math.MaxInt, 1))
	assert.Equal(t, math.MaxInt, m.BatchBytes(math.MaxInt, math.MaxInt))
}

// Vectors are an odd number of cache lines apart, and what there is none of has no room.
func TestStridesAreApart(t *testing.T) {
	for _, file := range [][]byte{everyLayer(t), cellModel(t, "lstm", 256, 256), cellModel(t, "gru before", 16, 32), cellModel(t, "projected", 48, 64)} {
		m, err := FromBytes(file)
		require.NoError(t, err)
		b := newBlock(m, 12, 12)
		assert.Equal(t, 1, b.states.stride/asm.RowPad%2)
		for i, v := range b.buffers {
			assert.Equal(t, 1, v.stride/asm.RowPad%2, "buffer %d", i)
			assert.Zero(t, v.stride%asm.RowPad, "buffer %d", i)
		}
		for _, o := range b.operations {
			if c, ok := o.(*cell); ok {
				assert.Equal(t, 1, c.zx.stride/asm.RowPad%2)
				assert.Equal(t, 1, c.zh.stride/asm.RowPad%2)
				if c.second != nil {
					assert.Equal(t, 1, c.second.x.stride/asm.RowPad%2, "spare")
				}
			}
		}
	}
	b := format.NewBuilder(16)
	b.Output(b.Dense("dense", format.Input, newRandom(1).uniform(32*16, 1), nil, format.Linear))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	assert.Zero(t, m.plan.states+m.plan.z+m.plan.spare, "no cell")
}
