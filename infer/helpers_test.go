package infer

import (
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
)

// RNNEDGE_REQUIRE_ISA fails a run that lacks the named kernels.
func TestRequiredISA(t *testing.T) {
	if want := os.Getenv("RNNEDGE_REQUIRE_ISA"); want != "" {
		_, err := asm.ByName(want)
		require.NoError(t, err)
	}
}

// A random source of weights and inputs.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 99))} }

// uniform returns n numbers in ±scale.
func (r random) uniform(n int, scale float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32((2*r.Float64() - 1) * scale)
	}
	return v
}

// weights returns the tensors of a cell, initialised as PyTorch does.
func (r random) weights(gates, I, H int, twoBiases bool) format.Weights {
	scale := 1 / math.Sqrt(float64(H))
	w := format.Weights{
		W: r.uniform(gates*H*I, scale), R: r.uniform(gates*H*H, scale), B: r.uniform(gates*H, scale),
		H0: r.uniform(H, 1),
	}
	if gates == 4 {
		w.C0 = r.uniform(H, 1)
	}
	if twoBiases {
		w.BR = r.uniform(gates*H, scale)
	}
	return w
}

// A builtModel is a small model of every layer type in one program.
func everyLayer(t testing.TB) []byte {
	r := newRandom(1)
	b := format.NewBuilder(5)
	wide := b.Dense("widen", format.Input, r.uniform(20*5, 0.5), r.uniform(20, 0.1), format.Relu)
	taps := b.DelayLine("line", b.DelayLine("side by side", wide, 3, 1), 2, 7)
	narrow := b.Dense("convolution", taps, r.uniform(20*120, 0.1), nil, format.Tanh)
	l := b.LSTM("lstm", narrow, r.weights(4, 20, 17, false))
	peepholes := r.weights(4, 17, 17, false)
	peepholes.P = r.uniform(3*17, 0.5)
	l = b.LSTM("peephole", l, peepholes)
	l = b.CoupledLSTM("coupled", l, r.weights(3, 17, 17, false))
	both := r.weights(3, 17, 17, false)
	both.P = r.uniform(2*17, 0.5)
	l = b.CoupledLSTM("coupled peephole", l, both)
	l = b.GRUBefore("before", l, r.weights(3, 17, 17, false))
	g := b.GRU("gru", l, r.weights(3, 17, 17, true))
	skip := b.Add("skip", l, g)
	v := b.RNN("rnn", skip, r.weights(1, 17, 9, false), format.Tanh)
	joined := b.Concat("joined", v, b.Slice("part", b.Mul("product", g, skip), 3, 9), b.Slice("rest", g, 9, 8))
	normal := b.Scale("gain", b.Normalize("normal", joined, 1e-5), r.uniform(26, 1), r.uniform(26, 1))
	a := b.Activate("squash", b.Function("bend", normal, format.Function{Kind: format.Elu, Alpha: 0.5}), format.Sigmoid)
	head := b.Dense("head", a, r.uniform(3*26, 0.3), r.uniform(3, 0.1), format.Linear)
	b.Output(b.Concat("probability", b.Softmax("plain", head), b.LogSoftmax("log", head)))
	return marshal(t, b)
}

// bidirectional is two layers that run both ways, the halves joined and added, with a
// dense layer between and one that streams behind them.
func bidirectional(t testing.TB) []byte {
	r := newRandom(2)
	b := format.NewBuilder(3)
	forward := b.LSTM("forward", format.Input, r.weights(4, 3, 17, false))
	backward := b.GRU("backward", b.Reverse("turn", format.Input), r.weights(3, 3, 17, true))
	joined := b.Concat("joined", forward, b.Reverse("back", backward))
	dense := b.Dense("dense", joined, r.uniform(5*34, 0.3), nil, format.Tanh)
	again := b.RNN("again", b.Reverse("turn again", dense), r.weights(1, 5, 17, false), format.Tanh)
	sum := b.Add("sum", forward, b.Reverse("back again", again))
	line := b.Slice("part", b.DelayLine("line", sum, 4, 3), 20, 17)
	b.Output(b.RNN("last", line, r.weights(1, 17, 4, false), format.Tanh))
	return marshal(t, b)
}

func marshal(t testing.TB, b *format.Builder) []byte {
	m, err := b.Model()
	require.NoError(t, err)
	file, err := format.Marshal(m)
	require.NoError(t, err)
	return file
}

// quantized is the model of a file in int8.
func quantized(t testing.TB, file []byte) []byte { return inDigits(t, file, 1) }

// in16 is the model of a file in int8 with vectors of 16 bits.
func in16(t testing.TB, file []byte) []byte { return inDigits(t, file, 2) }

func inDigits(t testing.TB, file []byte, digits int) []byte {
	f, err := format.FromBytes(file)
	require.NoError(t, err)
	q := format.Quantized(f.Model, func(string, *format.Tensor) bool { return false })
	file, err = format.Marshal(format.WithDigits(q, digits))
	require.NoError(t, err)
	return file
}

