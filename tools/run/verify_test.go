package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// witnessed is a model with a witness that edit may spoil.
func witnessed(t *testing.T, edit func(*format.Witness)) string {
	return saveModel(t, gru(2, 1), func(m *format.Model) {
		b, err := format.Marshal(m)
		require.NoError(t, err)
		model, err := infer.FromBytes(b)
		require.NoError(t, err)
		m.Witness, err = model.Witness(42, 100)
		require.NoError(t, err)
		if edit != nil {
			edit(&m.Witness)
		}
	})
}

func TestVerify(t *testing.T) {
	model := witnessed(t, nil)
	for _, k := range asm.All() {
		want := model + ": verified with " + k.Name + ": all 100 steps of its witness give the same bits\n"
		require.Equal(t, want, mustCall(t, "", "-verify", "-isa", k.Name, model))
	}

	// Numbers on standard output stay alone there.
	numbers := mustCall(t, "1,2\n", model, "-")
	code, stdout, stderr := call("1,2\n", "-verify", model, "-")
	require.Equal(t, exitOK, code)
	require.Equal(t, numbers, stdout)
	require.Contains(t, stderr, ": verified with ")
}

func TestVerifyFails(t *testing.T) {
	model := witnessed(t, func(w *format.Witness) { w.SHA256[31] ^= 1 })
	code, stdout, stderr := call("1,2\n", "-verify", model, "-")
	require.Equal(t, exitFailure, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "run: "+model+": infer: witness differs: 100 steps with ")

	model = saveModel(t, gru(2, 1), nil)
	mustFail(t, model+": infer: the model has no witness", "", "-verify", model)
}
