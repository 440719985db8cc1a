package infer

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/internal/reference"
)

// bothWays is a forward and a backward cell with a name, and its halves as models
// that stream.
func bothWays(t *testing.T) (whole, forward, backward *Model) {
	open := func(program func(b *format.Builder, w, back format.Weights)) *Model {
		r := newRandom(11)
		w, back := r.weights(4, 3, 7, false), r.weights(4, 3, 7, false)
		b := format.NewBuilder(3)
		program(b, w, back)
		m, err := FromBytes(marshal(t, b))
		require.NoError(t, err)
		return m
	}
	whole = open(func(b *format.Builder, w, back format.Weights) {
		y := b.LSTM("forward", format.Input, w)
		z := b.Reverse("back", b.LSTM("backward", b.Reverse("turn", format.Input), back))
		b.Output(b.Concat("both", y, z))
	})
	forward = open(func(b *format.Builder, w, _ format.Weights) { b.Output(b.LSTM("forward", format.Input, w)) })
	backward = open(func(b *format.Builder, _, back format.Weights) { b.Output(b.LSTM("backward", format.Input, back)) })
	return whole, forward, backward
}

// A layer that runs backward gives the bits of a session that is fed backward, in the
// outputs and in the states, and a padded sequence those of the sequence alone.
func TestBackwardIsForwardOnAReversedSequence(t *testing.T) {
	whole, forward, backward := bothWays(t)
	assert.False(t, whole.Streams())
	assert.True(t, forward.Streams())
	s, f, b := whole.NewSession(), forward.NewSession(), backward.NewSession()
	const T, I, H = 9, 3, 7
	xs, ys := newRandom(3).uniform(T*I, 2), make([]float32, T*2*H)
	half := make([]float32, H)
	for _, steps := range []int{9, 4, 0, 1} {
		s.Reset()
		f.Reset()
		b.Reset()
		n, err := s.RunLength(ys, xs, steps)
		require.NoError(t, err)
		require.Equal(t, steps, n)
		for i := range steps {
			require.NoError(t, f.Step(half, xs[i*I:][:I]))
			assert.Equal(t, bits(half), bits(ys[i*2*H:][:H]), "forward, step %d of %d", i, steps)
			i = steps - 1 - i
			require.NoError(t, b.Step(half, xs[i*I:][:I]))
			assert.Equal(t, bits(half), bits(ys[i*2*H+H:][:H]), "backward, step %d of %d", i, steps)
		}
		for _, y := range ys[steps*2*H:] {
			require.Zero(t, y, "padding")
		}
		for i := range 4 {
			have, want := make([]float32, H), make([]float32, H)
			require.NoError(t, s.ReadState(i, have))
			require.NoError(t, []*Session{f, b}[i/2].ReadState(i%2, want))
			assert.Equal(t, bits(want), bits(have), "%s after %d steps", whole.Format().States[i].Name, steps)
		}
	}
	_, err := s.RunLength(ys, xs, T+1)
	assert.EqualError(t, err, "infer: steps is 10, want 0 to 9")
}

func TestStepOfWholeSequences(t *testing.T) {
	whole, _, _ := bothWays(t)
	err := whole.NewSession().Step(make([]float32, 14), make([]float32, 3))
	require.ErrorIs(t, err, ErrStream)
	assert.EqualError(t, err, `infer: layer "turn" runs backward in time and needs the whole sequence: use Run`)
}

// RunLength of a model that streams is its first steps.
func TestRunLengthOfAStream(t *testing.T) {
	_, m, _ := bothWays(t)
	xs := newRandom(4).uniform(9*3, 1)
	want, have := make([]float32, 9*7), slices.Repeat([]float32{1}, 9*7)
	s, ref := m.NewSession(), m.NewSession()
	_, err := ref.Run(want[:5*7], xs[:5*3])
	require.NoError(t, err)
	_, err = s.RunLength(have, xs, 5)
	require.NoError(t, err)
	assert.Equal(t, bits(want), bits(have))
}

func TestWholeSequencesAgainstFloat64(t *testing.T) {
	onEveryISA(t, bidirectional(t), func(t *testing.T, m *Model) {
		const T = 40
		xs, ys := newRandom(8).uniform(T*m.InputSize(), 2), make([]float32, T*m.OutputSize())
		_, err := m.NewSession().Run(ys, xs)
		require.NoError(t, err)
		for i, y := range reference.New(m.Format()).Run(xs, T) {
			for j, want := range y {
				require.InDelta(t, want, ys[i*len(y)+j], 2e-6, "step %d, output %d", i, j)
			}
		}
	})
}

