package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// An input that is bound is a constant of the model.
func TestBind(t *testing.T) {
	const source = "internal/onnx/testdata/script_gru_1_batch_states.onnx"
	out, state := filepath.Join(t.TempDir(), "net.rnn"), filepath.Join(t.TempDir(), "h0.npy")
	h0 := []float32{0.5, -0.25, 0.125, 1, -1}
	a, err := npy.New(h0, 1, 1, 5)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, a))
	require.NoError(t, os.WriteFile(state, b.Bytes(), 0o600))
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run([]string{"-o", out, "-bind", "h0=" + state, source}, &stdout, &stderr), stderr.String())
	f, err := format.Open(out)
	require.NoError(t, err)
	defer f.Close()
	require.Len(t, f.States, 1)
	assert.Equal(t, h0, f.Tensor(f.States[0].Init).F32[:5])

	for _, c := range []struct {
		args    []string
		code    int
		message string
	}{
		{[]string{"-bind", "h0", source}, 2, "want NAME=FILE"},
		{[]string{"-bind", "h0=a", "-bind", "h0=b", source}, 2, "h0 is bound already, to a"},
		{[]string{"-bind", "h0=absent.npy", source}, 1, "absent.npy"},
		{[]string{"-bind", "h1=" + state, source}, 1, `found no input "h1" to bind, there are x, h0`},
		{[]string{"-bind", "h0=main.go", source}, 1, `input "h0" is bound to what is neither a TensorProto nor a .npy array that is supported`},
		{[]string{"-bind", "h0=" + state, "testdata/formats/gru_alone.pt"}, 1, "the format has no named inputs to bind"},
		{[]string{"-state", "h0", "testdata/formats/gru_alone.pt"}, 1, "the format has no named inputs that may be states, supported is that of ONNX and TensorFlow Lite models"},
		{[]string{"-state", "h1", source}, 1, `found no input "h1" of floats that may be a state`},
		{[]string{"-inspect", "-bind", "h0=" + state}, 2, "-inspect goes without -bind; -h"},
	} {
		stdout.Reset()
		stderr.Reset()
		args := append(c.args, "-o", out)
		if c.args[0] == "-inspect" {
			args = append(c.args, out)
		}
		assert.Equal(t, c.code, run(args, &stdout, &stderr), args)
		assert.Contains(t, stderr.String(), c.message)
	}
}
