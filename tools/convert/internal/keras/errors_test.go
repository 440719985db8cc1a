package keras

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// sequential is a configuration of layers on an input of three features.
func sequential(layers string) Config {
	return Config{File: "m.json", Text: []byte(`{"class_name": "Sequential", "config": {"name": "m", "layers": [
{"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [null, null, 3]}}, ` + layers + `]}}`)}
}

// conv is a Conv1D of two filters with these fields.
func conv(fields ...any) string {
	text := `{"class_name": "Conv1D", "config": {"name": "c", "filters": 2, "activation": "linear"`
	for i := 0; i < len(fields); i += 2 {
		text += fmt.Sprintf(", %q: %v", fields[i], fields[i+1])
	}
	return text + "}}"
}

// What would change the result is refused, by the name of the layer and of the field.
func TestRefusals(t *testing.T) {
	const lstm = `{"class_name": "LSTM", "config": {"name": "a", "units": 4, "return_sequences": true, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": true}}`
	data := contents(t, "keras2.zip")["cudnn.h5"] // the layers a, b and c
	_, _, _, err := Read("m.h5", data, sequential(lstm))
	require.NoError(t, err)
	for _, c := range []struct{ layers, want string }{
		{`{"class_name": "Lambda", "config": {"name": "l", "function": ["c", null, null]}}`, `m.h5: layer "l" (Lambda) holds code, which is not executed; `},
		{`{"class_name": "Conv2D", "config": {"name": "c2"}}`, `m.h5: layer "c2" (Conv2D) is a convolution, supported is Conv1D along time; `},
		{conv("kernel_size", 3, "padding", `"valid"`, "dilation_rate", 2), `m.h5: layer "c" (Conv1D) has the padding valid, which leaves out the first 4 steps; supported is causal, which has them, `},
		{conv("kernel_size", 3, "dilation_rate", 2), `layer "c" (Conv1D) has the padding valid`},
		{conv("kernel_size", 3, "padding", `"same"`), `layer "c" (Conv1D) has the padding same, which reads steps that are still to come; supported is causal: train with it`},
		{conv("kernel_size", 3, "padding", `"causal"`, "strides", "[2]"), `layer "c" (Conv1D) has strides of 2 steps, supported is 1`},
		{conv("kernel_size", 3, "padding", `"causal"`, "groups", 3), `layer "c" (Conv1D) has a kernel of shape [6 2] in the file ("c/kernel:0"), expected [3, 3/3, filters] for 3 groups`},
		{conv("kernel_size", 3, "padding", `"causal"`, "data_format", `"channels_first"`), `layer "c" (Conv1D) has the data_format channels_first, supported is channels_last`},
		{conv("kernel_size", "[3, 3]", "padding", `"causal"`), `layer "c" (Conv1D) has the kernel_size [3 3], expected a size from 1 to `},
		{conv("padding", `"causal"`), `layer "c" (Conv1D) has the kernel_size <nil>, expected a size from 1 to `},
		{conv("kernel_size", 2, "padding", `"causal"`, "dilation_rate", 1<<19), `layer "c" (Conv1D) has a kernel of 2 steps, 524288 apart, of 3 features, supported are up to 1048576 numbers from the first to the last`},
		{conv("kernel_size", 2, "padding", `"causal"`), `layer "c" (Conv1D) has a kernel of shape [6 2] in the file ("c/kernel:0"), expected [2 3 2]`},
		{`{"class_name": "Masking", "config": {"name": "k", "mask_value": 0.0}}, ` + conv("kernel_size", 2, "padding", `"causal"`), `layer "c" (Conv1D) reads steps that layer "k" masks`},
		{`{"class_name": "TimeDistributed", "config": {"name": "c", "layer": ` + conv("kernel_size", 1) + `}}`, `layer "c" (TimeDistributed) reads a value of shape [batch, 3], expected a sequence`},
		{`{"class_name": "MyCell", "config": {"name": "x"}}`, `m.h5: layer "x" (MyCell) is of a class that is not supported; supported are `},
		{`{"class_name": "LSTM", "registered_name": "My>LSTM", "config": {"name": "a"}}`, `m.json: layer "a" (LSTM) is the custom class "My>LSTM"`},
		{`{"class_name": "Divide", "module": "keras.src.ops.numpy", "config": {"name": "a"}}`, `layer "a" (Divide) is an operation on tensors, supported are layers, and x + y, x − y and x·y`},
		{`{"class_name": "TFOpLambda", "config": {"name": "a", "function": "math.divide"}}`, `layer "a" (TFOpLambda) is an operation on tensors`},
		{`{"class_name": "TFOpLambda", "inbound_nodes": [["in", 0, 0, {"y": 2.0}]], "config": {"name": "a", "function": "math.multiply"}}`, `layer "a" (Multiply) has inbound_nodes that have 2, expected the name of a layer, a call and an output`},
		{`{"class_name": "Dense", "inbound_nodes": [["in", 0, 0, {"y": ["in", 0, 0]}]], "config": {"name": "a"}}`, `layer "a" (Dense) has inbound_nodes that call it with "y"`},
		{`{"class_name": "Dense", "module": "__main__", "config": {"name": "a"}}`, `layer "a" (Dense) is of the module "__main__"`},
		{strings.Replace(lstm, `"use_bias"`, `"clip": 3, "use_bias"`, 1), `m.h5: layer "a" (LSTM) has "clip": 3, which is not supported`},
		{strings.Replace(lstm, `"use_bias"`, `"time_major": true, "use_bias"`, 1), `layer "a" (LSTM) has time_major`},
		{strings.Replace(lstm, `"activation": "tanh"`, `"activation": "gelu"`, 1), `layer "a" (LSTM) has the activation "gelu", supported in a cell are tanh, `},
		{strings.Replace(lstm, `"units": 4`, `"units": 5`, 1), `layer "a" (LSTM) has a kernel of shape [3 16] in the file ("a/kernel:0"), expected [3 20]`},
		{strings.Replace(lstm, `"units": 4`, `"units": 1e9`, 1), `layer "a" (LSTM) has the units 1000000000, expected a size from 1 to `},
		{strings.Replace(lstm, `"use_bias": true`, `"use_bias": false`, 1), `layer "a" (LSTM) leaves weights in the file unused, from "a/bias:0" on`},
		{strings.Replace(lstm, `"name": "a"`, `"name": "z"`, 1), `layer "z" (LSTM) has no weights in the file, expected kernel, recurrent_kernel and bias`},
		{strings.Replace(lstm, `"name": "a"`, `"dtype": {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8"}}, "name": "a"`, 1), `layer "a" (LSTM) has the dtype QuantizedDTypePolicy, supported are floats`},
		{strings.Replace(lstm, `"recurrent_activation": "sigmoid", `, "", 1), ""},
		{`{"class_name": "Masking", "config": {"name": "k", "mask_value": 0.0}}, ` + lstm, `layer "a" (LSTM) skips the steps that layer "k" masks`},
		{`{"class_name": "Masking", "config": {"name": "k", "mask_value": 0.0}}, {"class_name": "ReLU", "config": {"name": "r"}}`, ""},
		{`{"class_name": "Masking", "config": {"name": "k", "mask_value": 0.0}}, {"class_name": "Softmax", "config": {"name": "s"}}`, `layer "s" (Softmax) reads the mask of layer "k", which is not supported; `},
		{`{"class_name": "Normalization", "config": {"name": "n", "axis": [-1], "mean": [1, 2], "variance": [1, 2]}}`, `layer "n" (Normalization) has 2 numbers as mean for 3 features`},
		{`{"class_name": "Normalization", "config": {"name": "n", "axis": [-1], "mean": [[[1]]], "variance": "x"}}`, `layer "n" (Normalization) has the variance x, expected numbers`},
		{`{"class_name": "Normalization", "config": {"name": "n", "axis": [-1], "mean": 0, "variance": -1}}`, `layer "n" (Normalization) has the variance -1, expected 0 or more`},
		{`{"class_name": "Normalization", "config": {"name": "n", "axis": [-1], "mean": 0}}`, `layer "n" (Normalization) has the variance <nil>, expected numbers`},
		{`{"class_name": "Dense", "inbound_nodes": [[["in", 0, 0, {"training": true}]]], "config": {"name": "d"}}`, `layer "d" (Dense) has inbound_nodes that call it with "training": true`},
		{`{"class_name": "Masking", "config": {"name": "k", "mask_value": -1.0}}`, `layer "k" (Masking) has the mask_value -1, supported is 0`},
		{strings.Replace(lstm, `true, "act`, `false, "act`, 1) + `, {"class_name": "RepeatVector", "config": {"name": "r", "n": 3}}`, `layer "r" (RepeatVector) gives a value of shape [batch, 4] to 3 steps`},
		{strings.Replace(lstm, `true, "act`, `false, "act`, 1) + `, ` + lstm, `layer "a" (LSTM) reads a value of shape [batch, 4], expected a sequence`},
		{`{"class_name": "Flatten", "config": {"name": "f"}}`, `layer "f" (Flatten) makes one vector of a value of shape [batch, ?, 3]`},
		{`{"class_name": "Reshape", "config": {"name": "f", "target_shape": [-1]}}`, `layer "f" (Reshape) makes [-1] of a value of shape [batch, ?, 3]`},
		{`{"class_name": "Reshape", "config": {"name": "f", "target_shape": [5, 3]}}`, `layer "f" (Reshape) makes [5 3] of a value of shape [batch, ?, 3]`},
		{`{"class_name": "TimeDistributed", "config": {"name": "t", "layer": ` + lstm + `}}`, `layer "t" (TimeDistributed) runs layer "a" (LSTM) along another dimension than time`},
		{`{"class_name": "Bidirectional", "config": {"name": "b", "merge_mode": null, "layer": ` + lstm + `}}`, `layer "b" (Bidirectional) has the merge_mode `},
		{`{"class_name": "ReLU", "config": {"name": "r", "max_value": 6, "threshold": 0.5, "negative_slope": 0.1}}`, `layer "r" (ReLU) has negative_slope 0.1, threshold 0.5 and max_value 6, supported are max_value of 0 or more with one of the others or none`},
		{`{"class_name": "BatchNormalization", "config": {"name": "c", "axis": 1}}`, `layer "c" (BatchNormalization) has the axis 1 of 3, supported is the last one, the features`},
		{`{"class_name": "LayerNormalization", "config": {"name": "a", "axis": -1, "scale": false, "center": false, "rms_scaling": true}}`, `layer "a" (LayerNormalization) has "rms_scaling": true, which is not supported`},
		{`{"class_name": "Dense", "config": {"name": "c", "units": 2, "activation": "linear", "lora_rank": 4}}`, `layer "c" (Dense) has a kernel of shape [6 2]`},
		{`{"class_name": "Embedding", "config": {"name": "e", "input_dim": 5, "output_dim": 2}}`, `layer "e" (Embedding) reads a value of shape [batch, ?, 3], supported is the model's one input, tokens`},
	} {
		_, _, _, err := Read("m.h5", data, sequential(c.layers))
		if c.want == "" {
			require.NoError(t, err, c.layers)
			continue
		}
		assert.ErrorContains(t, err, c.want, c.layers)
	}
	_, _, _, err = Read("m.h5", data, Config{File: "m.json", Text: []byte(`{"class_name": "Dense", "config": {"name": "d"}}`)})
	assert.ErrorContains(t, err, `m.json: the configuration is of class "Dense", supported are Sequential and functional models`)
}

