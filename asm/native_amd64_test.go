//go:build !purego

package asm

import (
	"testing"

	"github.com/klauspost/cpuid/v2"
	"github.com/stretchr/testify/assert"
)

// Zen 4 alone prefetches nothing ahead: of its family, what has AVX-512.
func TestPrefetchAhead(t *testing.T) {
	for _, c := range []struct {
		name   string
		vendor cpuid.Vendor
		family int
		avx512 bool
		want   int
	}{
		{"Zen 2", cpuid.AMD, 0x17, false, 2048},
		{"Zen 3", cpuid.AMD, 0x19, false, 2048},
		{"Zen 4", cpuid.AMD, 0x19, true, 0},
		{"Zen 5", cpuid.AMD, 0x1a, true, 2048},
		{"Skylake", cpuid.Intel, 6, true, 2048},
	} {
		cpu := cpuid.CPUInfo{VendorID: c.vendor, Family: c.family}
		if c.avx512 {
			cpu.Enable(cpuid.AVX512F)
		}
		assert.Equal(t, c.want, ahead(&cpu), c.name)
	}
}
