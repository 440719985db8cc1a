package format

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

func mapFile(f *os.File, size int) (b []byte, unmap func() error, err error) {
	mapping, err := syscall.CreateFileMapping(syscall.Handle(f.Fd()), nil, syscall.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping: %w", err)
	}
	defer syscall.CloseHandle(mapping) // the view keeps it alive
	address, err := syscall.MapViewOfFile(mapping, syscall.FILE_MAP_READ, 0, 0, uintptr(size))
	if err != nil {
		return nil, nil, fmt.Errorf("mapping: %w", err)
	}
	// The view is not Go's memory: the conversion goes through its address so
	// that vet can see it is no pointer arithmetic.
	view := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	return unsafe.Slice((*byte)(view), size), func() error { return syscall.UnmapViewOfFile(address) }, nil
}
