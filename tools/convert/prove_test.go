package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// A check passes with what the model gives, whole or at its end, and fails after a weight
// has changed: then there is no model.
func TestCheck(t *testing.T) {
	const amp = `{"architecture": "LSTM", "config": {"input_size": 1, "hidden_size": 1, "num_layers": 1}, "weights": [0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,0.3,0.2,0.1,0.5,0.25,2,3], "sample_rate": 44100}`
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	save := func(name string, data []float32, shape ...int) {
		a, err := npy.New(data, shape...)
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, npy.Write(&b, a))
		require.NoError(t, os.WriteFile(file(name), b.Bytes(), 0o600))
	}
	convert := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"-o", file("amp.rnn"), file("amp.nam")}, args...), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	require.NoError(t, os.WriteFile(file("amp.nam"), []byte(amp), 0o600))
	code, stdout, stderr := convert()
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "proof    1000 steps of random input in ±1, against float64")
	code, stdout, _ = convert("-steps", "0")
	require.Equal(t, 0, code)
	require.NotContains(t, stdout, "proof")

	m, err := infer.Open(file("amp.rnn"))
	require.NoError(t, err)
	xs, ys := make([]float32, 50), make([]float32, 50)
	for i := range xs {
		xs[i] = float32(i%7)/7 - 0.5
	}
	_, err = m.NewSession().Run(ys, xs)
	require.NoError(t, err)
	require.NoError(t, m.Close())
	save("x.npy", xs, 1, 50, 1)
	save("y.npy", ys, 50, 1, 1)
	save("last.npy", ys[49:], 1)
	save("short.npy", ys[1:], 49)
	both := []string{"-check", file("x.npy") + "=" + file("y.npy"), "-check", file("x.npy") + "=" + file("last.npy"), "-input", file("x.npy")}
	code, stdout, stderr = convert(both...)
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "proof    50 steps of "+file("x.npy"))
	assert.Contains(t, stdout, "y.npy, 50 steps\nfloat32  SNR ∞ (no error), error at most 0.00e+00, at step 0: passes, may be 1e-05\n")
	assert.Contains(t, stdout, "last.npy, the last of 50 steps\n")
	code, stdout, stderr = convert("-check", file("x.npy")+"="+file("y.npy")) // its x is the proof's input
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "proof    50 steps of "+file("x.npy")+", against")
	save("longer.npy", append(xs, 0), 51)
	code, stdout, stderr = convert("-check", file("x.npy")+"="+file("y.npy"), "-input", file("longer.npy"))
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "proof    51 steps of "+file("longer.npy")+", against")
	code, _, stderr = convert("-check", file("x.npy")+"="+file("short.npy"))
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "short.npy: shape (49,), want (50, 1)")

	require.NoError(t, os.Remove(file("amp.rnn")))
	require.NoError(t, os.WriteFile(file("amp.nam"), []byte(strings.Replace(amp, "[0.1,0.2", "[0.15,0.2", 1)), 0o600))
	code, stdout, stderr = convert(append(both, "-report", file("report.html"))...)
	assert.Equal(t, 1, code)
	page, err := os.ReadFile(file("report.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "A check failed: the model was not written.")
	assert.Contains(t, stdout, ": FAILS, may be 1e-05\n")
	assert.Contains(t, stderr, "y.npy: float32 gives ")
	assert.NoFileExists(t, file("amp.rnn"))
	code, _, stderr = convert(append(both, "-tolerance", "10")...)
	assert.Equal(t, 0, code, stderr)
	assert.FileExists(t, file("amp.rnn"))
}

// What is read is not overwritten, whatever it is called, and a model may lie in the
// folder of its package.
func TestOverwrites(t *testing.T) {
	const source, spec = "testdata/formats/zip.pt", "testdata/formats/net.yaml"
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	data, err := os.ReadFile(source)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file("net.pt"), data, 0o600))
	require.NoError(t, os.Mkdir(file("net"), 0o700))
	require.NoError(t, os.Symlink("net.pt", file("link.pt")))
	convert := func(args ...string) (int, string) {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"-spec", spec, "-steps", "0", file("net.pt")}, args...), &stdout, &stderr)
		return code, stderr.String()
	}
	for _, args := range [][]string{
		{"-o", file("net.pt")},
		{"-o", file("net.pt.data")},
		{"-o", file("link.pt")},
		{"-o", file("a.rnn"), "-report", file("net.pt")},
		{"-o", file("a.rnn"), "-report", file("a.rnn")},
		{"-o", file("a.rnn"), "-check", file("x.npy") + "=" + file("a.rnn")},
	} {
		code, stderr := convert(args...)
		assert.Equal(t, 1, code, args)
		assert.Contains(t, stderr, "name another file", args)
	}
	// Nor is a spec that was found beside the source, or an array of a folder.
	require.NoError(t, os.WriteFile(file("net.yaml"), []byte("layers: [{lstm: lstm}, {dense: head}]"), 0o600))
	array := file("arrays/head.bias.npy")
	require.NoError(t, os.CopyFS(file("arrays"), os.DirFS("testdata/formats/npy")))
	for _, args := range [][]string{
		{"-o", file("net.yaml"), file("net.pt")},
		{"-o", file("a.rnn"), "-report", file("net.yaml"), file("net.pt")},
		{"-o", array, "-spec", spec, file("arrays")},
		{"-o", file("a.rnn"), "-report", file("sound.wav"), "-q", "int8", "-calibrate", dir, file("net.pt")},
	} {
		var stdout, stderr bytes.Buffer
		require.NoError(t, os.WriteFile(file("sound.wav"), nil, 0o600))
		assert.Equal(t, 1, run(args, &stdout, &stderr), args)
		assert.Contains(t, stderr.String(), "name another file", args)
		assert.NoFileExists(t, file("a.rnn"))
	}
	kept, err := os.ReadFile(file("net.pt"))
	require.NoError(t, err)
	assert.Equal(t, data, kept)
	for range 2 {
		code, stderr := convert("-o", file("net/model.rnn"), "-emit-go", file("net"))
		require.Equal(t, 0, code, stderr)
	}

	// A folder that is not for a package is found before anything is written.
	require.NoError(t, os.WriteFile(file("net/model.go"), []byte("package net\n"), 0o600))
	code, stderr := convert("-o", file("b.rnn"), "-report", file("b.html"), "-emit-go", file("net"))
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "model.go is there and not from convert")
	assert.NoFileExists(t, file("b.rnn"))
	assert.NoFileExists(t, file("b.html"))
}

