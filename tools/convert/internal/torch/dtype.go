package torch

import "github.com/rnnedge/rnnedge/tools/convert/internal/widen"

// dtype is the element type of a tensor or storage.
type dtype struct {
	name   string
	size   int          // bytes of one element
	format widen.Format // zero if it is not one that becomes float32
}

// dtypes are the types by name, as in torch.float32.
var dtypes = map[string]dtype{}

// storageTypes are the types by storage class.
var storageTypes = map[string]dtype{}

func init() {
	for _, t := range []struct {
		dtype
		storage string
	}{
		{dtype{"float16", 2, widen.F16}, "HalfStorage"},
		{dtype{"bfloat16", 2, widen.BF16}, "BFloat16Storage"},
		{dtype{"float32", 4, widen.F32}, "FloatStorage"},
		{dtype{"float64", 8, widen.F64}, "DoubleStorage"},
		{dtype{"uint8", 1, 0}, "ByteStorage"},
		{dtype{"int8", 1, 0}, "CharStorage"},
		{dtype{"int16", 2, 0}, "ShortStorage"},
		{dtype{"int32", 4, 0}, "IntStorage"},
		{dtype{"int64", 8, 0}, "LongStorage"},
		{dtype{"bool", 1, 0}, "BoolStorage"},
		{dtype{"complex64", 8, 0}, "ComplexFloatStorage"},
		{dtype{"complex128", 16, 0}, "ComplexDoubleStorage"},
		{dtype{"bytes", 1, 0}, "UntypedStorage"},
		{dtype{"complex32", 4, 0}, ""},
		{dtype{"uint16", 2, 0}, ""},
		{dtype{"uint32", 4, 0}, ""},
		{dtype{"uint64", 8, 0}, ""},
		{dtype{"float8_e4m3fn", 1, 0}, ""},
		{dtype{"float8_e4m3fnuz", 1, 0}, ""},
		{dtype{"float8_e5m2", 1, 0}, ""},
		{dtype{"float8_e5m2fnuz", 1, 0}, ""},
		{dtype{"float8_e8m0fnu", 1, 0}, ""},
	} {
		dtypes[t.name] = t.dtype
		if t.storage != "" {
			storageTypes[t.storage] = t.dtype
		}
	}
}
