package cellmatch

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// Kind is what a cell is.
type Kind uint8

// The cells, by the method of [format.Builder] that adds them.
const (
	RNN Kind = iota
	LSTM
	CoupledLSTM
	GRU
	GRUBefore
)

func (k Kind) String() string {
	return [...]string{"RNN", "LSTM", "LSTM with coupled gates", "GRU", "GRU with the reset gate before the product"}[k]
}

// A Cell is one that was found, of H units on an input of width I. The gates are in the
// order of package format, the numbers not rounded.
type Cell struct {
	Kind      Kind
	X         []Value           // the input, [I]
	H, C      []Value           // leaves, the states before the step, [H]; C is an LSTM's
	NextC     []Value           // the cell state after it; what was asked for is h
	Functions []format.Function // as [format.WithFunctions] takes them
	CellClip  float32           // as [format.WithCellClip]; 0 for none

	// Either are the leaves that the first unit of H may as well be, itself among them,
	// where the step does not tell which is the state and which the input; else nil.
	Either []Value

	W, R, B, BR, P []float64 // as in [format.Weights]; BR and P nil for none
}

// Weights returns the tensors in float32: where an exporter left several biases or
// factors apart, their sum or product is rounded here, once.
func (c *Cell) Weights() format.Weights {
	return format.Weights{W: rounded(c.W), R: rounded(c.R), B: rounded(c.B), BR: rounded(c.BR), P: rounded(c.P)}
}

func rounded(v []float64) []float32 {
	if v == nil {
		return nil
	}
	out := make([]float32, len(v))
	for k, x := range v {
		out[k] = float32(x)
	}
	return out
}

// A matching puts a cell together, unit by unit.
type matching struct {
	g      *Graph
	n      int
	next   []Value
	cell   *Cell
	gates  []gate   // of W, in their order
	h, c   []atomID // leaves
	reset  []atomID // GRU: what multiplies each unit of h or of R·h
	nextC  []polyID // LSTM
	hAt    map[atomID]int
	cAt    map[atomID]int
	xAt    map[polyID]int
	placed map[int32][]place // of the elements of a vector
}

// A gate is the function of a gate or candidate, and for each unit its argument.
type gate struct {
	f      format.Function
	scale  float64 // what its argument was multiplied with, part of f now
	offset float64 // and what was added
	known  bool
	negate bool // the gate is 1 − f
	args   []polyID
	atoms  []atomID
}

// A place is where an element of a vector belongs.
type place struct {
	in    matrix
	index int
	x     float64 // of a constant
}

type matrix uint8

const (
	inW matrix = iota
	inR
	inReset // R, of r·h
	inB
	nowhere
)

var errNoCell = errors.New("found no RNN, LSTM or GRU in what computes it")

// Match finds the cell whose output, after the step, is next. The error says which part
// was not that of a cell.
func (g *Graph) Match(next []Value) (*Cell, error) {
	if len(next) == 0 {
		return nil, errNoCell
	}
	m := &matching{
		g: g, n: len(next), next: next, cell: &Cell{},
		hAt: map[atomID]int{}, cAt: map[atomID]int{}, xAt: map[polyID]int{}, placed: map[int32][]place{},
	}
	for _, step := range []func() error{m.structure, m.hidden, m.weights, m.verify} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return m.cell, nil
}

// structure finds which cell the first unit is of, and takes all units apart as that.
func (m *matching) structure() error {
	m.h, m.c = make([]atomID, m.n), make([]atomID, m.n)
	var err error
	switch p := m.g.poly(m.next[0]); {
	case len(p) == 1 && len(p[0].atoms) == 1:
		m.gates = make([]gate, 1)
		err = m.each(m.rnnUnit)
	case len(p) == 1 && len(p[0].atoms) == 2:
		m.gates, m.nextC = make([]gate, 4), make([]polyID, m.n)
		err = m.each(m.lstmUnit)
	case len(p) == 3:
		m.gates = make([]gate, 3)
		err = m.each(m.gruUnit)
	default:
		err = errNoCell
	}
	return err
}

func (m *matching) each(unit func(k int, p poly) error) error {
	for k, v := range m.next {
		if err := unit(k, m.g.poly(v)); err != nil {
			return err
		}
	}
	return nil
}

// rnnUnit is f(z).
func (m *matching) rnnUnit(k int, p poly) error {
	if len(p) != 1 || p[0].coef != 1 || len(p[0].atoms) != 1 {
		return errNoCell
	}
	return m.gate(0, k, p[0].atoms[0], false)
}

