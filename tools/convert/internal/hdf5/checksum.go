package hdf5

import (
	"encoding/binary"
	"math/bits"
)

// lookup3 is the checksum of metadata: Bob Jenkins' hash of that name
// (hashlittle, started at 0).
func lookup3(data []byte) uint32 {
	a := 0xdeadbeef + uint32(len(data))
	b, c := a, a
	for ; len(data) > 12; data = data[12:] {
		a += binary.LittleEndian.Uint32(data)
		b += binary.LittleEndian.Uint32(data[4:])
		c += binary.LittleEndian.Uint32(data[8:])
		a, c = (a-c)^bits.RotateLeft32(c, 4), c+b
		b, a = (b-a)^bits.RotateLeft32(a, 6), a+c
		c, b = (c-b)^bits.RotateLeft32(b, 8), b+a
		a, c = (a-c)^bits.RotateLeft32(c, 16), c+b
		b, a = (b-a)^bits.RotateLeft32(a, 19), a+c
		c, b = (c-b)^bits.RotateLeft32(b, 4), b+a
	}
	if len(data) == 0 {
		return c
	}
	var tail [12]byte
	copy(tail[:], data)
	a += binary.LittleEndian.Uint32(tail[:])
	b += binary.LittleEndian.Uint32(tail[4:])
	c += binary.LittleEndian.Uint32(tail[8:])
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	c = (c ^ b) - bits.RotateLeft32(b, 24)
	return c
}

// fletcher32 is the checksum of a chunk: over big-endian words of 16 bits, an odd
// last byte being the high half of a word.
func fletcher32(data []byte) uint32 {
	var a, b uint64
	for len(data) > 0 {
		// The sums start below 2^17, so that b stays below 2^64 over so many words.
		block := data[:min(len(data), 2*(1<<20))]
		data = data[len(block):]
		for ; len(block) > 1; block = block[2:] {
			a += uint64(block[0])<<8 | uint64(block[1])
			b += a
		}
		if len(block) == 1 {
			a += uint64(block[0]) << 8
			b += a
		}
		a, b = fold(a), fold(b)
	}
	return uint32(b)<<16 | uint32(a)
}

// fold reduces n modulo 65535, to 65535 rather than 0 unless n is 0.
func fold(n uint64) uint64 {
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return n
}
