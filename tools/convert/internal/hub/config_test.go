package hub

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]Config{
		`{}`:                                  {},
		`{"nonlinearity": "tanh"}`:            {Nonlinearity: "tanh"},
		`{"nonlinearity": "gelu"}`:            {},
		`{"nonlinearity": null}`:              {},
		`{"layer_norm_epsilon": 1e-12}`:       {LayerEpsilon: 1e-12},
		`{"layer_norm_eps": "1e-12"}`:         {},
		`{"layer_norm_eps": -1}`:              {},
		`{"layer_norm_eps": 1e-300}`:          {},
		`{"layer_norm_eps": 1e300}`:           {},
		`{"sample_rate": 44100}`:              {SampleRate: "44100"},
		`{"sample_rate": [1]}`:                {},
		`{"eps": 1, "hidden_act": "tanh"}`:    {},
		`{"layer_norm_eps": 1e999}`:           {},
		`{"a": {"layer_norm_eps": 1e-12}}`:    {},
		`[]`:                                  {},
		`null`:                                {},
		`{"nonlinearity": "relu"`:             {},
		strings.Repeat(`{"a":`, 1_000_000):    {},
		`{"sampling_rate": 8, "b": "\ud800"}`: {SampleRate: "8"},
	} {
		c := Read("config.json", []byte(text))
		c.Notes = nil
		assert.Equal(t, want, c, "%.80s", text)
	}
	assert.Equal(t, []string{"p, beside it, was not used: it is no object in JSON"}, Read("p", []byte("null")).Notes)

	// Of two names for one thing the second one is named as not used.
	c := Read("p", []byte(`{"layer_norm_epsilon": 2e-3, "layer_norm_eps": 1e-3, "sample_rate": 2, "sampling_rate": 1}`))
	assert.Equal(t, Config{LayerEpsilon: 1e-3, SampleRate: "2", Notes: []string{
		`p, beside it, says "layer_norm_eps", "sample_rate": used where a spec does not say it`,
		`p, beside it, says "layer_norm_epsilon", "sampling_rate", too: not used, the tensors and the spec tell the rest`,
	}}, c)
}

// What a configuration says is said of the modules that it may be of, and of those whose class
// the file tells not at all.
func TestApply(t *testing.T) {
	k := &checkpoint.Checkpoint{Modules: map[string]checkpoint.Module{"told": {Class: "torch.nn.modules.rnn.RNN", Nonlinearity: "tanh"}}}
	for name, shape := range map[string][]int{
		"weight_hh_l0": {4, 4}, "told.weight_hh_l0": {4, 4}, "gru.weight_hh_l0": {12, 4}, "ln.weight": {4}, "a.b.weight": {4},
		"bn.weight": {4}, "bn.running_mean": {4}, "fc.weight": {4, 4}, "fc.bias": {4},
	} {
		k.Tensors = append(k.Tensors, checkpoint.Tensor{Name: name, Shape: shape})
	}
	Config{Notes: []string{"note"}}.Apply(k)
	assert.Len(t, k.Modules, 1)
	Config{LayerEpsilon: 1e-3, Nonlinearity: "relu"}.Apply(k)
	assert.Equal(t, map[string]checkpoint.Module{
		"":     {Nonlinearity: "relu"},
		"told": {Class: "torch.nn.modules.rnn.RNN", Nonlinearity: "tanh"},
		"ln":   {Epsilon: 1e-3},
		"a.b":  {Epsilon: 1e-3},
	}, k.Modules)
	assert.Equal(t, []string{"note"}, k.Skipped)
}

// As many keys as fit cost no more than other hostile files may.
func TestManyKeys(t *testing.T) {
	var b []byte
	for i := 0; len(b) < MaxSize-20; i++ {
		b = fmt.Appendf(b, ",%q:1", strconv.FormatInt(int64(i), 36))
	}
	b[0] = '{'
	require.NoError(t, hostiletest.Read(t, func() error {
		c := Read("config.json", append(b, '}'))
		require.Len(t, c.Notes, 1)
		require.Contains(t, c.Notes[0], "more, too: not used")
		return nil
	}))
}

// Whatever the text, there is a configuration that a model can have, and notes that can be
// read.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"layer_norm_eps": 1e-3, "nonlinearity": "relu", "sampling_rate": 16000, "other": {"a": [1]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := Read("config.json", text)
		require.True(t, c.LayerEpsilon >= 0 && c.LayerEpsilon < 1)
		require.Contains(t, []string{"", "tanh", "relu"}, c.Nonlinearity)
		for _, note := range c.Notes {
			require.Less(t, len(note), 4096)
		}
	})
}
