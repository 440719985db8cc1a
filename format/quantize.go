package format

import (
	"slices"

	"github.com/rnnedge/rnnedge/quant"
)

// Quantized returns m with the matrices of its layers in int8, except those that keep
// says, which is asked for each layer and each of its tensors. Matrices of fewer than 16
// rows stay float32: they have few weights, and where they are, often the last layer,
// rounding shows most. Vectors and tables stay as well. The witness is gone, since the
// model computes something else now. m is not changed; tensors that stay are shared
// with it.
//
// A tensor that several layers read is kept if it is for one of them. The vectors that the
// matrices multiply have one digit; WithDigits says otherwise.
func Quantized(m *Model, keep func(layer string, t *Tensor) bool) *Model {
	q := *m
	q.Witness = Witness{}
	q.Tensors = slices.Clone(m.Tensors)
	kept := make([]bool, len(m.Tensors))
	for _, l := range m.Layers {
		for _, id := range FieldsOf(l).Tensors {
			kept[id] = kept[id] || keep(l.LayerName(), &m.Tensors[id])
		}
	}
	for i := range q.Tensors {
		if t := &q.Tensors[i]; !kept[i] && t.Type == Float32 && t.Layout == Panels && t.Rows > maxNarrowRows {
			t.quantize()
		}
	}
	return &q
}

func (t *Tensor) quantize() {
	w := t.Matrix()
	t.Type, t.F32 = Int8, nil
	t.I8 = &Int8Matrix{Elements: make([]int8, quant.PanelBytesI8(t.Rows, t.Cols)), Scales: make([]float32, quant.Pad(t.Rows)), Digits: 1}
	quant.PackI8(t.I8.Elements, t.I8.Scales, w, t.Rows, t.Cols)
}

// WithDigits returns m with this many digits, 1 or 2, in the vectors that its int8 matrices
// multiply. The witness is gone. m is not changed; elements and scales are shared with it.
func WithDigits(m *Model, digits int) *Model {
	w := *m
	w.Witness = Witness{}
	w.Tensors = slices.Clone(m.Tensors)
	for i := range w.Tensors {
		if t := &w.Tensors[i]; t.I8 != nil {
			matrix := *t.I8
			matrix.Digits, t.I8 = digits, &matrix
		}
	}
	return &w
}