// A folder of arrays is as large as they are.
func TestSourceSize(t *testing.T) {
	dir := t.TempDir()
	for name, n := range map[string]int{"a.npy": 1000, "b.npy": 200, "notes.txt": 5000} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o600))
	}
	n, err := sourceSize(dir)
	require.NoError(t, err)
	assert.EqualValues(t, 1200, n)
	n, err = sourceSize(filepath.Join(dir, "b.npy"))
	require.NoError(t, err)
	assert.EqualValues(t, 200, n)
}

func TestProvingUsage(t *testing.T) {
	for _, c := range []struct {
		args    []string
		message string
	}{
		{[]string{"-check", "x.npy", "-o", "x", "a.pt"}, "want X.npy=Y.npy"},
		{[]string{"-steps", "-1", "-o", "x", "a.pt"}, "-steps -1: want 0 to 1048576"},
		{[]string{"-tolerance", "NaN", "-o", "x", "a.pt"}, "-tolerance wants a number above 0"},
		{[]string{"-tolerance-int8", "1", "-o", "x", "a.pt"}, "-tolerance-int8 goes with -q int8"},
		{[]string{"-inspect", "-input", "x.npy", "a.rnn"}, "-inspect goes without -input; -h"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 2, run(c.args, &stdout, &stderr), c.args)
		assert.Contains(t, stderr.String(), c.message)
	}
}
