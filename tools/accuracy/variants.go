package main

import (
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
)

// A variant is one way to store and compute a model.
type variant struct {
	name  string
	model *format.Model
}

// variants are the ways to compute m, whose matrices of fewer elements than smallest stay
// float32; where that leaves none for int8, only float32.
func variants(m *format.Model, x []float32, smallest int) ([]variant, error) {
	int8 := func() *format.Model {
		return format.Quantized(m, func(_ string, t *format.Tensor) bool { return t.Rows*t.Cols < smallest })
	}
	all := []variant{{"float32", m}}
	if q := int8(); !slices.ContainsFunc(q.Tensors, func(t format.Tensor) bool { return t.I8 != nil }) {
		return all, nil
	}
	all = append(all, variant{"int8", int8()}, variant{"h in ±1", unit(m, int8())})
	c, err := converter.NewCalibration(m)
	if err != nil {
		return nil, err
	}
	I := m.InputSize()
	if err := c.Run(x[:len(x)/I/2*I], nil); err != nil {
		return nil, err
	}
	calibrated := int8()
	if len(c.Apply(calibrated)) > 0 {
		all = append(all, variant{"calibrated", calibrated})
	}
	return append(all, variant{"float vectors", floatVectors(int8())}), nil
}

// unit has the range that the h of tanh cannot leave for what the recurrent matrices
// multiply.
func unit(m, q *format.Model) *format.Model {
	for _, l := range m.Layers {
		switch l := l.(type) {
		case *format.LSTM:
			setRange(q, l.R)
		case *format.GRU:
			if l.Candidate.Kind == format.Tanh {
				setRange(q, l.R)
				setRange(q, l.RN)
			}
		}
	}
	return q
}

func setRange(q *format.Model, id format.TensorID) {
	if t := q.Tensor(id); t != nil && t.I8 != nil {
		t.I8.Input = 1
	}
}

// floatVectors stores the weights of an int8 model as float32.
func floatVectors(q *format.Model) *format.Model {
	for i := range q.Tensors {
		t := &q.Tensors[i]
		if t.I8 == nil {
			continue
		}
		w := t.Matrix()
		t.Type, t.I8, t.F32 = format.Float32, nil, make([]float32, quant.PanelFloats(t.Rows, t.Cols))
		quant.PackPanels(t.F32, w, t.Rows, t.Cols)
	}
	return q
}
