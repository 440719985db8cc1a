package onnx

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of a ModelProto.
const (
	modelVersion  protowire.Number = 1
	modelProducer protowire.Number = 2
	modelGraph    protowire.Number = 7
	modelOpset    protowire.Number = 8
)

// modelFields are all fields of a ModelProto, with their wire types.
var modelFields = map[protowire.Number]protowire.Type{
	modelVersion:  protowire.VarintType,
	modelProducer: protowire.BytesType,
	3:             protowire.BytesType, // producer_version
	4:             protowire.BytesType, // domain
	5:             protowire.VarintType,
	6:             protowire.BytesType, // doc_string
	modelGraph:    protowire.BytesType,
	modelOpset:    protowire.BytesType,
	14:            protowire.BytesType, // metadata_props
	20:            protowire.BytesType, // training_info
	25:            protowire.BytesType, // functions
	26:            protowire.BytesType, // configuration
}

// The messages of a model, as far as they are read. Byte slices alias the file.
type (
	modelProto struct {
		opset int64 // of the default domain
		graph *graphProto
	}
	graphProto struct {
		nodes           []*nodeProto
		initializers    []*tensorProto
		inputs, outputs []*valueProto
		sparse          bool
	}
	nodeProto struct {
		inputs, outputs  []string
		name, op, domain string
		attributes       map[string]*attributeProto
		found            *writtenCell // in the place of the nodes of a cell
		ready            *Cell        // of another format
	}
	attributeProto struct {
		f       float32
		i       int64
		s       string
		t       *tensorProto
		floats  []float32
		ints    []int64
		strings []string
		graph   *graphProto
	}
	valueProto struct {
		name     string
		elem     int64
		hasShape bool
		dims     []int64 // -1 where dynamic
	}
	tensorProto struct {
		name     string
		dims     []int64
		typ      int64
		raw      []byte
		floats   []float32
		int32s   []int64
		int64s   []int64
		doubles  []float64
		external bool              // raw is in another file, see readExternal
		where    map[string]string // location, offset and length
	}
)

// A field is one field of a message: its number, and its value in v or b.
type field struct {
	num protowire.Number
	typ protowire.Type
	v   uint64
	b   []byte
}

var errDamaged = errors.New("damaged: a message does not fit its length")

// fields calls f with the fields of a message.
func fields(b []byte, f func(field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errDamaged
		}
		b = b[n:]
		x := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			x.v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			x.v = uint64(v)
		case protowire.Fixed64Type:
			x.v, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			x.b, n = protowire.ConsumeBytes(b)
		default:
			return errors.New("damaged: a field is a group, which ONNX does not use")
		}
		if n < 0 {
			return errDamaged
		}
		b = b[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// varints appends an integer field, packed or not.
func (x field) varints(to *[]int64) error {
	if x.typ != protowire.BytesType {
		*to = append(*to, int64(x.v))
		return nil
	}
	for b := x.b; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return errDamaged
		}
		*to, b = append(*to, int64(v)), b[n:]
	}
	return nil
}

func (x field) float32s(to *[]float32) error {
	if x.typ != protowire.BytesType {
		*to = append(*to, math.Float32frombits(uint32(x.v)))
		return nil
	}
	for b := x.b; len(b) > 0; {
		v, n := protowire.ConsumeFixed32(b)
		if n < 0 {
			return errDamaged
		}
		*to, b = append(*to, math.Float32frombits(v)), b[n:]
	}
	return nil
}

func (x field) float64s(to *[]float64) error {
	if x.typ != protowire.BytesType {
		*to = append(*to, math.Float64frombits(x.v))
		return nil
	}
	for b := x.b; len(b) > 0; {
		v, n := protowire.ConsumeFixed64(b)
		if n < 0 {
			return errDamaged
		}
		*to, b = append(*to, math.Float64frombits(v)), b[n:]
	}
	return nil
}

func parseModel(b []byte) (*modelProto, error) {
	m := new(modelProto)
	return m, fields(b, func(x field) (err error) {
		switch x.num {
		case modelGraph:
			if m.graph != nil {
				return errors.New("found a second graph, expected one")
			}
			m.graph, err = parseGraph(x.b, 1)
		case modelOpset:
			var domain string
			var version int64
			err = fields(x.b, func(x field) error {
				switch x.num {
				case 1:
					domain = string(x.b)
				case 2:
					version = int64(x.v)
				}
				return nil
			})
			if domain == "" || domain == "ai.onnx" {
				m.opset = version
			}
		}
		return err
	})
}

// maxNesting is how deep graphs may lie inside nodes of graphs, maxItems how many nodes,
// initializers, inputs and outputs one may have.
const (
	maxNesting = 8
	maxItems   = 1 << 16
)

