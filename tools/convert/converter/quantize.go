package converter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

// smallestInt8 is how many elements a matrix has at least that is worth storing as int8. With
// 16 units (a recurrent matrix of 48 or 64 rows and 16 columns) a step in int8 takes longer
// than one in float32, with 32 (96 or 128 rows and 32 columns) it is faster; and the fewer
// terms a sum has, the less their errors cancel. See bench/results and package quant.
const smallestInt8 = 2048

// quantize turns the model's matrices into int8, except those of layers that e keeps,
// calibrated if e says so, and notes what became of them.
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
	var in8, all int
	for k := range q.Tensors {
		t := &q.Tensors[k]
		n := t.Rows * t.Cols
		if all += n; t.Type == format.Int8 {
			in8 += n
		}
	}
	if in8 == 0 {
		return fmt.Errorf("found no matrix to store as int8: want one of at least 16 rows and %d elements, below which int8 is neither faster nor much smaller, in a layer that is not kept; convert it without -q", e.smallest)
	}
	if e.calibrate != "" {
		if err := i.calibrate(q, e); err != nil {
			return err
		}
	}
	i.model = q
	i.notes = append(i.notes, fmt.Sprintf("int8: %d of %d weights; matrices of fewer than %d elements or 16 rows, vectors and tables stay float32", in8, all, e.smallest))
	return nil
}

// calibrate sets the ranges of q, which is the model in int8, from data.
func (i *imported) calibrate(q *format.Model, e extras) error {
	files, err := steps.Files(e.calibrate)
	if err != nil {
		return err
	}
	c, err := NewCalibration(i.model)
	if err != nil {
		return err
	}
	streams, I := 0, i.model.InputSize()
	for _, file := range files {
		xs, err := steps.Read(file, I)
		if err != nil {
			return err
		}
		done, total := 0, 0
		for _, x := range xs {
			total += len(x) / I
		}
		for n, x := range xs {
			err := c.Run(x, func(steps int) {
				if done += steps; e.progress != nil {
					e.progress(file, done, total)
				}
			})
			if err != nil {
				return fmt.Errorf("%s, stream %d: %w", file, n, err)
			}
		}
		streams += len(xs)
	}
	if c.Steps == 0 {
		return fmt.Errorf("%s: found no step to calibrate by", e.calibrate)
	}
	ranges := c.Apply(q)
	var list []string
	for _, r := range ranges {
		list = append(list, fmt.Sprintf("%s %.3g", r.Matrix, r.Largest))
	}
	if len(list) == 0 {
		list = []string{"none, every matrix saw only zeros or something that cannot be watched"}
	}
	i.notes = append(i.notes, fmt.Sprintf("calibrated on %d steps of %d streams; what is larger than these ranges is limited to them: %s", c.Steps, streams, strings.Join(list, ", ")))
	return nil
}
