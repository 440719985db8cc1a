package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// One stream in every form gives the same answers on standard output.
func TestInputForms(t *testing.T) {
	const I, O, T = 3, 2, 600 // more than two chunks
	model := saveModel(t, gru(I, O), nil)
	xs := uniform(9, T*I)
	want := text(expected(t, model, xs), O)
	array := encode(t, xs, T, I)

	double := make([]float64, len(xs))
	for i, v := range xs {
		double[i] = float64(v)
	}
	for name, content := range map[string][]byte{
		"x.npy":       array,
		"X.NPY":       array,
		"double.npy":  encode(t, double, T, I),
		"streams.npy": encode(t, xs, 1, T, I),
		"x.npz":       archive(t, "x", array),
		"x.csv":       []byte(text(xs, I)),
	} {
		require.Equal(t, want, mustCall(t, "", model, save(t, name, content)), name)
	}
	two := save(t, "two.npz", archive(t, "a", encode(t, xs[:I], 1, I), "b c", array))
	require.Equal(t, want, mustCall(t, "", model, two+":b c"))
	require.Equal(t, want, mustCall(t, text(xs, I), model, "-"))
}

func archive(t *testing.T, files ...any) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i].(string) + ".npy")
		require.NoError(t, err)
		_, err = f.Write(files[i+1].([]byte))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestTextOfCSV(t *testing.T) {
	model := saveModel(t, gru(2, 1), nil)
	want := text(expected(t, model, []float32{1, -0.5, 1e-3, 4}), 1)
	for _, input := range []string{
		"1,-0.5\n1e-3,4\n",
		"1,-.5\n0.001,4",
		"\ufeffleft,right\r\n1,-0.5\r\n0.001,4.0\r\n",
		"# two channels\n\nleft, \"right channel\"\n  1 , -0.5\n\n0.001 ,4 # loud\n",
		"1 -0.5\n0.001\t 4\n",
	} {
		require.Equal(t, want, mustCall(t, input, model, "-"), input)
	}
	require.Empty(t, mustCall(t, "", model, "-"))
	require.Empty(t, mustCall(t, "a,b\n", model, "-"))
}

func TestTokens(t *testing.T) {
	model := saveModel(t, tokens(), nil)
	want := text(expected(t, model, []float32{0, 6, 3, 3}), 3)
	for _, array := range [][]byte{
		encode(t, []float32{0, 6, 3, 3}, 4),
		encode(t, []int64{0, 6, 3, 3}, 4),
		encode(t, []uint8{0, 6, 3, 3}, 4, 1),
	} {
		require.Equal(t, want, mustCall(t, "", model, save(t, "x.npy", array)))
	}
	require.Equal(t, want, mustCall(t, "0\n6\n3\n3\n", model, "-"))
	mustFail(t, "standard input:2: infer: x[0] is 7, want a whole number from 0 to 6", "0\n7\n", model, "-")
	x := save(t, "x.npy", encode(t, []float32{0, 2.5}, 2))
	mustFail(t, x+"[1]: infer: x[0] is 2.5, want a whole number from 0 to 6", "", model, x)
}

func TestStreamsAndFiles(t *testing.T) {
	const N, T, I, O = 3, 40, 2, 4
	model := saveModel(t, gru(I, O), nil)
	xs := uniform(9, N*T*I)
	var want []float32
	var lines []string
	for i := range N {
		y := expected(t, model, xs[i*T*I:][:T*I])
		want = append(want, y...)
		lines = append(lines, text(y, O))
	}
	x := save(t, "x.npy", encode(t, xs, N, T, I))
	require.Equal(t, strings.Join(lines, "\n"), mustCall(t, "", model, x))

	dir := t.TempDir()
	out := filepath.Join(dir, "y.npy")
	require.Empty(t, mustCall(t, "", "-o", out, model, x))
	y, err := npy.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "float32", y.DType)
	require.Equal(t, []int{N, T, O}, y.Shape)
	require.Equal(t, want, y.Float32())

	out = filepath.Join(dir, "y.csv")
	require.Empty(t, mustCall(t, "", model, x, "-o", out)) // flags may follow
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, strings.Join(lines, "\n"), string(b))

	require.Equal(t, digest(t, want, N*T, model), mustCall(t, "", "-sha256", model, x))
}

