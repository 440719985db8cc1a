package infer

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

func delayModel(t testing.TB, width, taps, dilation int) *Model {
	b := format.NewBuilder(width)
	b.Output(b.DelayLine("line", format.Input, taps, dilation))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	return m
}

// A delay line gives back what went in, to the bit, zeros before the first step, and its
// state is the steps before, the oldest first: alone and in a batch, in single steps and in
// pieces, after a state that was restored, copied or begun anew.
func TestDelayLine(t *testing.T) {
	const steps, streams = 60, 3
	for _, width := range []int{1, 2, 5, 16, 33} {
		for taps := 2; taps <= 5; taps++ {
			for _, dilation := range []int{1, 2, 3, 4, 7, 40} {
				m, r := delayModel(t, width, taps, dilation), newRandom(uint64(taps*dilation))
				held := (taps - 1) * dilation
				// x[held+i] is step i of a stream, behind the zeros before it.
				var xs [][]float32
				for range streams {
					x := slices.Concat(make([]float32, held*width), r.uniform(steps*width, 2))
					x[held*width], x[(held+1)*width] = float32(math.Copysign(0, -1)), 1e-40
					xs = append(xs, x)
				}
				want := func(x []float32, from, n int) (y []float32) {
					for step := from; step < from+n; step++ {
						for tap := range taps {
							y = append(y, x[(step+tap*dilation)*width:][:width]...)
						}
					}
					return y
				}
				name := fmt.Sprintf("%d taps of %d, %d steps apart", taps, width, dilation)
				s, b := m.NewSession(), m.NewBatch(streams, WithWorkers(2))
				for from, n := 0, 0; from < steps; from += n {
					n = min(1+r.IntN(20), steps-from)
					ys := make([]float32, n*taps*width)
					_, err := s.Run(ys, xs[0][(held+from)*width:][:n*width])
					require.NoError(t, err)
					require.Equal(t, bits(want(xs[0], from, n)), bits(ys), name)

					lengths, all, xb := []int{n, n - 1, n}, make([]float32, streams*len(ys)), []float32{}
					for _, x := range xs {
						xb = append(xb, x[(held+from)*width:][:n*width]...)
					}
					require.NoError(t, b.Run(all, xb, lengths))
					last := xs[1][(held+from+n-1)*width:][:width]
					require.NoError(t, b.StepSome(all[(2*n-1)*taps*width:][:taps*width], last, []int{1}))
					for i, x := range xs {
						require.Equal(t, bits(want(x, from, n)), bits(all[i*len(ys):][:len(ys)]), "%s, stream %d", name, i)
					}

					state := make([]float32, held*width)
					require.NoError(t, s.ReadState(0, state))
					require.Equal(t, bits(xs[0][(from+n)*width:][:len(state)]), bits(state), name)
					saved := must(s.State(make([]byte, m.StateSize())))
					require.Equal(t, saved, must(b.State(0, make([]byte, m.StateSize()))), name)
					switch r.IntN(4) {
					case 0:
						s = m.NewSession()
						require.NoError(t, s.WriteState(0, state))
						require.Equal(t, saved, must(s.State(make([]byte, m.StateSize()))), name)
					case 1:
						require.NoError(t, s.SetState(saved))
						require.NoError(t, b.SetState(0, saved))
					case 2:
						other := m.NewSession()
						require.NoError(t, other.SetState(saved))
						s = other
					}
				}
				s.Reset()
				y := make([]float32, taps*width)
				require.NoError(t, s.Step(y, xs[0][held*width:][:width]))
				assert.Equal(t, bits(want(xs[0], 0, 1)), bits(y), "%s: after a reset", name)
				b.Close()
			}
		}
	}
}

// A step that is taken back is taken back from the delay line too, and one that fails for its
// input does not get into it.
func TestDelayLineIsTakenBack(t *testing.T) {
	b := format.NewBuilder(1)
	line := b.DelayLine("line", format.Input, 2, 3)
	b.Output(b.RNN("grows", line, format.Weights{W: []float32{1, 1}, R: []float32{1e15}}, format.Relu))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	s, y, faults := m.NewSession(), make([]float32, 1), 0
	for i := range 20 {
		before := must(s.State(make([]byte, m.StateSize())))
		x := float32(1)
		if i%3 == 2 {
			x = float32(math.NaN())
		}
		if err := s.Step(y, []float32{x}); err != nil {
			faults++
			require.Equal(t, before, must(s.State(make([]byte, m.StateSize()))))
		}
	}
	assert.Greater(t, faults, 10)

	// A line holds what may come in, or twice that, and no more.
	limit := m.Limit()
	assert.NoError(t, s.WriteState(0, []float32{limit, -limit, 2 * limit}))
	assert.ErrorIs(t, s.WriteState(0, []float32{0, 4 * limit, 0}), ErrState)
	assert.ErrorIs(t, s.WriteState(0, []float32{0, 0, float32(math.Inf(1))}), ErrState)
}

// A table of numbers near the largest one is refused before a line that would carry them to
// a sum.
func TestDelayLineOutOfRange(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.DelayLine("line", b.Embedding("e", []float32{3e38, 0}, 1), 2, 1))
	_, err := FromBytes(marshal(t, b))
	assert.ErrorContains(t, err, "could overflow float32")
}

func BenchmarkDelayLine(b *testing.B) {
	for _, c := range [][3]int{{1, 5, 1}, {1, 100, 1}, {16, 3, 1}, {16, 2, 512}, {256, 5, 8}} {
		b.Run(fmt.Sprintf("width=%d/taps=%d/dilation=%d", c[0], c[1], c[2]), func(b *testing.B) {
			m := delayModel(b, c[0], c[1], c[2])
			s, x, y := m.NewSession(), make([]float32, m.InputSize()), make([]float32, m.OutputSize())
			for b.Loop() {
				if err := s.Step(y, x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
