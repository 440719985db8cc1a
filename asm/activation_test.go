package asm

import (
	"flag"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

var exhaustive = flag.Bool("exhaustive", false, "try every float32 in the tests of sigmoid and tanh (minutes)")

// TestActivations measures sigmoid and tanh against float64, and every table
// against the generic code, over a dense sample or every float32.
func TestActivations(t *testing.T) {
	stride := uint64(4099)
	if *exhaustive {
		stride = 1
	}
	for _, f := range []struct {
		name        string
		generic     func(float32) float32
		table       func(k *Kernels) func(y, x []float32)
		truth       func(float64) float64
		maxULP      float64
		ulpTo       float64 // largest |x| for which maxULP holds
		maxAbsolute float64
		least, most float32
	}{
		{"tanh", tanh, func(k *Kernels) func(y, x []float32) { return k.TanhF32 }, math.Tanh, 2.57, math.Inf(1), 1.6e-7, -1, 1},
		{"sigmoid", sigmoid, func(k *Kernels) func(y, x []float32) { return k.SigmoidF32 },
			func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 2.41, sigmoidClamp, 9e-8, 0x1p-47, 1},
	} {
		t.Run(f.name, func(t *testing.T) {
			var worstULP, worstAbsolute float64
			var atULP float32
			x, y, want := make([]float32, 0, 4096), make([]float32, 4096), make([]float32, 4096)
			flush := func() {
				for i, v := range x {
					want[i] = f.generic(v)
					truth := f.truth(float64(v))
					e := math.Abs(float64(want[i]) - truth)
					worstAbsolute = max(worstAbsolute, e)
					if math.Abs(float64(v)) <= f.ulpTo {
						if e /= ulp(truth); e > worstULP {
							worstULP, atULP = e, v
						}
					}
					if want[i] < f.least || want[i] > f.most {
						t.Fatalf("%s(%g) = %g is out of range", f.name, v, want[i])
					}
				}
				for _, k := range native() {
					f.table(k)(y[:len(x)], x)
					for i := range x {
						if math.Float32bits(y[i]) != math.Float32bits(want[i]) {
							t.Fatalf("%s(%x): generic %x, %s %x", f.name, x[i], want[i], k.Name, y[i])
						}
					}
				}
				x = x[:0]
			}
			for b := uint64(0); b < 1<<32; b += stride {
				if v := math.Float32frombits(uint32(b)); v == v {
					if x = append(x, v); len(x) == cap(x) {
						flush()
					}
				}
			}
			flush()
			t.Logf("%s: worst %.3f ulp at %g, %.3g absolute, stride %d", f.name, worstULP, atULP, worstAbsolute, stride)
			assert.LessOrEqual(t, worstULP, f.maxULP)
			assert.LessOrEqual(t, worstAbsolute, f.maxAbsolute)
		})
	}
}

// ulp is the distance of float32 numbers around v.
func ulp(v float64) float64 {
	_, e := math.Frexp(v)
	return math.Ldexp(1, max(e, -125)-24)
}

func TestActivationPoints(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, k := range All() {
		y := make([]float32, 6)
		k.TanhF32(y, []float32{0, inf, -inf, 10, -10, 1e-40})
		assert.Equal(t, []float32{0, 1, -1, 1, -1, 1e-40}, y, k.Name)
		k.SigmoidF32(y[:3], []float32{0, inf, 20})
		assert.Equal(t, []float32{0.5, 1, 1}, y[:3], k.Name)
		k.ReluF32(y, []float32{-1, 1, -inf, inf, float32(math.Copysign(0, -1)), 3})
		assert.Equal(t, []float32{0, 1, 0, inf, 0, 3}, y, k.Name)
		assert.False(t, math.Signbit(float64(y[4])), k.Name)
	}
}