func TestShapesOfOutput(t *testing.T) {
	model := saveModel(t, gru(1, 2), nil)
	out := filepath.Join(t.TempDir(), "y.npy")
	shape := func(want []int, stdin, input string) {
		t.Helper()
		mustCall(t, stdin, "-o", out, model, input)
		y, err := npy.ReadFile(out)
		require.NoError(t, err)
		require.Equal(t, want, y.Shape)
	}
	x := uniform(1, 6)
	shape([]int{6, 2}, "", save(t, "x.npy", encode(t, x, 6)))
	shape([]int{6, 2}, "", save(t, "x.npy", encode(t, x, 6, 1)))
	shape([]int{2, 3, 2}, "", save(t, "x.npy", encode(t, x, 2, 3, 1)))
	shape([]int{3, 2}, "1\n2\n3\n", "-")
	shape([]int{0, 2}, "", "-")
	shape([]int{0, 2}, "", save(t, "x.npy", encode(t, x[:0], 0)))
	shape([]int{1 << 20, 0, 2}, "", save(t, "x.npy", encode(t, x[:0], 1<<20, 0, 1)))
}

// digest is the line that -sha256 prints.
func digest(t *testing.T, ys []float32, steps int, model string) string {
	var b []byte
	for _, v := range ys {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	m, err := infer.Open(model)
	require.NoError(t, err)
	defer m.Close()
	return fmt.Sprintf("%x  %d steps  %s\n", sha256.Sum256(b), steps, m.ISA())
}

func TestDigest(t *testing.T) {
	const I, O, T = 2, 3, 300
	model := saveModel(t, gru(I, O), nil)
	xs := uniform(9, T*I)
	want := digest(t, expected(t, model, xs), T, model)
	x := save(t, "x.npy", encode(t, xs, T, I))
	require.Equal(t, want, mustCall(t, "", "-sha256", model, x))
	require.Equal(t, want, mustCall(t, text(xs, I), "-sha256", model, "-"))

	out := filepath.Join(t.TempDir(), "y.npy")
	require.Equal(t, want, mustCall(t, "", "-sha256", "-o", out, model, x))
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	sum := sha256.Sum256(b[128:]) // what follows the header
	require.Equal(t, want[:64], fmt.Sprintf("%x", sum))

	for _, k := range asm.All() {
		line := mustCall(t, "", "-sha256", "-isa", k.Name, model, x)
		require.Equal(t, want[:64]+fmt.Sprintf("  %d steps  %s\n", T, k.Name), line)
	}
}

func TestBadInput(t *testing.T) {
	model := saveModel(t, gru(2, 1), nil)
	for input, want := range map[string]string{
		"1,2\n1,2,3\n":           "standard input:2: the number of fields is 3, want 2",
		"a,b\n\n1,2\n1;2\n":      "standard input:4: the number of fields is 1, want 2",
		"1,x\n":                  `standard input:1: field 2 is "x", want a number`,
		"a,b\nc,d\n":             `standard input:2: field 1 is "c", want a number`,
		"1,\n":                   `standard input:1: field 2 is "", want a number`,
		"1,1e39\n":               "standard input:1: field 2 is 1e39, which is beyond float32",
		strings.Repeat("1", 1e5): "standard input:1: the line is longer than 65664 bytes",
	} {
		mustFail(t, want, input, model, "-")
	}
	code, stdout, stderr := call("1,2\nnan,2\n", model, "-")
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "run: standard input:2: infer: x[0] is NaN, want a finite number of at most ")
	require.Equal(t, text(expected(t, model, []float32{1, 2}), 1), stdout, "what was answered before")

	shape := func(want string, shape ...int) {
		t.Helper()
		n := 1
		for _, d := range shape {
			n *= d
		}
		x := save(t, "x.npy", encode(t, make([]float32, n), shape...))
		mustFail(t, x+": shape "+want+" for a model of input size 2", "", model, x)
	}
	shape("(6,), want (T, 2) or (N, T, 2)", 6)
	shape("(2, 3), want (T, 2) or (N, T, 2)", 2, 3)
	shape("(), want (T, 2) or (N, T, 2)")
	shape("(1, 1, 1, 2), want (T, 2) or (N, T, 2)", 1, 1, 1, 2)

	xs := uniform(1, 2*500*2)
	xs[1000+2*400+1] = float32(math.Inf(1))
	x := save(t, "x.npy", encode(t, xs, 2, 500, 2))
	_, stdout, stderr = call("", model, x)
	require.Contains(t, stderr, "run: "+x+"[1, 400]: infer: x[1] is +Inf, want a finite number")
	require.Equal(t, 901, strings.Count(stdout, "\n"), "900 steps and the line between the streams")

	two := save(t, "two.npz", archive(t, "a", encode(t, xs, 1000, 2), "b", encode(t, xs, 1000, 2)))
	mustFail(t, two+" has 2 arrays, name one: "+two+":a", "", model, two)
	mustFail(t, `npy: `+two+`: no array "c", there are: ["a" "b"]`, "", model, two+":c")
}

