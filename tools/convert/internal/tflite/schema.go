package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// A table is a FlatBuffers table: a signed offset back to its list of field positions, and
// the fields. The file is not trusted: whatever lies outside it sets f.err and reads as
// zero, so that one check after reading is enough.
type table struct {
	f  *flat
	at int // 0: there is none, every field has its default
}

type flat struct {
	data   []byte
	copied int // bytes of strings and lists so far
	items  int // tensors and operators of all subgraphs so far, of which many may be the same
	err    error
}

// charge counts what is copied out of the file: any number of tables may name the same long
// string, and no honest file repeats itself so often.
func (f *flat) charge(b []byte) []byte {
	if f.copied += len(b); f.copied <= 16*len(f.data)+1<<16 {
		return b
	}
	if f.err == nil {
		f.err = fmt.Errorf("is damaged: its tables name the same strings and lists over and over")
	}
	return nil
}

// span checks n elements of some bytes from at on.
func (f *flat) span(at, n, size int) bool {
	if at < 0 || n < 0 || at > len(f.data) || n > (len(f.data)-at)/size {
		if f.err == nil {
			f.err = fmt.Errorf("is damaged: %d elements of %d bytes from %d on are not in its %d bytes", n, size, at, len(f.data))
		}
		return false
	}
	return true
}

// astray notes an offset that leads out of the file.
func (f *flat) astray() {
	if f.err == nil {
		f.err = fmt.Errorf("is damaged: an offset leads out of its %d bytes, or to itself", len(f.data))
	}
}

func (f *flat) u16(at int) int {
	if !f.span(at, 1, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.data[at:]))
}

