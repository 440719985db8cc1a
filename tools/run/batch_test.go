package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

func TestTimeFirst(t *testing.T) {
	const N, T, I, O = 3, 300, 2, 4
	model := saveModel(t, gru(I, O), nil)
	xs := uniform(9, N*T*I)
	var ys []float32
	for i := range N {
		ys = append(ys, expected(t, model, xs[i*T*I:][:T*I])...)
	}
	turned, want := steps.Swapped(xs, N, T, I), steps.Swapped(ys, N, T, O)
	require.Equal(t, xs[T*I:][:I], turned[I:][:I], "the second stream's first step comes second")
	x := save(t, "x.npy", encode(t, turned, T, N, I))

	out := filepath.Join(t.TempDir(), "y.npy")
	line := mustCall(t, "", "-time-first", "-sha256", "-o", out, model, x)
	require.Equal(t, digest(t, want, N*T, model), line)
	y, err := npy.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, []int{T, N, O}, y.Shape)
	require.Equal(t, want, y.Float32())

	printed := mustCall(t, "", "-time-first", model, x)
	require.Equal(t, text(want[:N*O], O), strings.SplitAfter(printed, "\n\n")[0][:len(text(want[:N*O], O))])
	require.Equal(t, N*T+T-1, strings.Count(printed, "\n"))

	turned[(200*N+1)*I] = float32(math.NaN())
	x = save(t, "x.npy", encode(t, turned, T, N, I))
	_, _, stderr := call("", "-time-first", model, x)
	require.Contains(t, stderr, "run: "+x+"[200, 1]: infer: x[0] is NaN")
}

// One stream, as PyTorch has it: with the flag one run, without it a word.
func TestOneStreamTimeFirst(t *testing.T) {
	const T = 20
	model := saveModel(t, gru(2, 1), nil)
	xs := uniform(9, T*2)
	want := text(expected(t, model, xs), 1)
	x := save(t, "x.npy", encode(t, xs, T, 1, 2))
	require.Equal(t, want, mustCall(t, "", "-time-first", model, x))
	require.Equal(t, want, mustCall(t, "", "-time-first", model, save(t, "x.npy", encode(t, xs, T, 2))))

	code, stdout, stderr := call("", model, x)
	require.Equal(t, exitOK, code)
	require.NotEqual(t, want, stdout)
	require.Equal(t, "run: "+x+" holds 20 streams of one step each; if it is one stream, say -time-first\n", stderr)

	x = save(t, "x.npy", encode(t, xs, T*2))
	mustFail(t, x+": shape (40,), want (T, 2) or (T, N, 2) for a model of input size 2", "", "-time-first", model, x)
}

// A model that does not stream is run on each stream as a whole.
func TestWholeSequences(t *testing.T) {
	const N, T, I, H = 2, 300, 2, 3
	b := format.NewBuilder(I)
	back := b.RNN("back", b.Reverse("turn", format.Input), format.Weights{W: uniform(1, H*I), R: uniform(2, H*H)}, format.Tanh)
	b.Output(b.Reverse("in order", back))
	model := saveModel(t, b, nil)
	xs := uniform(9, N*T*I)
	first, second := text(expected(t, model, xs[:T*I]), H), text(expected(t, model, xs[T*I:]), H)
	require.Equal(t, first, mustCall(t, text(xs[:T*I], I), model, "-"))
	require.Equal(t, first, mustCall(t, "", model, save(t, "x.npy", encode(t, xs[:T*I], T, I))))
	require.Equal(t, first+"\n"+second, mustCall(t, "", model, save(t, "x.npy", encode(t, xs, N, T, I))))
	require.Empty(t, mustCall(t, "", model, "-"))

	xs[(T+200)*I+1] = 1e38
	x := save(t, "x.npy", encode(t, xs, N, T, I))
	_, _, stderr := call("", model, x)
	require.Contains(t, stderr, "run: "+x+"[1, 200]: infer: xs[1] is 1e+38, want")
	_, _, stderr = call("left,right\n"+text(xs[T*I:], I), model, "-")
	require.Contains(t, stderr, ":202: infer: xs[1] is 1e+38, want")
}