// In a file that numbers its layers and has no names, a part of the model is refused.
func TestPartOfNumbered(t *testing.T) {
	gru := sequential(`{"class_name": "GRU", "config": {"name": "gru", "units": 5, "reset_after": true}}`)
	_, _, _, err := Read("m.weights.h5", contents(t, "keras2.zip")["stack.weights.h5"], gru)
	require.ErrorContains(t, err, `m.weights.h5: the file has the layer "dense", which the configuration has not`)
}

// The gates' default was hard_sigmoid until 2.3, and what it is at 0 tells nothing: the
// functions are in the model.
func TestVersions(t *testing.T) {
	for text, want := range map[string]version{
		"1.2.2": {1, 2, false}, "2.2.4-tf": {2, 2, true}, "3.9.2": {3, 9, false}, "": {}, "x.y": {},
	} {
		assert.Equal(t, want, parseVersion(text), text)
	}
	for _, c := range []struct {
		version version
		alpha   float32
		problem string
	}{
		{version{2, 2, false}, 0.2, ""}, {version{2, 3, false}, 0, ""}, {version{3, 0, false}, 0, ""},
		{version{2, 2, true}, 0, "has no recurrent_activation"},
	} {
		tr := newTranslation("", 0)
		tr.version = c.version
		l := &layer{class: "LSTM", config: map[string]any{"units": 2.0}}
		cell, err := tr.cell(l, l.fields())
		if c.problem != "" {
			require.ErrorContains(t, err, c.problem)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.alpha, cell.gate.Alpha)
	}
}

