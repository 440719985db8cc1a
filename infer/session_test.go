package infer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

func TestSameBitsOnEveryISA(t *testing.T) {
	files := map[string][]byte{"every layer": everyLayer(t), "token": tokenModel(t), "whole sequences": bidirectional(t)}
	files["int8"], files["16 bits"] = quantized(t, everyLayer(t)), in16(t, everyLayer(t))
	for _, cell := range cells {
		files[cell+", int8"] = quantized(t, cellModel(t, cell, 37, 51))
		files[cell+", 16 bits"] = in16(t, cellModel(t, cell, 37, 51))
		files[cell] = cellModel(t, cell, 37, 51)
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			generic, err := FromBytes(file, WithISA("generic"))
			require.NoError(t, err)
			want, err := generic.Witness(3, 500)
			require.NoError(t, err)
			onEveryISA(t, file, func(t *testing.T, m *Model) {
				have, err := m.Witness(3, 500)
				require.NoError(t, err)
				assert.Equal(t, want, have)
			})
		})
	}
}

func TestRunIsSteps(t *testing.T) {
	for typ, file := range types(t, everyLayer(t)) {
		t.Run(typ, func(t *testing.T) { testRunIsSteps(t, file) })
	}
}

func testRunIsSteps(t *testing.T, file []byte) {
	onEveryISA(t, file, func(t *testing.T, m *Model) {
		const T = 50
		I, O, r := m.InputSize(), m.OutputSize(), newRandom(2)
		xs, steps, runs := r.uniform(T*I, 2), make([]float32, T*O), make([]float32, T*O)
		s := m.NewSession()
		for i := range T {
			require.NoError(t, s.Step(steps[i*O:][:O], xs[i*I:][:I]))
		}
		s.Reset()
		for from := 0; from < T; {
			n := min(r.IntN(9), T-from)
			done, err := s.Run(runs[from*O:][:n*O], xs[from*I:][:n*I])
			require.NoError(t, err)
			require.Equal(t, n, done)
			from += n
		}
		assert.Equal(t, bits(steps), bits(runs))
	})
}

// A fault in a later block of steps is named by its place in the whole, and the steps before
// it count.
func TestRunNamesTheFault(t *testing.T) {
	m, err := FromBytes(cellModel(t, "lstm", 2, 5))
	require.NoError(t, err)
	const T, bad = 200, 141
	xs, ys := newRandom(4).uniform(2*T, 1), make([]float32, 5*T)
	s, one := m.NewSession(), m.NewSession()
	require.Less(t, m.sessionSlots(), bad/2)
	xs[bad] = float32(math.NaN())
	n, err := s.Run(ys, xs)
	assert.ErrorContains(t, err, "infer: xs[141] is NaN")
	assert.Equal(t, bad/2, n)
	_, err = one.Run(ys[:5*n], xs[:2*n])
	require.NoError(t, err)
	assert.Equal(t, must(one.State(make([]byte, m.StateSize()))), must(s.State(make([]byte, m.StateSize()))))
}

// A matrix so large that it goes to the kernels in slices, by panels and by
// columns.
func TestSlicedProducts(t *testing.T) {
	r := newRandom(8)
	const I = 900
	b := format.NewBuilder(I)
	wide := b.Dense("wide", format.Input, r.uniform(200*I, 0.1), r.uniform(200, 1), format.Linear)
	long := b.Dense("long", format.Input, r.uniform(20*I, 0.1), nil, format.Linear)
	longer := b.Concat("longer", format.Input, format.Input, format.Input)
	narrow := b.Dense("narrow", longer, r.uniform(13*3*I, 0.1), r.uniform(13, 1), format.Linear)
	fours := b.Dense("fours", format.Input, r.uniform(11*fourPanels*I, 0.1), nil, format.Linear)
	more := b.Dense("fours and more", format.Input, r.uniform(2821*I, 0.1), r.uniform(2821, 1), format.Linear)
	b.Output(b.Concat("out", wide, long, narrow, fours, more))
	require.GreaterOrEqual(t, 4*11*fourPanels*I, memoryBytes)
	require.Greater(t, I*asm.PanelRows, kernelFloats)
	require.Greater(t, 13*3*I, kernelFloats)
	file := marshal(t, b)
	onEveryISA(t, file, func(t *testing.T, m *Model) {
		x, y := r.uniform(I, 1), make([]float32, m.OutputSize())
		session := m.NewSession()
		for range 2 { // to and fro
			clear(y)
			require.NoError(t, session.Step(y, x))
			sameAsGeneric(t, m, x, y)
		}
	})
}

