// Package safetensors reads .safetensors files: a JSON header with names,
// shapes and offsets, then the tensors' bytes.
package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/widen"
)

// lengthSize is the bytes of the header's length, at the start of the file.
const lengthSize = 8

// Sniff reports whether data looks like a safetensors file, perhaps a damaged
// one.
func Sniff(data []byte) bool {
	return len(data) > lengthSize && data[lengthSize] == '{' &&
		binary.LittleEndian.Uint64(data) <= uint64(len(data)-lengthSize)
}

// Read reads the checkpoint in data; name stands for the file in messages. The
// file's __metadata__ becomes Meta. Tensors that are not floating-point are
// noted in Skipped. Nothing of the result aliases data.
//
// Memory is proportional to len(data): tensors cannot overlap in this format.
func Read(name string, data []byte) (*checkpoint.Checkpoint, error) {
	c, err := read(name, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, shorten(err))
	}
	return c, nil
}

func read(name string, data []byte) (*checkpoint.Checkpoint, error) {
	if len(data) < lengthSize {
		return nil, fmt.Errorf("not a safetensors file: %d bytes, expected at least %d", len(data), lengthSize)
	}
	n, rest := binary.LittleEndian.Uint64(data), len(data)-lengthSize
	if n > uint64(rest) {
		return nil, fmt.Errorf("the header is said to have %d bytes where %d are left", n, rest)
	}
	if err := checkHeader(data[lengthSize:][:n]); err != nil {
		return nil, err
	}
	// The library checks that the tensors fill the rest of the file without gap
	// or overlap, and that each shape fits its bytes.
	_, index, err := safetensors.ReadMetadata(data)
	if err != nil {
		return nil, err
	}
	c := &checkpoint.Checkpoint{File: name, Format: "safetensors", Meta: index.Metadata()}
	if c.Meta == nil {
		c.Meta = map[string]string{}
	}
	body, tensors := data[lengthSize+n:], index.Tensors()
	for _, key := range inFileOrder(tensors) {
		info := tensors[key]
		if err := add(c, key, info, body[info.DataOffsets[0]:info.DataOffsets[1]]); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", key, err)
		}
	}
	c.Unwrap()
	return c, nil
}

// inFileOrder returns the names by offset; empty tensors, which share theirs
// with the next one, come first and by name.
func inFileOrder(tensors map[string]*safetensors.TensorInfo) []string {
	return slices.SortedFunc(maps.Keys(tensors), func(a, b string) int {
		x, y := tensors[a].DataOffsets, tensors[b].DataOffsets
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), strings.Compare(a, b))
	})
}

// formats are the stored types that become float32.
var formats = map[safetensors.DType]widen.Format{
	safetensors.F16:  widen.F16,
	safetensors.BF16: widen.BF16,
	safetensors.F32:  widen.F32,
	safetensors.F64:  widen.F64,
}

// add widens one tensor into c, or notes why not.
func add(c *checkpoint.Checkpoint, name string, info *safetensors.TensorInfo, data []byte) error {
	shape, err := toInts(info.Shape)
	if err != nil {
		return err
	}
	format, ok := formats[info.DType]
	if !ok {
		c.Skipped = append(c.Skipped, fmt.Sprintf("%s: %v tensor of shape %v", name, info.DType, shape))
		return nil
	}
	if format == widen.F64 {
		c.Skipped = append(c.Skipped, name+": rounded from float64 to float32")
	}
	values := make([]float32, len(data)/format.Size())
	format.Slice(values, data)
	c.Tensors = append(c.Tensors, checkpoint.Tensor{
		Name: name, Shape: shape, Data: values, DType: format.String(),
	})
	return nil
}

// maxDims is as many as PyTorch's tensors may have.
const maxDims = 64

// toInts converts a shape.
func toInts(shape []uint64) ([]int, error) {
	if len(shape) > maxDims {
		return nil, fmt.Errorf("%d dimensions, expected at most %d", len(shape), maxDims)
	}
	ints := make([]int, len(shape))
	for i, n := range shape {
		if n > math.MaxInt32 {
			return nil, fmt.Errorf("dimension %d is %d, expected at most %d", i, n, math.MaxInt32)
		}
		ints[i] = int(n)
	}
	return ints, nil
}

// shorten cuts a message of the library, or a name, which may be as long as the header.
func shorten(err error) error {
	const most = 200
	message := err.Error()
	if len(message) <= most {
		return err
	}
	return errors.New(strings.ToValidUTF8(message[:most], "") + "...")
}
