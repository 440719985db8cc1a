package converter

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/internal/reference"
)

func TestInt8(t *testing.T) {
	spec := formats("net.yaml")
	r, err := Options{Spec: spec, Int8: true, Smallest: 1, Keep: []string{"lstm_l1"}}.Convert(formats("zip.pt"))
	require.NoError(t, err)
	assert.Contains(t, r.Notes, "int8: 140 of 398 weights; matrices of fewer than 1 elements or 16 rows, vectors and tables stay float32")
	types := map[string]format.Type{}
	for _, x := range r.Model.Tensors {
		types[x.Name] = x.Type
	}
	for name, want := range map[string]format.Type{
		"lstm_l0.W": format.Int8, "lstm_l0.R": format.Int8, "lstm_l0.B": format.Float32,
		"lstm_l1.W": format.Float32, "lstm_l1.R": format.Float32,
	} {
		assert.Equal(t, want, types[name], name)
	}
	require.NoError(t, open(t, r.Model).Verify(), "the witness is that of int8")
	var b bytes.Buffer
	require.NoError(t, Describe(&b, r.Model))
	assert.Contains(t, b.String(), "W 20×2 int8, R 20×5 int8, B 20")

	// Near the float32 model, and not the same.
	x, want := archive(t, formats("io.npz"))("x").Float32(), archive(t, formats("io.npz"))("y").Float64()
	have := make([]float32, len(want))
	_, err = open(t, r.Model).NewSession().Run(have, x)
	require.NoError(t, err)
	e := worst(t, want, have)
	assert.Less(t, e, 0.02)
	assert.Greater(t, e, 1e-6)

	// With vectors of 16 bits it is the model of the same weights, as float32 would compute it.
	r16, err := Options{Spec: spec, Int8: true, Smallest: 1, Keep: []string{"lstm_l1"}, Vectors: 16}.Convert(formats("zip.pt"))
	require.NoError(t, err)
	assert.Contains(t, r16.Notes, "what int8 matrices multiply has 16 bits")
	require.NoError(t, open(t, r16.Model).Verify(), "the witness is that of 16 bits")
	assert.NotEqual(t, r.Model.Witness, r16.Model.Witness)
	b.Reset()
	require.NoError(t, Describe(&b, r16.Model))
	assert.Contains(t, b.String(), "W 20×2 int8·16 bits, R 20×5 int8·16 bits, B 20")
	want = nil
	for _, y := range reference.New(r16.Model).Run(x, len(x)/2) {
		want = append(want, y...)
	}
	_, err = open(t, r16.Model).NewSession().Run(have, x)
	require.NoError(t, err)
	assert.Less(t, worst(t, want, have), 1e-6)
	_, err = open(t, r.Model).NewSession().Run(have, x)
	require.NoError(t, err)
	assert.Greater(t, worst(t, want, have), 1e-5)

	_, err = Options{Spec: spec, Int8: true, Vectors: 12}.Convert(formats("zip.pt"))
	assert.EqualError(t, err, "vectors of 12 bits, want 8 or 16")

	_, err = Options{Spec: spec, Int8: true, Smallest: 1, Keep: []string{"lstm"}}.Convert(formats("zip.pt"))
	assert.ErrorContains(t, err, "zip.pt: -keep lstm: found no layer of that name, the layers are lstm_l0, lstm_l1, head")
	_, err = Options{Spec: spec, Int8: true, Smallest: 1, Keep: []string{"lstm_l0", "lstm_l1", "head"}}.Convert(formats("zip.pt"))
	assert.ErrorContains(t, err, "found no matrix to store as int8")
	_, err = Options{Spec: spec, Int8: true}.Convert(formats("zip.pt"))
	assert.ErrorContains(t, err, "zip.pt: found no matrix to store as int8: want one of at least 16 rows and 2048 elements")
}
