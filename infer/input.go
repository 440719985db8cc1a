package infer

import "math"

// checkInput verifies the input of one step: a vector whose elements are in range, or a
// token of the vocabulary. Where it is neither, e says so.
func (m *Model) checkInput(e *sessionError, x []float32, vocabulary int) bool {
	if vocabulary > 0 {
		v := x[0]
		if v >= 0 && v < float32(vocabulary) && v == float32(int(v)) {
			return true
		}
		*e = sessionError{kind: ErrValue, argument: "x", value: v, want: vocabulary}
		return false
	}
	limit := m.bounds.limit
	if m.within(x, limit) {
		return true
	}
	for i, v := range x {
		if !(math.Abs(float64(v)) <= float64(limit)) {
			*e = sessionError{kind: ErrValue, argument: "x", have: i, value: v, limit: limit}
			break
		}
	}
	return false
}

// checkInputs verifies the inputs of several steps. It returns the first that is wrong, and
// e says how; −1 if all are right.
func (m *Model) checkInputs(e *sessionError, xs []float32, vocabulary int) int {
	if vocabulary == 0 && m.within(xs, m.bounds.limit) {
		return -1
	}
	I := m.InputSize()
	for t := range len(xs) / I {
		if !m.checkInput(e, xs[t*I:][:I], vocabulary) {
			return t
		}
	}
	return -1
}

// mostWithin is how many floats one call verifies, which cannot be preempted: see kernelFloats.
const mostWithin = 4096

// within reports whether every x is finite and in range.
func (m *Model) within(x []float32, limit float32) bool {
	for len(x) > mostWithin {
		if !m.kernels.WithinF32(x[:mostWithin], limit) {
			return false
		}
		x = x[mostWithin:]
	}
	return m.kernels.WithinF32(x, limit)
}
