package nam

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

const good = `{"version": "0.5.4", "metadata": {"name": "amp", "loudness": -18.5, "gain": 0.5}, "architecture": "LSTM",
"config": {"input_size": 1, "hidden_size": 1, "num_layers": 1}, "weights": [1,2,3,4,5,6,7,8,9,10,11,12,0.5,0.25,2,3], "sample_rate": 44100}`

func read(data []byte) error {
	_, _, err := Read("amp.json", data)
	return err
}

var importer = hostiletest.Importer{Sniff: Sniff, Read: Read}

func TestHostile(t *testing.T) { importer.Damage(t, good, "{}") }

// A version that nobody has seen is said.
func TestVersion(t *testing.T) {
	for version, notes := range map[string]int{"0.5.4": 1, "0.7.0": 1, "0.8.0": 2, "10.5.1": 2, "": 2} {
		_, have, err := Read("amp.nam", []byte(strings.Replace(good, "0.5.4", version, 1)))
		require.NoError(t, err)
		assert.Len(t, have, notes, version)
	}
}

func FuzzRead(f *testing.F) { importer.Fuzz(f, good) }
