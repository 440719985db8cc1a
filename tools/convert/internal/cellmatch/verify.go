package cellmatch

import (
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/format"
)

// tolerance is how far the cell may be from the step, both in float64: sums have
// another order.
const tolerance = 1e-9

// verify computes the step as it was described and the cell, from random numbers.
func (m *matching) verify() error {
	for trial := range trials {
		v := m.g.trial(trial)
		at := func(list []Value) []float64 {
			x := make([]float64, len(list))
			for k, e := range list {
				x[k] = v[e]
			}
			return x
		}
		h, c := m.cell.step(at(m.cell.X), at(m.cell.H), at(m.cell.C))
		if err := differ("h", h, at(m.next)); err != nil {
			return err
		}
		if err := differ("c", c, at(m.cell.NextC)); err != nil {
			return err
		}
	}
	return nil
}

func differ(state string, got, want []float64) error {
	for k := range want {
		if !(math.Abs(got[k]-want[k]) <= tolerance*max(1, math.Abs(want[k]))) {
			return fmt.Errorf("found what looks like a cell, but its %s differs from it: %v in place of %v from random numbers", state, got[k], want[k])
		}
	}
	return nil
}

// trial computes all values from the random leaves of a trial. What has been computed
// stays.
func (g *Graph) trial(k int) []float64 {
	v := g.trials[k]
	for _, n := range g.nodes[len(v):] {
		var x float64
		switch n.op {
		case leaf:
			x = g.random[k].NormFloat64()
		case constant:
			x = n.x
		case add:
			x = v[n.a] + v[n.b]
		case mul:
			x = v[n.a] * v[n.b]
		case apply:
			x = function(n.f, v[n.a])
		case dot:
			for e, w := range g.vectors[n.v] {
				x += float64(n.w[e]) * v[w]
			}
		}
		v = append(v, x)
	}
	g.trials[k] = v
	return v
}

// step is one step of the cell, from its published equations.
func (c *Cell) step(x, h, old []float64) (next, cell []float64) {
	n := len(h)
	f := func(k int, v float64) float64 { return function(c.Functions[k], v) }
	in := func(gate, k int) float64 { return product(c.W, gate*n+k, x) + c.B[gate*n+k] }
	of := func(gate, k int, h []float64) float64 { return product(c.R, gate*n+k, h) }
	peep := func(gate, k int, v float64) float64 {
		if c.P == nil {
			return 0
		}
		return c.P[gate*n+k] * v
	}
	next = make([]float64, n)
	switch c.Kind {
	case RNN:
		for k := range n {
			next[k] = f(0, in(0, k)+of(0, k, h))
		}
	case LSTM, CoupledLSTM:
		cell = make([]float64, n)
		gates := 4
		if c.Kind == CoupledLSTM {
			gates = 3
		}
		for k := range n {
			i := f(0, in(0, k)+of(0, k, h)+peep(0, k, old[k]))
			forget := 1 - i
			if c.Kind == LSTM {
				forget = f(0, in(1, k)+of(1, k, h)+peep(1, k, old[k]))
			}
			g := f(1, in(gates-2, k)+of(gates-2, k, h))
			v := forget*old[k] + i*g
			if limit := float64(c.CellClip); limit != 0 {
				v = min(max(v, -limit), limit)
			}
			cell[k] = v
			next[k] = f(0, in(gates-1, k)+of(gates-1, k, h)+peep(gates-2, k, v)) * f(2, v)
		}
	case GRU, GRUBefore:
		r, rh := make([]float64, n), make([]float64, n)
		second := func(gate, k int) float64 {
			if c.BR == nil {
				return 0
			}
			return c.BR[gate*n+k]
		}
		for k := range n {
			r[k] = f(0, in(0, k)+of(0, k, h)+second(0, k))
			rh[k] = r[k] * h[k]
		}
		for k := range n {
			u := f(0, in(1, k)+of(1, k, h)+second(1, k))
			a := of(2, k, rh)
			if c.Kind == GRU {
				a = r[k] * (of(2, k, h) + second(2, k))
			}
			next[k] = u*h[k] + (1-u)*f(1, in(2, k)+a)
		}
	}
	return next, cell
}

func product(w []float64, row int, x []float64) (y float64) {
	for k, v := range w[row*len(x):][:len(x)] {
		y += v * x[k]
	}
	return y
}

// function is f(x).
func function(f format.Function, x float64) float64 {
	alpha, beta := float64(f.Alpha), float64(f.Beta)
	switch f.Kind {
	case format.Sigmoid:
		return 1 / (1 + math.Exp(-x))
	case format.Tanh:
		return math.Tanh(x)
	case format.Relu:
		return max(x, 0)
	case format.LeakyRelu:
		if x < 0 {
			return alpha * x
		}
		return x
	case format.HardSigmoid:
		return min(max(alpha*x+beta, 0), 1)
	case format.Elu:
		if x < 0 {
			return alpha * math.Expm1(x)
		}
		return x
	case format.Softsign:
		return x / (1 + math.Abs(x))
	case format.Softplus:
		return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	case format.ThresholdedRelu:
		if x > alpha {
			return x
		}
		return 0
	case format.ScaledTanh:
		return alpha * math.Tanh(beta*x)
	case format.Affine:
		return alpha*x + beta
	case format.Clip:
		return min(max(x, alpha), beta)
	}
	return x
}

// Agree reports, by an error that says where, whether two vectors that were described are
// the same numbers, whatever the leaves are: computed in float64 from random ones.
func (g *Graph) Agree(a, b []Value) error {
	for trial := range trials {
		v := g.trial(trial)
		at := func(list []Value) []float64 {
			x := make([]float64, len(list))
			for k, e := range list {
				x[k] = v[e]
			}
			return x
		}
		if err := differ("value", at(a), at(b)); err != nil {
			return err
		}
	}
	return nil
}

// Latest is for each value the largest number that a leaf it depends on has; of gives
// leaves theirs, from 1 on. 0 for what depends on no leaf.
func (g *Graph) Latest(of func(Value) int) []int {
	latest := make([]int, len(g.nodes))
	vectors := map[int32]int{}
	for k, n := range g.nodes {
		switch n.op {
		case leaf:
			latest[k] = of(Value(k))
		case add, mul:
			latest[k] = max(latest[n.a], latest[n.b])
		case apply:
			latest[k] = latest[n.a]
		case dot:
			most, ok := vectors[n.v]
			if !ok {
				for _, e := range g.vectors[n.v] {
					most = max(most, latest[e])
				}
				vectors[n.v] = most
			}
			latest[k] = most
		}
	}
	return latest
}
