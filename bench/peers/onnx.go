package main

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// What it takes to write an ONNX model of one recurrent layer: the messages of onnx.proto
// by the numbers of their fields.

type message []byte

func (m message) text(field protowire.Number, s string) message {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), s)
}

func (m message) sub(field protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), b)
}

func (m message) number(field protowire.Number, v int) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

// ONNX's element types.
const (
	typeFloat = 1
	typeInt8  = 3
)

// tensor is a TensorProto.
func tensor(name string, typ int, raw []byte, dims ...int) message {
	var m message
	for _, d := range dims {
		m = m.number(1, d)
	}
	return m.number(2, typ).text(8, name).sub(9, raw)
}

func floats(name string, v []float32, dims ...int) message {
	raw := make([]byte, 0, 4*len(v))
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return tensor(name, typeFloat, raw, dims...)
}

func int8s(name string, v []int8, dims ...int) message {
	raw := make([]byte, len(v))
	for i, q := range v {
		raw[i] = byte(q)
	}
	return tensor(name, typeInt8, raw, dims...)
}

// value is a ValueInfoProto of floats.
func value(name string, dims ...int) message {
	var shape message
	for _, d := range dims {
		shape = shape.sub(1, message{}.number(1, d))
	}
	return message{}.text(1, name).sub(2, message{}.sub(1, message{}.number(1, typeFloat).sub(2, shape)))
}

func intAttribute(name string, v int) message {
	return message{}.text(1, name).number(3, v).number(20, 2)
}

// model is a ModelProto of one node. Inputs of the node that are not initializers are
// inputs of the graph, all its outputs are outputs.
func model(op, domain string, inputs, outputs []string, attributes, initializers, in, out []message) []byte {
	var node message
	for _, s := range inputs {
		node = node.text(1, s)
	}
	for _, s := range outputs {
		node = node.text(2, s)
	}
	node = node.text(4, op)
	for _, a := range attributes {
		node = node.sub(5, a)
	}
	node = node.text(7, domain)
	graph := message{}.sub(1, node).text(2, "layer")
	for _, t := range initializers {
		graph = graph.sub(5, t)
	}
	for _, v := range in {
		graph = graph.sub(11, v)
	}
	for _, v := range out {
		graph = graph.sub(12, v)
	}
	m := message{}.number(1, 8).sub(7, graph).sub(8, message{}.text(1, "").number(2, 17))
	return m.sub(8, message{}.text(1, "com.microsoft").number(2, 1))
}
