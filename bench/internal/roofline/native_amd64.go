//go:build !purego

package roofline

import "github.com/klauspost/cpuid/v2"

// native has both widths where there are both: on the first CPUs with AVX-512 wide
// loads lower the clock.
func native() (readers []Reader) {
	if cpuid.CPU.Supports(cpuid.AVX512F) {
		readers = append(readers, Reader{"AVX-512", readAVX512}, Reader{"AVX-512 prefetching", readAheadAVX512}, Reader{"AVX-512 four at a time", readFourAVX512})
	}
	if cpuid.CPU.Supports(cpuid.AVX2) {
		readers = append(readers, Reader{"AVX2", readAVX2}, Reader{"AVX2 prefetching", readAheadAVX2}, Reader{"AVX2 four at a time", readFourAVX2})
	}
	return readers
}

//go:noescape
func readAVX2(x []float32) uint32

//go:noescape
func readAheadAVX2(x []float32) uint32

//go:noescape
func readAVX512(x []float32) uint32

//go:noescape
func readAheadAVX512(x []float32) uint32

//go:noescape
func readFourAVX2(x []float32) uint32

//go:noescape
func readFourAVX512(x []float32) uint32
