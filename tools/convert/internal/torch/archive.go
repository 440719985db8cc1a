package torch

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"

	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// isZip reports whether data starts as a zip archive does.
func isZip(data []byte) bool { return bytes.HasPrefix(data, []byte("PK\x03\x04")) }

// sniffArchive reports whether data is a zip archive with a data.pkl, or looks
// like one whose directory is damaged.
func sniffArchive(data []byte) bool {
	if !isZip(data) {
		return false
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return bytes.Contains(data, []byte("data.pkl"))
	}
	for _, f := range r.File {
		if path.Base(f.Name) == "data.pkl" {
			return true
		}
	}
	return false
}

// archive is a zip container:
//
//	prefix/data.pkl    the object
//	prefix/byteorder   "little" or "big", absent in older files
//	prefix/data/KEY    one storage
//
// and, from torch.jit.save, prefix/code/ with the classes of the object, a module, and
// constants.pkl with constants/KEY for what the code calls CONSTANTS.
type archive struct {
	data     []byte
	prefix   string // ends in a slash unless empty
	entries  map[string]*zip.File
	storages map[string][]byte // those already read, by key
	room     uint64            // bytes that may still be read
	summed   bool              // the entries have checksums
}

// openArchive takes a zip container apart.
func openArchive(data []byte) (*container, error) {
	a := &archive{
		data:     data,
		entries:  map[string]*zip.File{},
		storages: map[string][]byte{},
		room:     8*uint64(len(data)) + 1<<20,
	}
	if err := a.list(); err != nil {
		return nil, err
	}
	if err := a.checkByteOrder(); err != nil {
		return nil, err
	}
	code, err := a.read(a.prefix + "data.pkl")
	if err != nil {
		return nil, err
	}
	allowed, script := role, a.isScript()
	if script {
		allowed = scriptRole
	}
	root, n, err := pickle.Load(code, pickle.Options{Global: allowed, Persistent: persistent})
	c := &container{format: "PyTorch zip", root: root, pickleSize: n, bytes: a.storage}
	var refused *pickle.GlobalError
	if errors.As(err, &refused) && isModule(code) {
		w, wrong := loadModule(code)
		if wrong != nil {
			return nil, wrong
		}
		if w != nil {
			c.whole, c.format, err, n = w, "PyTorch zip, a module", nil, len(code)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quote(a.prefix+"data.pkl"), explain(err, code))
	}
	if n != len(code) {
		return nil, fmt.Errorf("%s: %d bytes follow the pickle", quote(a.prefix+"data.pkl"), len(code)-n)
	}
	if script {
		c.format = "TorchScript"
		if c.script, err = a.openScript(root); err != nil {
			return nil, err
		}
	}
	if !a.summed {
		c.notes = append(c.notes, "the archive was saved without checksums, so damage to its numbers would not be seen")
	}
	return c, nil
}

// list indexes the entries by their full path and finds the prefix.
func (a *archive) list() error {
	r, err := zip.NewReader(bytes.NewReader(a.data), int64(len(a.data)))
	if err != nil {
		return fmt.Errorf("damaged zip archive: %w", err)
	}
	pickles := 0
	for _, f := range r.File {
		if a.entries[f.Name] != nil {
			return fmt.Errorf("two entries of the archive are named %s", quote(f.Name))
		}
		a.entries[f.Name] = f
		a.summed = a.summed || f.CRC32 != 0
		if dir, base := path.Split(f.Name); base == "data.pkl" {
			a.prefix = dir
			pickles++
		}
	}
	if pickles != 1 {
		return fmt.Errorf("not a PyTorch checkpoint: a zip archive with %d data.pkl entries, expected 1", pickles)
	}
	return nil
}

// checkByteOrder refuses what a big-endian machine saved.
func (a *archive) checkByteOrder() error {
	name := a.prefix + "byteorder"
	if a.entries[name] == nil {
		return nil
	}
	order, err := a.read(name)
	if err != nil {
		return err
	}
	if string(order) != "little" {
		return fmt.Errorf("%s is %s, expected \"little\"; load and save the checkpoint on a little-endian machine",
			quote(name), quote(string(order)))
	}
	return nil
}

// storage returns the bytes of a storage, read at most once.
func (a *archive) storage(s *storage) ([]byte, error) {
	b, ok := a.storages[s.key]
	if !ok {
		var err error
		if b, err = a.read(a.prefix + "data/" + s.key); err != nil {
			return nil, err
		}
		a.storages[s.key] = b
	}
	if int64(len(b)) != s.size() {
		return nil, fmt.Errorf("entry %s has %d bytes, expected %d for %d elements of %s",
			quote(a.prefix+"data/"+s.key), len(b), s.size(), s.count, s.dtype.name)
	}
	return b, nil
}

// read returns the content of an entry after checking its sum. Stored entries
// alias the archive.
func (a *archive) read(name string) ([]byte, error) {
	f := a.entries[name]
	if f == nil {
		return nil, fmt.Errorf("the archive has no entry %s", quote(name))
	}
	b, err := a.content(f)
	if err != nil {
		return nil, fmt.Errorf("entry %s: %w", quote(name), err)
	}
	if sum := crc32.ChecksumIEEE(b); a.summed && sum != f.CRC32 {
		return nil, fmt.Errorf("entry %s: checksum is %08x, expected %08x: the file is damaged", quote(name), sum, f.CRC32)
	}
	return b, nil
}

// content returns the unchecked content of an entry.
func (a *archive) content(f *zip.File) ([]byte, error) {
	const encrypted = 1
	if f.Flags&encrypted != 0 {
		return nil, errors.New("is encrypted")
	}
	size := f.UncompressedSize64
	if size > a.room {
		return nil, fmt.Errorf("is said to have %d bytes, more than a file of %d bytes may hold", size, len(a.data))
	}
	a.room -= size
	offset, err := f.DataOffset()
	if err != nil {
		return nil, err
	}
	rest := int64(len(a.data)) - offset
	if rest < 0 || f.CompressedSize64 > uint64(rest) {
		return nil, errors.New("reaches past the end of the file")
	}
	raw := a.data[offset:][:f.CompressedSize64]
	switch f.Method {
	case zip.Store:
		if uint64(len(raw)) != size {
			return nil, fmt.Errorf("is stored in %d bytes, expected %d", len(raw), size)
		}
		return raw, nil
	case zip.Deflate:
		return inflate(raw, size)
	}
	return nil, fmt.Errorf("compression method %d is not supported, expected stored or deflated", f.Method)
}

// inflate decompresses exactly size bytes; memory grows with what comes out,
// not with what was promised.
func inflate(raw []byte, size uint64) ([]byte, error) {
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(flate.NewReader(bytes.NewReader(raw)), int64(size)+1))
	if err != nil {
		return nil, fmt.Errorf("does not decompress: %w", err)
	}
	if uint64(n) != size {
		return nil, fmt.Errorf("decompresses to another size than the %d bytes it is said to have", size)
	}
	return out.Bytes(), nil
}
