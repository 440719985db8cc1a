package format

import (
	"errors"
	"fmt"
	"math"
	"os"
)

// Open maps the .rnn file at path into memory and reads it there; where the
// system has no mapping it is read into memory. The file must not be changed or
// cut while it is open: replace it by renaming, as WriteFile does.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("format: %s: %w", path, err)
	}
	return f, nil
}

func open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	switch {
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file, which Open maps; read it with Load")
	case size < headerSize: // nothing to map, perhaps
		return nil, fmt.Errorf("%d bytes, want a header of %d", size, headerSize)
	case size > math.MaxInt-alignment:
		return nil, fmt.Errorf("%d bytes do not fit the address space", size)
	}
	b, unmap, err := mapFile(file, int(size))
	if err != nil {
		return nil, err
	}
	f, err := parse(b)
	if err != nil {
		_ = unmap()
		return nil, err
	}
	f.unmap = unmap
	return f, nil
}