func sameAsGeneric(t *testing.T, m *Model, x, y []float32) {
	generic, err := asm.ByName("generic")
	require.NoError(t, err)
	for _, l := range m.Format().Layers {
		d, ok := l.(*format.Dense)
		if !ok {
			continue
		}
		w, want := m.Format().Tensor(d.W), make([]float32, (m.Format().Tensor(d.W).Rows+15)/16*16)
		var bias []float32
		if d.B != format.None {
			bias = m.Format().Tensor(d.B).F32
		}
		if w.Layout == format.Narrow {
			generic.NarrowF32(want[:w.Rows], bias, w.F32, slices.Concat(x, x, x))
		} else {
			generic.MatVecF32(want, bias, w.F32, x)
		}
		assert.Equal(t, bits(want[:w.Rows]), bits(y[:w.Rows]), l.LayerName())
		y = y[w.Rows:]
	}
}

func TestNothingAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	files := map[string][]byte{"every layer": everyLayer(t), "token": tokenModel(t), "whole sequences": bidirectional(t)}
	files["int8"], files["16 bits"] = quantized(t, everyLayer(t)), in16(t, everyLayer(t))
	for _, cell := range cells {
		files[cell] = cellModel(t, cell, 3, 8)
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			onEveryISA(t, file, func(t *testing.T, m *Model) {
				s, I, O := m.NewSession(), m.InputSize(), m.OutputSize()
				x, y := make([]float32, I), make([]float32, O)
				xs, ys := make([]float32, 7*I), make([]float32, 7*O)
				nan := slices.Repeat([]float32{float32(math.NaN())}, I)
				state := make([]byte, m.StateSize())
				other := slices.Clone(state)
				s.Reserve(7)
				step := func(err error) error { return err }
				if !m.Streams() {
					step = fails
				}
				h := make([]float32, m.Format().States[0].Size)
				calls := map[string]func() error{
					"Step":                 func() error { return step(s.Step(y, x)) },
					"RunLength":            func() error { _, err := s.RunLength(ys, xs, 3); return err },
					"Reserve":              func() error { s.Reserve(7); return nil },
					"ReadState":            func() error { return s.ReadState(0, h) },
					"WriteState":           func() error { return s.WriteState(0, h) },
					"WriteState: index":    func() error { return fails(s.WriteState(-1, h)) },
					"Run":                  func() error { _, err := s.Run(ys, xs); return err },
					"Reset":                func() error { s.Reset(); return nil },
					"State":                func() error { _, err := s.State(state); return err },
					"SetState":             func() error { return s.SetState(state) },
					"Step: short x":        func() error { return fails(s.Step(y, x[:I-1])) },
					"Step: long y":         func() error { return fails(s.Step(ys, x)) },
					"Step: NaN":            func() error { return fails(s.Step(y, nan)) },
					"Run: length":          func() error { _, err := s.Run(y[:O-1], xs); return fails(err) },
					"State: short":         func() error { _, err := s.State(state[:9]); return fails(err) },
					"SetState: short":      func() error { return fails(s.SetState(state[:9])) },
					"SetState: no state":   func() error { return fails(s.SetState(other)) },
					"errors.Is, errors.As": func() error { return fails(isLength(s.Step(y, nil))) },
				}
				b := m.NewBatch(3, WithWorkers(2))
				defer b.Close()
				ys3, xs3, ids, twice, lengths := make([]float32, 3*7*O), make([]float32, 3*7*I), []int{2, 0}, []int{1, 1}, []int{7, 0, 2}
				maps.Copy(calls, map[string]func() error{
					"Batch.Step":           func() error { return step(b.Step(ys3[:3*O], xs3[:3*I])) },
					"Batch.StepSome":       func() error { return step(b.StepSome(ys3[:2*O], xs3[:2*I], ids)) },
					"Batch.Run":            func() error { return b.Run(ys3, xs3, lengths) },
					"Batch.Reset":          func() error { return b.Reset(1) },
					"Batch.State":          func() error { _, err := b.State(1, state); return err },
					"Batch.SetState":       func() error { return b.SetState(1, state) },
					"Batch.Step: NaN":      func() error { return fails(b.StepSome(ys3[:O], nan, ids[:1])) },
					"Batch.Step: length":   func() error { return fails(b.Step(ys3, xs3[:1])) },
					"Batch.Reset: stream":  func() error { return fails(b.Reset(3)) },
					"Batch.StepSome twice": func() error { return fails(b.StepSome(ys3[:2*O], xs3[:2*I], twice)) },
				})
				_, err := s.State(state)
				require.NoError(t, err)
				for name, call := range calls {
					require.NoError(t, call(), name)
					assert.Zero(t, testing.AllocsPerRun(100, func() { _ = call() }), name)
				}
			})
		})
	}
}

