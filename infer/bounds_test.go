package infer

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// extremes draws weights and parameters over many powers of two.
type extremes struct{ random }

func (r extremes) number(most int) float32 {
	v := float32(math.Ldexp(1+r.Float64(), r.IntN(2*most)-most))
	switch r.IntN(8) {
	case 0:
		return 0
	case 1, 2, 3:
		return -v
	}
	return v
}

func (r extremes) numbers(n, most int) []float32 {
	v, scale := make([]float32, n), r.number(most)
	for i := range v {
		v[i] = scale * float32(2*r.Float64()-1)
	}
	return v
}

func (r extremes) function() format.Function {
	f := format.Function{Kind: format.Activation(r.IntN(int(format.Clip) + 1))}
	switch f.Kind.Parameters() {
	case 2:
		f.Beta = r.number(100)
		fallthrough
	case 1:
		f.Alpha = r.number(100)
	}
	if f.Kind == format.Clip && f.Alpha > f.Beta {
		f.Alpha, f.Beta = f.Beta, f.Alpha
	}
	return f
}

// gate is a function that people use for gates, or any.
func (r extremes) gate() format.Function {
	return []format.Function{sigmoid, sigmoid, tanh, hardSigmoid, {Kind: format.Affine, Beta: 1}, r.function()}[r.IntN(6)]
}

func (r extremes) limit() float32 {
	return []float32{0, 0, 1, float32(math.Abs(float64(r.number(100))))}[r.IntN(4)]
}

// cell adds one recurrent layer of H units.
func (r extremes) cell(b *format.Builder, x format.Buffer, H int) format.Buffer {
	I := b.Width(x)
	const most = 30
	kind := r.IntN(6)
	gates := []int{1, 4, 3, 4, 3, 3}[kind]
	w := format.Weights{W: r.numbers(gates*H*I, most), R: r.numbers(gates*H*H, most), B: r.numbers(gates*H, most)}
	if r.IntN(2) == 0 {
		w.H0 = r.numbers(H, 20)
	}
	opts := []format.CellOption{format.WithClip(r.limit())}
	lstm := func() {
		opts = append(opts, format.WithCellClip(r.limit()), format.WithFunctions(r.gate(), r.function(), r.function()))
		w.C0 = r.numbers(H, 20)
		if r.IntN(2) == 0 {
			w.P = r.numbers((gates-1)*H, 10)
		}
		if r.IntN(3) == 0 {
			w.Norm = r.numbers(gates*H, 10)
		}
	}
	switch kind {
	case 0:
		return b.RNN("rnn", x, w, format.Tanh, append(opts, format.WithFunctions(r.function()))...)
	case 1:
		lstm()
		return b.LSTM("lstm", x, w, opts...)
	case 2:
		lstm()
		return b.CoupledLSTM("coupled", x, w, opts...)
	case 3:
		lstm()
		w.Proj, w.ProjB = r.numbers(H*H, most), r.numbers(H, most)
		return b.LSTM("projected", x, w, append(opts, format.WithProjectionClip(r.limit()))...)
	case 4:
		return b.GRU("gru", x, w, append(opts, format.WithFunctions(r.gate(), r.function()))...)
	}
	return b.GRUBefore("before", x, w, append(opts, format.WithFunctions(r.gate(), r.function()))...)
}

// A step of any model that opens, from any input and state that are let in, leaves
// nothing but finite numbers, down to the scratch, or is an error; and what State wrote
// is a state.
func TestExtremesStayFinite(t *testing.T) {
	const I, H, nets = 2, 5, 3000
	opened, stepped := 0, 0
	for n := range nets {
		r := extremes{newRandom(uint64(n))}
		b := format.NewBuilder(I)
		y := r.cell(b, format.Input, H)
		if r.IntN(3) == 0 {
			y = r.cell(b, y, H)
		}
		switch r.IntN(7) {
		case 6:
			y = b.DelayLine("line", y, 2, 2)
		case 0:
			y = b.Mul("square", y, y)
		case 1:
			y = b.Normalize("normal", y, 1e-30)
		case 2:
			y = b.LogSoftmax("log", y)
		case 3:
			y = b.Softmax("softmax", y)
		case 4:
			y = b.Scale("scale", y, r.numbers(H, 30), r.numbers(H, 30))
		case 5:
			y = b.Function("function", y, r.function())
		}
		b.Output(y)
		file := marshal(t, b)
		if n%3 == 0 {
			file = inDigits(t, file, 1+n/3%2)
		}
		m, err := FromBytes(file)
		if err != nil {
			continue
		}
		opened++
		ok := true
		for trial := 0; trial < 4 && ok; trial++ {
			s := m.NewSession()
			for i := range m.Format().States {
				v := make([]float32, m.Format().States[i].Size)
				for j := range v {
					v[j] = float32(r.IntN(3)-1) * m.bounds.state[i]
				}
				if trial > 0 {
					require.NoError(t, s.WriteState(i, v))
				}
			}
			x, y := make([]float32, I), make([]float32, m.OutputSize())
			for range 5 {
				for i := range x {
					x[i] = float32(r.IntN(3)-1) * m.Limit()
				}
				if err := s.Step(y, x); err != nil {
					require.ErrorIs(t, err, ErrOverflow)
					break
				}
				stepped++
				require.NotEmpty(t, s.arena)
				ok = assert.True(t, asm.All()[0].WithinF32(s.arena, math.MaxFloat32), "net %d, trial %d: %v", n, trial, s.arena) &&
					assert.NoError(t, s.SetState(must(s.State(make([]byte, m.StateSize())))), "net %d", n)
			}
		}
		if !ok {
			t.Logf("%+v", m.Format().Layers[0])
		}
	}
	t.Logf("%d of %d nets opened, %d steps", opened, nets, stepped)
	assert.Greater(t, opened, nets*9/10, "bounds refuse what they need not")
	assert.Greater(t, stepped, opened)
}

// A gate that is always open is a function without a slope.
func TestConstantGate(t *testing.T) {
	b := format.NewBuilder(1)
	open := format.Function{Kind: format.Affine, Beta: 1}
	w := format.Weights{W: []float32{0, 0, 1}, R: make([]float32, 3)}
	b.Output(b.CoupledLSTM("l", format.Input, w, format.WithFunctions(open, tanh, tanh)))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	assert.NoError(t, m.NewSession().Step(make([]float32, 1), []float32{1}))
}

// The square of a large cell that a peephole shows does not count: NormalizeF32 sums in
// float64.
func TestNormalisedPeepholes(t *testing.T) {
	b := format.NewBuilder(1)
	one := []float32{1, 1, 1, 1}
	b.Output(b.LSTM("l", format.Input, format.Weights{W: one, R: one, P: []float32{100, 100, 100}, Norm: one}))
	m, err := FromBytes(marshal(t, b))
	require.NoError(t, err)
	s, y := m.NewSession(), make([]float32, 1)
	require.NoError(t, s.WriteState(1, []float32{cellLimit}))
	require.NoError(t, s.Step(y, []float32{1}))
	assert.True(t, asm.All()[0].WithinF32(y, 1))
}
