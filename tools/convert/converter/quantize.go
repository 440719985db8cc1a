package converter

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// quantize turns the model's matrices into int8, except those of layers that keep
// names, and notes what became of them.
func (i *imported) quantize(keep []string) error {
	var names []string
	for _, l := range i.model.Layers {
		names = append(names, l.LayerName())
	}
	for _, name := range keep {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-keep %s: found no layer of that name, the layers are %s", name, strings.Join(names, ", "))
		}
	}
	q := format.Quantized(i.model, func(layer string) bool { return slices.Contains(keep, layer) })
	var in8, all int
	for k := range q.Tensors {
		t := &q.Tensors[k]
		n := t.Rows * t.Cols
		if all += n; t.Type == format.Int8 {
			in8 += n
		}
	}
	if in8 == 0 {
		return errors.New("found no matrix to store as int8, supported are those of 16 rows and more in layers that are not kept")
	}
	i.model = q
	i.notes = append(i.notes, fmt.Sprintf("int8: %d of %d weights; matrices of fewer than 16 rows, vectors and tables stay float32", in8, all))
	return nil
}
