package infer

import (
	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/quant"
)

// compensations returns what MatVec4I8 needs of each int8 matrix that it is for: 4 bytes for
// each row and asm.MaxColsI8 columns, once a model.
func compensations(k *asm.Kernels, tensors []format.Tensor) map[*format.Tensor][]int32 {
	all := make(map[*format.Tensor][]int32)
	for i := range tensors {
		if t := &tensors[i]; t.I8 != nil && len(t.I8.Elements) >= memoryBytes && k.MatVec4I8 != nil {
			all[t] = compensation(t)
		}
	}
	return all
}

// compensation returns the compensation of each padded row, for the first columns of all rows,
// then for the next.
func compensation(t *format.Tensor) []int32 {
	rows, cols := quant.Pad(t.Rows), quant.PadI8(t.Cols)
	comp := make([]int32, (cols+asm.MaxColsI8-1)/asm.MaxColsI8*rows)
	w := t.I8.Elements
	for first := 0; first < rows; first += asm.PanelRows {
		n := min(rows-first, asm.PanelRows)
		for k := 0; k < cols; k += asm.MaxColsI8 {
			size := n * min(cols-k, asm.MaxColsI8)
			asm.CompensationI8(comp[k/asm.MaxColsI8*rows+first:][:n], w[:size])
			w = w[size:]
		}
	}
	return comp
}
