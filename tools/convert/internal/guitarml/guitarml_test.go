package guitarml

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

const good = `{"model_data": {"model": "SimpleRNN", "input_size": 1, "skip": 1, "output_size": 1, "unit_type": "GRU", "num_layers": 1, "hidden_size": 1, "bias_fl": true},
"state_dict": {"rec.weight_ih_l0": [[1], [2], [3]], "rec.weight_hh_l0": [[0.5], [1], [2]], "rec.bias_ih_l0": [0.1, 0, 1], "rec.bias_hh_l0": [0.2, 0, 1], "lin.weight": [[3]], "lin.bias": [0.3]}}`

func read(data []byte) error {
	_, _, err := Read("amp.json", data)
	return err
}

var importer = hostiletest.Importer{Sniff: Sniff, Read: Read}

func TestHostile(t *testing.T) { importer.Damage(t, good, "{}") }

// Of several tensors that nobody takes the same one is named each time.
func TestUnused(t *testing.T) {
	file := strings.Replace(good, `"lin.bias"`, `"z": [1], "b": [1], "a.c": [1], "lin.bias"`, 1)
	for range 20 {
		assert.EqualError(t, read([]byte(file)), `amp.json: state_dict has a tensor "a.c" that no layer takes`)
	}
}

func FuzzRead(f *testing.F) { importer.Fuzz(f, good) }
