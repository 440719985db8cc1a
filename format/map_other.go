//go:build !unix && !windows

package format

import (
	"io"
	"os"
)

func mapFile(f *os.File, size int) (b []byte, unmap func() error, err error) {
	b = aligned(size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, nil, err
	}
	return b, func() error { return nil }, nil
}
