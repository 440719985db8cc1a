package layout

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLayout(t *testing.T) {
	assert.Equal(t, []float32{1, 4, 2, 5, 3, 6}, Transposed([]float32{1, 2, 3, 4, 5, 6}, 2, 3))
	assert.Nil(t, Transposed([]float32{1, 2, 3}, 2, 2))
	z := []float32{1, 2, 3, 4, 5, 6}
	assert.Equal(t, []float32{3, 4, 1, 2, 5, 6}, ResetFirst(z))
	assert.Equal(t, []float32{1, 2, 3, 4, 5, 6}, z)
}
