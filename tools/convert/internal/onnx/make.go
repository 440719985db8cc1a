package onnx

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
)

// A Graph is put together by the importer of another format whose cells are written out
// in operators that ONNX has, too: loops, one step with its states as inputs, all steps one
// after the other. It is read as a graph from a file is.
type Graph struct {
	p    graphProto
	made int // elements of constants
}

// Input adds an input of floats; a dimension of -1 is time or streams.
func (g *Graph) Input(name string, dims ...int) {
	g.p.inputs = append(g.p.inputs, &valueProto{name: name, elem: typeFloat, hasShape: true, dims: int64s(dims)})
}

// Tokens adds an input of integers, each the number of a row of an embedding.
func (g *Graph) Tokens(name string, dims ...int) {
	g.p.inputs = append(g.p.inputs, &valueProto{name: name, elem: typeInt32, hasShape: true, dims: int64s(dims)})
}

// Element types, for Cast.
const (
	Float = typeFloat
	Int   = typeInt32
)

// Output adds an output.
func (g *Graph) Output(name string) { g.p.outputs = append(g.p.outputs, &valueProto{name: name}) }

// Floats adds a constant, which keeps v.
func (g *Graph) Floats(name string, shape []int, v []float32) {
	g.made += len(v)
	g.p.initializers = append(g.p.initializers, &tensorProto{name: name, dims: int64s(shape), typ: typeFloat, floats: v})
}

// Ints adds a constant vector of integers.
func (g *Graph) Ints(name string, v []int) {
	g.p.initializers = append(g.p.initializers, &tensorProto{name: name, dims: []int64{int64(len(v))}, typ: typeInt64, int64s: int64s(v)})
}

// Node adds an operator of ONNX's opset 18. Attributes are int, []int, float32 and *Graph.
func (g *Graph) Node(op, name string, in, out []string, attributes map[string]any) {
	n := &nodeProto{op: op, name: name, inputs: in, outputs: out, attributes: map[string]*attributeProto{}}
	for key, value := range attributes {
		a := new(attributeProto)
		switch v := value.(type) {
		case int:
			a.i = int64(v)
		case []int:
			a.ints = int64s(v)
		case float32:
			a.f = v
		case *Graph:
			a.graph = &v.p
			g.made += v.made
		default:
			panic(fmt.Sprintf("onnx: attribute %s is a %T", key, value))
		}
		n.attributes[key] = a
	}
	g.p.nodes = append(g.p.nodes, n)
}

// Model translates the graph, once, in which these inputs are states where shapes do not tell.
// Errors name nodes and values as they were added.
func (g *Graph) Model(states ...string) (*format.Model, []string, error) {
	t := newTranslation(&modelProto{opset: 18, graph: &g.p}, 4*g.made)
	t.said = states
	m, err := t.model()
	return m, t.notes, err
}

func int64s(v []int) []int64 {
	to := make([]int64, len(v))
	for k, x := range v {
		to[k] = int64(x)
	}
	return to
}