func (f *flat) u32(at int) uint32 {
	if !f.span(at, 1, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(f.data[at:])
}

// follow returns where the offset at at points to, which is never itself.
func (f *flat) follow(at int) int {
	to := int64(at) + int64(f.u32(at))
	if to == int64(at) || to > int64(len(f.data)) {
		f.astray()
		return 0
	}
	return int(to)
}

func (f *flat) root() table { return table{f, f.follow(0)} }

// field returns the position of a field, 0 if the table does not have it.
func (t table) field(i, size int) int {
	if t.at == 0 {
		return 0
	}
	v := int64(t.at) - int64(int32(t.f.u32(t.at)))
	if v < 0 || v > int64(len(t.f.data)) {
		t.f.astray()
		return 0
	}
	if 4+2*i+2 > t.f.u16(int(v)) {
		return 0
	}
	o := t.f.u16(int(v) + 4 + 2*i)
	if o == 0 || !t.f.span(t.at+o, 1, size) {
		return 0
	}
	return t.at + o
}

func (t table) byte(i int) int {
	if at := t.field(i, 1); at != 0 {
		return int(t.f.data[at])
	}
	return 0
}

// byteOr is byte for a field with another default than 0.
func (t table) byteOr(i, otherwise int) int {
	if t.field(i, 1) == 0 {
		return otherwise
	}
	return t.byte(i)
}

func (t table) int(i int) int {
	if at := t.field(i, 4); at != 0 {
		return int(int32(t.f.u32(at)))
	}
	return 0
}

// intOr is int for a field with another default than 0.
func (t table) intOr(i, otherwise int) int {
	if t.field(i, 4) == 0 {
		return otherwise
	}
	return t.int(i)
}

func (t table) float(i int) float32 {
	if at := t.field(i, 4); at != 0 {
		return math.Float32frombits(t.f.u32(at))
	}
	return 0
}

func (t table) table(i int) table {
	if at := t.field(i, 4); at != 0 {
		return table{t.f, t.f.follow(at)}
	}
	return table{f: t.f}
}

// bytes returns the elements of a vector, each of size bytes, as they lie in the file.
func (t table) bytes(i, size int) []byte {
	at := t.field(i, 4)
	if at == 0 {
		return nil
	}
	at = t.f.follow(at)
	n := int(t.f.u32(at))
	if !t.f.span(at+4, n, size) {
		return nil
	}
	return t.f.data[at+4 : at+4+n*size]
}

func (t table) string(i int) string { return string(t.f.charge(t.bytes(i, 1))) }

func (t table) ints(i int) []int {
	b := t.f.charge(t.bytes(i, 4))
	v := make([]int, len(b)/4)
	for k := range v {
		v[k] = int(int32(binary.LittleEndian.Uint32(b[4*k:])))
	}
	return v
}

func (t table) tables(i int) []table {
	b := t.bytes(i, 4)
	if len(b) == 0 {
		return nil
	}
	at := t.f.follow(t.field(i, 4)) + 4
	v := make([]table, len(b)/4)
	for k := range v {
		v[k] = table{t.f, t.f.follow(at + 4*k)}
	}
	return v
}

// A tensor is one of a subgraph's. data is nil where it is computed.
type tensor struct {
	name     string
	shape    []int
	kind     int // TensorType of the schema
	data     []byte
	scale    []byte // float32, one or one for each slice along axis; empty: not quantised
	zero     []byte // int64, as many
	axis     int
	variable bool
	sparse   bool
	elements int
}

// A node is one operator.
type node struct {
	index    int
	op       int // BuiltinOperator of the schema
	custom   string
	in, out  []int // tensors, -1 for one that is left out
	settings table
}

func (n node) String() string {
	name := opNames[n.op]
	if name == "" {
		name = fmt.Sprintf("operator %d", n.op)
	}
	if n.custom != "" {
		name = fmt.Sprintf("CUSTOM %.40q", n.custom)
	}
	return fmt.Sprintf("node %d (%s)", n.index, name)
}

// A graph is a subgraph.
type graph struct {
	tensors []tensor
	nodes   []node
	in, out []int
}

// maxElements is far above any tensor of use.
const maxElements = 1 << 28

// maxGraphs and maxItems are far above what any model has.
const (
	maxGraphs = 256
	maxItems  = 2 * format.MaxItems
)

// fold makes constants of what is dequantised from constants: weights in float16.
func (g *graph) fold() {
	g.nodes = slices.DeleteFunc(g.nodes, func(n node) bool {
		if n.op != opDequantize || len(n.in) != 1 || len(n.out) != 1 || n.in[0] < 0 || n.out[0] < 0 {
			return false
		}
		from, to := g.tensors[n.in[0]], &g.tensors[n.out[0]]
		if from.data == nil || to.data != nil || !slices.Equal(from.shape, to.shape) {
			return false
		}
		name := to.name
		*to = from
		to.name = name
		return true
	})
}

// parse reads all subgraphs, the main one first.
func parse(data []byte) ([]*graph, error) {
	f := &flat{data: data}
	root := f.root()
	if v := root.int(0); f.err == nil && v != 3 {
		return nil, fmt.Errorf("has schema version %d, supported is 3", v)
	}
	codes, subgraphs, buffers := root.tables(1), root.tables(2), root.tables(4)
	if f.err != nil {
		return nil, f.err
	}
	if len(subgraphs) == 0 || len(subgraphs) > maxGraphs {
		return nil, fmt.Errorf("has %d subgraphs, supported are 1 to %d", len(subgraphs), maxGraphs)
	}
	var graphs []*graph
	for _, sub := range subgraphs {
		g, err := f.graph(sub, codes, buffers)
		if err != nil {
			return nil, err
		}
		graphs = append(graphs, g)
	}
	return graphs, f.err
}

// graph reads a subgraph.
func (f *flat) graph(sub table, codes, buffers []table) (*graph, error) {
	g := &graph{in: sub.ints(1), out: sub.ints(2)}
	tensors, operators := sub.tables(0), sub.tables(3)
	if f.items += len(tensors) + len(operators); f.items > maxItems {
		return nil, fmt.Errorf("has more than %d tensors and operators", maxItems)
	}
	for i, t := range tensors {
		q := t.table(4)
		v := tensor{
			name: t.string(3), shape: t.ints(0), kind: t.byte(1), variable: t.byte(5) != 0, sparse: t.field(6, 4) != 0,
			scale: q.bytes(2, 4), zero: q.bytes(3, 8), axis: q.int(6), elements: 1,
		}
		if q.byte(4) != 0 {
			return nil, fmt.Errorf("tensor %d (%.60q) is quantised in a way of its own (details), supported are scales and zero points", i, v.name)
		}
		for _, n := range v.shape {
			if n < 0 || n > maxElements/max(v.elements, 1) {
				return nil, fmt.Errorf("tensor %d (%.60q) has shape %v, want sizes of no more than %d elements together", i, v.name, v.shape, maxElements)
			}
			v.elements *= n
		}
		b := t.int(2)
		if b < 0 || b >= len(buffers) {
			return nil, fmt.Errorf("tensor %d (%.60q) is in buffer %d of %d", i, v.name, b, len(buffers))
		}
		if d := buffers[b].bytes(0, 1); len(d) > 0 {
			v.data = d
		}
		g.tensors = append(g.tensors, v)
		if f.err != nil {
			return nil, f.err
		}
	}
	for i, o := range operators {
		c := o.int(0)
		if c < 0 || c >= len(codes) {
			return nil, fmt.Errorf("node %d has operator code %d of %d", i, c, len(codes))
		}
		n := node{index: i, op: max(codes[c].byte(0), codes[c].int(3)), custom: codes[c].string(1), in: o.ints(1), out: o.ints(2), settings: o.table(4)}
		for _, list := range [][]int{n.in, n.out} {
			for _, k := range list {
				if k < -1 || k >= len(g.tensors) {
					return nil, fmt.Errorf("%v names tensor %d of %d", n, k, len(g.tensors))
				}
			}
		}
		g.nodes = append(g.nodes, n)
		if f.err != nil {
			return nil, f.err
		}
	}
	g.fold()
	for _, list := range [][]int{g.in, g.out} {
		for _, k := range list {
			if k < 0 || k >= len(g.tensors) {
				return nil, fmt.Errorf("has the input or output %d of %d tensors", k, len(g.tensors))
			}
		}
	}
	return g, f.err
}
