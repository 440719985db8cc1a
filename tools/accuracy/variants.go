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
	nearest := quantized(m, smallest)
	if !slices.ContainsFunc(nearest.Tensors, func(t format.Tensor) bool { return t.I8 != nil }) {
		return []variant{{"float32", m}}, nil
	}
	random, err := rounded(m, smallest, (*converter.Calibration).Random)
	if err != nil {
		return nil, err
	}
	half := x[:len(x)/m.InputSize()/2*m.InputSize()]
	data, err := rounded(m, smallest, func(c *converter.Calibration) error { return c.Run(half, nil) })
	if err != nil {
		return nil, err
	}
	return []variant{
		{"float32", m},
		{"nearest", nearest},
		{"int8", random},
		{"  16 bits", format.WithDigits(random, 2)},
		{"  float vectors", floatVectors(random)},
		{"calibrated", data},
		{"  16 bits", format.WithDigits(data, 2)},
		{"  float vectors", floatVectors(data)},
	}, nil
}

func quantized(m *format.Model, smallest int) *format.Model {
	return format.Quantized(m, func(_ string, t *format.Tensor) bool { return t.Rows*t.Cols < smallest })
}

// rounded is m in int8, for vectors that gather has seen.
func rounded(m *format.Model, smallest int, gather func(*converter.Calibration) error) (*format.Model, error) {
	q := quantized(m, smallest)
	c, err := converter.NewCalibration(m, q)
	if err != nil {
		return nil, err
	}
	if err := gather(c); err != nil {
		return nil, err
	}
	c.Round()
	return q, nil
}

// floatVectors is the int8 model q with its weights stored as float32.
func floatVectors(q *format.Model) *format.Model {
	f := *q
	f.Tensors = slices.Clone(q.Tensors)
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if t.I8 == nil {
			continue
		}
		w := t.Matrix()
		t.Type, t.I8, t.F32 = format.Float32, nil, make([]float32, quant.PanelFloats(t.Rows, t.Cols))
		quant.PackPanels(t.F32, w, t.Rows, t.Cols)
	}
	return &f
}
