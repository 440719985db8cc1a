package format

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
)

// A Witness is the proof that a model carries of what it computes: the SHA-256
// of the bits of every output over Steps steps from the initial state, on an
// input that anyone can make from Seed. A machine that gets the same digest
// computes the same numbers, bit for bit.
//
// The zero Witness (no steps) says nothing.
type Witness struct {
	Seed   uint64
	Steps  uint32
	SHA256 [sha256.Size]byte
}

// WitnessInput is the source of a witness's input: SplitMix64 (Steele, Lea and
// Flood, Fast splittable pseudorandom number generators, 2014), one draw u per
// float. Features are (u>>40)·2⁻²³ − 1, uniform in [-1, 1); a token is u mod the
// vocabulary.
type WitnessInput struct {
	state      uint64
	vocabulary uint64
}

// Input returns the source of w's input for a model with this vocabulary, 0 if
// its input is features.
func (w *Witness) Input(vocabulary int) *WitnessInput {
	return &WitnessInput{state: w.Seed, vocabulary: uint64(vocabulary)}
}

// Next fills x with the input of the next step.
func (s *WitnessInput) Next(x []float32) {
	for i := range x {
		s.state += 0x9e3779b97f4a7c15
		u := s.state
		u = (u ^ u>>30) * 0xbf58476d1ce4e5b9
		u = (u ^ u>>27) * 0x94d049bb133111eb
		u ^= u >> 31
		if s.vocabulary > 0 {
			x[i] = float32(u % s.vocabulary)
		} else {
			x[i] = float32(u>>40)*0x1p-23 - 1
		}
	}
}

// A BitHash digests float32 vectors: SHA-256 over their bits, little-endian.
type BitHash struct {
	h   hash.Hash
	buf []byte
}

// NewBitHash returns an empty digest.
func NewBitHash() *BitHash { return &BitHash{h: sha256.New()} }

// Add appends the bits of y.
func (b *BitHash) Add(y []float32) {
	b.buf = b.buf[:0]
	for _, v := range y {
		b.buf = binary.LittleEndian.AppendUint32(b.buf, math.Float32bits(v))
	}
	b.h.Write(b.buf)
}

// Sum returns the digest of what was added so far.
func (b *BitHash) Sum() (sum [sha256.Size]byte) {
	b.h.Sum(sum[:0])
	return sum
}
