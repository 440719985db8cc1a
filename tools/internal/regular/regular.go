// Package regular reads files that somebody names, and nothing else that has a name.
package regular

import (
	"fmt"
	"os"
)

// maxSize is more than a net for the edge has in any format.
const maxSize = 4 << 30

// ReadFile is os.ReadFile for regular files of up to 4 GiB. It neither waits for a pipe nor
// reads a device, which may have no end; folders are errors, too, and each names path.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder, want a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is no regular file; copy what it gives into one", path)
	case info.Size() > maxSize:
		return nil, fmt.Errorf("%s: has %d bytes, want at most %d", path, info.Size(), int64(maxSize))
	}
	return os.ReadFile(path)
}
