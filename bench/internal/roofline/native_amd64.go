//go:build !purego

package roofline

import "github.com/klauspost/cpuid/v2"

func native() []Reader {
	if cpuid.CPU.Supports(cpuid.AVX2) {
		return []Reader{{"AVX2", readAVX2}, {"AVX2 prefetching", readAheadAVX2}}
	}
	return nil
}

//go:noescape
func readAVX2(x []float32) uint32

//go:noescape
func readAheadAVX2(x []float32) uint32
