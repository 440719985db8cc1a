package format

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuantized(t *testing.T) {
	b := NewBuilder(3)
	w := cell(4, 3, 20)
	l := b.LSTM("lstm", Input, w)
	g := b.GRU("gru", l, cell(3, 20, 20))
	p := cell(4, 20, 20)
	p.R, p.Proj = series(80*16), series(16*20)
	j := b.LSTM("projected", g, p)
	kept := b.Dense("kept", j, series(16*16), nil, Linear)
	b.Output(b.Dense("narrow", kept, series(2*16), series(2), Linear))
	m, err := b.Model()
	require.NoError(t, err)
	m.Witness.Steps = 1

	q := Quantized(m, func(layer string, t *Tensor) bool { return layer == "kept" || t.Name == "gru.W" })
	file, err := Marshal(q)
	require.NoError(t, err)
	f, err := FromBytes(file)
	require.NoError(t, err)
	assert.Zero(t, f.Witness.Steps)
	digits := map[string]int{}
	for i := range f.Tensors {
		x, before := &f.Tensors[i], &m.Tensors[i]
		if x.Type == Float32 {
			assert.Equal(t, before.F32, x.F32)
			continue
		}
		digits[x.Name] = x.I8.Digits
		for j, v := range before.Matrix() {
			assert.InDelta(t, v, x.Matrix()[j], 0.501*float64(x.I8.Scales[j/x.Cols]), x.Name)
		}
	}
	assert.Equal(t, map[string]int{
		"lstm.W": 1, "lstm.R": 1, "gru.R": 1, "projected.W": 1, "projected.R": 1, "projected.Proj": 1,
	}, digits)

	q.Witness.Steps = 1
	file, err = Marshal(WithDigits(q, 2))
	require.NoError(t, err)
	two, err := FromBytes(file)
	require.NoError(t, err)
	assert.Zero(t, two.Witness.Steps)
	for i := range two.Tensors {
		if x, one := two.Tensors[i].I8, f.Tensors[i].I8; x != nil {
			assert.Equal(t, Int8Matrix{one.Elements, one.Scales, 2}, *x)
			assert.Equal(t, 1, q.Tensors[i].I8.Digits, "the model that was given two digits")
		}
	}
	assert.Equal(t, Float32, m.Tensors[0].Type, "the model that was quantised")
}
