package assemble

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A tensor that could not be computed from its parts is missed with the reason, where the
// width of the input depends on it and where it does not.
func TestAbsent(t *testing.T) {
	c := &checkpoint.Checkpoint{
		File:    "net",
		Tensors: []checkpoint.Tensor{{Name: "a.bias", Shape: []int{2}, Data: []float32{1, 6}}},
		Absent:  map[string]string{"a.weight": "its parts do not fit"},
	}
	for _, input := range []string{"", "input: 2\n"} {
		s, err := spec.Parse("spec", []byte(input+"layers:\n- dense: a\n"))
		require.NoError(t, err)
		_, err = Model(c, s)
		require.Error(t, err)
		assert.Regexp(t, `^spec:\d: dense.*: no tensor "a.weight" in net: its parts do not fit$`, err.Error())
	}
}
