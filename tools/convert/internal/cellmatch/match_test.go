package cellmatch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// A writer writes cells out as exporters do, in one of several styles.
type writer struct {
	*Graph
	r         *rand.Rand
	n, in     int
	perGate   bool // a product for each gate, not one for all
	together  bool // one product with [x, h]
	oneBias   bool
	forget    float32 // added to the forget gate, as TensorFlow 1 does
	x, h, c   []Value
	xl, hl    [][]float32 // W and R of each gate
	bias      [][]float32
	recurrent [][]float32 // biases
}

func newWriter(r *rand.Rand, n, in, gates int) *writer {
	w := &writer{Graph: New(), r: r, n: n, in: in}
	w.perGate, w.together, w.oneBias = r.IntN(2) == 0, r.IntN(3) == 0, r.IntN(2) == 0
	w.x, w.h, w.c = w.Leaves(in), w.Leaves(n), w.Leaves(n)
	for range gates {
		w.xl, w.hl = append(w.xl, w.floats(n*in)), append(w.hl, w.floats(n*n))
		w.bias, w.recurrent = append(w.bias, w.floats(n)), append(w.recurrent, w.floats(n))
	}
	return w
}

func (w *writer) floats(n int) []float32 {
	v := make([]float32, n)
	for k := range v {
		v[k] = float32(w.r.NormFloat64())
	}
	return v
}

// gates are W·x + R·h + b of each gate.
func (w *writer) gates() [][]Value {
	var out [][]Value
	var W, R []float32
	for g := range w.xl {
		W, R = append(W, w.xl[g]...), append(R, w.hl[g]...)
	}
	all := w.Add(w.Product(R, w.h), w.Product(W, w.x))
	for g := range w.xl {
		z := all[g*w.n:][:w.n]
		switch {
		case w.together:
			var both []float32
			for k := range w.n {
				both = append(append(both, w.hl[g][k*w.n:][:w.n]...), w.xl[g][k*w.in:][:w.in]...)
			}
			z = w.Product(both, append(append([]Value{}, w.h...), w.x...))
		case w.perGate:
			z = w.Add(w.Product(w.xl[g], w.x), w.Product(w.hl[g], w.h))
		}
		z = w.Add(z, w.Constants(w.bias[g]))
		if !w.oneBias {
			z = w.Add(w.Constants(w.recurrent[g]), z)
		}
		out = append(out, z)
	}
	return out
}

func (w *writer) sum(g int) []float64 {
	b := make([]float64, w.n)
	for k := range b {
		if b[k] = float64(w.bias[g][k]); !w.oneBias {
			b[k] += float64(w.recurrent[g][k])
		}
	}
	return b
}

func (w *writer) same(x float32) []Value { return w.Constants(rep(x, w.n)) }

func rep(x float32, n int) []float32 {
	v := make([]float32, n)
	for k := range v {
		v[k] = x
	}
	return v
}

func (w *writer) f(kind format.Activation, x []Value) []Value {
	return w.Apply(format.Function{Kind: kind}, x)
}

// oneMinus is 1 − z in one of the ways it is written.
func (w *writer) oneMinus(z []Value) []Value {
	return w.Add(w.same(1), w.Mul(w.same(-1), z))
}

// mix is u·a + (1−u)·b in one of the ways it is written.
func (w *writer) mix(u, a, b []Value) []Value {
	if w.r.IntN(2) == 0 {
		return w.Add(b, w.Mul(u, w.Add(a, w.Mul(w.same(-1), b))))
	}
	return w.Add(w.Mul(a, u), w.Mul(w.oneMinus(u), b))
}

func near(t *testing.T, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for k := range want {
		require.InDelta(t, want[k], got[k], 1e-12*max(1, math.Abs(want[k])), "%d", k)
	}
}

func (w *writer) weights(t *testing.T, c *Cell, order []int, sign []float64) {
	t.Helper()
	require.Equal(t, w.x, c.X)
	require.Equal(t, w.h, c.H)
	var W, R []float64
	for j, g := range order {
		for _, v := range w.xl[g] {
			W = append(W, sign[j]*float64(v))
		}
		for _, v := range w.hl[g] {
			R = append(R, sign[j]*float64(v))
		}
	}
	near(t, W, c.W)
	near(t, R, c.R)
}