// gate makes atom a the function of gate j of unit k.
func (m *matching) gate(j, k int, a atomID, negate bool) error {
	fn := m.g.atoms[a]
	if fn.op != apply {
		return errors.New("found a gate that is not a function of something")
	}
	d := &m.gates[j]
	f, scale, offset := fn.f, 1.0, 0.0
	switch {
	case f.Kind == format.Clip && f.Alpha == 0 && f.Beta == math.MaxFloat32:
		f = format.Function{Kind: format.Relu}
	case f.Kind == format.Clip && f.Alpha == 0 && f.Beta == 1:
		scale, offset = m.slope(m.g.polys[fn.a]), 0.5
		f = format.Function{Kind: format.HardSigmoid, Alpha: float32(scale), Beta: 0.5}
	}
	if !(scale > 0) || float64(float32(scale)) != scale {
		return fmt.Errorf("found a hard sigmoid with the slope %v", scale)
	}
	if negate && f.Kind != format.Sigmoid && (f.Kind != format.HardSigmoid || f.Beta != 0.5) {
		return fmt.Errorf("found one minus %v as a gate, supported is that of sigmoid, and of hard sigmoid around ½", f)
	}
	if d.known && (d.f != f || d.scale != scale || d.negate != negate) {
		return fmt.Errorf("found the functions %v and %v in units of one gate", d.f, f)
	}
	if !d.known {
		*d = gate{f: f, scale: scale, offset: offset, known: true, negate: negate, args: make([]polyID, m.n), atoms: make([]atomID, m.n)}
	}
	d.args[k], d.atoms[k] = fn.a, a
	return nil
}

// slope is the factor of the products in the argument of a hard sigmoid.
func (m *matching) slope(p poly) float64 {
	for _, t := range p {
		if len(t.atoms) == 1 && m.g.atoms[t.atoms[0]].op == dot {
			return t.coef
		}
	}
	return 1
}

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

// plain undoes what applied did.
func plain(f format.Function) format.Function {
	if f.Kind == format.Clip && f.Alpha == 0 && f.Beta == math.MaxFloat32 {
		return format.Function{Kind: format.Relu}
	}
	return f
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

// pair reports whether t is coef times two atoms.
func pair(t term, coef float64) bool { return t.coef == coef && len(t.atoms) == 2 }

// other is the atom of a pair that is not a; a square has a twice.
func other(t term, a atomID) atomID {
	if t.atoms[0] == a {
		return t.atoms[1]
	}
	return t.atoms[0]
}

// complement is z of the terms a and −z·a.
func complement(terms []term, a atomID) (atomID, bool) {
	for j, t := range terms {
		if t.coef == 1 && len(t.atoms) == 1 && t.atoms[0] == a && pair(terms[1-j], -1) {
			return other(terms[1-j], a), true
		}
	}
	return 0, false
}

// rest is g of the terms g and −z·g.
func rest(terms []term, z atomID) (atomID, bool) {
	for j, t := range terms {
		if t.coef == 1 && len(t.atoms) == 1 && pair(terms[1-j], -1) && slices.Contains(terms[1-j].atoms, z) && other(terms[1-j], z) == t.atoms[0] {
			return t.atoms[0], true
		}
	}
	return 0, false
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

// before finds the reset gates of a GRU that has them in front of the product.
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

// hidden finds the state h of each unit: of what its output may take the place of, what
// the gates read.
func (m *matching) hidden() error {
	if m.cell.Kind <= CoupledLSTM {
		read := map[atomID]bool{}
		for _, d := range m.gates {
			m.leaves(m.g.polys[d.args[0]], read)
		}
		for k, v := range m.next {
			var may []atomID
			for _, a := range m.g.before[m.g.normal[v]] {
				if read[a] && !slices.Contains(may, a) && (m.nextC == nil || a != m.c[k]) {
					may = append(may, a)
				}
			}
			if len(may) == 0 {
				return errors.New("found the gates of a cell, and no state h that they read and that comes back")
			}
			if m.h[k] = may[0]; k == 0 && len(may) > 1 {
				m.cell.Either = m.values(may)
			}
		}
	}
	for k, a := range m.h {
		if _, twice := m.hAt[a]; twice {
			return errors.New("found one state in two units")
		}
		m.hAt[a] = k
	}
	for k, a := range m.c {
		if m.nextC != nil {
			m.cAt[a] = k
		}
	}
	if m.cell.Kind == GRUBefore {
		return m.resetBefore()
	}
	return nil
}

// leaves collects the leaves that a polynomial is linear in.
func (m *matching) leaves(p poly, into map[atomID]bool) {
	for _, t := range p {
		if len(t.atoms) != 1 {
			continue
		}
		switch a := m.g.atoms[t.atoms[0]]; a.op {
		case leaf:
			into[t.atoms[0]] = true
		case dot:
			for _, id := range m.g.vecs[a.v] {
				if q := m.g.polys[id]; len(q) == 1 && len(q[0].atoms) == 1 {
					into[q[0].atoms[0]] = true
				}
			}
		}
	}
}
