package widen_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/widen"
)

// value is the definition of a small float: ±fraction·2^exponent in float64,
// which holds every one exactly.
func value(bits uint16, fractionBits int) float64 {
	bias := 1<<(14-fractionBits) - 1
	exponent := int(bits&0x7fff) >> fractionBits
	fraction := float64(bits & (1<<fractionBits - 1))
	sign := 1.0
	if bits>>15 != 0 {
		sign = -1
	}
	switch {
	case exponent == 2*bias+1 && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 2*bias+1:
		return math.NaN()
	case exponent == 0:
		exponent = 1
	default:
		fraction += math.Ldexp(1, fractionBits)
	}
	return math.Copysign(math.Ldexp(fraction, exponent-bias-fractionBits), sign)
}

func TestEvery16BitNumber(t *testing.T) {
	for _, test := range []struct {
		name         string
		fractionBits int
		widen        func(uint16) float32
	}{
		{"float16", 10, widen.Float16},
		{"bfloat16", 7, widen.BFloat16},
	} {
		t.Run(test.name, func(t *testing.T) {
			for bits := range 1 << 16 {
				want := value(uint16(bits), test.fractionBits)
				got := test.widen(uint16(bits))
				if math.IsNaN(want) {
					require.True(t, math.IsNaN(float64(got)), "%#04x", bits)
					fraction := uint32(bits) & (1<<test.fractionBits - 1)
					payload := math.Float32bits(got) & 0x7fffff
					require.Equal(t, fraction<<(23-test.fractionBits), payload, "%#04x", bits)
				} else if math.Float64bits(want) != math.Float64bits(float64(got)) {
					t.Fatalf("%#04x is %g, want %g", bits, got, want)
				}
				require.Equal(t, bits>>15 != 0, math.Signbit(float64(got)), "%#04x", bits)
			}
		})
	}
}

func TestSlice(t *testing.T) {
	for _, test := range []struct {
		format widen.Format
		name   string
		src    string
		want   []float32
	}{
		{widen.F16, "float16", "\x00\x3c\x00\xc0\x01\x00", []float32{1, -2, 0x1p-24}},
		{widen.BF16, "bfloat16", "\x80\x3f\x00\xc0\x01\x00", []float32{1, -2, 0x1p-133}},
		{widen.F32, "float32", "\x00\x00\x80\x3f\x01\x00\x00\x00", []float32{1, 0x1p-149}},
		{widen.F64, "float64", "\x00\x00\x00\x00\x00\x00\xf0\x3f" +
			"\x00\x00\x00\x10\x00\x00\xf0\x3f" + // 1 + half an ulp: to even
			"\x00\x00\x00\x30\x00\x00\xf0\x3f" + // 1 + one and a half: to even
			"\x01\x00\x00\x10\x00\x00\xf0\x3f" + // just above half
			"\x00\x00\x00\x00\x00\x00\x00\x7f", // beyond float32
			[]float32{1, 1, 1 + 0x1p-22, 1 + 0x1p-23, float32(math.Inf(1))}},
	} {
		require.Equal(t, test.name, test.format.String())
		require.Equal(t, len(test.src), len(test.want)*test.format.Size())
		got := make([]float32, len(test.want))
		test.format.Slice(got, []byte(test.src))
		require.Equal(t, test.want, got, test.name)
	}
}
