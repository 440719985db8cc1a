package onnx

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// bindInputs puts constants in the place of graph inputs.
func (t *translation) bindInputs(files map[string][]byte) error {
	var names []string
	for _, in := range t.graph.inputs {
		names = append(names, in.name)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("found no input %q to bind, there are %s", name, strings.Join(names, ", "))
		}
		p, err := boundTensor(files[name])
		if err == nil {
			_, err = p.decode()
		}
		if err != nil {
			return fmt.Errorf("input %q is bound to what is neither a TensorProto nor a .npy array that is supported: %w", name, err)
		}
		p.name = name
		t.stored[name] = p
		t.budget += 16 * len(files[name])
	}
	return nil
}

// boundTensor reads a file with a TensorProto or a NumPy array.
func boundTensor(data []byte) (*tensorProto, error) {
	if !bytes.HasPrefix(data, []byte("\x93NUMPY")) {
		return parseTensor(data)
	}
	a, err := npy.Decode(data)
	if err != nil {
		return nil, err
	}
	p := new(tensorProto)
	for _, d := range a.Shape {
		p.dims = append(p.dims, int64(d))
	}
	if strings.HasPrefix(a.DType, "float") {
		p.typ, p.floats = typeFloat, a.Float32()
		return p, nil
	}
	p.typ = typeInt64
	p.int64s, err = a.Int64()
	return p, err
}
