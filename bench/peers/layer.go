package main

import (
	"math"
	"math/rand/v2"
	"unsafe"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// A layer is an LSTM or a GRU (reset after), H inputs and H units, with weights and biases
// uniform in ±1/√H, where training starts. Rows are in rnnedge's order of gates.
type layer struct {
	cell string
	H    int
	format.Weights
}

// gates of a cell in rnnedge's order, i f g o and r u n, by their places in ONNX's,
// i o f g and u r n.
var onnxOrder = map[string][]int{"lstm": {0, 3, 1, 2}, "gru": {1, 0, 2}}

func newLayer(cell string, H int) *layer {
	r := rand.New(rand.NewPCG(uint64(H), 5))
	uniform := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = (2*r.Float32() - 1) / float32(math.Sqrt(float64(H)))
		}
		return v
	}
	n := len(onnxOrder[cell]) * H
	l := &layer{cell: cell, H: H}
	l.W, l.R, l.B = uniform(n*H), uniform(n*H), uniform(n)
	if cell == "gru" {
		l.BR = uniform(n)
	}
	return l
}

// open returns the layer as a model of rnnedge.
func (l *layer) open(int8 bool) (*infer.Model, error) {
	b := format.NewBuilder(l.H)
	if l.cell == "lstm" {
		b.Output(b.LSTM(l.cell, format.Input, l.Weights))
	} else {
		b.Output(b.GRU(l.cell, format.Input, l.Weights))
	}
	m, err := b.Model()
	if err != nil {
		return nil, err
	}
	if int8 {
		m = format.Quantized(m, func(string, *format.Tensor) bool { return false })
	}
	file, err := format.Marshal(m)
	if err != nil {
		return nil, err
	}
	aligned := make([]byte, len(file)+63)
	aligned = aligned[-uintptr(unsafe.Pointer(unsafe.SliceData(aligned)))%64:]
	return infer.FromBytes(aligned[:copy(aligned, file)])
}

// reordered are rows of a gate each, in ONNX's order.
func (l *layer) reordered(v []float32) []float32 {
	order := onnxOrder[l.cell]
	size := len(v) / len(order)
	out := make([]float32, 0, len(v))
	for _, gate := range order {
		out = append(out, v[gate*size:][:size]...)
	}
	return out
}

// onnx returns the layer as an ONNX model with a sequence of T steps of N streams: inputs X, h
// and, of an LSTM, c; outputs Y and the last h and c.
func (l *layer) onnx(T, N int, int8 bool) []byte {
	H, G := l.H, len(onnxOrder[l.cell])
	BR := l.BR
	if BR == nil {
		BR = make([]float32, G*H)
	}
	B := floats("B", append(l.reordered(l.B), l.reordered(BR)...), 1, 2*G*H)
	W, R := l.reordered(l.W), l.reordered(l.R)

	inputs := []string{"X", "W", "R", "B", "", "h"}
	initializers := []message{B}
	op, domain := "GRU", ""
	outputs := []string{"Y", "h1"}
	in, out := []message{value("X", T, N, H), value("h", 1, N, H)}, []message{value("Y", T, 1, N, H), value("h1", 1, N, H)}
	attributes := []message{intAttribute("hidden_size", H)}
	if l.cell == "lstm" {
		op = "LSTM"
		inputs, outputs = append(inputs, "c"), append(outputs, "c1")
		in, out = append(in, value("c", 1, N, H)), append(out, value("c1", 1, N, H))
	} else {
		attributes = append(attributes, intAttribute("linear_before_reset", 1))
	}
	if int8 {
		op, domain = "DynamicQuantizeLSTM", "com.microsoft"
		inputs = append(inputs, "", "Ws", "Wz", "Rs", "Rz")
		initializers = append(initializers, perRow("W", W, G*H, H)...)
		initializers = append(initializers, perRow("R", R, G*H, H)...)
	} else {
		initializers = append(initializers, floats("W", W, 1, G*H, H), floats("R", R, 1, G*H, H))
	}
	return model(op, domain, inputs, outputs, attributes, initializers, in, out)
}

// perRow quantises a matrix as DynamicQuantizeLSTM takes it, transposed, with a scale
// for each row.
func perRow(name string, w []float32, rows, cols int) []message {
	q, scales := make([]int8, len(w)), make([]float32, rows)
	for r := range rows {
		row := w[r*cols:][:cols]
		var largest float32
		for _, v := range row {
			largest = max(largest, max(v, -v))
		}
		if scales[r] = largest / 127; scales[r] == 0 {
			scales[r] = 1 // a row of zeros
		}
		for k, v := range row {
			q[k*rows+r] = int8(math.RoundToEven(float64(v / scales[r])))
		}
	}
	return []message{
		int8s(name, q, 1, cols, rows), floats(name+"s", scales, 1, rows), int8s(name+"z", make([]int8, rows), 1, rows),
	}
}
