package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

func TestConvert(t *testing.T) {
	const source, spec = "testdata/formats/zip.pt", "testdata/formats/net.yaml"
	out := filepath.Join(t.TempDir(), "net.rnn")
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run([]string{source, "-o", out, "-spec", spec}, &stdout, &stderr), stderr.String())
	for _, want := range []string{"source   " + source + " (PyTorch zip)", "spec     " + spec, "note     the layers are what " + spec + " says; -check", "lstm_l1", "wrote    " + out + ", "} {
		assert.Contains(t, stdout.String(), want)
	}
	first, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, 0, run([]string{"-o", out, "-spec", spec, source}, &stdout, &stderr))
	second, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, first, second, "one source gives one file, byte for byte")
	m, err := infer.Open(out)
	require.NoError(t, err)
	assert.NoError(t, m.Verify())

	stdout.Reset()
	require.Equal(t, 0, run([]string{"-inspect", out}, &stdout, &stderr))
	assert.Contains(t, stdout.String(), "input    2 floats")

	// A conversion that fails leaves what was there, and nothing else.
	require.Equal(t, 1, run([]string{"-o", out, "-spec", spec, "testdata/formats/gru_alone.pt"}, &stdout, &stderr))
	kept, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, first, kept)
	entries, err := os.ReadDir(filepath.Dir(out))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args    []string
		code    int
		message string
	}{
		{nil, 2, "convert: no SOURCE given; -h shows how\n"},
		{[]string{"-q", "-o", "x", "a.pt"}, 2, `convert: 2 sources, ["x" "a.pt"], want 1; -h shows how`},
		{[]string{"a.pt"}, 2, "convert: -o is missing"},
		{[]string{"-inspect", "-o", "x", "a.rnn"}, 2, "-inspect goes without -o; -h"},
		{[]string{"-q", "int4", "-o", "x", "a.pt"}, 2, "-q int4: want int8"},
		{[]string{"-keep", "head", "-o", "x", "a.pt"}, 2, "-vectors, -keep and -calibrate go with -q"},
		{[]string{"-vectors", "16", "-o", "x", "a.pt"}, 2, "-vectors, -keep and -calibrate go with -q"},
		{[]string{"-q", "int8", "-vectors", "4", "-o", "x", "a.pt"}, 2, "-vectors 4: want 8 or 16"},
		{[]string{"-input", "x.npy", "-steps", "0", "-o", "x", "a.pt"}, 2, "-input goes without -steps 0"},
		{[]string{"-nonsense"}, 2, "convert: flag provided but not defined: -nonsense; -h shows how\n"},
		{[]string{"-tolerance", "1e-3", "-o", "x", "a.pt"}, 2, "-tolerance goes with -check"},
		{[]string{"-inspect", "-steps", "9", "-tolerance", "1", "a.rnn"}, 2, "-inspect goes without -steps, -tolerance"},
		{[]string{"-o", "absent/x.rnn", "testdata/formats/gru_alone.pt"}, 1, "-o absent/x.rnn: stat absent: no such file"},
		{[]string{"-o", "testdata", "testdata/formats/gru_alone.pt"}, 1, "-o testdata: is a folder, want a file"},
		{[]string{"-o", "x.rnn", "absent.pt"}, 1, "absent.pt"},
		{[]string{"-inspect", "main.go"}, 1, "main.go"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, c.code, run(c.args, &stdout, &stderr), c.args)
		assert.Contains(t, stderr.String(), c.message)
		assert.Empty(t, stdout.String())
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run([]string{"-h"}, &stdout, &stderr))
	assert.Empty(t, stderr.String())
	for _, want := range []string{
		"usage: convert -o model.rnn [flags] SOURCE", "  -tolerance error\n", "A state_dict holds tensors, not the order of the layers", "Exit status: 0 done",
	} {
		assert.Contains(t, stdout.String(), want)
	}
	for _, line := range strings.Split(help+topics, "\n") {
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 92, line)
		assert.NotContains(t, line, "\t")
	}
	newFlags(new(options)).VisitAll(func(f *flag.Flag) {
		assert.Contains(t, help+topics, "-"+f.Name, "a flag that only the list of flags knows")
	})
	for _, kind := range append(spec.Kinds, spec.Activations...) {
		assert.Contains(t, topics, kind)
	}
}