var errNone = errors.New("no error")

// fails turns the wanted failure into nil.
func fails(err error) error {
	if err == nil {
		return errNone
	}
	return nil
}

func isLength(err error) error {
	if errors.Is(err, ErrLength) {
		return err
	}
	return nil
}

func TestErrorsLeaveTheState(t *testing.T) {
	m, err := FromBytes(everyLayer(t))
	require.NoError(t, err)
	s, r := m.NewSession(), newRandom(3)
	I, O := m.InputSize(), m.OutputSize()
	x, y := r.uniform(I, 1), make([]float32, O)
	require.NoError(t, s.Step(y, x))
	before, err := s.State(make([]byte, m.StateSize()))
	require.NoError(t, err)

	with := func(i int, v float32) []float32 {
		x := slices.Clone(x)
		x[i] = v
		return x
	}
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		x       []float32
		y       []float32
		kind    error
		message string
	}{
		{x[:4], y, ErrLength, "infer: x has 4 elements, want 5"},
		{nil, y, ErrLength, "infer: x has 0 elements, want 5"},
		{x, y[:2], ErrLength, "infer: y has 2 elements, want 6"},
		{with(3, float32(math.NaN())), y, ErrValue, "infer: x[3] is NaN, want a finite number of at most ±"},
		{with(0, inf), y, ErrValue, "infer: x[0] is +Inf, want"},
		{with(4, -inf), y, ErrValue, "infer: x[4] is -Inf, want"},
		{with(1, math.MaxFloat32), y, ErrValue, "infer: x[1] is 3.4028235e+38, want"},
	} {
		old := bits(y)
		err := s.Step(c.y, c.x)
		require.ErrorIs(t, err, c.kind)
		assert.ErrorContains(t, err, c.message)
		after, err := s.State(make([]byte, m.StateSize()))
		require.NoError(t, err)
		assert.Equal(t, before, after, c.message)
		assert.Equal(t, old, bits(y), c.message)
	}

	xs := append(append(slices.Clone(x), with(2, inf)...), x...)
	n, err := s.Run(make([]float32, 3*O), xs)
	assert.Equal(t, 1, n)
	require.ErrorIs(t, err, ErrValue)
	assert.ErrorContains(t, err, "infer: xs[7] is +Inf")
	_, err = s.Run(make([]float32, O), x[:I-1])
	assert.EqualError(t, err, "infer: xs has 4 elements, want a multiple of 5")
	_, err = s.Run(make([]float32, O+1), x)
	assert.EqualError(t, err, "infer: ys has 7 elements, want 6 for each of 1 steps")
}

