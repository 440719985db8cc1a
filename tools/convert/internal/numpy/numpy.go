// Package numpy reads tensors that were saved as NumPy arrays: an archive of them (.npz), or a
// folder of .npy files. They are named as the array or the file is.
package numpy

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// Format is what the source is called.
const Format = "NumPy .npz"

const magic = "\x93NUMPY"

// Sniff reports whether data looks like a .npz archive, perhaps a damaged one, or like an
// .npy file; Read says what to do with that.
func Sniff(data []byte) bool {
	if bytes.HasPrefix(data, []byte(magic)) {
		return true
	}
	if !bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return false
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return bytes.Contains(data, []byte(".npy"))
	}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, ".npy") {
			return true
		}
	}
	return false
}

// All arrays of an archive may have this many times its bytes, and these more, as package
// npy has it for one.
const (
	maxInflation = 64
	freeBytes    = 16 << 20
)

// Read reads the .npz archive in data; name stands for the file in messages. Arrays that are
// not floating-point are noted in Skipped. Nothing of the result aliases data.
func Read(name string, data []byte) (*checkpoint.Checkpoint, error) {
	if bytes.HasPrefix(data, []byte(magic)) {
		return nil, fmt.Errorf("%s: a single array, supported are .npz archives and folders of .npy files: convert the folder that it is in", name)
	}
	z, err := npy.DecodeArchive(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &checkpoint.Checkpoint{File: name, Format: Format, Meta: map[string]string{}}
	if n := len(z.Names()); n > checkpoint.MaxTensors {
		return nil, fmt.Errorf("%s: %d arrays, want at most %d", name, n, checkpoint.MaxTensors)
	}
	room := maxInflation*int64(len(data)) + freeBytes
	for _, n := range z.Names() {
		a, err := z.Array(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if room -= 8 * int64(a.Len()); room < 0 {
			return nil, fmt.Errorf("%s: the arrays up to %q have more elements than are read from an archive of %d bytes; save it uncompressed", name, n, len(data))
		}
		add(c, n, a)
	}
	c.Unwrap()
	return c, nil
}

// ReadFolder reads the .npy files of a folder, in the order of their names; name stands for
// the folder in messages. Other files and folders in it are left aside.
func ReadFolder(name string, folder fs.FS) (*checkpoint.Checkpoint, error) {
	c := &checkpoint.Checkpoint{File: name, Format: "NumPy .npy files", Meta: map[string]string{}}
	files, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	found := false
	for _, f := range files {
		n, ok := strings.CutSuffix(f.Name(), ".npy")
		if !ok {
			continue
		}
		found = true
		a, err := readFile(folder, f.Name())
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, f.Name(), err)
		}
		add(c, n, a)
	}
	if !found {
		return nil, fmt.Errorf("%s: a folder without .npy files, supported are a file of a format that convert -h lists and a folder of NumPy arrays", name)
	}
	c.Unwrap()
	return c, nil
}

// readFile reads one file, but does not wait for a pipe.
func readFile(folder fs.FS, name string) (*npy.Array, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is no regular file")
	}
	b, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, err
	}
	return npy.Decode(b)
}

// add adds one array to c, or notes why not.
func add(c *checkpoint.Checkpoint, name string, a *npy.Array) {
	if !strings.HasPrefix(a.DType, "float") {
		c.Skipped = append(c.Skipped, fmt.Sprintf("%s: %s array of shape %v", name, a.DType, a.Shape))
		return
	}
	if a.DType == "float64" {
		c.Skipped = append(c.Skipped, name+": rounded from float64 to float32")
	}
	c.Tensors = append(c.Tensors, checkpoint.Tensor{Name: name, Shape: a.Shape, Data: a.Float32(), DType: a.DType})
}
