package spec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

func TestParse(t *testing.T) {
	s, err := Parse("s.yaml", []byte(`
# a comment
input: 3
layers:
  - embedding: embed
  - lstm: ""
    name: first
  - {rnn: enc.rnn, activation: relu, from: input}
  - dense: head
    activation: sigmoid
  - apply: tanh
  - softmax:
  - add: [first, head]
    name: sum
  - concat: [sum, head, input]
  - gru: both
    direction: bidirectional
    merge: average
  - layernorm: norm
    epsilon: 1e-3
  - apply: {hard_sigmoid: [0.2, 0.5]}
  - dense: last
    activation: {leaky relu: 0.01}
  - mul: [last, sum]
  - log_softmax:
  - gru: own
    tensors: {kernel: arr_0, bias: "gru/bias:0"}
layout: keras
output: sum
ignore: [aux, old.head]
meta:
  vocabulary: "ab\n"
  rate: 48000
`))
	require.NoError(t, err)
	assert.Equal(t, &Spec{
		File: "s.yaml", Input: 3, Layout: "keras", Output: "sum", Ignore: []string{"aux", "old.head"},
		Meta: []Entry{{"vocabulary", "ab\n"}, {"rate", "48000"}},
		Layers: []Layer{
			{Line: 5, Kind: "embedding", Prefix: "embed"},
			{Line: 6, Kind: "lstm", Name: "first"},
			{Line: 8, Kind: "rnn", Prefix: "enc.rnn", Activation: &format.Function{Kind: format.Relu}, From: []string{"input"}},
			{Line: 9, Kind: "dense", Prefix: "head", Activation: &format.Function{Kind: format.Sigmoid}},
			{Line: 11, Kind: "apply", Activation: &format.Function{Kind: format.Tanh}},
			{Line: 12, Kind: "softmax"},
			{Line: 13, Kind: "add", Name: "sum", From: []string{"first", "head"}},
			{Line: 15, Kind: "concat", From: []string{"sum", "head", "input"}},
			{Line: 16, Kind: "gru", Prefix: "both", Direction: "bidirectional", Merge: "average"},
			{Line: 19, Kind: "layernorm", Prefix: "norm", Epsilon: 1e-3},
			{Line: 21, Kind: "apply", Activation: &format.Function{Kind: format.HardSigmoid, Alpha: 0.2, Beta: 0.5}},
			{Line: 22, Kind: "dense", Prefix: "last", Activation: &format.Function{Kind: format.LeakyRelu, Alpha: 0.01}},
			{Line: 24, Kind: "mul", From: []string{"last", "sum"}},
			{Line: 25, Kind: "log_softmax"},
			{Line: 26, Kind: "gru", Prefix: "own", Tensors: map[string]string{"kernel": "arr_0", "bias": "gru/bias:0"}},
		},
	}, s)

	json, err := Parse("s.json", []byte(`{"layers": [{"gru": "rnn"}, {"dense": "fc"}]}`))
	require.NoError(t, err)
	assert.Equal(t, "gru", json.Layers[0].Kind)
	assert.Equal(t, "fc", json.Layers[1].Prefix)

	own := &s.Layers[len(s.Layers)-1]
	for role, want := range map[string]string{"bias": "gru/bias:0", "recurrent_kernel": ""} {
		name, ok := own.Tensor(role)
		assert.Equal(t, want, name)
		assert.Equal(t, want != "", ok)
	}
	name, _ := (&Layer{Prefix: "a.b"}).Tensor("bias")
	assert.Equal(t, "a.b.bias", name)
	name, _ = new(Layer).Tensor("bias")
	assert.Equal(t, "bias", name)
}

func TestParseErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, message string }{
		"empty":               {"", "s.yaml: empty, want a list of layers"},
		"no layers":           {"input: 3", "s.yaml:1: no layers"},
		"not a mapping":       {"- lstm: x", "s.yaml:1: the spec is not a mapping"},
		"not YAML":            {"layers: [", "s.yaml: yaml: "},
		"unknown key":         {"layer: []", `s.yaml:1: unknown key "layer", want layers,`},
		"unknown layer key":   {"layers:\n  - lstm: x\n    activaton: tanh", `s.yaml:3: unknown key "activaton" in a layer, want a kind (embedding, rnn,`},
		"two kinds":           {"layers:\n  - lstm: x\n    dense: y", "s.yaml:3: a layer is both lstm and dense; each layer starts with a dash"},
		"no kind":             {"layers:\n  - name: x", "s.yaml:2: a layer without a kind"},
		"activation":          {"layers:\n  - dense: x\n    activation: gelu", `s.yaml:3: activation "gelu", want linear, sigmoid, tanh, relu, leaky relu,`},
		"apply":               {"layers:\n  - apply: gelu", `s.yaml:2: apply "gelu", want linear,`},
		"activation of LSTM":  {"layers:\n  - lstm: x\n    activation: tanh", "s.yaml:2: activation of a layer of kind lstm"},
		"no parameter":        {"layers:\n  - apply: leaky relu", `s.yaml:2: apply "leaky relu": the number of parameters is 0, want apply: {leaky relu: α}`},
		"one of two":          {"layers:\n  - apply: {clip: 6}", `s.yaml:2: apply "clip": the number of parameters is 1, want apply: {clip: [α, β]}`},
		"too many":            {"layers:\n  - apply: {tanh: 6}", `s.yaml:2: apply "tanh": the number of parameters is 1, want apply: tanh`},
		"no number":           {"layers:\n  - apply: {elu: one}", `s.yaml:2: apply elu is "one", want a number`},
		"not finite":          {"layers:\n  - apply: {elu: .inf}", `s.yaml:2: apply elu is ".inf", want a number`},
		"list of functions":   {"layers:\n  - apply: [tanh]", "s.yaml:2: apply is neither the name of a function nor a mapping"},
		"merge":               {"layers:\n  - lstm: x\n    merge: max", `s.yaml:3: merge "max", want concat, sum, mul or average`},
		"merge of dense":      {"layers:\n  - dense: x\n    merge: sum", "s.yaml:2: merge of a layer of kind dense, want it on lstm, gru or rnn"},
		"direction":           {"layers:\n  - lstm: x\n    direction: both", `s.yaml:3: direction "both", want forward, reverse or bidirectional`},
		"epsilon":             {"layers:\n  - layernorm: x\n    epsilon: 0", `s.yaml:3: epsilon is "0", want a positive number`},
		"epsilon of dense":    {"layers:\n  - dense: x\n    epsilon: 1", "s.yaml:2: epsilon of a layer of kind dense, want it on layernorm or batchnorm"},
		"layout":              {"layout: tf", `s.yaml:1: layout "tf", want pytorch or keras`},
		"tensors":             {"layers:\n  - dense: x\n    tensors: w", "s.yaml:3: tensors is not a mapping"},
		"tensors of a tensor": {"layers:\n  - dense: x\n    tensors: {weight: [w]}", "s.yaml:3: weight is not a text"},
		"tensors of softmax":  {"layers:\n  - softmax:\n    tensors: {weight: w}", "s.yaml:2: tensors of a layer of kind softmax"},
		"mul of three":        {"layers:\n  - mul: [a, b, c]", "s.yaml:2: mul of 3 layers, want 2"},
		"add of one":          {"layers:\n  - add: [a]", "s.yaml:2: add of 1 layers, want 2"},
		"add and from":        {"layers:\n  - add: [a, b]\n    from: [a, c]", "s.yaml:3: from beside add, mul or concat"},
		"from and add":        {"layers:\n  - from: [a, c]\n    add: [a, b]", "s.yaml:3: from beside add, mul or concat"},
		"concat of nothing":   {"layers:\n  - concat: []", "s.yaml:2: concat is an empty list"},
		"from nothing":        {"layers:\n  - dense: a\n    from: []", "s.yaml:3: from is an empty list"},
		"softmax of a layer":  {"layers:\n  - softmax: head", `s.yaml:2: softmax "head", want no value`},
		"two documents":       {"layers: [{lstm: a}]\n---\nlayers: [{lstm: b}]", "s.yaml: more than one document"},
		"input":               {"input: many\nlayers: []", `s.yaml:1: input is "many", want the number`},
		"twice":               {"input: 1\ninput: 2", `s.yaml:2: the spec has "input" twice`},
		"layers no list":      {"layers: 7", "s.yaml:1: layers is not a list"},
		"name no text":        {"layers:\n  - lstm: [a]", "s.yaml:2: lstm is not a text"},
		"too large":           {strings.Repeat("#", maxSize+1), "want at most"},
		"alias":               {"layers: &a\n  - *a", "s.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("s.yaml", []byte(c.text))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.message)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("layers:\n  - lstm: x\n    from: [a]\nmeta: {a: b}")
	f.Add("layers:\n  - apply: {hard_sigmoid: [0.2, 0.5]}\n  - gru: x\n    direction: reverse\n    merge: sum")
	f.Add("layout: keras\nlayers:\n  - gru: x\n    tensors: {kernel: arr_0}")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse("s.yaml", []byte(text)); err == nil && len(s.Layers) == 0 {
			t.Fatal("neither layers nor an error")
		}
	})
}
