package format

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// series returns n different numbers that are not zero.
func series(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i+1) / 64
	}
	return v
}

// cell returns the tensors of a recurrent layer.
func cell(gates, I, H int) Weights {
	return Weights{W: series(gates * H * I), R: series(gates * H * H), B: series(gates * H)}
}

// models are small and have between them every layer type, layout and optional
// part.
func models(t testing.TB) map[string]*Model {
	all := map[string]*Model{"example": exampleModel(t)}
	add := func(name string, input int, program func(b *Builder) Buffer) {
		b := NewBuilder(input)
		b.Output(program(b))
		m, err := b.Model()
		require.NoError(t, err, name)
		all[name] = m
	}
	add("dense", 3, func(b *Builder) Buffer { return b.Dense("d", Input, series(2*3), nil, Sigmoid) })
	add("narrow dense", 20, func(b *Builder) Buffer { return b.Dense("d", Input, series(2*20), series(2), Linear) })
	add("wide dense", 2, func(b *Builder) Buffer { return b.Dense("d", Input, series(70*2), series(70), Relu) })
	add("rnn", 2, func(b *Builder) Buffer {
		w := cell(1, 2, 3)
		w.H0 = series(3)
		return b.RNN("r", Input, w, Tanh)
	})
	add("lstm", 2, func(b *Builder) Buffer {
		w := cell(4, 2, 5)
		w.H0, w.C0 = series(5), series(5)
		return b.LSTM("l", Input, w)
	})
	add("lstm without biases", 2, func(b *Builder) Buffer {
		w := cell(4, 2, 5)
		w.B = nil
		return b.LSTM("l", Input, w)
	})
	add("gru", 2, func(b *Builder) Buffer {
		w := cell(3, 2, 7)
		w.BR, w.H0 = series(3*7), series(7)
		return b.GRU("g", Input, w)
	})
	add("peepholes", 2, func(b *Builder) Buffer {
		w := cell(4, 2, 3)
		w.P = series(3 * 3)
		return b.LSTM("l", Input, w)
	})
	add("coupled", 2, func(b *Builder) Buffer {
		w := cell(3, 2, 3)
		w.P, w.H0, w.C0 = series(2*3), series(3), series(3)
		return b.CoupledLSTM("c", b.CoupledLSTM("plain", Input, cell(3, 2, 2)), w)
	})
	add("gru before", 2, func(b *Builder) Buffer { return b.GRUBefore("g", Input, cell(3, 2, 5)) })
	add("peephole lstm", 2, func(b *Builder) Buffer {
		w := cell(4, 2, 5)
		w.P = series(3 * 5)
		return b.LSTM("l", Input, w)
	})
	add("coupled lstm", 2, func(b *Builder) Buffer {
		w := cell(3, 2, 5)
		w.P = series(2 * 5)
		return b.CoupledLSTM("l", Input, w)
	})
	add("gru before", 2, func(b *Builder) Buffer { return b.GRUBefore("g", Input, cell(3, 2, 7)) })
	add("embedding", 1, func(b *Builder) Buffer { return b.Embedding("e", series(5*3), 3) })
	add("activation", 4, func(b *Builder) Buffer { return b.Activate("a", Input, Tanh) })
	add("softmax", 4, func(b *Builder) Buffer { return b.Softmax("s", Input) })
	add("add", 4, func(b *Builder) Buffer { return b.Add("+", Input, Input) })
	add("concat", 4, func(b *Builder) Buffer { return b.Concat("c", Input, Input, b.Softmax("s", Input)) })
	add("projected", 2, func(b *Builder) Buffer {
		w := Weights{
			W: series(20 * 2), R: series(20 * 3), B: series(20), P: series(15), Norm: series(20),
			Proj: series(3 * 5), ProjB: series(3), H0: series(3), C0: series(5),
		}
		f := WithFunctions(Function{Kind: HardSigmoid, Alpha: 0.2, Beta: 0.5}, Function{Kind: Elu, Alpha: 1, Beta: 0}, Function{Kind: Tanh})
		return b.LSTM("l", Input, w, f, WithClip(3), WithCellClip(10), WithProjectionClip(1))
	})
	add("function", 4, func(b *Builder) Buffer {
		return b.Function("f", Input, Function{Kind: ScaledTanh, Alpha: 1.7, Beta: 0.6})
	})
	add("mul", 4, func(b *Builder) Buffer { return b.Mul("m", Input, Input) })
	add("scale", 4, func(b *Builder) Buffer { return b.Scale("plain", b.Scale("s", Input, series(4), series(4)), nil, nil) })
	add("slice", 4, func(b *Builder) Buffer { return b.Slice("s", Input, 1, 3) })
	add("normalize", 4, func(b *Builder) Buffer { return b.Normalize("n", Input, 1e-5) })
	add("log softmax", 4, func(b *Builder) Buffer { return b.LogSoftmax("s", Input) })
	add("int8", 2, func(b *Builder) Buffer {
		return b.Dense("d", b.LSTM("l", Input, cell(4, 2, 17)), series(16*17), nil, Linear)
	})
	all["int8"] = Quantized(all["int8"], func(string, *Tensor) bool { return false })
	all["int8, 16 bits"] = WithDigits(all["int8"], 2)
	add("reverse", 4, func(b *Builder) Buffer { return b.Reverse("r", Input) })
	add("delay line", 4, func(b *Builder) Buffer { return b.DelayLine("d", Input, 3, 5) })
	add("everything", 1, func(b *Builder) Buffer {
		b.Meta("vocabulary", "äbc")
		b.Meta("", "")
		e := b.Concat("both", b.Embedding("one", series(3*4), 4), b.Embedding("two", series(3*2), 2))
		l := b.LSTM("lstm", e, cell(4, 6, 6))
		g := b.GRU("gru", l, cell(3, 6, 6))
		r := b.RNN("rnn", b.Add("skip", l, g), cell(1, 6, 16), Relu)
		a := b.Activate("σ", b.Dense("", r, series(3*16), series(3), Linear), Sigmoid)
		return b.Softmax("softmax", a)
	})
	all["everything"].Witness = Witness{Seed: 1 << 60, Steps: 3, SHA256: [32]byte{31: 1}}
	return all
}

func marshal(t testing.TB, m *Model) []byte {
	b, err := Marshal(m)
	require.NoError(t, err)
	return b
}

// put writes v at an offset of a file, in as many bytes as its type has.
func put(b []byte, offset int, v any) {
	if _, err := binary.Encode(b[offset:], binary.LittleEndian, v); err != nil {
		panic(err)
	}
}

// allocated returns the bytes that f allocates in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