// The names of groups in numbered files.
func TestSnake(t *testing.T) {
	for class, want := range map[string]string{
		"LSTM": "lstm", "SimpleRNN": "simple_rnn", "PReLU": "p_re_lu", "RNN": "rnn", "BatchNormalization": "batch_normalization", "TimeDistributed": "time_distributed", "GRUCell": "gru_cell", "Conv1D": "conv1d",
	} {
		assert.Equal(t, want, snake(class))
	}
}

// Weights without a configuration become the tensors of PyTorch's layers.
func TestTensors(t *testing.T) {
	old := contents(t, "keras2.zip")
	for name, want := range map[string]map[string][]int{
		"old.h5":           {"lstm_8.weight_ih_l0": {16, 3}, "lstm_8.bias_ih_l0": {16}, "gru_10.weight_hh_l0": {15, 5}, "gru_10.bias_hh_l0": {15}, "dense_8.weight": {2, 5}, "dense_8.bias": {2}},
		"stack.weights.h5": {"lstm.weight_ih_l0": {16, 3}, "lstm.bias_ih_l0": {16}, "gru.weight_hh_l0": {15, 5}, "gru.bias_hh_l0": {15}, "dense.weight": {2, 5}, "dense.bias": {2}},
	} {
		c, err := Tensors(name, old[name])
		require.NoError(t, err)
		var names []string
		for _, x := range c.Tensors {
			names = append(names, x.Name)
		}
		for tensor, shape := range want {
			x := c.Lookup(tensor)
			if assert.NotNil(t, x, "%s: %s, there are %v", name, tensor, names) {
				assert.Equal(t, shape, x.Shape)
			}
		}
	}
	// Put together again, they compute the same.
	c, err := Tensors("old.h5", old["old.h5"])
	require.NoError(t, err)
	s, err := spec.Parse("old.yaml", []byte("layers: [{lstm: lstm_8}, {gru: gru_10}, {dense: dense_8, activation: sigmoid}]"))
	require.NoError(t, err)
	m, err := assemble.Model(c, s)
	require.NoError(t, err)
	x, y := golden(t, old, "old")
	compare(t, y, output(t, m, x), tolerance)

	c, err = Tensors("cudnn.h5", old["cudnn.h5"])
	require.NoError(t, err)
	require.NotNil(t, c.Lookup("b.weight_ih_l0_reverse"))
	require.NotNil(t, c.Lookup("a.weight_ih_l0"))
}
