package converter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// smallestInt8 is how many elements a matrix has at least that is worth storing as int8. With
// 16 units (a recurrent matrix of 48 or 64 rows and 16 columns) a step in int8 takes longer
// than one in float32, with 32 (96 or 128 rows and 32 columns) it is faster; and the fewer
// terms a sum has, the less their errors cancel. See bench/results and package quant.
const smallestInt8 = 2048

// quantize turns the model's matrices into int8, except those of layers that e keeps, and notes
// what became of them.
func (i *imported) quantize(e extras) error {
	var names []string
	for _, l := range i.model.Layers {
		names = append(names, l.LayerName())
	}
	for _, name := range e.keep {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-keep %s: found no layer of that name, the layers are %s", name, strings.Join(names, ", "))
		}
	}
	q := format.Quantized(i.model, func(layer string, t *format.Tensor) bool {
		return t.Rows*t.Cols < e.smallest || slices.Contains(e.keep, layer)
	})
	q = format.WithDigits(q, e.digits)
	var in8, all, matrices int
	for k := range q.Tensors {
		t := &q.Tensors[k]
		n := t.Rows * t.Cols
		if all += n; t.Type == format.Int8 {
			in8 += n
			matrices++
		}
	}
	if in8 == 0 {
		return fmt.Errorf("found no matrix to store as int8: want one of at least 16 rows and %d elements, below which int8 is neither faster nor much smaller, in a layer that is not kept; convert it without -q", e.smallest)
	}
	i.notes = append(i.notes, fmt.Sprintf("int8: %d of %d weights; matrices of fewer than %d elements or 16 rows, vectors and tables stay float32", in8, all, e.smallest))
	if e.digits > 1 {
		i.notes = append(i.notes, fmt.Sprintf("what int8 matrices multiply has %d bits", 8*e.digits))
	}
	if err := i.round(q, matrices, e); err != nil {
		return err
	}
	i.model = q
	return nil
}

// round rounds the matrices of q, which is the model with that many in int8, for data if there is
// any, or else for random input.
func (i *imported) round(q *format.Model, matrices int, e extras) error {
	c, err := NewCalibration(i.model, q)
	if err != nil {
		return err
	}
	what := "random input; -calibrate, with data like that which the model will see, makes it more exact"
	if e.calibrate != "" {
		streams, err := c.files(e.calibrate, e.progress)
		if err != nil {
			return err
		}
		what = fmt.Sprintf("%d steps of %d streams of %s", c.Steps, streams, e.calibrate)
	} else if err := c.Random(); err != nil {
		i.notes = append(i.notes, fmt.Sprintf("rounded to the nearest: on random input the model fails, %v", err))
		return nil
	}
	i.notes = append(i.notes, fmt.Sprintf("%d of %d int8 matrices are rounded for %s", c.Round(), matrices, what))
	return nil
}
