package format

import (
	"crypto/sha256"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The first draws of SplitMix64 from seed 1234567, as published with it, through
// a vocabulary of 2²⁴ (their low 24 bits) and as features (their high 24).
func TestWitnessInputIsSplitMix64(t *testing.T) {
	published := []uint64{
		6457827717110365317, 3203168211198807973, 9817491932198370423,
		4593380528125082431, 16408922859458223821,
	}
	w := Witness{Seed: 1234567, Steps: 1}
	tokens, features := make([]float32, 5), make([]float32, 5)
	w.Input(MaxTokens).Next(tokens)
	w.Input(0).Next(features)
	for i, u := range published {
		assert.EqualValues(t, u%(1<<24), tokens[i])
		assert.EqualValues(t, float64(u>>40)/(1<<23)-1, features[i])
	}

	// The same draws, whatever the lengths of the vectors.
	input := w.Input(0)
	for i := range features {
		one := make([]float32, 1)
		input.Next(one)
		assert.Equal(t, features[i], one[0])
	}
}

func TestWitnessInputRange(t *testing.T) {
	for _, vocabulary := range []int{1, 2, 3, 127, 65535, MaxTokens} {
		w := Witness{Seed: uint64(vocabulary)}
		x := make([]float32, 10000)
		w.Input(vocabulary).Next(x)
		seen := map[float32]bool{}
		for _, v := range x {
			assert.Equal(t, v, float32(int(v)))
			assert.GreaterOrEqual(t, v, float32(0))
			assert.Less(t, int(v), vocabulary)
			seen[v] = true
		}
		assert.GreaterOrEqual(t, len(seen), min(vocabulary, 127))
	}
	x := make([]float32, 100000)
	(&Witness{}).Input(0).Next(x)
	lowest, highest, sum := float32(1), float32(-1), 0.0
	for _, v := range x {
		lowest, highest, sum = min(lowest, v), max(highest, v), sum+float64(v)
	}
	assert.InDelta(t, -1, lowest, 1e-3)
	assert.GreaterOrEqual(t, lowest, float32(-1))
	assert.InDelta(t, 1, highest, 1e-3)
	assert.Less(t, highest, float32(1))
	assert.InDelta(t, 0, sum/float64(len(x)), 0.01)
}

func TestBitHash(t *testing.T) {
	h := NewBitHash()
	assert.Equal(t, sha256.Sum256(nil), h.Sum())
	h.Add([]float32{1, float32(math.Copysign(0, -1))})
	h.Add(nil)
	h.Add([]float32{-2})
	want := sha256.Sum256([]byte("\x00\x00\x80\x3f\x00\x00\x00\x80\x00\x00\x00\xc0"))
	assert.Equal(t, want, h.Sum())
	assert.Equal(t, want, h.Sum())
}
