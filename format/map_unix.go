//go:build unix

package format

import (
	"fmt"
	"os"
	"syscall"
)

func mapFile(f *os.File, size int) (b []byte, unmap func() error, err error) {
	b, err = syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping: %w", err)
	}
	return b, func() error { return syscall.Munmap(b) }, nil
}
