package cellmatch

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// peepholes are where the gates of a kind have theirs in P, −1 for none.
var peepholes = map[Kind][]int{
	RNN: {-1}, LSTM: {0, 1, -1, 2}, CoupledLSTM: {0, -1, 1}, GRU: {-1, -1, -1}, GRUBefore: {-1, -1, -1},
}

// weights reads the arguments of all gates as sums over x, h and c.
func (m *matching) weights() error {
	c := m.cell
	for j, d := range m.gates {
		for k := range m.n {
			p, _ := m.peephole(j, k, m.g.polys[d.args[k]])
			reset := atomID(-1) // whose factor in a GRU's candidate is a bias
			if c.Kind == GRU && j == 2 {
				reset = m.reset[k]
			}
			m.columns(p, reset)
		}
	}
	if len(c.X) == 0 {
		return errors.New("found a cell without an input")
	}
	rows := len(m.gates) * m.n
	c.W, c.R, c.B = make([]float64, rows*len(c.X)), make([]float64, rows*m.n), make([]float64, rows)
	for j := range m.gates {
		for k := range m.n {
			if err := m.row(j, k); err != nil {
				return err
			}
		}
	}
	c.H = m.values(m.h)
	switch c.Kind {
	case RNN:
		c.Functions = []format.Function{m.gates[0].f}
	case LSTM, CoupledLSTM:
		c.Functions[0], c.Functions[1] = m.gates[0].f, m.gates[m.output()-1].f
	default:
		c.Functions = []format.Function{m.gates[0].f, m.gates[2].f}
	}
	return m.sameFunctions()
}

// sameFunctions verifies that gates which share a function do.
func (m *matching) sameFunctions() error {
	gates := map[Kind][]int{LSTM: {0, 1, 3}, CoupledLSTM: {0, 2}, GRU: {0, 1}, GRUBefore: {0, 1}}[m.cell.Kind]
	for _, j := range gates {
		if a, b := m.gates[gates[0]].f, m.gates[j].f; a != b {
			return fmt.Errorf("found gates with the functions %v and %v, supported is one for all gates of a cell", a, b)
		}
	}
	if m.nextC != nil {
		m.cell.C = m.values(m.c)
		for _, id := range m.nextC {
			m.cell.NextC = append(m.cell.NextC, m.g.of[id])
		}
	}
	return nil
}

func (m *matching) values(atoms []atomID) []Value {
	out := make([]Value, len(atoms))
	for k, a := range atoms {
		out[k] = m.g.made[a]
	}
	return out
}

// columns gives what an argument is linear in a place, and x its columns.
func (m *matching) columns(p poly, reset atomID) {
	for _, t := range p {
		for _, id := range t.atoms {
			a := m.g.atoms[id]
			if a.op != dot || m.placed[a.v] != nil {
				continue
			}
			places := make([]place, len(m.g.vecs[a.v]))
			for k, e := range m.g.vecs[a.v] {
				places[k] = m.place(e)
			}
			m.placed[a.v] = places
		}
		if len(t.atoms) == 1 && m.g.atoms[t.atoms[0]].op != dot && t.atoms[0] != reset {
			m.place(m.g.normal[m.g.made[t.atoms[0]]])
		}
	}
}

// place tells where an element that weights multiply belongs.
func (m *matching) place(id polyID) place {
	p := m.g.polys[id]
	switch {
	case len(p) == 0:
		return place{in: inB}
	case len(p) == 1 && len(p[0].atoms) == 0:
		return place{in: inB, x: p[0].coef}
	case len(p) == 1 && len(p[0].atoms) == 1:
		if k, ok := m.hAt[p[0].atoms[0]]; ok {
			return place{inR, k, p[0].coef}
		}
		if _, ok := m.cAt[p[0].atoms[0]]; ok {
			return place{in: nowhere}
		}
	case len(p) == 1 && len(p[0].atoms) == 2 && m.cell.Kind == GRUBefore:
		for _, h := range p[0].atoms {
			if k, ok := m.hAt[h]; ok && other(p[0], h) == m.reset[k] {
				return place{inReset, k, p[0].coef}
			}
		}
	}
	k, ok := m.xAt[id]
	if !ok {
		k = len(m.cell.X)
		m.xAt[id] = k
		m.cell.X = append(m.cell.X, m.g.of[id])
	}
	return place{inW, k, 1}
}

