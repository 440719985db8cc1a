package cellmatch

import (
	"errors"
	"slices"
)

// gruUnit is u·h + n − u·n, or with the gate turned around h − u·h + u·n.
func (m *matching) gruUnit(k int, p poly) error {
	if len(p) != 3 {
		return errNoCell
	}
	for _, h := range m.g.before[m.g.normal[m.next[k]]] {
		var withH, without []term
		for _, t := range p {
			if slices.Contains(t.atoms, h) {
				withH = append(withH, t)
			} else {
				without = append(without, t)
			}
		}
		var u, n atomID
		negate, ok := false, false
		switch {
		case len(withH) == 1 && pair(withH[0], 1):
			u = other(withH[0], h)
			n, ok = rest(without, u)
		case len(withH) == 2 && pair(without[0], 1):
			negate = true
			if u, ok = complement(withH, h); ok {
				ok = slices.Contains(without[0].atoms, u)
				n = other(without[0], u)
			}
		}
		if !ok {
			continue
		}
		m.h[k] = h
		if err := m.gate(1, k, u, negate); err != nil {
			return err
		}
		if err := m.gate(2, k, n, false); err != nil {
			return err
		}
		return m.resetUnit(k)
	}
	return errNoCell
}

// resetUnit finds the reset gate in the argument of a candidate: a factor of its own
// product, or of each element of a vector that it multiplies.
func (m *matching) resetUnit(k int) error {
	if k == 0 {
		m.cell.Kind, m.reset = GRUBefore, make([]atomID, m.n)
	}
	for _, t := range m.g.polys[m.gates[2].args[k]] {
		if len(t.atoms) != 2 {
			continue
		}
		a, b := m.g.atoms[t.atoms[0]], m.g.atoms[t.atoms[1]]
		r := t.atoms[0]
		if a.op == dot && b.op == apply {
			r = t.atoms[1]
		} else if b.op != dot || a.op != apply {
			continue
		}
		m.cell.Kind, m.reset[k] = GRU, r
		return m.gate(0, k, r, false)
	}
	if m.cell.Kind == GRU {
		return errors.New("found a reset gate in some units only")
	}
	return nil // in hidden, once every h is known
}

// resetBefore finds the reset gates of a GRU that has them in front of the product.
func (m *matching) resetBefore() error {
	for _, t := range m.g.polys[m.gates[2].args[0]] {
		if len(t.atoms) != 1 || m.g.atoms[t.atoms[0]].op != dot {
			continue
		}
		found := 0
		for _, id := range m.g.vecs[m.g.atoms[t.atoms[0]].v] {
			p := m.g.polys[id]
			if len(p) != 1 || !pair(p[0], 1) {
				continue
			}
			for _, h := range p[0].atoms {
				if k, ok := m.hAt[h]; ok {
					m.reset[k] = other(p[0], h)
					if err := m.gate(0, k, m.reset[k], false); err != nil {
						return err
					}
					found++
				}
			}
		}
		if found == m.n {
			return nil
		}
	}
	return errors.New("found a GRU's update gate and candidate, and no reset gate")
}
