package asm

// SoftmaxF32 computes y[i] = exp(x[i]) / Σ exp(x[j]), with the largest x taken
// off first. One Go loop on every machine: the sum runs in index order.
//
//	len(y) ≥ len(x) > 0; y may be x
func SoftmaxF32(y, x []float32) {
	largest := x[0]
	for _, v := range x {
		largest = max(largest, v)
	}
	var sum float32
	for i, v := range x {
		s, m := expParts(max(v-largest, -64))
		y[i] = fma32(s, m, s)
		sum += y[i]
	}
	for i := range x {
		y[i] /= sum
	}
}

// LogSoftmaxF32 computes y[i] = x[i] − log Σ exp(x[j]), with the largest x taken off
// first, sum and logarithm in float64. One Go loop on every machine.
//
//	len(y) ≥ len(x) > 0; y may be x
func LogSoftmaxF32(y, x []float32) {
	largest := x[0]
	for _, v := range x {
		largest = max(largest, v)
	}
	var sum float64
	for _, v := range x {
		s, m := expParts(max(v-largest, -64))
		sum += float64(fma32(s, m, s))
	}
	shift := float64(largest) + log(sum)
	for i, v := range x {
		y[i] = float32(float64(v) - shift)
	}
}
