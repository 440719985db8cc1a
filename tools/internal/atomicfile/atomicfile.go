// Package atomicfile writes files that are there whole or not at all.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write writes the file path through write, which gets a buffered writer. The
// bytes go to a temporary file in the same directory, which is renamed to path
// when all of them are on disk: path holds the old contents or the new, and
// after an error, or a panic of write, nothing is left behind. An error of
// write is returned as it is.
//
// An existing file keeps its permissions, a symbolic link is followed, and a
// path that names anything but a regular file is refused.
func Write(path string, write func(io.Writer) error) (err error) {
	target, mode, err := resolve(path)
	if err != nil {
		return err
	}
	f, err := createBeside(target)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	done := false
	defer func() {
		if !done {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()

	buffer := bufio.NewWriter(f)
	if err := write(buffer); err != nil {
		return err
	}
	if err := commit(f, buffer, target, mode); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	done = true
	return nil
}

// resolve returns the file that path means and its permissions, 0 if there is
// no such file yet.
func resolve(path string) (target string, mode fs.FileMode, err error) {
	target, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("writing %s: it is there and not a regular file", path)
	}
	return target, info.Mode().Perm(), nil
}

// createBeside creates a new file in the directory of target, with the
// permissions that any new file gets; os.CreateTemp would give 0600.
func createBeside(target string) (f *os.File, err error) {
	dir, base := filepath.Split(target)
	for range 100 {
		name := fmt.Sprintf("%s.%s-%016x", dir, base, rand.Uint64())
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return f, err
}

func commit(f *os.File, buffer *bufio.Writer, target string, mode fs.FileMode) error {
	if err := buffer.Flush(); err != nil {
		return err
	}
	if mode != 0 {
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}
