package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"unsafe"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// maxH keeps the weights of a model below 1 GB.
const maxH = 4096

// A cell is a kind of layer.
type cell struct {
	name  string
	gates int
	add   func(*format.Builder, string, format.Buffer, format.Weights, ...format.CellOption) format.Buffer
}

var cells = []cell{
	{"lstm", 4, (*format.Builder).LSTM},
	{"gru", 3, (*format.Builder).GRU},
	{"product", 4, product},
}

// product is what an LSTM has to read without the rest of its step: one dense layer with the
// rows of W and R, of whose outputs a few are taken, since copying all would count.
func product(b *format.Builder, name string, x format.Buffer, w format.Weights, _ ...format.CellOption) format.Buffer {
	y := b.Dense(name, x, slices.Concat(w.W, w.R), nil, format.Linear)
	return b.Slice(name+" seen", y, 0, 1)
}

func cellByName(name string) (cell, error) {
	for _, c := range cells {
		if c.name == name {
			return c, nil
		}
	}
	return cell{}, fmt.Errorf("no cell %q; there are lstm, gru and product", name)
}

// file returns a model of one layer, H inputs and H units, as the bytes of a
// .rnn file, in float32 or, with the digits of its vectors, in int8. Weights and biases are uniform in ±1/√H, where training starts.
func (c cell) file(H, digits int) ([]byte, error) {
	random := rand.New(rand.NewPCG(uint64(H), 1))
	uniform := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = (2*random.Float32() - 1) / float32(math.Sqrt(float64(H)))
		}
		return v
	}
	n := c.gates * H
	w := format.Weights{W: uniform(n * H), R: uniform(n * H), B: uniform(n)}
	if c.name == "gru" {
		w.BR = uniform(n)
	}
	b := format.NewBuilder(H)
	b.Output(c.add(b, c.name, format.Input, w))
	m, err := b.Model()
	if err != nil {
		return nil, err
	}
	if digits > 0 {
		m = format.WithDigits(format.Quantized(m, func(string, *format.Tensor) bool { return false }), digits)
	}
	file, err := format.Marshal(m)
	if err != nil {
		return nil, err
	}
	return aligned(file), nil
}

// aligned returns a copy of b on a 64-byte boundary, which models use in place:
// all of them then read the same memory.
func aligned(b []byte) []byte {
	a := make([]byte, len(b)+63)
	a = a[-uintptr(unsafe.Pointer(unsafe.SliceData(a)))%64:]
	return a[:copy(a, b)]
}

// matrices returns the memory of a model's matrices, four bytes at a time, and its
// size in bytes.
func matrices(m *infer.Model) (weights [][]float32, bytes int) {
	for _, t := range m.Format().Tensors {
		w := t.F32
		switch {
		case t.Layout != format.Panels && t.Layout != format.Narrow:
			continue
		case t.I8 != nil: // the elements follow the scales
			w = unsafe.Slice(unsafe.SliceData(t.I8.Scales), len(t.I8.Scales)+len(t.I8.Elements)/4)
		}
		weights = append(weights, w)
		bytes += 4 * len(w)
	}
	return weights, bytes
}
