package torch

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// tensor is a view of a storage, as its pickle describes it; nothing is checked
// against the storage yet.
type tensor struct {
	storage *storage
	dtype   dtype
	offset  int64 // elements
	shape   []int
	strides []int64 // elements
}

// isTensor reports whether a value would be a tensor.
func isTensor(v any) bool {
	o, ok := v.(*pickle.Object)
	if !ok {
		return false
	}
	switch o.Class.String() {
	case rebuildTensor, rebuildTensorV2, rebuildTensorV3,
		rebuildParameter, rebuildParameterWithState, rebuildFromType:
		return true
	}
	return false
}

// parseTensor reads the call that would make a tensor.
func parseTensor(v any) (*tensor, error) {
	const wrappers = 4 // a parameter with attributes has two
	for range wrappers {
		o, ok := v.(*pickle.Object)
		if !ok {
			break
		}
		function, args := o.Class.String(), o.Args
		if function == rebuildFromType { // (function, class, args, state)
			inner, ok := at(args, 0).(*pickle.Global)
			if !ok {
				break
			}
			function = inner.String()
			if args, ok = at(args, 2).(pickle.Tuple); !ok {
				break
			}
		}
		switch function {
		case rebuildParameter, rebuildParameterWithState: // (tensor, ...)
			v = at(args, 0)
		case rebuildTensor:
			return parseView(args, nil, nil)
		case rebuildTensorV2: // (..., requires_grad, hooks, metadata)
			return parseView(args, nil, at(args, 6))
		case rebuildTensorV3: // (..., requires_grad, hooks, dtype, metadata)
			return parseView(args, at(args, 6), at(args, 7))
		default:
			return nil, fmt.Errorf("%s does not make a tensor", quote(function))
		}
	}
	return nil, errors.New("expected a tensor")
}

// at returns an argument, or nil if there are fewer.
func at(args pickle.Tuple, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}

// parseView reads (storage, offset, shape, strides, ...), the dtype where the
// storage has none, and the metadata, which must be empty: it says that the
// numbers are to be negated or conjugated.
func parseView(args pickle.Tuple, kind, metadata any) (*tensor, error) {
	s, ok := at(args, 0).(*storage)
	if !ok {
		return nil, fmt.Errorf("expected a storage, found %s", pickle.TypeName(at(args, 0)))
	}
	t := &tensor{storage: s, dtype: s.dtype}
	if kind != nil {
		g, ok := kind.(*pickle.Global)
		if !ok {
			return nil, fmt.Errorf("expected a dtype, found %s", pickle.TypeName(kind))
		}
		if t.dtype, ok = dtypes[g.Name]; !ok {
			return nil, fmt.Errorf("expected a dtype, found %s", quote(g.String()))
		}
	}
	if d, ok := metadata.(*pickle.Dict); metadata != nil && (!ok || len(d.Entries) > 0) {
		return nil, errors.New("negated or conjugated views are not supported")
	}
	if t.offset, ok = at(args, 1).(int64); !ok || t.offset < 0 {
		return nil, errors.New("its storage offset is not a natural number")
	}
	shape, err := naturals(at(args, 2), "shape")
	if err != nil {
		return nil, err
	}
	if t.strides, err = naturals(at(args, 3), "strides"); err != nil {
		return nil, err
	}
	if len(shape) != len(t.strides) {
		return nil, fmt.Errorf("it has %d dimensions and %d strides", len(shape), len(t.strides))
	}
	t.shape = make([]int, len(shape))
	for i, n := range shape {
		if n > math.MaxInt32 {
			return nil, fmt.Errorf("dimension %d is %d, expected at most %d", i, n, math.MaxInt32)
		}
		t.shape[i] = int(n)
	}
	return t, nil
}

// naturals reads a tuple of ints that are not negative.
func naturals(v any, what string) ([]int64, error) {
	const most = 64 // dimensions, PyTorch's own limit
	t, ok := v.(pickle.Tuple)
	if !ok || len(t) > most {
		return nil, fmt.Errorf("its %s is not a tuple of at most %d", what, most)
	}
	out := make([]int64, len(t))
	for i, item := range t {
		n, ok := item.(int64)
		if !ok || n < 0 {
			return nil, fmt.Errorf("its %s is not made of natural numbers", what)
		}
		out[i] = n
	}
	return out, nil
}

// rounds reports whether widening the tensor rounds.
func (t *tensor) rounds() bool { return t.dtype.name == "float64" }

// load reads the tensor's numbers, which count against the budget.
func (n *named) load(file *container, budget *int64) (*checkpoint.Tensor, error) {
	t := n.tensor
	count, err := t.count(*budget)
	if err != nil {
		return nil, err
	}
	*budget -= int64(count)
	data, err := file.bytes(t.storage)
	if err != nil {
		return nil, err
	}
	if err := t.fits(); err != nil {
		return nil, err
	}
	size := int64(t.storage.dtype.size)
	data = data[t.storage.first*size:][:t.storage.length*size]
	values := make([]float32, count)
	if count > 0 {
		t.copy(values, data[t.offset*int64(t.dtype.size):])
	}
	return &checkpoint.Tensor{Name: n.name, Shape: t.shape, Data: values, DType: t.dtype.name}, nil
}

// count returns the number of elements, at most the given one.
func (t *tensor) count(most int64) (int, error) {
	for _, n := range t.shape {
		if n == 0 {
			return 0, nil
		}
	}
	count := int64(1)
	for _, n := range t.shape {
		if int64(n) > most/count {
			return 0, fmt.Errorf("shape %v makes more elements than a file of this size may hold", t.shape)
		}
		count *= int64(n)
	}
	return int(count), nil
}

// fits checks that every element lies in the storage.
func (t *tensor) fits() error {
	held := uint64(t.storage.length) * uint64(t.storage.dtype.size) / uint64(t.dtype.size)
	last := uint64(t.offset)
	for i, n := range t.shape {
		if n == 0 {
			return nil
		}
		high, step := bits.Mul64(uint64(n-1), uint64(t.strides[i]))
		sum, carry := bits.Add64(last, step, 0)
		if high|carry != 0 {
			last = math.MaxUint64
			break
		}
		last = sum
	}
	if last >= held {
		return fmt.Errorf("shape %v with strides %v from element %d on reaches past its storage of %d elements",
			t.shape, t.strides, t.offset, held)
	}
	return nil
}

// copy widens the elements into dst, row-major; src starts at the first one.
func (t *tensor) copy(dst []float32, src []byte) {
	if t.contiguous() {
		t.dtype.format.Slice(dst, src)
		return
	}
	size := int64(t.dtype.size)
	index := make([]int, len(t.shape))
	from := int64(0)
	for i := range dst {
		dst[i] = t.dtype.format.At(src[from*size:])
		for d := len(index) - 1; d >= 0; d-- {
			from += t.strides[d]
			if index[d]++; index[d] < t.shape[d] {
				break
			}
			from -= t.strides[d] * int64(t.shape[d])
			index[d] = 0
		}
	}
}

// contiguous reports whether the elements lie one after another, row-major.
func (t *tensor) contiguous() bool {
	next := int64(1)
	for d := len(t.shape) - 1; d >= 0; d-- {
		if t.shape[d] != 1 && t.strides[d] != next {
			return false
		}
		next *= int64(t.shape[d])
	}
	return true
}
