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
	inputs := map[string]*valueProto{}
	for _, in := range t.graph.inputs {
		names, inputs[in.name] = append(names, in.name), in
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		in := inputs[name]
		if in == nil {
			return fmt.Errorf("found no input %q to bind, there are %s", name, strings.Join(names, ", "))
		}
		var v *tensor
		p, err := boundTensor(files[name])
		if err == nil {
			v, err = p.decode()
		}
		if err != nil {
			return fmt.Errorf("input %q is bound to what is neither a TensorProto nor a .npy array that is supported: %w", name, err)
		}
		if !in.takes(v) {
			return fmt.Errorf("input %q is bound to %s of shape %v, expected element type %d and shape %v, with -1 for any", name, v.kind, v.shape, in.elem, in.dims)
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
