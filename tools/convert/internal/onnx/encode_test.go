package onnx_test

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A small encoder of ONNX messages, for the tests.

func message(num protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), b)
}

func text(num protowire.Number, s string) []byte { return message(num, []byte(s)) }

func varint(num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v))
}

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// constant is an initializer of floats, raw or as float_data.
func constant(name string, v []float32, raw bool, dims ...int64) []byte {
	return message(5, tensorProto(name, v, raw, dims...))
}

// tensor is a file with one TensorProto of floats.
func tensor(name string, v []float32, shape []int) []byte {
	var dims []int64
	for _, d := range shape {
		dims = append(dims, int64(d))
	}
	return tensorProto(name, v, true, dims...)
}

func tensorProto(name string, v []float32, raw bool, dims ...int64) []byte {
	var b []byte
	for _, d := range dims {
		b = append(b, varint(1, d)...)
	}
	var data []byte
	for _, f := range v {
		data = protowire.AppendFixed32(data, math.Float32bits(f))
	}
	field := protowire.Number(4)
	if raw {
		field = 9
	}
	return join(b, varint(2, 1), text(8, name), message(field, data))
}

// value is an input (11) or output (12) of floats; 0 is a dynamic dimension.
func value(num protowire.Number, name string, dims ...int64) []byte {
	return typed(num, name, 1, dims...)
}

func typed(num protowire.Number, name string, elem int64, dims ...int64) []byte {
	var shape []byte
	for _, d := range dims {
		dim := text(2, "n")
		if d > 0 {
			dim = varint(1, d)
		}
		shape = append(shape, message(1, dim)...)
	}
	return message(num, join(text(1, name), message(2, message(1, join(varint(1, elem), message(2, shape))))))
}

func number(name string, v int64) []byte {
	return message(5, join(text(1, name), varint(3, v), varint(20, 2)))
}

// branch is an attribute that is a graph.
func branch(name string, parts ...[]byte) []byte {
	return message(5, join(text(1, name), message(6, join(parts...)), varint(20, 5)))
}

func word(name, s string) []byte {
	return message(5, join(text(1, name), text(4, s), varint(20, 3)))
}

func words(name string, list ...string) []byte {
	b := text(1, name)
	for _, s := range list {
		b = append(b, text(9, s)...)
	}
	return message(5, join(b, varint(20, 8)))
}

func float(name string, v float32) []byte {
	return message(5, join(text(1, name), protowire.AppendFixed32(protowire.AppendTag(nil, 2, protowire.Fixed32Type), math.Float32bits(v)), varint(20, 1)))
}

func numbers(name string, list ...float32) []byte {
	var data []byte
	for _, f := range list {
		data = protowire.AppendFixed32(data, math.Float32bits(f))
	}
	return message(5, join(text(1, name), message(7, data), varint(20, 6)))
}

func integers(name string, list ...int64) []byte {
	b := text(1, name)
	for _, v := range list {
		b = append(b, varint(8, v)...)
	}
	return message(5, join(b, varint(20, 7)))
}

// constantIntegers is an initializer of one dimension.
func constantIntegers(name string, list ...int64) []byte {
	b := join(varint(1, int64(len(list))), varint(2, 7), text(8, name))
	for _, v := range list {
		b = append(b, varint(7, v)...)
	}
	return message(5, b)
}

func node(op string, inputs, outputs []string, attributes ...[]byte) []byte {
	return named("the "+op, op, inputs, outputs, attributes...)
}

func named(name, op string, inputs, outputs []string, attributes ...[]byte) []byte {
	var b []byte
	for _, s := range inputs {
		b = append(b, text(1, s)...)
	}
	for _, s := range outputs {
		b = append(b, text(2, s)...)
	}
	return message(1, join(b, text(3, name), text(4, op), join(attributes...)))
}

// model is a whole file.
func model(graph ...[]byte) []byte {
	return join(varint(1, 8), message(8, varint(2, 17)), message(7, join(graph...)))
}
