package guitarml

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

const good = `{"model_data": {"model": "SimpleRNN", "input_size": 1, "skip": 1, "output_size": 1, "unit_type": "GRU", "num_layers": 1, "hidden_size": 1, "bias_fl": true},
"state_dict": {"rec.weight_ih_l0": [[1], [2], [3]], "rec.weight_hh_l0": [[0.5], [1], [2]], "rec.bias_ih_l0": [0.1, 0, 1], "rec.bias_hh_l0": [0.2, 0, 1], "lin.weight": [[3]], "lin.bias": [0.3]}}`

func read(data []byte) error {
	_, _, err := Read("amp.json", data)
	return err
}

func TestHostile(t *testing.T) {
	assert.True(t, Sniff([]byte(good)))
	assert.False(t, Sniff([]byte("{}")))
	require.NoError(t, read([]byte(good)))
	hostiletest.Truncations(t, []byte(good), read)
	hostiletest.Flips(t, []byte(good), read, nil)
}

// Of several tensors that nobody takes the same one is named each time.
func TestUnused(t *testing.T) {
	file := strings.Replace(good, `"lin.bias"`, `"z": [1], "b": [1], "a.c": [1], "lin.bias"`, 1)
	for range 20 {
		assert.EqualError(t, read([]byte(file)), `amp.json: state_dict has a tensor "a.c" that no layer takes`)
	}
}

// Whatever the file, reading it ends in an error or in a model that can be written.
func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, _, err := Read("amp.json", data)
		if err != nil {
			return
		}
		_, err = format.Marshal(m)
		require.NoError(t, err)
	})
}
