package asm

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// functions is every kind of function with parameters as people use them, what it is
// in real numbers, and the largest error: relative to the result in units of its last
// place, or absolute where the result may cancel.
var functions = []struct {
	name        string
	f           Function
	truth       func(x float64) float64
	ulp         float64
	maxAbsolute float64
}{
	{"linear", Function{Kind: Linear}, func(x float64) float64 { return x }, 0, 0},
	{"sigmoid", Function{Kind: Sigmoid}, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 0, 9e-8},
	{"tanh", Function{Kind: Tanh}, math.Tanh, 2.57, 0},
	{"relu", Function{Kind: Relu}, func(x float64) float64 { return max(x, 0) }, 0, 0},
	{"leaky relu", Function{LeakyRelu, 0.01, 0}, func(x float64) float64 {
		if x < 0 {
			return float64(float32(0.01)) * x
		}
		return x
	}, 0.51, 0},
	{"hard sigmoid", Function{HardSigmoid, 0.2, 0.5}, func(x float64) float64 {
		return min(max(float64(float32(0.2))*x+0.5, 0), 1)
	}, 0, 6e-8},
	{"elu", Function{Elu, 0.7, 0}, func(x float64) float64 {
		if x < 0 {
			return float64(float32(0.7)) * math.Expm1(x)
		}
		return x
	}, 2.1, 0},
	{"softsign", Function{Kind: Softsign}, func(x float64) float64 { return x / (1 + math.Abs(x)) }, 1.5, 0},
	{"softplus", Function{Kind: Softplus}, func(x float64) float64 {
		return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	}, 2.1, 0},
	{"thresholded relu", Function{ThresholdedRelu, 0.3, 0}, func(x float64) float64 {
		if x > float64(float32(0.3)) {
			return x
		}
		return 0
	}, 0, 0},
	{"scaled tanh", Function{ScaledTanh, 1.7159, 0.6667}, func(x float64) float64 {
		return float64(float32(1.7159)) * math.Tanh(float64(float32(0.6667))*x)
	}, 4.1, 0},
	{"affine", Function{Affine, -1.5, 0.25}, func(x float64) float64 { return -1.5*x + 0.25 }, 0.51, 0},
	{"clip", Function{Clip, -0.5, 2}, func(x float64) float64 { return min(max(x, -0.5), 2) }, 0, 0},
}

// sample is a dense sample of the floats that reach an activation, and its extremes.
func sample() []float32 {
	x := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, 1e-30, -1e-30, 1e4, -1e4, 0x1p126, -0x1p126}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1 << 14 {
		x = append(x, float32((2*r.Float64()-1)*20), float32(r.NormFloat64()))
	}
	for b := uint32(0x30000000); b < 0x42a80000; b += 16411 { // 2⁻³¹ to 84
		x = append(x, math.Float32frombits(b), -math.Float32frombits(b))
	}
	return x
}

func TestFunctions(t *testing.T) {
	x := sample()
	for _, f := range functions {
		for _, k := range All() {
			y := make([]float32, len(x))
			k.ApplyF32(f.f, y, x)
			var worstULP, worstAbsolute float64
			var at float32
			for i, v := range x {
				truth := f.truth(float64(v))
				e := math.Abs(float64(y[i]) - truth)
				worstAbsolute = max(worstAbsolute, e)
				if e /= ulp(truth); e > worstULP {
					worstULP, at = e, v
				}
			}
			if f.maxAbsolute > 0 {
				assert.LessOrEqual(t, worstAbsolute, f.maxAbsolute, "%s, %s", f.name, k.Name)
			} else {
				assert.LessOrEqual(t, worstULP, f.ulp, "%s, %s, at %g", f.name, k.Name, at)
			}
			t.Logf("%-16s %-8s worst %.2f ulp at %g, %.1e absolute", f.name, k.Name, worstULP, at, worstAbsolute)

			again := slices.Clone(x)
			k.ApplyF32(f.f, again, again)
			assert.Equal(t, y, again, "%s, in place", f.name)
			assert.Zero(t, testing.AllocsPerRun(5, func() { k.ApplyF32(f.f, y, x) }), f.name)
		}
	}
}

// What runs as Go code in every table gives these bits on every machine, whatever its
// compiler may fuse: the digest was made on amd64.
func TestFunctionDigest(t *testing.T) {
	const want = "497dea0bf90774c7ae86c9249d0825e04fca9172acbf803b6504d8d631776cd2"
	x := sample()
	hash := sha256.New()
	add := func(y []float32) {
		b := make([]byte, 0, 4*len(y))
		for _, v := range y {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		hash.Write(b)
	}
	y := make([]float32, len(x))
	for _, f := range functions {
		generic.ApplyF32(f.f, y, x)
		add(y)
	}
	for n := 1; n < 3000; n = 2*n + 1 {
		v := x[100:][:n]
		y := make([]float32, n)
		NormalizeF32(y, v, 1e-5)
		add(y)
		LogSoftmaxF32(y, v)
		add(y)
		ScaleF32(y, v, x[5000:], x[9000:])
		add(y)
		MulF32(y, v, x[5000:])
		add(y)
	}
	assert.Equal(t, want, fmt.Sprintf("%x", hash.Sum(nil)))
}

func TestLogSoftmax(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 10, 1000} {
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(8 * r.NormFloat64())
		}
		LogSoftmaxF32(y, x)
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(float64(v))
		}
		for i, v := range x {
			want := float64(v) - math.Log(sum)
			assert.InDelta(t, want, y[i], 1.2e-7*max(1, math.Abs(want)), "%d of %d", i, n)
		}
	}
	y := []float32{0x1p126, -0x1p126}
	LogSoftmaxF32(y, y)
	assert.Equal(t, []float32{0, float32(-0x1p127)}, y)
}

func TestNormalize(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 2, 17, 1000} {
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(100 + r.NormFloat64())
		}
		NormalizeF32(y, x, 1e-5)
		var mean, square float64
		for _, v := range y {
			mean += float64(v) / float64(n)
			square += float64(v) * float64(v) / float64(n)
		}
		assert.InDelta(t, 0, mean, 1e-6)
		if n > 2 {
			assert.InDelta(t, 1, square, 1e-4)
		}
	}
	y := []float32{3, 3, 3}
	NormalizeF32(y, y, 1e-12)
	assert.Equal(t, []float32{0, 0, 0}, y, "equal elements")
	NormalizeF32(y, []float32{-1, 0, 1}, 1e-12)
	assert.Equal(t, []float32{-1.2247449, 0, 1.2247449}, y)
}

func TestScale(t *testing.T) {
	x, s, b, y := []float32{1, 2, -3}, []float32{2, 0.5, 1}, []float32{1, 1, 1}, make([]float32, 3)
	ScaleF32(y, x, s, b)
	assert.Equal(t, []float32{3, 2, -2}, y)
	ScaleF32(y, x, nil, b)
	assert.Equal(t, []float32{2, 3, -2}, y)
	ScaleF32(y, x, s, nil)
	assert.Equal(t, []float32{2, 1, -3}, y)
	ScaleF32(y, x, nil, nil)
	assert.Equal(t, x, y)
	MulF32(y, x, s)
	assert.Equal(t, []float32{2, 1, -3}, y)
}