// row fills the row of gate j and unit k.
func (m *matching) row(j, k int) error {
	d, c := m.gates[j], m.cell
	scale := 1 / d.scale
	if d.negate {
		scale = -scale
	}
	r := j*m.n + k
	W, R := c.W[r*len(c.X):][:len(c.X)], c.R[r*m.n:][:m.n]
	p, ratio := m.peephole(j, k, m.g.polys[d.args[k]])
	if ratio != 0 {
		m.peepholes()[peepholes[c.Kind][j]*m.n+k] += ratio * scale
	}
	c.B[r] -= d.offset * scale
	for _, t := range p {
		x, atoms, inside := t.coef*scale, t.atoms, false
		if c.Kind == GRU && j == 2 {
			if len(atoms) == 2 && (atoms[0] == m.reset[k] || atoms[1] == m.reset[k]) {
				atoms, inside = []atomID{other(t, m.reset[k])}, true
			} else if len(atoms) == 1 && atoms[0] == m.reset[k] {
				atoms, inside = nil, true
			}
		}
		switch {
		case len(atoms) > 1:
			return errors.New("found a product of computed values in the argument of a gate")
		case len(atoms) == 0:
			m.bias(inside)[r] += x
			continue
		}
		places, w := []place{{}}, []float32{1}
		if a := m.g.atoms[atoms[0]]; a.op == dot {
			places, w = m.placed[a.v], m.g.nodes[m.g.made[atoms[0]]].w
		} else {
			if c, ok := m.cAt[atoms[0]]; ok && !inside {
				if at := peepholes[m.cell.Kind][j]; at >= 0 && c == k && j != m.output() {
					m.peepholes()[at*m.n+k] += x
					continue
				}
			}
			places[0] = m.place(m.g.normal[m.g.made[atoms[0]]])
		}
		if err := m.spread(j, r, x, inside, places, w, W, R); err != nil {
			return err
		}
	}
	return nil
}

// spread adds x times the products of weights with what is in the places.
func (m *matching) spread(j, r int, x float64, inside bool, places []place, w []float32, W, R []float64) error {
	candidate := m.cell.Kind >= GRU && j == 2
	for e, at := range places {
		v := x * float64(w[e])
		switch {
		case at.in == inB:
			m.bias(inside)[r] += v * at.x
		case at.in == inW && !inside && at.index < len(W):
			W[at.index] += v
		case at.in == inR && (!candidate || inside), at.in == inReset && candidate:
			R[at.index] += v * at.x
		case at.in == nowhere:
			return errors.New("found the state c in a matrix product")
		case candidate:
			return errors.New("found the candidate of a GRU of which the reset gate multiplies another part than R·h, or h")
		default:
			return errors.New("found a state where a gate does not read it")
		}
	}
	return nil
}

// bias is B, or for what the reset gate multiplies BR.
func (m *matching) bias(inside bool) []float64 {
	if !inside {
		return m.cell.B
	}
	if m.cell.BR == nil {
		m.cell.BR = make([]float64, len(m.cell.B))
	}
	return m.cell.BR
}

func (m *matching) peepholes() []float64 {
	if m.cell.P == nil {
		m.cell.P = make([]float64, (len(m.gates)-1)*m.n)
	}
	return m.cell.P
}

// peephole takes the new c out of the argument of an output gate, a multiple of all
// terms of c', and returns what is left and the factor.
func (m *matching) peephole(j, k int, p poly) (poly, float64) {
	if m.nextC == nil || j != m.output() {
		return p, 0
	}
	c := m.g.polys[m.nextC[k]]
	at := slices.IndexFunc(p, func(t term) bool { return slices.Equal(t.atoms, c[0].atoms) })
	if at < 0 {
		return p, 0
	}
	ratio := p[at].coef / c[0].coef
	times, _ := multiply(c, number(-ratio))
	left := sum(p, times)
	if len(left) != len(p)-len(c) {
		return p, 0
	}
	return left, ratio
}
