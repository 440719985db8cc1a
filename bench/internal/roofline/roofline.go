// Package roofline reads memory as fast as one core can: the time that a kernel
// which has to read the same bytes cannot beat.
package roofline

// A Reader is one way to read memory.
type Reader struct {
	// Name says what it reads with: "AVX-512", "AVX2", "NEON", "Go", and whether
	// it prefetches or reads four quarters side by side.
	Name string

	// Read reads every element of x once and returns the exclusive
	// or of their bits, so that nothing can be left out.
	//
	// len(x) is a multiple of 16 and x starts on an 8-byte boundary, as the
	// tensors of a model do. Nothing outside x is read.
	Read func(x []float32) uint32
}

// Readers returns the ways to read that are worth trying on this CPU, the widest
// loads first. Which is fastest depends on the size: prefetching and reading side by
// side cost a little where the data lies near and gain where it does not. The roofline is
// the fastest of all.
func Readers() []Reader {
	if r := native(); r != nil {
		return r
	}
	return []Reader{{"Go", readGo}}
}
