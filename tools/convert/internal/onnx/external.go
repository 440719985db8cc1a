package onnx

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// External data: PyTorch's exporter writes the weights of model.onnx to model.onnx.data, as
// raw bytes, and the model says of each tensor where in that file it lies.

// readExternal gives the tensors of the model their data from the files beside it, in
// folder, and returns how many bytes those are. No tensors share bytes, so that they are
// together no larger than the files.
func (p *modelProto) readExternal(folder string) (size int, err error) {
	files := map[string]*externalFile{}
	err = p.graph.eachTensor(func(t *tensorProto) error {
		if !t.external {
			return nil
		}
		location := t.where["location"]
		f := files[location]
		if f == nil {
			if f, err = openExternal(folder, location); err != nil {
				return fmt.Errorf("tensor %q: %w", t.name, err)
			}
			files[location] = f
			size += len(f.data)
		}
		if t.raw, err = f.part(t.where["offset"], t.where["length"]); err != nil {
			return fmt.Errorf("tensor %q: found its data in %q, %w", t.name, location, err)
		}
		t.external = false
		return nil
	})
	return size, err
}

// eachTensor visits the tensors of a graph and of the graphs inside its nodes.
func (g *graphProto) eachTensor(visit func(*tensorProto) error) error {
	for _, t := range g.initializers {
		if err := visit(t); err != nil {
			return err
		}
	}
	for _, n := range g.nodes {
		for _, name := range slices.Sorted(maps.Keys(n.attributes)) {
			a := n.attributes[name]
			if a.t != nil {
				if err := visit(a.t); err != nil {
					return err
				}
			}
			if a.graph != nil {
				if err := a.graph.eachTensor(visit); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

type externalFile struct {
	data  []byte
	taken int // bytes that tensors have
}

func openExternal(folder, location string) (*externalFile, error) {
	path := filepath.FromSlash(location)
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("found its data in %q, supported are files in the folder of the model", location)
	}
	path = filepath.Join(folder, path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("found its data in %q, expected that file beside the model: put it there, or export with external_data=False (%w)", location, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("found its data in %q, which is no file", location)
	}
	data, err := os.ReadFile(path)
	return &externalFile{data: data}, err
}

// part is length bytes from offset on: the whole file, if both are "".
func (f *externalFile) part(offset, length string) ([]byte, error) {
	from, to := uint64(0), uint64(len(f.data))
	var err error
	if offset != "" {
		if from, err = strconv.ParseUint(offset, 10, 64); err != nil || from > to {
			return nil, fmt.Errorf("offset %q, expected 0 to %d, its size", offset, to)
		}
	}
	if length != "" {
		n, err := strconv.ParseUint(length, 10, 64)
		if err != nil || n > to-from {
			return nil, fmt.Errorf("offset %d, length %q, expected 0 to %d, what the file has from there", from, length, to-from)
		}
		to = from + n
	}
	if f.taken += int(to - from); f.taken > len(f.data) {
		return nil, fmt.Errorf("and more data in all tensors together than the %d bytes of that file", len(f.data))
	}
	return f.data[from:to:to], nil
}
