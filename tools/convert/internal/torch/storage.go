package torch

import (
	"errors"
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// storage is a flat array outside the pickle, or a part of one.
type storage struct {
	key   string // names the array in the file
	dtype dtype
	count int64 // elements of the array

	// The part that is meant: old legacy files store views. Else 0, count.
	first, length int64
}

// size returns the bytes of the whole array. It cannot overflow: parseStorage
// bounds count.
func (s *storage) size() int64 { return s.count * int64(s.dtype.size) }

// maxCount bounds counts so that bytes cannot overflow an int64.
const maxCount = math.MaxInt64 / 16

// parseStorage reads a persistent id:
//
//	("storage", class, key, location, count)                              zip
//	("storage", class, key, location, count, None or (key, first, length)) legacy
//
// The location, a device such as "cuda:0", does not matter here.
func parseStorage(id any) (*storage, error) {
	t, ok := id.(pickle.Tuple)
	if !ok || len(t) < 5 || len(t) > 6 || t[0] != any("storage") {
		return nil, errors.New("an object outside the pickle is not a storage")
	}
	class, ok := t[1].(*pickle.Global)
	if !ok {
		return nil, fmt.Errorf("expected a storage class, found %s", pickle.TypeName(t[1]))
	}
	kind, ok := storageTypes[class.Name]
	if !ok {
		return nil, fmt.Errorf("%s is not a storage class", quote(class.String()))
	}
	key, ok := t[2].(string)
	if !ok {
		return nil, fmt.Errorf("expected a storage key, found %s", pickle.TypeName(t[2]))
	}
	count, ok := t[4].(int64)
	if !ok || count < 0 || count > maxCount {
		return nil, fmt.Errorf("storage %s does not have a valid number of elements", quote(key))
	}
	s := &storage{key: key, dtype: kind, count: count, length: count}
	if len(t) == 6 && t[5] != nil {
		if err := s.view(t[5]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// view narrows a storage to the part that a legacy view means.
func (s *storage) view(v any) error {
	t, ok := v.(pickle.Tuple)
	if !ok || len(t) != 3 {
		return fmt.Errorf("storage %s has a malformed view", quote(s.key))
	}
	first, ok1 := t[1].(int64)
	length, ok2 := t[2].(int64)
	if !ok1 || !ok2 || first < 0 || length < 0 || first > s.count || length > s.count-first {
		return fmt.Errorf("storage %s of %d elements has a view outside of it", quote(s.key), s.count)
	}
	s.first, s.length = first, length
	return nil
}

// persistent is parseStorage as package pickle asks for it.
func persistent(id any) (any, error) { return parseStorage(id) }
