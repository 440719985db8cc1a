package format

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a builder is given wrong is an error of Model, which names the first.
func TestBuilderMistakes(t *testing.T) {
	short := func(w Weights, change func(w *Weights)) Weights {
		change(&w)
		return w
	}
	for want, program := range map[string]func(b *Builder) Buffer{
		"buffer 0 has 0 floats, want 1 to 1048576": func(b *Builder) Buffer {
			*b = *NewBuilder(0)
			return b.Dense("d", Input, series(3), nil, Linear)
		},
		"buffer 0 has -5 floats, want 1 to 1048576": func(b *Builder) Buffer {
			*b = *NewBuilder(-5)
			return b.Dense("d", Input, series(10), nil, Linear)
		},
		"output is buffer 0, want one of 1 to 0": func(b *Builder) Buffer { return Input },
		"no buffer 7":                            func(b *Builder) Buffer { return b.Softmax("s", 7) },
		"no buffer 4294967295":                   func(b *Builder) Buffer { return b.Softmax("s", 1<<32-1) },
		`layer "d": weights of 4 floats, want a multiple of the input's 3`:       func(b *Builder) Buffer { return b.Dense("d", Input, series(4), nil, Linear) },
		`layer "d": weights of 0 floats, want a multiple of the input's 3`:       func(b *Builder) Buffer { return b.Dense("d", Input, nil, nil, Linear) },
		`tensor "d.B": 1 floats, want 2`:                                         func(b *Builder) Buffer { return b.Dense("d", Input, series(6), series(1), Linear) },
		`layer 0 (dense "d"): F is softplus, want linear, sigmoid, tanh or relu`: func(b *Builder) Buffer { return b.Dense("d", Input, series(6), nil, Softplus) },
		`layer 0 (dense "d"): F is unknown activation 99, want 0 to 12`:          func(b *Builder) Buffer { return b.Dense("d", Input, series(6), nil, 99) },
		`layer "r": 2 functions, want 1`: func(b *Builder) Buffer {
			return b.RNN("r", Input, cell(1, 3, 2), Tanh, WithFunctions(Function{}, Function{}))
		},
		`layer "g": a cell clip is for an LSTM`: func(b *Builder) Buffer { return b.GRU("g", Input, cell(3, 3, 2), WithCellClip(1)) },
		`layer 0 (gru "g"): Clip is -1, want a positive limit, or 0 for none`: func(b *Builder) Buffer {
			return b.GRU("g", Input, cell(3, 3, 2), WithClip(-1))
		},
		`layer "l": W of 48 floats on an input of 3 and Proj of 9, want 4·U rows and H·U floats`: func(b *Builder) Buffer {
			return b.LSTM("l", Input, short(cell(4, 3, 4), func(w *Weights) { w.Proj = series(9) }))
		},
		`tensor "l.R": 64 floats, want 16×2`: func(b *Builder) Buffer {
			return b.LSTM("l", Input, short(cell(4, 3, 4), func(w *Weights) { w.Proj = series(8) }))
		},
		`layer 0 (lstm "l"): ProjB or ProjClip without Proj`: func(b *Builder) Buffer {
			return b.LSTM("l", Input, cell(4, 3, 4), WithProjectionClip(1))
		},
		`layer "d": 1 taps of 3 floats, 2 steps apart, want 2 or more, 1 or more, and at most 1048576 floats in all taps and in the state`:          func(b *Builder) Buffer { return b.DelayLine("d", Input, 1, 2) },
		`layer "d": 2 taps of 3 floats, 0 steps apart, want 2 or more, 1 or more, and at most 1048576 floats in all taps and in the state`:          func(b *Builder) Buffer { return b.DelayLine("d", Input, 2, 0) },
		`layer "d": 349526 taps of 3 floats, 1 steps apart, want 2 or more, 1 or more, and at most 1048576 floats in all taps and in the state`:     func(b *Builder) Buffer { return b.DelayLine("d", Input, 349526, 1) },
		`layer "d": 2 taps of 3 floats, 2147483647 steps apart, want 2 or more, 1 or more, and at most 1048576 floats in all taps and in the state`: func(b *Builder) Buffer { return b.DelayLine("d", Input, 2, math.MaxInt32) },
		`layer "s": slice from -1, want 0 or more`: func(b *Builder) Buffer { return b.Slice("s", Input, -1, 2) },
		`tensor "s.S": 2 floats, want 3`:           func(b *Builder) Buffer { return b.Scale("s", Input, series(2), nil) },
		`layer "l": R of 63 floats, want 4·H·H`: func(b *Builder) Buffer {
			return b.LSTM("l", Input, short(cell(4, 3, 4), func(w *Weights) { w.R = w.R[:63] }))
		},
		`layer "l": R of 0 floats, want 4·H·H`: func(b *Builder) Buffer { return b.LSTM("l", Input, Weights{}) },
		`tensor "l.W": 47 floats, want 16×3`: func(b *Builder) Buffer {
			return b.LSTM("l", Input, short(cell(4, 3, 4), func(w *Weights) { w.W = w.W[:47] }))
		},
		`tensor "l.c0": 5 floats, want 4`: func(b *Builder) Buffer {
			return b.LSTM("l", Input, short(cell(4, 3, 4), func(w *Weights) { w.C0 = series(5) }))
		},
		`layer "l": BR is for a GRU with the reset gate after the product; add it to B`: func(b *Builder) Buffer {
			return b.LSTM("l", Input, short(cell(4, 3, 4), func(w *Weights) { w.BR = w.B }))
		},
		`layer "g": C0 is for an LSTM`: func(b *Builder) Buffer {
			w := cell(3, 1, 1)
			w.C0 = series(1)
			return b.GRU("g", Input, w)
		},
		`layer "g": P is for an LSTM`: func(b *Builder) Buffer {
			return b.GRUBefore("g", Input, short(cell(3, 3, 4), func(w *Weights) { w.P = w.B }))
		},
		`tensor "l.P": 12 floats, want 8`: func(b *Builder) Buffer {
			return b.CoupledLSTM("l", Input, short(cell(3, 3, 4), func(w *Weights) { w.P = series(12) }))
		},
		`layer "g": R of 47 floats, want 3·H·H`: func(b *Builder) Buffer {
			return b.GRUBefore("g", Input, short(cell(3, 3, 4), func(w *Weights) { w.R = w.R[:47] }))
		},
		`layer "e": table of 7 floats, want a multiple of 2`:                                      func(b *Builder) Buffer { return b.Embedding("e", series(7), 2) },
		`layer "e": table of 0 floats, want a multiple of 2`:                                      func(b *Builder) Buffer { return b.Embedding("e", nil, 2) },
		`layer 0 (embedding "e"): X is buffer 0 with 3 floats, want the model's input, one token`: func(b *Builder) Buffer { return b.Embedding("e", series(6), 2) },
		`layer 1 (add "+"): B has 2 floats, A 3`: func(b *Builder) Buffer {
			return b.Add("+", Input, b.Dense("d", Input, series(6), nil, Linear))
		},
		"buffer 1 has 0 floats, want 1 to 1048576": func(b *Builder) Buffer { return b.Concat("c") },
	} {
		b := NewBuilder(3)
		b.Output(program(b))
		m, err := b.Model()
		assert.EqualError(t, err, "format: "+want)
		assert.Nil(t, m)
	}
}