func TestLargestInputsStayFinite(t *testing.T) {
	for _, cell := range cells {
		if cell == "relu" {
			continue // its state follows its input
		}
		onEveryISA(t, cellModel(t, cell, 6, 10), func(t *testing.T, m *Model) {
			s, y := m.NewSession(), make([]float32, m.OutputSize())
			for i := range 20 {
				v := m.Limit()
				if i%3 == 0 {
					v = -v
				}
				require.NoError(t, s.Step(y, slices.Repeat([]float32{v}, 6)))
				assert.True(t, asm.All()[0].WithinF32(y, 1))
			}
		})
	}
}

func TestTokens(t *testing.T) {
	onEveryISA(t, tokenModel(t), func(t *testing.T, m *Model) {
		assert.Equal(t, 11, m.Vocabulary())
		s, y := m.NewSession(), make([]float32, m.OutputSize())
		require.NoError(t, s.Step(y, []float32{10}))
		for _, v := range []float32{11, -1, 0.5, float32(math.NaN()), float32(math.Inf(1)), 1e30} {
			err := s.Step(y, []float32{v})
			require.ErrorIs(t, err, ErrValue)
			assert.ErrorContains(t, err, "want a whole number from 0 to 10")
		}
	})
}

// An unstable relu RNN grows until it leaves the range: that is an error, the
// step is taken back, and no later number is poisoned.
func TestOverflowIsTakenBack(t *testing.T) {
	b := format.NewBuilder(1)
	l := b.LSTM("before", format.Input, newRandom(4).weights(4, 1, 2, false))
	b.Output(b.RNN("grows", l, format.Weights{W: []float32{1, 1}, R: []float32{1e6}, H0: []float32{1}}, format.Relu))
	onEveryISA(t, marshal(t, b), func(t *testing.T, m *Model) {
		s, y := m.NewSession(), make([]float32, 1)
		for range 100 {
			before, err := s.State(make([]byte, m.StateSize()))
			require.NoError(t, err)
			if err := s.Step(y, []float32{1}); err != nil {
				require.ErrorIs(t, err, ErrOverflow)
				assert.ErrorContains(t, err, `layer "grows"`)
				after, _ := s.State(make([]byte, m.StateSize()))
				assert.Equal(t, before, after)
				s.Reset()
				assert.NoError(t, s.Step(y, []float32{1}))
				return
			}
			require.LessOrEqual(t, y[0], m.Limit())
		}
		t.Fatal("no overflow in 100 steps")
	})
}

// The product of two lengths does not wrap on machines whose int has 32 bits.
func TestRunLengthsDoNotWrap(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: needs 200 MB")
	}
	b := format.NewBuilder(1)
	b.Output(b.Dense("wide", format.Input, make([]float32, 1<<20), nil, format.Linear))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	_, err = m.NewSession().Run(nil, make([]float32, 4096))
	assert.EqualError(t, err, "infer: ys has 0 elements, want 1048576 for each of 4096 steps")
}

func TestWeightsOutOfRange(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.Dense("inf", format.Input, []float32{float32(math.Inf(-1))}, nil, format.Linear))
	_, err := FromBytes(marshal(t, b))
	assert.ErrorContains(t, err, "tensor 0 (inf.W): element 0 is -Inf, want a finite number")

	b = format.NewBuilder(2)
	x := b.Dense("huge", format.Input, []float32{1e38, 1e38}, nil, format.Linear)
	b.Output(b.Dense("huge too", x, []float32{1e38}, nil, format.Linear))
	_, err = FromBytes(marshal(t, b))
	assert.ErrorContains(t, err, "an input of 1 could overflow float32")
}