// Cells in all styles come back with the weights they were written with.
func TestCells(t *testing.T) {
	for seed := range 200 {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		n, in := 1+r.IntN(4), 1+r.IntN(4)
		t.Run(fmt.Sprint("lstm", seed), func(t *testing.T) {
			w := newWriter(r, n, in, 4)
			z := w.gates()
			peep := r.IntN(2) == 0
			p := [][]float32{w.floats(n), w.floats(n), w.floats(n)}
			coupled := r.IntN(3)
			if peep {
				z[0] = w.Add(z[0], w.Mul(w.c, w.Constants(p[0])))
				z[1] = w.Add(w.Mul(w.c, w.Constants(p[1])), z[1])
			}
			i, f, g := w.f(format.Sigmoid, z[0]), w.f(format.Sigmoid, z[1]), w.f(format.Tanh, z[2])
			kind, order, sign := LSTM, []int{0, 1, 2, 3}, []float64{1, 1, 1, 1}
			switch coupled {
			case 1: // f = 1 − i
				f, kind, order = w.oneMinus(i), CoupledLSTM, []int{0, 2, 3}
			case 2: // i = 1 − f
				i, kind, order, sign = w.oneMinus(f), CoupledLSTM, []int{1, 2, 3}, []float64{-1, 1, 1}
			}
			c := w.Add(w.Mul(f, w.c), w.Mul(i, g))
			clip := float32(0)
			if r.IntN(3) == 0 {
				clip = 0.7
				c = w.Apply(format.Function{Kind: format.Clip, Alpha: -clip, Beta: clip}, c)
			}
			if peep {
				z[3] = w.Add(z[3], w.Mul(c, w.Constants(p[2])))
			}
			h := w.Mul(w.f(format.Sigmoid, z[3]), w.f(format.Tanh, c))
			w.State(w.x[:min(n, in)], h[:min(n, in)]) // of the same size by chance
			w.State(w.h, h)
			w.State(w.c, c)
			cell, err := w.Match(h)
			require.NoError(t, err)
			require.Equal(t, kind, cell.Kind)
			require.Equal(t, clip, cell.CellClip)
			require.Equal(t, w.c, cell.C)
			for k, v := range cell.NextC {
				require.Equal(t, w.Canonical(c[k]), w.Canonical(v))
			}
			w.weights(t, cell, order, sign)
			require.Equal(t, peep, cell.P != nil)
			require.Equal(t, []format.Function{{Kind: format.Sigmoid}, {Kind: format.Tanh}, {Kind: format.Tanh}}, cell.Functions)
		})
		t.Run(fmt.Sprint("gru", seed), func(t *testing.T) {
			w := newWriter(r, n, in, 3) // r, u, n
			z := w.gates()
			hard := r.IntN(2) == 0
			gate := func(z []Value) []Value {
				if !hard {
					return w.f(format.Sigmoid, z)
				}
				z = w.Add(w.Mul(z, w.same(0.2)), w.same(0.5))
				return w.Apply(format.Function{Kind: format.Clip, Alpha: 0, Beta: math.MaxFloat32},
					w.Apply(format.Function{Kind: format.Clip, Alpha: -math.MaxFloat32, Beta: 1}, z))
			}
			reset, update := gate(z[0]), gate(z[1])
			second := w.Add(w.Product(w.hl[2], w.h), w.Constants(w.recurrent[2]))
			kind := GRU
			if r.IntN(2) == 0 {
				kind = GRUBefore
				second = w.Product(w.hl[2], w.Mul(w.h, reset))
			} else {
				second = w.Mul(reset, second)
			}
			n := w.f(format.Tanh, w.Add(w.Add(w.Product(w.xl[2], w.x), w.Constants(w.bias[2])), second))
			sign := []float64{1, 1, 1}
			h := w.mix(update, w.h, n)
			if r.IntN(2) == 0 {
				h, sign[1] = w.mix(update, n, w.h), -1
			}
			w.State(w.h, h)
			cell, err := w.Match(h)
			require.NoError(t, err)
			require.Equal(t, kind, cell.Kind)
			w.weights(t, cell, []int{0, 1, 2}, sign)
			near(t, w.sum(0), cell.B[:w.n])
			want := format.Function{Kind: format.Sigmoid}
			if hard {
				want = format.Function{Kind: format.HardSigmoid, Alpha: 0.2, Beta: 0.5}
			}
			require.Equal(t, []format.Function{want, {Kind: format.Tanh}}, cell.Functions)
		})
		t.Run(fmt.Sprint("rnn", seed), func(t *testing.T) {
			w := newWriter(r, n, in, 1)
			h := w.f(format.Relu, w.gates()[0])
			w.State(w.h, h)
			cell, err := w.Match(h)
			require.NoError(t, err)
			require.Equal(t, RNN, cell.Kind)
			w.weights(t, cell, []int{0}, []float64{1})
			near(t, w.sum(0), cell.B)
			require.Equal(t, []format.Function{{Kind: format.Relu}}, cell.Functions)
		})
	}
}

