package rnnoise

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

// One input; every GRU has one unit, the first one relu, the second tanh, the third
// sigmoid as its activation.
const good = `rnnoise-nu model file version 1
1 2 0
64 -32
16 8
2 1 2
10 20 30 40 50 60
7 8 9
1 2 3
4 1 0
1 2 3 4 5 6 7 8 9 10 11 12
-60 70 80
4 5 6
3 1 1
1 2 3 4 5 6 7 8 9
90 -80 70
7 8 9
1 1 1
127
-128
1 1 1
-100
5
`

func read(data []byte) error {
	_, _, err := Read("voice.rnnn", data)
	return err
}

// A cell with one unit, from the C code's formulas.
func gru(h *float64, f func(float64) float64, w, r, b []float64, xs ...float64) float64 {
	gate := func(g int, h float64) float64 {
		z := b[g] + r[g]*h
		for i, x := range xs {
			z += w[3*i+g] * x
		}
		return z / 256
	}
	update, reset := sigmoid(gate(0, *h)), sigmoid(gate(1, *h))
	*h = update**h + (1-update)*f(gate(2, reset**h))
	return *h
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func TestFormulas(t *testing.T) {
	m, notes, err := Read("voice.rnnn", []byte(good))
	require.NoError(t, err)
	assert.Equal(t, "1 gains of bands, 1 of voice activity", m.Value("outputs"))
	assert.Contains(t, notes, "the output is 1 gains of bands, 1 of voice activity")
	file, err := format.Marshal(m)
	require.NoError(t, err)
	engine, err := infer.FromBytes(file)
	require.NoError(t, err)
	s := engine.NewSession()
	var v, n, h float64
	y := make([]float32, 2)
	for _, x := range []float64{1, -2, 0.5, 3} {
		d := []float64{math.Tanh((64*x + 16) / 256), math.Tanh((-32*x + 8) / 256)}
		gru(&v, func(x float64) float64 { return max(x, 0) }, []float64{10, 20, 30, 40, 50, 60}, []float64{7, 8, 9}, []float64{1, 2, 3}, d...)
		gru(&n, math.Tanh, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, []float64{-60, 70, 80}, []float64{4, 5, 6}, d[0], d[1], v, x)
		gru(&h, sigmoid, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, []float64{90, -80, 70}, []float64{7, 8, 9}, v, n, x)
		require.NoError(t, s.Step(y, []float32{float32(x)}))
		assert.InDelta(t, sigmoid((127*h-128)/256), y[0], 2e-7)
		assert.InDelta(t, sigmoid((-100*v+5)/256), y[1], 2e-7)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"version 1", "version 2", "voice.rnnn: the head has version 2, supported is 1"},
		{"version 1", "version x", `voice.rnnn: the head has "x" in line 1, want its version, a whole number from 1 to 2147483647`},
		{"1 2 0", "0 2 0", `voice.rnnn: input dense has "0" in line 2, want its number of inputs, a whole number from 1 to 4096`},
		{"1 2 0", "1 2 3", `voice.rnnn: input dense has "3" in line 2, want its activation, a whole number from 0 to 2`},
		{"1 2 0", "4096 4096 0", "voice.rnnn: input dense has 16777216 input weights, more than the file holds"},
		{"2 1 2", "3 1 2", "voice.rnnn: VAD GRU has 3 inputs in line 5, want the 2 of what it reads"},
		{"7 8 9\n1", "7 128 9\n1", `voice.rnnn: VAD GRU has "128" in line 7, want its recurrent weights, a whole number from -128 to 127`},
		{"4 5 6\n", "", "voice.rnnn: denoise GRU has 1 inputs in line 13, want the 3 of what it reads"},
		{"-100\n5\n", "-100\n", "voice.rnnn: VAD ends in line 22, want its biases there"},
		{"-100\n5\n", "-100 5 6", `voice.rnnn: VAD is the last one, but after line 21 comes "6"`},
		{"-128\n1", "-1e2\n1", `voice.rnnn: gains has "-1e2" in line 19, want its biases, a whole number`},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		require.NotEqual(t, good, text)
		assert.ErrorContains(t, read([]byte(text)), c.want)
	}
}

var importer = hostiletest.Importer{Sniff: Sniff, Read: Read}

func TestHostile(t *testing.T) { importer.Damage(t, strings.TrimSpace(good), "rnnoise") }

func FuzzRead(f *testing.F) { importer.Fuzz(f, good) }
