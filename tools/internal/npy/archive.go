package npy

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/internal/regular"
)

// An entry may inflate to this many times the size of the archive plus this
// many bytes; zeros compress a thousandfold, anything measured far less.
const (
	maxInflation = 64
	freeBytes    = 16 << 20
)

// An Archive is a .npz file: .npy files, by name, in a zip archive.
type Archive struct {
	path    string // for errors, "" for bytes
	size    int
	names   []string
	entries map[string]*zip.File
}

// ReadArchive reads the .npz file at path. The arrays are decoded when they are
// asked for.
func ReadArchive(path string) (*Archive, error) {
	b, err := regular.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return newArchive(path, b)
}

// DecodeArchive reads the .npz file in b, which the archive goes on using: b
// must not change.
func DecodeArchive(b []byte) (*Archive, error) { return newArchive("", b) }

func newArchive(path string, b []byte) (*Archive, error) {
	z := &Archive{path: path, size: len(b), entries: map[string]*zip.File{}}
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, z.fail(fmt.Errorf("not a .npz file: %w", err))
	}
	for _, f := range r.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			continue // an archive may carry other files
		}
		if z.entries[name] != nil {
			return nil, z.fail(fmt.Errorf("two arrays are named %q", name))
		}
		z.entries[name] = f
		z.names = append(z.names, name)
	}
	return z, nil
}

// Names returns the names of the arrays, in the order of the file, without
// ".npy".
func (z *Archive) Names() []string { return slices.Clone(z.names) }

// Array reads the array of that name.
func (z *Archive) Array(name string) (*Array, error) {
	f := z.entries[name]
	if f == nil {
		return nil, z.fail(fmt.Errorf("no array %q, there are: %s", name, z.list()))
	}
	b, err := z.content(f)
	if err == nil {
		var a *Array
		if a, err = decode(b); err == nil {
			return a, nil
		}
	}
	return nil, z.fail(fmt.Errorf("array %q: %w", name, err))
}

// list names the arrays for an error, not endlessly.
func (z *Archive) list() string {
	const most = 20
	if len(z.names) == 0 {
		return "none"
	}
	s := fmt.Sprintf("%q", z.names[:min(len(z.names), most)])
	if len(z.names) > most {
		s += fmt.Sprintf(" and %d more", len(z.names)-most)
	}
	return s
}

// content returns the bytes of an entry. Memory grows with what comes out, up to
// what the directory says, which is bounded.
func (z *Archive) content(f *zip.File) ([]byte, error) {
	if f.Flags&1 != 0 {
		return nil, errors.New("is encrypted")
	}
	if most := uint64(z.size)*maxInflation + freeBytes; f.UncompressedSize64 > most {
		return nil, fmt.Errorf("is said to have %d bytes, more than the %d that are read from an archive of %d; save it uncompressed",
			f.UncompressedSize64, most, z.size)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out bytes.Buffer
	if _, err := io.Copy(&out, r); err != nil {
		return nil, err
	}
	// archive/zip has seen to it that the size is the declared one, but takes a sum of 0 for none.
	if sum := crc32.ChecksumIEEE(out.Bytes()); sum != f.CRC32 {
		return nil, fmt.Errorf("checksum is %08x, the archive says %08x", sum, f.CRC32)
	}
	return out.Bytes(), nil
}

func (z *Archive) fail(err error) error {
	if z.path != "" {
		return fmt.Errorf("npy: %s: %w", z.path, err)
	}
	return fmt.Errorf("npy: %w", err)
}
