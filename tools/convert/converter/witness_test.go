package converter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// A model whose state doubles with each step has a witness all the same, of as many
// steps as it lasts.
func TestShortWitness(t *testing.T) {
	b := format.NewBuilder(1)
	b.Output(b.RNN("grows", format.Input, format.Weights{W: []float32{1}, R: []float32{2}, H0: []float32{1}}, format.Relu))
	m, err := b.Model()
	require.NoError(t, err)
	require.NoError(t, complete(m, "net", "nothing"))
	assert.Equal(t, uint32(64), m.Witness.Steps)
	open(t, m)
}
