package nam

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

const good = `{"version": "0.5.4", "metadata": {"name": "amp", "loudness": -18.5, "gain": 0.5}, "architecture": "LSTM",
"config": {"input_size": 1, "hidden_size": 1, "num_layers": 1}, "weights": [1,2,3,4,5,6,7,8,9,10,11,12,0.5,0.25,2,3], "sample_rate": 44100}`

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
