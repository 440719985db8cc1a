// Package cellmatch finds RNN, LSTM and GRU cells that an exporter wrote out as
// products, sums and functions.
//
// An importer describes one time step as a [Graph] of numbers, in the terms of its own
// format: the elements of x, h and c are leaves, everything that moves elements about
// is the importer's, and what it computes is one of a few operations. It says which
// leaf each number after the step may take the place of (State), and asks whether a
// vector is the output of a cell (Match):
//
//	g := cellmatch.New()
//	x, h := g.Leaves(3), g.Leaves(5)
//	z := g.Add(g.Product(W, x), g.Add(g.Product(R, h), g.Constants(bias)))
//	next := g.Apply(format.Function{Kind: format.Tanh}, z)
//	g.State(h, next)
//	cell, err := g.Match(next)    // an RNN: cell.Weights() has W, R and bias
//
// The order of gates, one product or several, a state beside x in one vector, where a
// bias is added and how 1 − z is written do not matter: each number is also kept as a
// polynomial of atoms, which are leaves, products of a matrix row with a vector, and
// functions, and two ways of writing the same cell become one polynomial there. What
// has the shape of a cell is then tried: the step as the importer described it and the
// cell that was found are computed in float64 from random numbers, and where they
// differ by more than 1e-9 the answer is an error. So a match is never only a likeness.
//
// Cells are found with any functions that package format has, with peepholes, with
// coupled gates, with a limit on c, and as a GRU with the reset gate on either side of
// the product.
package cellmatch

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// A Value is one number of a Graph.
type Value int32

// A Graph is one time step. Nothing of it is safe for concurrent use. Its methods that
// make values keep the slices of weights that they are given, which must not change.
type Graph struct {
	nodes   []node
	vectors [][]Value
	normal  []polyID // of each node

	polys   []poly
	polyIDs map[string]polyID
	of      []Value // a value that has the polynomial
	atoms   []atom
	atomIDs map[atom]atomID
	made    []Value // a value that is the atom
	vecs    [][]polyID
	vecIDs  map[string]int32

	before map[polyID][]atomID // what a number after the step takes the place of
	trials [trials][]float64   // of each node, as far as they have been needed
	random [trials]*rand.Rand
}

// A node is how a value is computed, as it was described.
type node struct {
	op   op
	a, b Value
	f    format.Function
	x    float64
	w    []float32 // a row
	v    int32     // the vector it is multiplied with
}

type op uint8

const (
	leaf op = iota
	constant
	add
	mul
	apply
	dot
)

type (
	polyID int32
	atomID int32
)

// A poly is a sum of terms, in the order of their factors.
type poly []term

// A term is a number times atoms, sorted; none for a constant.
type term struct {
	coef  float64
	atoms []atomID
}

// An atom is what sums and products cannot be taken out of.
type atom struct {
	op   op
	leaf Value
	f    format.Function
	a, b polyID // the argument; two operands where a polynomial would grow too long
	w    *float32
	v    int32
}

const (
	maxTerms  = 32 // of a polynomial
	maxDegree = 4  // of a term
	trials    = 3
)

// New returns an empty graph.
func New() *Graph {
	g := &Graph{polyIDs: map[string]polyID{}, atomIDs: map[atom]atomID{}, vecIDs: map[string]int32{}, before: map[polyID][]atomID{}}
	for k := range g.random {
		g.random[k] = rand.New(rand.NewPCG(uint64(k), 1))
	}
	return g
}

// Canonical is a value that is the same polynomial as v, one for all that are.
func (g *Graph) Canonical(v Value) Value { return g.of[g.normal[v]] }

// Leaves returns n new numbers of which nothing is known.
func (g *Graph) Leaves(n int) []Value {
	out := make([]Value, n)
	for k := range out {
		v := Value(len(g.nodes))
		out[k] = g.node(node{op: leaf}, g.single(atom{op: leaf, leaf: v}, v))
	}
	return out
}

// Constants returns known numbers.
func (g *Graph) Constants(x []float32) []Value {
	out := make([]Value, len(x))
	for k, f := range x {
		out[k] = g.node(node{op: constant, x: float64(f)}, number(float64(f)))
	}
	return out
}

// Add returns a + b, element by element; they have the same length.
func (g *Graph) Add(a, b []Value) []Value {
	out := make([]Value, len(a))
	for k := range a {
		p := sum(g.poly(a[k]), g.poly(b[k]))
		if len(p) > maxTerms {
			p = g.opaque(add, a[k], b[k])
		}
		out[k] = g.node(node{op: add, a: a[k], b: b[k]}, p)
	}
	return out
}

// Mul returns a·b, element by element; they have the same length.
func (g *Graph) Mul(a, b []Value) []Value {
	out := make([]Value, len(a))
	for k := range a {
		p, ok := multiply(g.poly(a[k]), g.poly(b[k]))
		if !ok {
			p = g.opaque(mul, a[k], b[k])
		}
		out[k] = g.node(node{op: mul, a: a[k], b: b[k]}, p)
	}
	return out
}

// Apply returns f(x), element by element.
func (g *Graph) Apply(f format.Function, x []Value) []Value {
	out := make([]Value, len(x))
	for k, v := range x {
		out[k] = g.node(node{op: apply, f: f, a: v}, g.applied(f, v))
	}
	return out
}

