// Package layout turns matrices and gates from the layout of Keras, and of what is exported
// from Keras, into that of package format.
package layout

// Transposed turns a kernel [inputs][rows] into rows, [rows][inputs]. It returns nil if k
// has another length.
func Transposed(k []float32, inputs, rows int) []float32 {
	if len(k) != inputs*rows {
		return nil
	}
	w := make([]float32, len(k))
	for i := range inputs {
		for r := range rows {
			w[r*inputs+i] = k[i*rows+r]
		}
	}
	return w
}

// ResetFirst returns the gates z, r, h of a GRU, three blocks of one length, as r, z, h.
func ResetFirst(v []float32) []float32 {
	n := len(v) / 3
	out := append([]float32{}, v[n:2*n]...)
	return append(append(out, v[:n]...), v[2*n:]...)
}
