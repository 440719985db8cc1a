package format

import (
	"slices"

	"github.com/rnnedge/rnnedge/quant"
)

// Quantized returns m with the matrices of its layers in int8, except those of layers
// that keep names. Matrices of fewer than 16 rows stay float32: they have few weights,
// and where they are, often the last layer, rounding shows most. Vectors and
// tables stay as well. The witness is gone, since the model computes something else
// now. m is not changed; tensors that stay are shared with it.
//
// A tensor that several layers read is kept if one of them is. The recurrent matrix of
// a cell whose state lies in [−1, 1] multiplies vectors of that range; others, vectors
// with a range of their own at each step.
func Quantized(m *Model, keep func(layer string) bool) *Model {
	q := *m
	q.Witness = Witness{}
	q.Tensors = slices.Clone(m.Tensors)
	kept := make([]bool, len(m.Tensors))
	for _, l := range m.Layers {
		for _, id := range FieldsOf(l).Tensors {
			kept[id] = kept[id] || keep(l.LayerName())
		}
	}
	// How often a tensor is used, and how often with vectors in [−1, 1].
	uses, unit := make([]int, len(m.Tensors)), make([]int, len(m.Tensors))
	for _, l := range m.Layers {
		for _, id := range FieldsOf(l).Tensors {
			uses[id]++
		}
		for _, id := range unitMatrices(m, l) {
			unit[id]++
		}
	}
	for i := range q.Tensors {
		if t := &q.Tensors[i]; !kept[i] && t.Type == Float32 && t.Layout == Panels && t.Rows > maxNarrowRows {
			t.quantize()
			if unit[i] == uses[i] {
				t.I8.Input = 1
			}
		}
	}
	return &q
}

// unitMatrices are the matrices of a layer that multiply vectors in [−1, 1]: those of
// the state of a cell that starts there and whose functions keep it there.
func unitMatrices(m *Model, l Layer) []TensorID {
	starts := func(h StateID) bool {
		t := m.Tensor(m.States[h].Init)
		return t == nil || slices.Max(t.F32) <= 1 && slices.Min(t.F32) >= -1
	}
	switch l := l.(type) {
	case *RNN:
		if l.F.Kind == Tanh && starts(l.H) {
			return []TensorID{l.R}
		}
	case *LSTM:
		if l.Proj == None && l.Gate.Kind == Sigmoid && l.Output.Kind == Tanh && starts(l.H) {
			return []TensorID{l.R}
		}
	case *GRU:
		if l.Gate.Kind == Sigmoid && l.Candidate.Kind == Tanh && starts(l.H) {
			if l.RN != None {
				return []TensorID{l.R, l.RN}
			}
			return []TensorID{l.R}
		}
	}
	return nil
}

func (t *Tensor) quantize() {
	w := t.Matrix()
	t.Type, t.F32 = Int8, nil
	t.I8 = &Int8Matrix{Elements: make([]int8, quant.PanelBytesI8(t.Rows, t.Cols)), Scales: make([]float32, quant.Pad(t.Rows))}
	quant.PackI8(t.I8.Elements, t.I8.Scales, w, t.Rows, t.Cols)
}