// Product returns w·x, with w in row-major order and as many columns as x has numbers.
func (g *Graph) Product(w []float32, x []Value) []Value {
	v := int32(len(g.vectors))
	g.vectors = append(g.vectors, x)
	key := make([]byte, 0, 4*len(x))
	ids := make([]polyID, len(x))
	for k, e := range x {
		ids[k] = g.normal[e]
		key = binary.LittleEndian.AppendUint32(key, uint32(ids[k]))
	}
	id, ok := g.vecIDs[string(key)]
	if !ok {
		id = int32(len(g.vecs))
		g.vecs, g.vecIDs[string(key)] = append(g.vecs, ids), id
	}
	out := make([]Value, len(w)/len(x))
	for r := range out {
		row := w[r*len(x):][:len(x)]
		next := Value(len(g.nodes))
		out[r] = g.node(node{op: dot, w: row, v: v}, g.single(atom{op: dot, w: &row[0], v: id}, next))
	}
	return out
}

// State says that after the step each number of after may take the place of the leaf
// in before, which is as long. One number may do so for several leaves; where a step does
// not tell which, the cell has them in Either.
func (g *Graph) State(before, after []Value) {
	for k, v := range before {
		p := g.poly(v)
		if len(p) != 1 || p[0].coef != 1 || len(p[0].atoms) != 1 || g.atoms[p[0].atoms[0]].op != leaf {
			continue
		}
		id := g.normal[after[k]]
		g.before[id] = append([]atomID{p[0].atoms[0]}, g.before[id]...)
	}
}

func (g *Graph) node(n node, p poly) Value {
	v := Value(len(g.nodes))
	g.nodes, g.normal = append(g.nodes, n), append(g.normal, g.intern(p, v))
	return v
}

func (g *Graph) poly(v Value) poly { return g.polys[g.normal[v]] }

// intern gives equal polynomials one number.
func (g *Graph) intern(p poly, v Value) polyID {
	key := make([]byte, 0, 16*len(p))
	for _, t := range p {
		key = binary.LittleEndian.AppendUint64(key, math.Float64bits(t.coef))
		key = append(key, byte(len(t.atoms)))
		for _, a := range t.atoms {
			key = binary.LittleEndian.AppendUint32(key, uint32(a))
		}
	}
	id, ok := g.polyIDs[string(key)]
	if !ok {
		id = polyID(len(g.polys))
		g.polys, g.of, g.polyIDs[string(key)] = append(g.polys, p), append(g.of, v), id
	}
	return id
}

// single is the polynomial that is one atom, of which v is the value.
func (g *Graph) single(a atom, v Value) poly {
	id, ok := g.atomIDs[a]
	if !ok {
		id = atomID(len(g.atoms))
		g.atoms, g.made, g.atomIDs[a] = append(g.atoms, a), append(g.made, v), id
	}
	return poly{{1, []atomID{id}}}
}

// opaque keeps a op b in one piece.
func (g *Graph) opaque(o op, a, b Value) poly {
	x, y := g.normal[a], g.normal[b]
	return g.single(atom{op: o, a: min(x, y), b: max(x, y)}, Value(len(g.nodes)))
}

// applied is f of a value. Linear functions are taken apart, and relu and limits one
// after the other are one limit.
func (g *Graph) applied(f format.Function, v Value) poly {
	p := g.poly(v)
	switch f.Kind {
	case format.Linear:
		return p
	case format.Affine:
		q, _ := multiply(p, number(float64(f.Alpha)))
		return sum(q, number(float64(f.Beta)))
	case format.Relu:
		f = format.Function{Kind: format.Clip, Beta: math.MaxFloat32}
	}
	arg := g.normal[v]
	if a, ok := g.function(p); ok && f.Kind == format.Clip && a.f.Kind == format.Clip {
		limit := func(x float32) float32 { return min(max(x, f.Alpha), f.Beta) }
		f.Alpha, f.Beta, arg = limit(a.f.Alpha), limit(a.f.Beta), a.a
	}
	return g.single(atom{op: apply, f: f, a: arg}, Value(len(g.nodes)))
}

// function is the atom that p is, if it is a function of something.
func (g *Graph) function(p poly) (atom, bool) {
	if len(p) != 1 || p[0].coef != 1 || len(p[0].atoms) != 1 {
		return atom{}, false
	}
	a := g.atoms[p[0].atoms[0]]
	return a, a.op == apply
}

// number is a constant polynomial; 0 has no terms.
func number(x float64) poly {
	if x == 0 {
		return nil
	}
	return poly{{coef: x}}
}

func sum(a, b poly) poly {
	out := make(poly, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := slices.Compare(a[0].atoms, b[0].atoms); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			if s := a[0].coef + b[0].coef; s != 0 {
				out = append(out, term{s, a[0].atoms})
			}
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// multiply is a·b, unless it has too many terms or factors.
func multiply(a, b poly) (poly, bool) {
	if len(a)*len(b) > maxTerms {
		return nil, false
	}
	var out poly
	for _, s := range a {
		for _, t := range b {
			if len(s.atoms)+len(t.atoms) > maxDegree {
				return nil, false
			}
			atoms := slices.Concat(s.atoms, t.atoms)
			slices.Sort(atoms)
			if c := s.coef * t.coef; c != 0 {
				out = sum(out, poly{{c, atoms}})
			}
		}
	}
	return out, true
}
