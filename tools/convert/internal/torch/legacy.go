package torch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// magic is the integer that the legacy container starts with, pickled.
const magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

// legacyVersion is the only version of the legacy container there is.
const legacyVersion = 1001

// sniffLegacy reports whether data starts as the legacy container does. Other
// protocols put a frame before the number.
func sniffLegacy(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0x80}) &&
		bytes.Contains(data[:min(len(data), 32)], []byte(magic))
}

// legacy is the older container, one after another:
//
//	pickle    the magic number
//	pickle    the version, 1001
//	pickle    {"little_endian": True, ...} of the machine that saved it
//	pickle    the object
//	pickle    [key, key ...]
//	per key   int64 count, then the elements, little-endian
type legacy struct {
	rest     []byte
	offset   int
	declared map[string]*storage // as the object's pickle has them
	storages map[string][]byte
}

// openLegacy takes a legacy container apart.
func openLegacy(data []byte) (*container, error) {
	l := &legacy{rest: data, declared: map[string]*storage{}, storages: map[string][]byte{}}
	if err := l.header(); err != nil {
		return nil, err
	}
	before := l.offset
	root, err := l.load("object", pickle.Options{Global: role, Persistent: l.declare})
	if err != nil {
		return nil, err
	}
	c := &container{format: "PyTorch legacy", root: root, pickleSize: l.offset - before, bytes: l.storage}
	keys, err := l.load("storage keys", pickle.Options{})
	if err != nil {
		return nil, err
	}
	list, ok := keys.(*pickle.List)
	if !ok {
		return nil, fmt.Errorf("storage keys: expected a list, found %s", pickle.TypeName(keys))
	}
	for _, key := range list.Items {
		if err := l.read(key); err != nil {
			return nil, err
		}
	}
	if len(l.rest) > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%d bytes after the last storage", len(l.rest)))
	}
	return c, nil
}

// header reads what comes before the object.
func (l *legacy) header() error {
	if _, err := l.load("magic number", pickle.Options{}); err != nil {
		return err
	}
	version, err := l.load("version", pickle.Options{})
	if err != nil {
		return err
	}
	if version != any(int64(legacyVersion)) {
		return fmt.Errorf("the legacy format's version is not %d", legacyVersion)
	}
	system, err := l.load("system", pickle.Options{})
	if err != nil {
		return err
	}
	d, ok := system.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("system: expected a dict, found %s", pickle.TypeName(system))
	}
	if little, ok := d.Get("little_endian"); !ok || little != any(true) {
		return errors.New("system: \"little_endian\" is not True; load and save the checkpoint on a little-endian machine")
	}
	return nil
}

// load reads the next pickle.
func (l *legacy) load(what string, opt pickle.Options) (any, error) {
	v, n, err := pickle.Load(l.rest, opt)
	if err != nil {
		return nil, fmt.Errorf("%s at byte %d: %w", what, l.offset, explain(err, l.rest))
	}
	l.take(n)
	return v, nil
}

// take steps over n bytes and returns them.
func (l *legacy) take(n int) []byte {
	b := l.rest[:n]
	l.rest = l.rest[n:]
	l.offset += n
	return b
}

// declare notes a storage of the object: only there is its type told.
func (l *legacy) declare(id any) (any, error) {
	s, err := parseStorage(id)
	if err != nil {
		return nil, err
	}
	if first := l.declared[s.key]; first == nil {
		l.declared[s.key] = s
	} else if first.dtype != s.dtype || first.count != s.count {
		return nil, fmt.Errorf("storage %s is %d %s here and was %d %s before",
			quote(s.key), s.count, s.dtype.name, first.count, first.dtype.name)
	}
	return s, nil
}

// read reads the storage of the next key.
func (l *legacy) read(v any) error {
	key, ok := v.(string)
	if !ok {
		return fmt.Errorf("storage keys: expected a str, found %s", pickle.TypeName(v))
	}
	s := l.declared[key]
	if s == nil {
		return fmt.Errorf("storage %s belongs to no tensor", quote(key))
	}
	if _, twice := l.storages[key]; twice {
		return fmt.Errorf("storage %s is there twice", quote(key))
	}
	if len(l.rest) < 8 {
		return fmt.Errorf("the file ends before storage %s", quote(key))
	}
	if count := int64(binary.LittleEndian.Uint64(l.take(8))); count != s.count {
		return fmt.Errorf("storage %s has %d elements, expected %d", quote(key), count, s.count)
	}
	if size := s.size(); size > int64(len(l.rest)) {
		return fmt.Errorf("storage %s has %d bytes where the file has %d left", quote(key), size, len(l.rest))
	}
	l.storages[key] = l.take(int(s.size()))
	return nil
}

// storage returns the bytes of a storage.
func (l *legacy) storage(s *storage) ([]byte, error) {
	b, ok := l.storages[s.key]
	if !ok {
		return nil, fmt.Errorf("the file has no storage %s", quote(s.key))
	}
	return b, nil
}