// After a failure there is no output file, and the old one is what it was.
func TestNothingLeftBehind(t *testing.T) {
	model := saveModel(t, gru(2, 1), nil)
	dir := t.TempDir()
	for _, name := range []string{"y.npy", "y.csv"} {
		out := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(out, []byte("old"), 0o644))
		mustFail(t, `standard input:2: field 1 is "x", want a number`, "1,2\nx,2\n", "-o", out, model, "-")
		b, err := os.ReadFile(out)
		require.NoError(t, err)
		require.Equal(t, "old", string(b))
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)

	code, _, stderr := call("1,2\n", "-o", filepath.Join(dir, "no", "y.npy"), model, "-")
	require.Equal(t, exitFailure, code)
	require.True(t, strings.HasPrefix(stderr, "run: -o "+filepath.Join(dir, "no", "y.npy")+": "), stderr)
}

func TestBadModel(t *testing.T) {
	file := save(t, "x.rnn", []byte(strings.Repeat("not a model ", 10)))
	_, err := infer.Open(file)
	require.ErrorContains(t, err, file+": offset 0: ")
	mustFail(t, err.Error(), "", file, "-")
	model := saveModel(t, gru(2, 1), nil)
	code, _, stderr := call("", "-isa", "abacus", model, "-")
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, `run: infer: `+model+`: asm: no kernels "abacus" on this CPU`)
}

func TestUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"no MODEL given": {},
		"no INPUT given, want a .npy, .npz or .csv file, or - for standard input": {"m.rnn"},
		`"c" follows MODEL and INPUT, want nothing more`:                          {"a", "b.npy", "c"},
		`"-sha256" follows MODEL and INPUT, want nothing more`:                    {"--", "a", "b.npy", "-sha256"},
		`INPUT "x.wav" has no form that is read, want .npy, .npz, .npz:name`:      {"a", "x.wav"},
		`-o "y" has no form that is written, want .npy or .csv`:                   {"-o", "y", "a", "-"},
		"-o without INPUT, there is nothing to write":                             {"-verify", "-o", "y.npy", "a"},
		"-time-first is about arrays, want a .npy or .npz file as INPUT":          {"-time-first", "a", "-"},
		"flag provided but not defined: -x":                                       {"a", "-x"},
	} {
		code, stdout, stderr := call("", args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, stdout)
		require.True(t, strings.HasPrefix(stderr, "run: "+want), stderr)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	stdout := mustCall(t, "", "-h")
	for _, word := range []string{"usage: run", "[N, T, I]", "-sha256", "-verify", "examples:", "Exit status"} {
		require.Contains(t, stdout, word)
	}
	require.LessOrEqual(t, len(slices.MaxFunc(strings.Split(stdout, "\n"), func(a, b string) int { return len(a) - len(b) })), 82)
}
