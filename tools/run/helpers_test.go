package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// uniform returns n numbers in ±1, the same for the same seed.
func uniform(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float32, n)
	for i := range v {
		v[i] = 2*r.Float32() - 1
	}
	return v
}

// saveModel writes a model into the test's directory and returns its path.
func saveModel(t *testing.T, b *format.Builder, edit func(*format.Model)) string {
	m, err := b.Model()
	require.NoError(t, err)
	if edit != nil {
		edit(m)
	}
	path := filepath.Join(t.TempDir(), "model.rnn")
	require.NoError(t, format.WriteFile(path, m))
	return path
}

// gru is a GRU of 5 units on I inputs with a head of O outputs.
func gru(I, O int) *format.Builder {
	const H = 5
	b := format.NewBuilder(I)
	h := b.GRU("gru", format.Input, format.Weights{
		W: uniform(1, 3*H*I), R: uniform(2, 3*H*H), B: uniform(3, 3*H), BR: uniform(4, 3*H), H0: uniform(5, H),
	})
	b.Output(b.Dense("head", h, uniform(6, O*H), uniform(7, O), format.Linear))
	return b
}

// tokens is an embedding of 7 tokens into an RNN of 3 units.
func tokens() *format.Builder {
	b := format.NewBuilder(1)
	e := b.Embedding("embed", uniform(1, 7*2), 2)
	b.Output(b.RNN("rnn", e, format.Weights{W: uniform(2, 3*2), R: uniform(3, 3*3)}, format.Tanh))
	return b
}

// expected is what the engine answers to one stream.
func expected(t *testing.T, model string, xs []float32) []float32 {
	m, err := infer.Open(model)
	require.NoError(t, err)
	defer m.Close()
	ys := make([]float32, len(xs)/m.InputSize()*m.OutputSize())
	_, err = m.NewSession().Run(ys, xs)
	require.NoError(t, err)
	return ys
}

// text writes rows of numbers as CSV.
func text(xs []float32, width int) string {
	var b strings.Builder
	for i, v := range xs {
		b.WriteString(strconv.FormatFloat(float64(v), 'g', -1, 32))
		if (i+1)%width == 0 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(',')
		}
	}
	return b.String()
}

// save writes a file into a directory of the test.
func save(t *testing.T, name string, content []byte) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o644))
	return path
}

// encode is a .npy file.
func encode[T npy.Number](t *testing.T, data []T, shape ...int) []byte {
	a, err := npy.New(data, shape...)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, a))
	return b.Bytes()
}

// call runs the program on arguments.
func call(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

// mustCall runs the program, which must succeed without a word of complaint.
func mustCall(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	code, stdout, stderr := call(stdin, args...)
	require.Empty(t, stderr)
	require.Equal(t, exitOK, code)
	return stdout
}

// mustFail runs the program, which must fail with this sentence.
func mustFail(t *testing.T, want, stdin string, args ...string) {
	t.Helper()
	code, _, stderr := call(stdin, args...)
	require.Equal(t, exitFailure, code, stderr)
	require.Equal(t, "run: "+want+"\n", stderr)
}
