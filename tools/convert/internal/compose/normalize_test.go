package compose

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBatchNorm(t *testing.T) {
	mean, variance := []float32{1, -2}, []float32{3, 0}
	s, shift, err := BatchNorm(nil, nil, mean, variance, 1)
	require.NoError(t, err)
	assert.Equal(t, []float32{0.5, 1}, s)
	assert.Equal(t, []float32{-0.5, 2}, shift)
	s, shift, err = BatchNorm([]float32{4, 3}, []float32{10, 20}, mean, variance, 1)
	require.NoError(t, err)
	assert.Equal(t, []float32{2, 3}, s)
	assert.Equal(t, []float32{8, 26}, shift)

	for message, variance := range map[string][]float32{
		"element 1 of the variance is -0.5, expected 0 or more": {1, -0.5},
		"element 0 of the variance is NaN, expected 0 or more":  {float32(math.NaN()), 1},
	} {
		_, _, err := BatchNorm(nil, nil, mean, variance, 1)
		assert.EqualError(t, err, message)
	}
	_, _, err = BatchNorm(nil, nil, mean, variance, 0)
	assert.EqualError(t, err, "element 1 of the variance is 0, and so is epsilon")
}
