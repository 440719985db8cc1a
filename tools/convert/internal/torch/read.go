package torch

import (
	"errors"
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
)

// Sniff reports whether data looks like a PyTorch checkpoint in either
// container, perhaps a damaged one. TorchScript archives count.
func Sniff(data []byte) bool {
	return sniffLegacy(data) || sniffArchive(data)
}

// Read reads the state_dict in data; name stands for the file in messages. The
// tensors come in the order of the state_dict and do not alias data.
func Read(name string, data []byte) (*checkpoint.Checkpoint, error) {
	c, err := read(name, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// container is a file taken apart: the object that was saved, and the storages
// that its tensors lie in.
type container struct {
	format     string
	root       any
	pickleSize int
	notes      []string
	script     *script                          // of a TorchScript archive, else nil
	whole      *whole                           // of a pickled module, else nil
	bytes      func(s *storage) ([]byte, error) // exactly the storage, little-endian
}

func read(name string, data []byte) (*checkpoint.Checkpoint, error) {
	var file *container
	var err error
	switch {
	case sniffLegacy(data):
		file, err = openLegacy(data)
	case isZip(data):
		file, err = openArchive(data)
	default:
		return nil, errors.New("not a PyTorch checkpoint: neither a zip archive nor PyTorch's legacy format")
	}
	if err != nil {
		return nil, err
	}
	c := &checkpoint.Checkpoint{File: name, Format: file.format, Meta: map[string]string{}, Skipped: file.notes}
	var tensors []named
	switch {
	case file.whole != nil:
		c.Skipped = append(c.Skipped, file.whole.notes...)
		tensors, c.Modules, c.Unknown = file.whole.tensors, file.whole.modules, file.whole.unknown()
	case file.script != nil:
		c.Skipped = append(c.Skipped, file.script.notes...)
		tensors = file.script.tensors
		file.script.read(name, c)
	default:
		found, err := survey(file.root, file.pickleSize)
		if err != nil {
			return nil, err
		}
		chosen, err := found.choose()
		if err != nil {
			return nil, err
		}
		c.Meta, tensors = found.meta, chosen.tensors
		c.Skipped = append(append(c.Skipped, found.notes...), chosen.notes...)
	}
	if len(tensors) > checkpoint.MaxTensors {
		return nil, fmt.Errorf("%d tensors, want at most %d", len(tensors), checkpoint.MaxTensors)
	}
	budget := min(4*int64(len(data))+1<<16, math.MaxInt/4)
	for _, item := range tensors {
		t, err := item.load(file, &budget)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", quote(item.name), err)
		}
		if item.rounds() {
			c.Skipped = append(c.Skipped, item.name+": rounded from float64 to float32")
		}
		c.Tensors = append(c.Tensors, *t)
	}
	if c.Spec == nil {
		c.Unwrap() // else the spec has the names as they are
	}
	return c, nil
}