// Values out of range and states that overflow leave the session as it was.
func TestSequenceErrors(t *testing.T) {
	b := format.NewBuilder(1)
	grows := b.RNN("grows", b.Reverse("turn", format.Input), format.Weights{W: []float32{1}, R: []float32{1e6}, H0: []float32{1}}, format.Relu)
	b.Output(b.Reverse("back", grows))
	onEveryISA(t, marshal(t, b), func(t *testing.T, m *Model) {
		s := m.NewSession()
		before := must(s.State(make([]byte, m.StateSize())))
		ys := make([]float32, 100)
		n, err := s.Run(ys, make([]float32, 100))
		assert.Zero(t, n)
		require.ErrorIs(t, err, ErrOverflow)
		assert.ErrorContains(t, err, `layer "grows"`)
		assert.Equal(t, before, must(s.State(make([]byte, m.StateSize()))))

		xs := make([]float32, 3)
		xs[2] = 2 * m.Limit()
		_, err = s.Run(ys[:3], xs)
		require.ErrorIs(t, err, ErrValue)
		assert.ErrorContains(t, err, "infer: xs[2] is ")
		_, err = s.Run(ys[:2], xs)
		require.ErrorIs(t, err, ErrLength)
		n, err = s.Run(ys[:3], xs[:0:0])
		assert.Zero(t, n)
		assert.ErrorIs(t, err, ErrLength)
		_, err = s.Run(ys[:3], []float32{0, 0, 0})
		assert.NoError(t, err)
		assert.Equal(t, []float32{1e18, 1e12, 1e6}, ys[:3])
	})
}

func TestSequenceBytes(t *testing.T) {
	whole, forward, _ := bothWays(t)
	assert.Zero(t, forward.SequenceBytes(1000))
	const steps = 1000
	s := whole.NewSession()
	once := allocated(func() { whole.NewSession() })
	both := allocated(func() { s = whole.NewSession(); s.Reserve(steps) })
	assert.InDelta(t, whole.SequenceBytes(steps), both-once, 8192)
	assert.Len(t, s.kept, steps*(3+3+7+7+7+14)) // x, x turned, both cells, the second in order, the output
}

func TestReadAndWriteState(t *testing.T) {
	_, m, _ := bothWays(t)
	s, other := m.NewSession(), m.NewSession()
	x, y, want := []float32{1, 2, 3}, make([]float32, 7), make([]float32, 7)
	require.NoError(t, s.Step(y, x))
	for i := range m.Format().States {
		v := make([]float32, 7)
		require.NoError(t, s.ReadState(i, v))
		require.NoError(t, other.WriteState(i, v))
	}
	require.NoError(t, s.Step(want, x))
	require.NoError(t, other.Step(y, x))
	assert.Equal(t, bits(want), bits(y))

	v := make([]float32, 7)
	assert.EqualError(t, s.ReadState(2, v), "infer: state: there is no state of this index")
	assert.EqualError(t, s.ReadState(0, v[:6]), "infer: dst has 6 elements, want 7")
	assert.EqualError(t, s.WriteState(1, v[:0]), "infer: src has 0 elements, want 7")
	v[3] = 2 // more than a step makes of it
	assert.NoError(t, s.WriteState(0, v))
	v[3] = 1 << 21
	assert.EqualError(t, s.WriteState(0, v), "infer: state: a value is out of the range that the model can reach")
}

