package keras

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// Weights that training leaves alone lie behind the others; names tell whose they are, and
// where they do not, a layer that is not trainable is refused.
func TestOrder(t *testing.T) {
	paths := func(list []array) (s []string) {
		for _, a := range list {
			s = append(s, a.path)
		}
		return s
	}
	cell := func(name string, trainable bool) map[string]any {
		return map[string]any{"class_name": "GRUCell", "config": map[string]any{"name": name, "trainable": trainable}}
	}
	gru := func(name string) map[string]any {
		return map[string]any{"class_name": "GRU", "config": map[string]any{"name": name, "trainable": false}}
	}
	stack := func(cells ...any) map[string]any {
		return map[string]any{"class_name": "RNN", "config": map[string]any{"name": "rnn", "cell": map[string]any{
			"class_name": "StackedRNNCells", "config": map[string]any{"cells": cells}}}}
	}
	both := func(forward, backward map[string]any) map[string]any {
		c := map[string]any{"name": "b", "layer": forward}
		if backward != nil {
			c["backward_layer"] = backward
		}
		return map[string]any{"class_name": "Bidirectional", "config": c}
	}
	for name, c := range map[string]struct {
		layer       map[string]any
		paths, want []string
	}{
		"as trained":        {both(gru("g"), nil), []string{"b/forward_g/c/kernel:0", "b/backward_g/c/kernel:0"}, []string{"b/forward_g/c/kernel:0", "b/backward_g/c/kernel:0"}},
		"forward last":      {both(gru("g"), nil), []string{"b/backward_g/c/kernel:0", "b/forward_g/c/kernel:0"}, []string{"b/forward_g/c/kernel:0", "b/backward_g/c/kernel:0"}},
		"names of Keras 1":  {both(gru("g"), nil), []string{"backward_g_W:0", "forward_g_W:0"}, []string{"forward_g_W:0", "backward_g_W:0"}},
		"names that remain": {both(gru("forward_g"), gru("own")), []string{"b/own/c/kernel", "b/forward_g/c/kernel"}, []string{"b/forward_g/c/kernel", "b/own/c/kernel"}},
		"misleading":        {both(gru("backward_g"), nil), []string{"backward_b/backward_backward_g/forward_c/kernel", "backward_b/forward_backward_g/forward_c/kernel"}, []string{"backward_b/forward_backward_g/forward_c/kernel", "backward_b/backward_backward_g/forward_c/kernel"}},
		"cells":             {stack(cell("a", false), cell("b", true)), []string{"rnn/s/b/kernel", "rnn/s/b/bias", "rnn/s/a/kernel"}, []string{"rnn/s/a/kernel", "rnn/s/b/kernel", "rnn/s/b/bias"}},
		"both and cells": {both(stack(cell("a", false), cell("b", true)), nil), []string{"b/forward_rnn/s/b/k", "b/backward_rnn/s/b/k", "b/forward_rnn/s/a/k", "b/backward_rnn/s/a/k"},
			[]string{"b/forward_rnn/s/a/k", "b/forward_rnn/s/b/k", "b/backward_rnn/s/a/k", "b/backward_rnn/s/b/k"}},
		"no names":                {both(gru("g"), nil), []string{"kernel", "kernel"}, nil},
		"cells of one name":       {stack(cell("a", false), cell("a", true)), []string{"rnn/s/a/kernel", "rnn/s/a/kernel"}, nil},
		"cells of one name, both": {stack(cell("a", true), cell("a", true)), []string{"rnn/s/a/kernel", "rnn/s/a/bias"}, []string{"rnn/s/a/kernel", "rnn/s/a/bias"}},
	} {
		l, err := (&parser{left: maxLayers}).layer(c.layer)
		require.NoError(t, err, name)
		var list []array
		for _, p := range c.paths {
			list = append(list, array{path: p})
		}
		got, err := l.inOrder(list, 0)
		if c.want == nil {
			assert.ErrorContains(t, err, "whose names do not tell which of its parts they are of", name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, c.want, paths(got), name)
	}
}

// Without a configuration, names tell the directions apart, too.
func TestFrozenTensors(t *testing.T) {
	data := contents(t, "keras2_order.zip")["frozen.h5"]
	c, err := Tensors("frozen.h5", data)
	require.NoError(t, err)
	s, err := spec.Parse("m.yaml", []byte("layers: [{lstm: ahead}]"))
	require.NoError(t, err)
	kept := c.Tensors[:0]
	for _, x := range c.Tensors {
		if strings.HasPrefix(x.Name, "ahead.") {
			kept = append(kept, x)
		}
	}
	c.Tensors = kept
	byNames, err := assemble.Model(c, s)
	require.NoError(t, err)
	layer := `{"class_name": "Bidirectional", "config": {"name": "ahead", "merge_mode": "concat", "layer": {"class_name": "LSTM", "config": {"name": "lstm", "units": 3, "return_sequences": true, "activation": "tanh", "recurrent_activation": "sigmoid"}}}}`
	m, _, _, err := Read("frozen.h5", data, sequential(layer))
	require.NoError(t, err)
	xs := []float32{1, -2, 3, 0.5, 0, -1}
	assert.Equal(t, output(t, m, xs), output(t, byNames, xs))
}
