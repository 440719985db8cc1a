package cellmatch

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

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
	f, scale, offset := plain(fn.f), 1.0, 0.0
	if f.Kind == format.Clip && f.Alpha == 0 && f.Beta == 1 {
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

// plain is f as package format has it: to a graph, relu is a limit.
func plain(f format.Function) format.Function {
	if f.Kind == format.Clip && f.Alpha == 0 && f.Beta == math.MaxFloat32 {
		return format.Function{Kind: format.Relu}
	}
	return f
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
