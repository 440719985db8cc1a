package rtneural

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

const goodStateDict = `{"gru.weight_ih_l0": [[1], [2], [3]], "gru.weight_hh_l0": [[0.5], [1], [2]], "gru.bias_ih_l0": [0.1, 0, 1], "gru.bias_hh_l0": [0.2, 0, 1],
"lstm.weight_ih": [[1], [2], [3], [4]], "lstm.weight_hh": [[5], [6], [7], [8]], "dense.weight": [[3], [4]], "dense.bias": [0.3, 0.4]}`

func readStateDict(data []byte) (*format.Model, error) {
	c, err := ReadStateDict("net.json", data)
	if err != nil {
		return nil, err
	}
	return assemble.Model(c, nil)
}

func TestStateDict(t *testing.T) {
	assert.True(t, SniffStateDict([]byte(goodStateDict)))
	assert.False(t, SniffStateDict([]byte(good)))
	m, err := readStateDict([]byte(goodStateDict))
	require.NoError(t, err)
	require.Len(t, m.Layers, 3)
	assert.Equal(t, "gru_l0", m.Layers[0].LayerName())
	assert.Equal(t, "lstm", m.Layers[1].LayerName())
	assert.Equal(t, []float32{3, 4}, m.Tensor(m.Layers[2].(*format.Dense).W).Matrix())
}

func TestStateDictErrors(t *testing.T) {
	for text, want := range map[string]string{
		`[1]`:                                "net.json: not an object in JSON",
		`{"a": [1], "a": [2]}`:               `net.json: two tensors are named "a"`,
		`{"a": [[1, 2], [3]]}`:               `net.json: "a" is no array of numbers: rows of 2 and of 1`,
		`{"a": [1, null]}`:                   `net.json: "a" is no array of numbers: null is no number`,
		`{"a": {"b": 1}}`:                    `net.json: "a" is no array of numbers: "{\"b\":" is no number`,
		`{"a": [[[[[1]]]]]}`:                 `net.json: "a" is no array of numbers: more than 4 dimensions`,
		`{"a": [1]} {}`:                      "net.json: goes on after its object, at offset ",
		`{"a": [1`:                           `net.json: "a": `,
		`{"d.weight": [[1]], "d.bias": [1]}`: "net.json: its tensors do not say how the layers are connected",
		// Two dense layers: the first may have an activation.
		`{"a.weight_hh": [[1],[1],[1]], "a.weight_ih": [[1],[1],[1]], "d.weight": [[1]], "e.weight": [[1]]}`: "do not say how",
		// A dense layer first, and widths that do not fit.
		`{"d.weight": [[1]], "a.weight_hh": [[1],[1],[1]], "a.weight_ih": [[1],[1],[1]]}`:         "do not say how",
		`{"a.weight_hh": [[1],[1],[1]], "a.weight_ih": [[1],[1],[1]], "d.weight": [[1, 2]]}`:      "do not say how",
		`{"a.weight_hh": [[1]], "a.weight_ih": [[1]], "d.weight": [[1]]}`:                         "activation: tanh # or relu",
		`{"a.weight_hh": [[1],[1],[1]], "a.weight_ih": [[1],[1],[1]], "conv.weight": [[[1, 2]]]}`: `not supported: "conv", a convolution by its shape: # weight [1 1 2]`,
	} {
		_, err := readStateDict([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func TestStateDictHostile(t *testing.T) {
	read := func(data []byte) error {
		_, err := readStateDict(data)
		return err
	}
	require.NoError(t, read([]byte(goodStateDict)))
	hostiletest.Truncations(t, []byte(goodStateDict), read)
	hostiletest.Flips(t, []byte(goodStateDict), read, nil)
}

// Whatever the file, reading it ends in an error or in a model that can be written.
func FuzzReadStateDict(f *testing.F) {
	f.Add([]byte(goodStateDict))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readStateDict(data)
		if err != nil {
			return
		}
		_, err = format.Marshal(m)
		require.NoError(t, err)
	})
}
