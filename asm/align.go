package asm

import "unsafe"

// Align returns x without its first elements up to a 64-byte boundary, at most
// 15 of them: vectors that start on a cache line load fastest.
func Align(x []float32) []float32 {
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(x))) % 64 / 4
	return x[skip:]
}
