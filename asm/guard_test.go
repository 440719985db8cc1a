//go:build linux || darwin

package asm

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// An arena is a stretch of memory between two pages that may not be touched.
type arena struct{ mem []byte }

func newArena(t testing.TB, floats int) *arena {
	page := os.Getpagesize()
	size := (4*floats + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for _, guard := range [][]byte{all[:page], all[page+size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = syscall.Munmap(all) })
	return &arena{all[page : page+size]}
}

// slice returns n floats that end right before the guard page (atTail) or begin
// right after the one before.
func (a *arena) slice(n int, atTail bool) []float32 {
	all := unsafe.Slice((*float32)(unsafe.Pointer(&a.mem[0])), len(a.mem)/4)
	if atTail {
		return all[len(all)-n:]
	}
	return all[:n:n]
}