func parseGraph(b []byte, depth int) (*graphProto, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("found graphs inside graphs, more than %d deep", maxNesting)
	}
	g := new(graphProto)
	items := 0
	return g, fields(b, func(x field) error {
		if items++; items > maxItems {
			return fmt.Errorf("found a graph of more than %d nodes, initializers, inputs and outputs", maxItems)
		}
		switch x.num {
		case 1:
			n, err := parseNode(x.b, depth)
			g.nodes = append(g.nodes, n)
			return err
		case 5:
			t, err := parseTensor(x.b)
			g.initializers = append(g.initializers, t)
			return err
		case 11, 12:
			v, err := parseValue(x.b)
			if x.num == 11 {
				g.inputs = append(g.inputs, v)
			} else {
				g.outputs = append(g.outputs, v)
			}
			return err
		case 15:
			g.sparse = true
		}
		return nil
	})
}

func parseNode(b []byte, depth int) (*nodeProto, error) {
	n := &nodeProto{attributes: map[string]*attributeProto{}}
	err := fields(b, func(x field) error {
		switch x.num {
		case 1:
			n.inputs = append(n.inputs, string(x.b))
		case 2:
			n.outputs = append(n.outputs, string(x.b))
		case 3:
			n.name = string(x.b)
		case 4:
			n.op = string(x.b)
		case 5:
			name, a, err := parseAttribute(x.b, depth)
			n.attributes[name] = a
			return err
		case 7:
			n.domain = string(x.b)
		}
		return nil
	})
	if err == nil && len(n.outputs) == 0 {
		err = fmt.Errorf("node %q (%s): found no outputs, expected one or more", n.name, n.op)
	}
	return n, err
}

func parseAttribute(b []byte, depth int) (name string, a *attributeProto, err error) {
	a = new(attributeProto)
	err = fields(b, func(x field) (err error) {
		switch x.num {
		case 1:
			name = string(x.b)
		case 2:
			a.f = math.Float32frombits(uint32(x.v))
		case 3:
			a.i = int64(x.v)
		case 4:
			a.s = string(x.b)
		case 5:
			a.t, err = parseTensor(x.b)
		case 6:
			a.graph, err = parseGraph(x.b, depth+1)
		case 7:
			err = x.float32s(&a.floats)
		case 8:
			err = x.varints(&a.ints)
		case 9:
			a.strings = append(a.strings, string(x.b))
		}
		return err
	})
	return name, a, err
}

func parseTensor(b []byte) (*tensorProto, error) {
	t := new(tensorProto)
	return t, fields(b, func(x field) error {
		switch x.num {
		case 1:
			return x.varints(&t.dims)
		case 2:
			t.typ = int64(x.v)
		case 4:
			return x.float32s(&t.floats)
		case 5:
			return x.varints(&t.int32s)
		case 7:
			return x.varints(&t.int64s)
		case 8:
			t.name = string(x.b)
		case 9:
			t.raw = x.b
		case 10:
			return x.float64s(&t.doubles)
		case 13:
			return t.parseWhere(x.b)
		case 14:
			t.external = x.v == 1
		}
		return nil
	})
}

// parseWhere reads a StringStringEntryProto of external_data.
func (t *tensorProto) parseWhere(b []byte) error {
	var key, value string
	err := fields(b, func(x field) error {
		switch x.num {
		case 1:
			key = string(x.b)
		case 2:
			value = string(x.b)
		}
		return nil
	})
	if t.where == nil {
		t.where = map[string]string{}
	}
	t.where[key] = value
	return err
}

// parseValue reads a ValueInfoProto: name, and TypeProto.tensor_type.
func parseValue(b []byte) (*valueProto, error) {
	v := new(valueProto)
	dim := func(x field) error {
		d := int64(-1)
		if x.num == 1 {
			err := fields(x.b, func(x field) error {
				if x.num == 1 && int64(x.v) > 0 {
					d = int64(x.v)
				}
				return nil
			})
			v.dims = append(v.dims, d)
			return err
		}
		return nil
	}
	tensorType := func(x field) error {
		switch x.num {
		case 1:
			v.elem = int64(x.v)
		case 2:
			v.hasShape = true
			return fields(x.b, dim)
		}
		return nil
	}
	return v, fields(b, func(x field) error {
		switch x.num {
		case 1:
			v.name = string(x.b)
		case 2:
			return fields(x.b, func(x field) error {
				if x.num == 1 {
					return fields(x.b, tensorType)
				}
				return nil
			})
		}
		if len(v.dims) > maxDims {
			return fmt.Errorf("value %q: found more than %d dimensions, supported are up to %d", v.name, maxDims, maxDims)
		}
		return nil
	})
}
