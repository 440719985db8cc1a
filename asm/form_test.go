package asm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	plainSigmoid = Function{Kind: Sigmoid}
	plainTanh    = Function{Kind: Tanh}
	plainRelu    = Function{Kind: Relu}
)

// A form with the plain functions and no limits gives the bits of the cell's kernel,
// on every table.
func TestPlainFormsAreTheKernels(t *testing.T) {
	for _, k := range All() {
		lstm := &LSTMForm{Kernels: k, Gate: plainSigmoid, Candidate: plainTanh, Output: plainTanh}
		coupled := &LSTMForm{Kernels: k, Gate: plainSigmoid, Candidate: plainTanh, Output: plainTanh, Coupled: true}
		gru := &GRUForm{Kernels: k, Gate: plainSigmoid, Candidate: plainTanh}
		rnn, relu := &RNNForm{Kernels: k, F: plainTanh}, &RNNForm{Kernels: k, F: plainRelu}
		// Arguments: h, c, zx, zh, p, and rh.
		for name, pair := range map[string][2]func(h, c, zx, zh, p, rh []float32){
			"lstm": {
				func(h, c, zx, zh, p, rh []float32) { k.LSTMF32(h, c, zx, zh) },
				func(h, c, zx, zh, p, rh []float32) { lstm.Update(h, c, zx, zh, nil) },
			},
			"peepholes": {
				func(h, c, zx, zh, p, rh []float32) { k.LSTMPeepholeF32(h, c, zx, zh, p) },
				func(h, c, zx, zh, p, rh []float32) { lstm.Update(h, c, zx, zh, p) },
			},
			"coupled": {
				func(h, c, zx, zh, p, rh []float32) { k.LSTMCoupledF32(h, c, zx, zh) },
				func(h, c, zx, zh, p, rh []float32) { coupled.Update(h, c, zx, zh, nil) },
			},
			"coupled peepholes": {
				func(h, c, zx, zh, p, rh []float32) { k.LSTMCoupledPeepholeF32(h, c, zx, zh, p) },
				func(h, c, zx, zh, p, rh []float32) { coupled.Update(h, c, zx, zh, p) },
			},
			"gru": {
				func(h, c, zx, zh, p, rh []float32) { k.GRUF32(h, zx, zh) },
				func(h, c, zx, zh, p, rh []float32) { gru.Update(h, zx, zh) },
			},
			"gru before": {
				func(h, c, zx, zh, p, rh []float32) { k.GRUResetF32(rh, h, zx, zh); k.GRUBeforeF32(h, zx, zh) },
				func(h, c, zx, zh, p, rh []float32) { gru.Reset(rh, h, zx, zh); gru.UpdateBefore(h, zx, zh) },
			},
			"rnn": {
				func(h, c, zx, zh, p, rh []float32) { k.RNNTanhF32(h, zx, zh) },
				func(h, c, zx, zh, p, rh []float32) { rnn.Update(h, zx, zh) },
			},
			"relu": {
				func(h, c, zx, zh, p, rh []float32) { k.RNNReluF32(h, zx, zh) },
				func(h, c, zx, zh, p, rh []float32) { relu.Update(h, zx, zh) },
			},
		} {
			for _, H := range []int{1, 7, 16, 33, 100} {
				r := rand.New(rand.NewPCG(uint64(H), 7))
				var a, b [6][]float32
				for i, n := range []int{H, H, 4 * H, 4 * H, 3 * H, H} {
					for range n {
						a[i] = append(a[i], float32(3*r.NormFloat64()))
					}
					b[i] = slices.Clone(a[i])
				}
				pair[0](a[0], a[1], a[2], a[3], a[4], a[5])
				pair[1](b[0], b[1], b[2], b[3], b[4], b[5])
				for _, i := range []int{0, 1, 5} {
					assert.Equal(t, bitsOf(a[i]), bitsOf(b[i]), "%s, %s, H=%d, argument %d", k.Name, name, H, i)
				}
			}
		}
	}
}

func bitsOf(x []float32) []uint32 {
	b := make([]uint32, len(x))
	for i, v := range x {
		b[i] = math.Float32bits(v)
	}
	return b
}

// Limits and normalisation, on numbers that a reader can follow.
func TestLSTMLimits(t *testing.T) {
	linear := Function{Kind: Linear}
	for _, k := range All() {
		t.Run(k.Name, func(t *testing.T) {
			f := &LSTMForm{Kernels: k, Gate: linear, Candidate: linear, Output: linear, CellClip: 5}
			h, c := []float32{0}, []float32{2}
			// i = 2, f = 0.5, g = 3, o = 0.25 + 0.125·c′: c′ = 0.5·2 + 2·3 = 7, limited to 5.
			f.Update(h, c, []float32{1, 0.5, 3, 0.25}, []float32{1, 0, 0, 0}, []float32{0, 0, 0.125})
			assert.Equal(t, []float32{5}, c)
			assert.Equal(t, []float32{(0.25 + 0.625) * 5}, h)

			f = &LSTMForm{Kernels: k, Gate: linear, Candidate: linear, Output: linear, Clip: 2, Coupled: true}
			c[0] = 3
			// i = 8 limited to 2, g = −9 to −2, o = 1: c′ = (1−2)·3 + 2·(−2).
			f.Update(h, c, []float32{8, -9, 1}, []float32{0, 0, 0}, nil)
			assert.Equal(t, []float32{-7}, c)
			assert.Equal(t, []float32{-7}, h)

			// Two units, so that a normalised gate is ±1 in float32; each gate with a gain and bias of
			// its own, the peepholes inside.
			f = &LSTMForm{Kernels: k, Gate: linear, Candidate: linear, Output: linear}
			h, c = []float32{0, 0}, []float32{1, 1}
			zx := []float32{10, 30, 5, 5, -1000, 1000, 7, 7}
			f.UpdateNorm(h, c, zx, make([]float32, 8), []float32{0, 0, 100, 0, 1, 0}, []float32{2, 2, 4, 4, 8, 8, 1, 1}, []float32{0, 1, 0, 0, 0, 0, 0.5, 0.5})
			// i = 2·(−1, 1) + (0, 1); f sees 5 + 100·1 and 5: 4·(1, −1); g = 8·(−1, 1);
			// c = (4 + 16, −4 + 24); o sees 7 + 20 and 7: (1, −1) + ½.
			assert.Equal(t, []float32{20, 20}, c)
			assert.Equal(t, []float32{30, -10}, h)
		})
	}
}

func TestFormsDoNotAllocate(t *testing.T) {
	const H = 20
	v := func(n int) []float32 { return make([]float32, n*H) }
	h, c, zx, zh, p, gain := v(1), v(1), v(4), v(4), v(3), v(4)
	for _, k := range All() {
		for _, fn := range functions {
			lstm := &LSTMForm{Kernels: k, Gate: fn.f, Candidate: fn.f, Output: fn.f, Clip: 1, CellClip: 1}
			gru := &GRUForm{Kernels: k, Gate: fn.f, Candidate: fn.f, Clip: 1}
			rnn := &RNNForm{Kernels: k, F: fn.f, Clip: 1}
			require.Zero(t, testing.AllocsPerRun(5, func() {
				lstm.UpdateNorm(h, c, zx, zh, p, gain, gain)
				gru.Update(h, zx, zh)
				gru.Reset(h, c, zx, zh)
				gru.UpdateBefore(h, zx, zh)
				rnn.Update(h, zx, zh)
			}), fmt.Sprint(k.Name, fn.name))
		}
	}
}
