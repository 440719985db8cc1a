package cellmatch

import (
	"errors"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// lstmUnit is o·f(c'), with c' = f·c + i·g.
func (m *matching) lstmUnit(k int, p poly) error {
	if len(p) != 1 || p[0].coef != 1 || len(p[0].atoms) != 2 {
		return errNoCell
	}
	var first error
	for j, a := range p[0].atoms {
		out := m.g.atoms[a]
		if out.op != apply {
			continue
		}
		c, clip := out.a, float32(0)
		if inner, ok := m.g.function(m.g.polys[c]); ok && inner.f.Kind == format.Clip && inner.f.Alpha == -inner.f.Beta {
			c, clip = inner.a, inner.f.Beta
		}
		if err := m.cellUnit(k, m.g.polys[c], m.g.before[out.a]); err != nil {
			if first == nil || !errors.Is(err, errNoCell) {
				first = err
			}
			continue
		}
		if m.nextC[k] = out.a; k == 0 {
			m.cell.CellClip = clip
			m.cell.Functions = []format.Function{{}, {}, plain(out.f)}
		}
		if m.cell.CellClip != clip || m.cell.Functions[2] != plain(out.f) {
			return errors.New("found different functions of c in units of one cell")
		}
		return m.gate(m.output(), k, p[0].atoms[1-j], false)
	}
	if first == nil {
		first = errNoCell
	}
	return first
}

// output is the number of the output gate.
func (m *matching) output() int {
	if m.cell.Kind == CoupledLSTM {
		return 2
	}
	return 3
}

// cellUnit takes c' apart: f·c + i·g, or with one gate c − i·c + i·g or f·c + g − f·g.
func (m *matching) cellUnit(k int, p poly, states []atomID) error {
	var c atomID
	var withC, without []term // by whether they have c
	for _, c = range states {
		withC, without = nil, nil
		for _, t := range p {
			if slices.Contains(t.atoms, c) {
				withC = append(withC, t)
			} else {
				without = append(without, t)
			}
		}
		if len(withC) > 0 {
			break
		}
	}
	if len(withC) == 0 {
		return errNoCell
	}
	m.c[k] = c
	kind, negate := CoupledLSTM, false
	var gateAtom, candidate, forget atomID
	switch {
	case len(withC) == 1 && len(without) == 1 && pair(withC[0], 1) && pair(without[0], 1):
		kind = LSTM
		forget = other(withC[0], c)
		gateAtom, candidate = m.sides(k, without[0].atoms, forget)
	case len(withC) == 2 && len(without) == 1 && pair(without[0], 1): // c − i·c + i·g
		i, ok := complement(withC, c)
		if !ok || !slices.Contains(without[0].atoms, i) {
			return errNoCell
		}
		gateAtom, candidate = i, other(without[0], i)
	case len(withC) == 1 && len(without) == 2 && pair(withC[0], 1): // f·c + g − f·g, so i = 1 − f
		negate, gateAtom = true, other(withC[0], c)
		var ok bool
		if candidate, ok = rest(without, gateAtom); !ok {
			return errNoCell
		}
	default:
		return errNoCell
	}
	if k > 0 && m.cell.Kind != kind {
		return errors.New("found units of different cells")
	}
	m.cell.Kind = kind
	if kind == CoupledLSTM {
		if k == 0 {
			m.gates = m.gates[:3]
		}
		if err := m.gate(0, k, gateAtom, negate); err != nil {
			return err
		}
		return m.gate(1, k, candidate, false)
	}
	if err := m.gate(0, k, gateAtom, false); err != nil {
		return err
	}
	if err := m.gate(1, k, forget, false); err != nil {
		return err
	}
	return m.gate(2, k, candidate, false)
}

// sides tells an input gate from a candidate: the gate has the function of the forget
// gate. Where both have, the product is the same either way, and only a gate has a
// peephole.
func (m *matching) sides(k int, atoms []atomID, forget atomID) (gate, candidate atomID) {
	kind := func(a atomID) format.Function { return m.g.atoms[a].f }
	gate, candidate = atoms[0], atoms[1]
	a, b := kind(gate) == kind(forget), kind(candidate) == kind(forget)
	if b && !a || a && b && m.looksBack(k, candidate) && !m.looksBack(k, gate) {
		gate, candidate = candidate, gate
	}
	return gate, candidate
}

// looksBack reports whether a function's argument has a leaf of its own, as a peephole.
func (m *matching) looksBack(k int, a atomID) bool {
	return slices.ContainsFunc(m.g.polys[m.g.atoms[a].a], func(t term) bool { return len(t.atoms) == 1 && t.atoms[0] == m.c[k] })
}
