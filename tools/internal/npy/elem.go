package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// kind is what the bytes of an element mean.
type kind uint8

const (
	kindBool kind = iota
	kindInt8
	kindInt16
	kindInt32
	kindInt64
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat16
	kindFloat32
	kindFloat64
)

// elem is an element type.
type elem struct {
	name string // NumPy's: float32
	code string // what follows the byte order in a header: f4
	kind kind
	size int
}

var elems = []elem{
	{"bool", "b1", kindBool, 1},
	{"int8", "i1", kindInt8, 1},
	{"int16", "i2", kindInt16, 2},
	{"int32", "i4", kindInt32, 4},
	{"int64", "i8", kindInt64, 8},
	{"uint8", "u1", kindUint8, 1},
	{"uint16", "u2", kindUint16, 2},
	{"uint32", "u4", kindUint32, 4},
	{"uint64", "u8", kindUint64, 8},
	{"float16", "f2", kindFloat16, 2},
	{"float32", "f4", kindFloat32, 4},
	{"float64", "f8", kindFloat64, 8},
}

// elemByName returns the element type that NumPy and Go call name.
func elemByName(name string) elem {
	for _, e := range elems {
		if e.name == name {
			return e
		}
	}
	panic("npy: no element type " + name)
}

// parseDescr reads a header's descr, such as "<f4": byte order, kind, size.
func parseDescr(descr string) (e elem, bigEndian bool, err error) {
	if strings.TrimLeft(descr, "|<>") == "O" {
		return elem{}, false, fmt.Errorf("dtype %q is an array of Python objects, which is a pickle and not read", descr)
	}
	for _, e := range elems {
		order, ok := strings.CutSuffix(descr, e.code)
		if !ok || len(order) != 1 || !strings.Contains("<>|", order) || order == "|" && e.size > 1 {
			continue
		}
		return e, order == ">", nil
	}
	return elem{}, false, fmt.Errorf("dtype %q is not supported, want float16 to float64, int8 to int64, uint8 to uint64 or bool", descr)
}

// descr is the reverse of parseDescr.
func (e elem) descr() string {
	if e.size == 1 {
		return "|" + e.code
	}
	return "<" + e.code
}

// float64 returns the value of the little-endian element b.
func (e elem) float64(b []byte) float64 {
	switch e.kind {
	case kindBool:
		if b[0] != 0 {
			return 1
		}
		return 0
	case kindInt8:
		return float64(int8(b[0]))
	case kindInt16:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case kindInt32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case kindInt64:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	case kindUint8:
		return float64(b[0])
	case kindUint16:
		return float64(binary.LittleEndian.Uint16(b))
	case kindUint32:
		return float64(binary.LittleEndian.Uint32(b))
	case kindUint64:
		return float64(binary.LittleEndian.Uint64(b))
	case kindFloat16:
		return float16(binary.LittleEndian.Uint16(b))
	case kindFloat32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// float16 returns the value of an IEEE binary16.
func float16(h uint16) float64 {
	exponent, fraction := int(h>>10&0x1f), float64(h&0x3ff)
	var v float64
	switch {
	case exponent == 0x1f && fraction != 0:
		return math.NaN()
	case exponent == 0x1f:
		v = math.Inf(1)
	case exponent == 0:
		v = math.Ldexp(fraction, -24)
	default:
		v = math.Ldexp(fraction+1024, exponent-25)
	}
	if h>>15 != 0 {
		v = -v
	}
	return v
}