// types are the model of a float32 file in each of the types that it can have.
func types(t testing.TB, file []byte) map[string][]byte {
	return map[string][]byte{"float32": file, "int8": quantized(t, file), "16 bits": in16(t, file)}
}

// cells are the recurrent layers that cellModel makes.
var cells = []string{
	"lstm", "peephole", "coupled", "coupled peephole", "projected", "normalised", "hard lstm",
	"gru", "gru before", "hard gru", "hard gru before", "rnn", "relu", "softsign",
}

// What Keras 2 calls hard_sigmoid.
var hardSigmoid = format.Function{Kind: format.HardSigmoid, Alpha: 0.2, Beta: 0.5}

// cellModel is one recurrent layer.
func cellModel(t testing.TB, cell string, I, H int) []byte {
	r := newRandom(uint64(1000*I + H))
	b := format.NewBuilder(I)
	switch cell {
	case "lstm":
		b.Output(b.LSTM(cell, format.Input, r.weights(4, I, H, false)))
	case "peephole":
		w := r.weights(4, I, H, false)
		w.P = r.uniform(3*H, 1)
		b.Output(b.LSTM(cell, format.Input, w))
	case "coupled":
		b.Output(b.CoupledLSTM(cell, format.Input, r.weights(3, I, H, false)))
	case "coupled peephole":
		w := r.weights(3, I, H, false)
		w.P, w.C0 = r.uniform(2*H, 1), r.uniform(H, 1)
		b.Output(b.CoupledLSTM(cell, format.Input, w))
	case "gru before":
		b.Output(b.GRUBefore(cell, format.Input, r.weights(3, I, H, false)))
	case "gru":
		b.Output(b.GRU(cell, format.Input, r.weights(3, I, H, true)))
	case "projected":
		P := max(1, H/2)
		w := r.weights(4, I, H, false)
		w.R, w.H0 = r.uniform(4*H*P, 0.5), r.uniform(P, 1)
		w.Proj, w.ProjB = r.uniform(P*H, 1/math.Sqrt(float64(H))), r.uniform(P, 0.1)
		b.Output(b.LSTM(cell, format.Input, w, format.WithProjectionClip(1)))
	case "normalised":
		w := r.weights(4, I, H, false)
		w.P, w.Norm = r.uniform(3*H, 1), r.uniform(4*H, 1)
		b.Output(b.LSTM(cell, format.Input, w, format.WithCellClip(4)))
	case "hard lstm":
		w := r.weights(4, I, H, false)
		w.P = r.uniform(3*H, 1)
		f := format.WithFunctions(hardSigmoid, tanh, format.Function{Kind: format.Softsign})
		b.Output(b.LSTM(cell, format.Input, w, f, format.WithClip(2), format.WithCellClip(1)))
	case "hard gru":
		b.Output(b.GRU(cell, format.Input, r.weights(3, I, H, true), format.WithFunctions(hardSigmoid, tanh)))
	case "hard gru before":
		b.Output(b.GRUBefore(cell, format.Input, r.weights(3, I, H, false), format.WithFunctions(hardSigmoid, tanh), format.WithClip(1)))
	case "softsign":
		b.Output(b.RNN(cell, format.Input, r.weights(1, I, H, false), format.Softsign))
	case "rnn":
		b.Output(b.RNN(cell, format.Input, r.weights(1, I, H, false), format.Tanh))
	case "relu":
		w := r.weights(1, I, H, false)
		for i := range w.R {
			w.R[i] /= 4 // a state that stays in bounds
		}
		b.Output(b.RNN(cell, format.Input, w, format.Relu))
	default:
		t.Fatal("no cell ", cell)
	}
	return marshal(t, b)
}

func tokenModel(t testing.TB) []byte {
	r := newRandom(7)
	b := format.NewBuilder(1)
	e := b.Embedding("embed", r.uniform(11*6, 1), 6)
	b.Output(b.LSTM("lstm", e, r.weights(4, 6, 8, false)))
	return marshal(t, b)
}

// onEveryISA runs f with the model opened for each table of this machine.
func onEveryISA(t *testing.T, file []byte, f func(t *testing.T, m *Model)) {
	for _, k := range asm.All() {
		t.Run(k.Name, func(t *testing.T) {
			m, err := FromBytes(file, WithISA(k.Name))
			require.NoError(t, err)
			require.Equal(t, k.Name, m.ISA())
			f(t, m)
		})
	}
}

func bits(x []float32) []uint32 {
	b := make([]uint32, len(x))
	for i, v := range x {
		b[i] = math.Float32bits(v)
	}
	return b
}

// allocated is how many bytes f allocates: the least of a few times, as what other goroutines
// allocate meanwhile counts, too.
func allocated(f func()) int {
	least := math.MaxInt
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, int(after.TotalAlloc-before.TotalAlloc))
	}
	return least
}
