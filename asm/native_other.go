//go:build purego || !(amd64 || arm64)

package asm

// native returns the tables in assembly that this CPU can run, best first.
func native() []*Kernels { return nil }
