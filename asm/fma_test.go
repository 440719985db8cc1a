package asm

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigFMA rounds x·y + z once, from exact arithmetic, straight to the grid of
// float32: 24 bits, or multiples of 2⁻¹⁴⁹ below the normal range.
func bigFMA(x, y, z float32) float32 {
	exact := new(big.Float).SetPrec(2000)
	exact.Mul(new(big.Float).SetFloat64(float64(x)), new(big.Float).SetFloat64(float64(y)))
	exact.Add(exact, new(big.Float).SetFloat64(float64(z)))
	if exact.Sign() == 0 {
		return float32(float64(x)*float64(y)) + z // the sign of an exact zero; no rounding
	}
	f, _ := exact.Float32() // rounds once, to nearest even, subnormals included
	return f
}

func TestFMA32(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	bits := func(exponents int) float32 {
		// Few mantissa bits make ties likely; exponents near each other, or near
		// the subnormals, make them matter.
		mantissa := random.Uint32() & 0x7fffff & (^uint32(0) << random.IntN(24))
		if random.IntN(3) == 0 {
			mantissa = random.Uint32() & 0x7fffff
		}
		e := uint32(127 + random.IntN(2*exponents) - exponents)
		return math.Float32frombits(random.Uint32()&0x80000000 | e<<23 | mantissa)
	}
	check := func(x, y, z float32) {
		want, got := bigFMA(x, y, z), fma32(x, y, z)
		if math.Float32bits(want) != math.Float32bits(got) {
			t.Fatalf("fma(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
	}
	for range 300000 {
		x, y := bits(20), bits(20)
		check(x, y, bits(40))
		// A tie of the product broken by a tiny addend, and by a tiny product.
		check(x, y, float32(math.Ldexp(float64(bits(2)), -60)))
		check(float32(math.Ldexp(float64(x), -50)), y, bits(4))
		// Results among the subnormals.
		sub := float32(math.Ldexp(float64(bits(8)), -140))
		check(float32(math.Ldexp(float64(x), -70)), float32(math.Ldexp(float64(y), -70)), sub)
	}
	for _, c := range [][3]float32{
		{0, 0, 0}, {0, -1, 0}, {1, 1, -1}, {math.MaxFloat32, 2, -math.MaxFloat32},
		{math.MaxFloat32, 1, math.MaxFloat32}, {math.SmallestNonzeroFloat32, 0.5, 0},
		{math.SmallestNonzeroFloat32, -0.5, 0}, {0x1p-126, 0x1p-23, -0x1p-149},
	} {
		check(c[0], c[1], c[2])
	}
}
