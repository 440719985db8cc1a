// Package pickletest writes small pickles for tests, instruction by
// instruction, right or wrong.
package pickletest

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Global names a class or function: "module", "name".
type Global [2]string

// Call is a function and its arguments, written as REDUCE.
type Call struct {
	Func Global
	Args []any
}

// New is a class, its arguments and its state, written as NEWOBJ and BUILD.
type New struct {
	Class Global
	Args  []any
	State any
}

// Pairs is a dict that keeps its order: key, value, key, value ...
type Pairs []any

// Ordered is a collections.OrderedDict, as state_dict() returns it.
type Ordered []any

// List is a list.
type List []any

// Tuple is a tuple.
type Tuple []any

// Persistent is an object outside the pickle.
type Persistent struct{ ID any }

// Raw is instructions as they are.
type Raw string

// Encode writes a whole protocol 2 pickle. It panics on a type it does not
// know.
func Encode(v any) []byte {
	return append(Append([]byte{0x80, 2}, v), '.')
}

// Append writes the instructions that push v.
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'N')
	case bool:
		if v {
			return append(b, 0x88)
		}
		return append(b, 0x89)
	case int:
		return Append(b, int64(v))
	case int64:
		return binary.LittleEndian.AppendUint64(append(b, 0x8a, 8), uint64(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 'G'), math.Float64bits(v))
	case string:
		b = binary.LittleEndian.AppendUint32(append(b, 'X'), uint32(len(v)))
		return append(b, v...)
	case []byte:
		b = binary.LittleEndian.AppendUint32(append(b, 'B'), uint32(len(v)))
		return append(b, v...)
	case Raw:
		return append(b, v...)
	case Global:
		return append(b, "c"+v[0]+"\n"+v[1]+"\n"...)
	case Call:
		return append(Append(Append(b, v.Func), Tuple(v.Args)), 'R')
	case New:
		b = append(Append(Append(b, v.Class), Tuple(v.Args)), 0x81)
		return append(Append(b, v.State), 'b')
	case List:
		return append(all(append(b, ']', '('), v), 'e')
	case Tuple:
		return append(all(append(b, '('), v), 't')
	case Pairs:
		return append(all(append(b, '}', '('), v), 'u')
	case Ordered:
		b = Append(b, Call{Func: Global{"collections", "OrderedDict"}})
		return append(all(append(b, '('), v), 'u')
	case Persistent:
		return append(Append(b, v.ID), 'Q')
	}
	panic(fmt.Sprintf("pickletest: cannot write a %T", v))
}

// all writes values one after another.
func all(b []byte, values []any) []byte {
	for _, v := range values {
		b = Append(b, v)
	}
	return b
}