// What is close to a cell is none.
func TestNotACell(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	lstm := func(change func(w *writer, z [][]Value) (c, h []Value)) error {
		w := newWriter(r, 3, 2, 4)
		c, h := change(w, w.gates())
		w.State(w.h, h)
		w.State(w.c, c)
		_, err := w.Match(h)
		return err
	}
	s, th := format.Sigmoid, format.Tanh
	plain := func(w *writer, z [][]Value, o format.Activation, twice float32) (c, h []Value) {
		c = w.Add(w.Mul(w.f(s, z[1]), w.c), w.Mul(w.f(s, z[0]), w.f(th, z[2])))
		return c, w.Mul(w.Mul(w.same(twice), w.f(o, z[3])), w.f(th, c))
	}
	require.NoError(t, lstm(func(w *writer, z [][]Value) (c, h []Value) { return plain(w, z, s, 1) }))
	require.EqualError(t, lstm(func(w *writer, z [][]Value) (c, h []Value) { return plain(w, z, s, 2) }), errNoCell.Error())
	require.ErrorContains(t, lstm(func(w *writer, z [][]Value) (c, h []Value) { return plain(w, z, format.Softsign, 1) }), "found gates with the functions")
	require.ErrorContains(t, lstm(func(w *writer, z [][]Value) (c, h []Value) {
		z[0] = w.Add(z[0], w.Product(w.floats(9), w.c))
		return plain(w, z, s, 1)
	}), "found the state c in a matrix product")
	require.ErrorContains(t, lstm(func(w *writer, z [][]Value) (c, h []Value) {
		z[0] = w.Add(z[0], w.Mul(z[1], z[2]))
		return plain(w, z, s, 1)
	}), "found a product of computed values")
	w := newWriter(r, 3, 2, 1)
	h := w.f(th, w.gates()[0])
	_, err := w.Match(h)
	require.ErrorContains(t, err, "no state h that they read and that comes back")
	_, err = w.Match(nil)
	require.EqualError(t, err, errNoCell.Error())
}

// A step that is taken for another by its shape is found out by its numbers.
func TestVerify(t *testing.T) {
	w := newWriter(rand.New(rand.NewPCG(1, 4)), 3, 2, 1)
	h := w.f(format.Tanh, w.gates()[0])
	w.State(w.h, h)
	for k := range w.nodes { // what it says is no longer what the polynomials say
		if w.nodes[k].op == apply {
			w.nodes[k].f.Kind = format.Softsign
		}
	}
	_, err := w.Match(h)
	require.ErrorContains(t, err, "found what looks like a cell, but its h differs from it")
}

// An input of the shape of the state, which the cell reads alike, may as well be the state.
func TestEither(t *testing.T) {
	w := newWriter(rand.New(rand.NewPCG(1, 5)), 3, 3, 1)
	h := w.f(format.Tanh, w.gates()[0])
	w.State(w.h, h)
	cell, err := w.Match(h)
	require.NoError(t, err)
	require.Nil(t, cell.Either)
	w.State(w.x, h)
	cell, err = w.Match(h)
	require.NoError(t, err)
	require.ElementsMatch(t, []Value{w.x[0], w.h[0]}, cell.Either)
}
