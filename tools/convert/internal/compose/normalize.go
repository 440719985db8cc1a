package compose

import (
	"fmt"
	"math"
)

// BatchNorm returns s and shift of the batch normalisation s·x + shift after training:
// s = gamma/√(variance + ε) and shift = beta − s·mean, each rounded once. A gamma or a beta
// that is nil is 1 or 0. What cannot be a variance, or divided by, is an error with its number.
func BatchNorm(gamma, beta, mean, variance []float32, epsilon float64) (s, shift []float32, err error) {
	s, shift = make([]float32, len(mean)), make([]float32, len(mean))
	for i := range s {
		v := float64(variance[i]) + epsilon
		switch {
		case !(variance[i] >= 0):
			return nil, nil, fmt.Errorf("element %d of the variance is %v, expected 0 or more", i, variance[i])
		case v == 0:
			return nil, nil, fmt.Errorf("element %d of the variance is 0, and so is epsilon", i)
		}
		gain, offset := 1.0, 0.0
		if gamma != nil {
			gain = float64(gamma[i])
		}
		if beta != nil {
			offset = float64(beta[i])
		}
		gain /= math.Sqrt(v)
		s[i], shift[i] = float32(gain), float32(offset-gain*float64(mean[i]))
	}
	return s, shift, nil
}