// A projection can overflow like any other product.
func TestProjectionOutOfRange(t *testing.T) {
	b := format.NewBuilder(1)
	w := format.Weights{W: []float32{1, 1, 1, 1}, R: make([]float32, 8), Proj: []float32{3e38, 3e38}, ProjB: []float32{3e38, 3e38}}
	b.Output(b.LSTM("l", format.Input, w))
	_, err := FromBytes(marshal(t, b))
	assert.ErrorContains(t, err, "an input of 1 could overflow float32")
}

// What State wrote, SetState takes, of a candidate that makes large numbers too.
func TestLargeCandidate(t *testing.T) {
	b := format.NewBuilder(1)
	f := format.WithFunctions(sigmoid, format.Function{Kind: format.ScaledTanh, Alpha: 1e25, Beta: 1}, tanh)
	b.Output(b.LSTM("l", format.Input, format.Weights{W: []float32{9, 9, 9, 9}, R: make([]float32, 4)}, f))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	s, y := m.NewSession(), make([]float32, 1)
	for range 10 {
		require.NoError(t, s.Step(y, []float32{1}))
		require.NoError(t, s.SetState(must(s.State(make([]byte, m.StateSize())))))
	}
}

// A relu RNN that starts beyond the range it may reach is refused, not stuck.
func TestInitialStateOutOfRange(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.RNN("g", format.Input, format.Weights{W: []float32{1e30}, R: []float32{1}, H0: []float32{1e37}}, format.Relu))
	_, err := FromBytes(marshal(t, b))
	assert.ErrorContains(t, err, `state 0 (g.h) starts at ±1e+37, want at most ±`)
}

func TestState(t *testing.T) {
	file := everyLayer(t)
	m, err := FromBytes(file)
	require.NoError(t, err)
	s, r := m.NewSession(), newRandom(6)
	x, y, want := r.uniform(m.InputSize(), 1), make([]float32, m.OutputSize()), make([]float32, m.OutputSize())
	for range 10 {
		require.NoError(t, s.Step(y, x))
	}
	saved, err := s.State(make([]byte, m.StateSize()+5))
	require.NoError(t, err)
	require.Len(t, saved, m.StateSize())
	require.NoError(t, s.Step(want, x))

	onEveryISA(t, file, func(t *testing.T, m *Model) {
		s, y := m.NewSession(), make([]float32, m.OutputSize())
		require.NoError(t, s.SetState(saved))
		require.NoError(t, s.Step(y, x))
		assert.Equal(t, bits(want), bits(y))
	})

	// Every flipped bit and every wrong length is refused, and changes nothing.
	before, err := s.State(make([]byte, m.StateSize()))
	require.NoError(t, err)
	for i := range 8 * len(saved) {
		bad := slices.Clone(saved)
		bad[i/8] ^= 1 << (i % 8)
		require.ErrorIs(t, s.SetState(bad), ErrState, "bit %d", i)
	}
	for n := range len(saved) {
		require.ErrorIs(t, s.SetState(saved[:n]), ErrLength)
	}
	other, err := FromBytes(cellModel(t, "rnn", 2, m.StateSize()/4-stateHeader/4))
	require.NoError(t, err)
	foreign, err := other.NewSession().State(make([]byte, other.StateSize()))
	require.NoError(t, err)
	assert.EqualError(t, s.SetState(foreign), "infer: state: it belongs to another model")
	after, err := s.State(make([]byte, m.StateSize()))
	require.NoError(t, err)
	assert.Equal(t, before, after)

	_, err = s.State(make([]byte, 3))
	assert.ErrorIs(t, err, ErrLength)
}

func TestInitialState(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.RNN("r", format.Input, format.Weights{W: []float32{0}, R: []float32{1}, H0: []float32{0.5}}, format.Relu))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	s, y := m.NewSession(), make([]float32, 1)
	for range 2 {
		require.NoError(t, s.Step(y, y[:1]))
		assert.Equal(t, float32(0.5), y[0])
		s.Reset()
	}
}

