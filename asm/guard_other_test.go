//go:build !linux && !darwin

package asm

import "testing"

// Without mprotect an arena is plain memory; linux and darwin guard it.
type arena struct{ mem []float32 }

func newArena(_ testing.TB, floats int) *arena { return &arena{make([]float32, floats)} }

func (a *arena) slice(n int, atTail bool) []float32 {
	if atTail {
		return a.mem[len(a.mem)-n:]
	}
	return a.mem[:n:n]
}