// Programs that turn sequences around in every place, in sessions that see sequences of
// different lengths, go on from them, and are reset.
func TestWhereAReverseMayStand(t *testing.T) {
	const I, H = 3, 4
	cell := func(b *format.Builder, name string, x format.Buffer) format.Buffer {
		return b.GRU(name, x, newRandom(uint64(len(name))).weights(3, b.Width(x), H, true))
	}
	relu := func(b *format.Builder, name string, x format.Buffer) format.Buffer {
		w := newRandom(5).weights(1, b.Width(x), H, false)
		return b.RNN(name, x, format.Weights{W: w.W, R: make([]float32, H*H), H0: w.H0}, format.Relu)
	}
	for name, program := range map[string]func(b *format.Builder) format.Buffer{
		"the input":         func(b *format.Builder) format.Buffer { return b.Reverse("", format.Input) },
		"twice":             func(b *format.Builder) format.Buffer { return b.Reverse("", b.Reverse("", format.Input)) },
		"the output":        func(b *format.Builder) format.Buffer { return b.Reverse("", cell(b, "a", format.Input)) },
		"nothing behind it": func(b *format.Builder) format.Buffer { return cell(b, "a", b.Reverse("", format.Input)) },
		"one cell, two ways": func(b *format.Builder) format.Buffer {
			y := cell(b, "a", format.Input)
			return b.Add("", y, b.Reverse("", y))
		},
		"an early output": func(b *format.Builder) format.Buffer {
			y := cell(b, "a", format.Input)
			cell(b, "late", b.Reverse("", y))
			return y
		},
		"an early output and an end": func(b *format.Builder) format.Buffer {
			y := b.Activate("", cell(b, "a", format.Input), format.Tanh)
			b.Reverse("", cell(b, "late", b.Reverse("", format.Input)))
			return y
		},
		"two in a row": func(b *format.Builder) format.Buffer {
			x, y := b.Reverse("", format.Input), cell(b, "a", format.Input)
			z := b.Reverse("", y)
			return b.Concat("", x, y, z, format.Input)
		},
		"a checked cell at the end": func(b *format.Builder) format.Buffer {
			return b.Add("", relu(b, "first", format.Input), relu(b, "r", b.Reverse("", cell(b, "a", b.Reverse("", format.Input)))))
		},
		"of each other": func(b *format.Builder) format.Buffer {
			x := b.Reverse("", format.Input)
			y := cell(b, "a", x)
			z := b.Reverse("", b.Reverse("", y))
			return b.Concat("", cell(b, "bb", z), y, x, b.Slice("", b.Reverse("", z), 1, 2))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := format.NewBuilder(I)
			b.Output(program(b))
			m, err := FromBytes(marshal(t, b))
			require.NoError(t, err)
			s, want := m.NewSession(), reference.New(m.Format())
			O := m.OutputSize()
			for i, steps := range []int{5, 9, 0, 1, 2, 9, 3} {
				if i%3 == 2 {
					s.Reset()
					want = reference.New(m.Format())
				}
				xs, ys := newRandom(uint64(i)).uniform(steps*I, 1), make([]float32, steps*O)
				n, err := s.Run(ys, xs)
				require.NoError(t, err)
				require.Equal(t, steps, n)
				for j, y := range want.Run(xs, steps) {
					for k, v := range y {
						require.InDelta(t, v, ys[j*O+k], 2e-6, "sequence %d, step %d of %d, output %d", i, j, steps, k)
					}
				}
				for j := range m.Format().States {
					h := make([]float32, H)
					require.NoError(t, s.ReadState(j, h))
					for k, v := range want.State(format.StateID(j)) {
						require.InDelta(t, v, h[k], 2e-6, "sequence %d, state %d", i, j)
					}
				}
			}
		})
	}
}

// Tokens are looked up before they are turned around.
func TestTokensBackward(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.Concat("", b.Reverse("", b.Embedding("", []float32{10, 20, 30}, 1)), b.Embedding("", []float32{1, 2, 3}, 1)))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	ys := make([]float32, 6)
	_, err = m.NewSession().Run(ys, []float32{0, 1, 2})
	require.NoError(t, err)
	assert.Equal(t, []float32{30, 1, 20, 2, 10, 3}, ys)
	n, err := m.NewSession().Run(ys, []float32{0, 3, 2})
	assert.Zero(t, n)
	assert.EqualError(t, err, "infer: xs[1] is 3, want a whole number from 0 to 2")
}

// Lengths that no machine has do not wrap around.
func TestReserveBounds(t *testing.T) {
	whole, forward, _ := bothWays(t)
	s := whole.NewSession()
	s.Reserve(-1)
	assert.Empty(t, s.kept)
	assert.Zero(t, whole.SequenceBytes(-1))
	assert.Equal(t, math.MaxInt, whole.SequenceBytes(math.MaxInt/3))
	assert.Panics(t, func() { s.Reserve(math.MaxInt / 3) })
	forward.NewSession().Reserve(math.MaxInt)
}