func TestThreeWaysIn(t *testing.T) {
	file := everyLayer(t)
	path := filepath.Join(t.TempDir(), "m.rnn")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	mapped, err := Open(path)
	require.NoError(t, err)
	want, err := mapped.Witness(1, 20)
	require.NoError(t, err)

	misaligned := append(make([]byte, 1, len(file)+1), file...)[1:]
	fromBytes, err := FromBytes(misaligned)
	require.NoError(t, err)
	assert.True(t, fromBytes.Copied())
	loaded, err := Load(bytes.NewReader(file))
	require.NoError(t, err)
	for _, m := range []*Model{fromBytes, loaded} {
		have, err := m.Witness(1, 20)
		require.NoError(t, err)
		assert.Equal(t, want, have)
	}

	s := mapped.NewSession()
	require.NoError(t, mapped.Close())
	assert.ErrorIs(t, s.Step(make([]float32, mapped.OutputSize()), make([]float32, mapped.InputSize())), ErrClosed)
	_, err = s.Run(nil, nil)
	assert.ErrorIs(t, err, ErrClosed)
	state := make([]byte, mapped.StateSize())
	_, err = s.State(state)
	assert.ErrorIs(t, err, ErrClosed)
	assert.ErrorIs(t, s.SetState(state), ErrClosed)
	assert.ErrorIs(t, s.ReadState(0, nil), ErrClosed)
	assert.ErrorIs(t, s.WriteState(0, nil), ErrClosed)
	s.Reset()

	_, err = Open(filepath.Join(t.TempDir(), "absent.rnn"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = FromBytes(file[:100])
	assert.Error(t, err)
	_, err = FromBytes(file, WithISA("mmx"))
	assert.ErrorContains(t, err, `no kernels "mmx" on this CPU`)
}

func TestBadEnvironment(t *testing.T) {
	t.Setenv(asm.EnvISA, "mmx")
	_, err := FromBytes(everyLayer(t))
	assert.ErrorContains(t, err, "RNNEDGE_ISA")
}

func TestWitness(t *testing.T) {
	m, err := FromBytes(everyLayer(t))
	require.NoError(t, err)
	assert.EqualError(t, m.Verify(), "infer: the model has no witness")

	model := *m.Format()
	model.Witness, err = m.Witness(42, 64)
	require.NoError(t, err)
	file, err := format.Marshal(&model)
	require.NoError(t, err)
	onEveryISA(t, file, func(t *testing.T, m *Model) { assert.NoError(t, m.Verify()) })

	model.Witness.SHA256[0] ^= 1
	file, err = format.Marshal(&model)
	require.NoError(t, err)
	m, err = FromBytes(file)
	require.NoError(t, err)
	assert.ErrorIs(t, m.Verify(), ErrWitness)
}

func TestWitnessTooLong(t *testing.T) {
	whole, forward, _ := bothWays(t)
	for _, m := range []*Model{whole, forward} {
		_, err := m.Witness(1, math.MaxUint32)
		assert.EqualError(t, err, "infer: a witness of 4294967295 steps, want at most 1048576")
	}
}

func TestSessionsShareAModel(t *testing.T) {
	m, err := FromBytes(everyLayer(t))
	require.NoError(t, err)
	want, err := m.Witness(9, 200)
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			have, err := m.Witness(9, 200)
			assert.NoError(t, err)
			assert.Equal(t, want, have)
		})
	}
	group.Wait()
}

func TestSessionBytes(t *testing.T) {
	m, err := FromBytes(cellModel(t, "lstm", 64, 256))
	require.NoError(t, err)
	s := m.NewSession()
	taken := allocated(func() { s = m.NewSession() })
	assert.InDelta(t, m.SessionBytes(), taken, 8192+4096, "but for the rounding of the allocator, and a little for each layer")
	assert.Equal(t, 24+2*256*4, m.StateSize())
	assert.Equal(t, "rnns", string(must(s.State(make([]byte, m.StateSize())))[:4]))
	assert.Equal(t, uint32(1), binary.LittleEndian.Uint32(must(s.State(make([]byte, m.StateSize())))[4:]))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