// A builder copies weights, and a mistake that can be mended is.
func TestBuilder(t *testing.T) {
	w := series(6)
	b := NewBuilder(3)
	y := b.Dense("d", Input, w, nil, Linear)
	assert.Equal(t, 2, b.Width(y))
	_, err := b.Model()
	assert.EqualError(t, err, "format: output is buffer 0, want one of 1 to 1")
	b.Output(y)
	m, err := b.Model()
	require.NoError(t, err)
	w[0] = 99
	assert.Equal(t, series(6), m.Tensor(0).Matrix())
	assert.Equal(t, 3, m.InputSize())
	assert.Equal(t, 2, m.OutputSize())
	assert.Zero(t, m.Vocabulary())
	assert.Nil(t, m.Tensor(None))
	assert.Empty(t, m.Value("vocabulary"))
}

func TestNames(t *testing.T) {
	assert.Equal(t, "float32", Float32.String())
	assert.Equal(t, "type 0", Type(0).String())
	assert.Equal(t, "type 255", Type(255).String())
	assert.Equal(t, "narrow", Narrow.String())
	assert.Equal(t, "layout 5", Layout(5).String())
	assert.Equal(t, "relu", Relu.String())
	assert.Equal(t, "hard sigmoid(0.2, 0.5)", Function{Kind: HardSigmoid, Alpha: 0.2, Beta: 0.5}.String())
	assert.Equal(t, "elu(1)", Function{Kind: Elu, Alpha: 1, Beta: 0}.String())
	assert.Equal(t, "activation 4294967295", Activation(1<<32-1).String())
	assert.Equal(t, "gru", OpGRU.String())
	assert.Equal(t, "layer type 0", Op(0).String())
	assert.Equal(t, "layer type 65535", Op(65535).String())
	for op := OpDense; op <= lastOp; op++ {
		assert.Equal(t, op, ops[op].make().Op())
	}
}

func TestFieldsOf(t *testing.T) {
	m := models(t)["everything"]
	f := FieldsOf(m.Layers[2])
	assert.Equal(t, Fields{Reads: []Buffer{1, 2}, Writes: 3}, f)
	f = FieldsOf(m.Layers[3])
	assert.Equal(t, Fields{
		Reads: []Buffer{3}, Writes: 4, States: []StateID{0, 1}, Tensors: []TensorID{2, 3, 4},
		Functions: []Function{{Kind: Sigmoid}, {Kind: Tanh}, {Kind: Tanh}},
	}, f)
	f = FieldsOf(m.Layers[4]) // without BR
	assert.Len(t, f.Tensors, 3)
}
