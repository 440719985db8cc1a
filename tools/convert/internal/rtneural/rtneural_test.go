package rtneural

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

const good = `{"in_shape": [null, null, 1], "in_skip": 1, "samplerate": "48000", "layers": [
{"type": "time-distributed-dense", "activation": "elu", "shape": [null, null, 2], "weights": [[[1, 2]], [0, 1]]},
{"type": "gru", "activation": "tanh", "shape": [null, null, 1], "weights": [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]], [[1, 2, 3], [4, 5, 6]]]},
{"type": "lstm", "activation": "", "shape": [null, null, 1], "weights": [[[1, 2, 3, 4]], [[5, 6, 7, 8]], [1, 2, 3, 4]]},
{"type": "activation", "activation": "sigmoid", "shape": [null, null, 1], "weights": []},
{"type": "dense", "activation": "softmax", "shape": [null, null, 1], "weights": [[[2]]]}]}`

func read(data []byte) error {
	_, _, err := Read("amp.json", data)
	return err
}

// Kernels are transposed, and a GRU's reset gate comes first.
func TestLayout(t *testing.T) {
	m, _, err := Read("amp.json", []byte(good))
	require.NoError(t, err)
	assert.Equal(t, "48000", m.Value("sample rate"))
	var gru *format.GRU
	for _, l := range m.Layers {
		if l, ok := l.(*format.GRU); ok {
			gru = l
		}
	}
	require.NotNil(t, gru)
	assert.Equal(t, []float32{2, 1, 3}, m.Tensor(gru.B).F32[:3])
	assert.Equal(t, []float32{5, 4, 6}, m.Tensor(gru.BR).F32[:3])
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"gru"`, `"conv1d"`, "amp.json: layer 1 (conv1d) is of a type that is not supported; supported are dense, time-distributed-dense, lstm, gru and activation"},
		{`[[7, 8, 9]]`, `[[7, 8, 9], [7, 8, 9]]`, "amp.json: layer 1 (gru) has a recurrent kernel of 2 rows, want 1"},
		{`[[5, 6, 7, 8]]`, `[[5, 6, 7]]`, "amp.json: layer 2 (lstm) has a recurrent kernel of 3 columns, want 4 for the units of its shape"},
		{`"elu"`, `"swish"`, `amp.json: layer 0 (time-distributed-dense) has the activation "swish", supported are `},
		{`[1, 2, 3, 4]]}`, `"x"]}`, "amp.json: layer 2 (lstm) has a bias that is no array of numbers: "},
		{`"in_shape": [null, null, 1]`, `"in_shape": [null]`, "amp.json: in_shape must end in a number of inputs"},
		{`"in_skip": 1`, `"in_skip": 1, "in_gain": -6`, "amp.json: in_gain and out_gain are -6 and 0 dB, supported is 0: "},
		{`"48000"`, `{"a": [1]}`, "amp.json: samplerate is {\"a\": [1]}, want a number of samples a second"},
		{`[[1, 2]]`, `[[null, 2]]`, "amp.json: layer 0 (time-distributed-dense) has a kernel that is no matrix of numbers: null is no number"},
		{`"in_skip": 1`, `"in_skip": 5`, "amp.json: in_skip is 5, supported are 0 and 1"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		require.NotEqual(t, good, text)
		assert.ErrorContains(t, read([]byte(text)), c.want)
	}
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
