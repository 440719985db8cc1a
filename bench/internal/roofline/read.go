package roofline

import "unsafe"

// readGo is Reader.Read in 64-bit loads.
func readGo(x []float32) uint32 {
	w := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
	var a, b, c, d uint64
	for len(w) >= 8 {
		a ^= w[0] ^ w[4]
		b ^= w[1] ^ w[5]
		c ^= w[2] ^ w[6]
		d ^= w[3] ^ w[7]
		w = w[8:]
	}
	a ^= b ^ c ^ d
	return uint32(a) ^ uint32(a>>32)
}
