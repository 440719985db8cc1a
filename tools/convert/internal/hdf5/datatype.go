package hdf5

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/widen"
)

// Classes of datatypes (section IV.A.2.d), and what they are called in messages.
const (
	classInteger  = 0
	classFloat    = 1
	classString   = 3
	classEnum     = 8
	classVariable = 9
)

var classes = [...]string{
	"integer", "float", "time", "string", "bitfield", "opaque", "compound", "reference", "enum",
	"variable-length sequence", "array", "complex",
}

// How a string of fixed length ends.
const (
	padTerminated = 0
	padZeros      = 1
	padSpaces     = 2
)

// A datatype says what the bytes of one value mean.
type datatype struct {
	class   uint8
	name    string // as [Dataset.Type] returns it
	size    uint64 // bytes of one value, at least 1
	big     bool   // big-endian
	signed  bool
	format  widen.Format // of a floating-point number
	padding uint8        // of a string
	strange string       // why its values cannot be read; empty if they can
}

// datatype reads a datatype message.
func (f *File) datatype(data []byte) (*datatype, error) {
	c := f.in(data, "datatype message")
	t := c.datatype(0)
	if c.err != nil {
		return nil, c.err
	}
	return t, nil
}

// datatype reads a datatype, which may hold another; depth counts those around it.
func (c *cursor) datatype(depth int) *datatype {
	classAndVersion, flags := c.u8(), uint32(c.uint(3))
	t := &datatype{class: classAndVersion & 15, size: uint64(c.u32())}
	if version := classAndVersion >> 4; version < 1 || version > 5 {
		c.fail("version %d is not supported, only 1 to 5", version)
	}
	if t.size == 0 {
		c.fail("its values have no bytes")
	}
	switch t.class {
	case classInteger:
		c.integer(t, flags)
	case classFloat:
		c.float(t, flags)
	case classString:
		t.name, t.padding = "string", uint8(flags&15)
		if t.padding > padSpaces {
			t.strange = fmt.Sprintf("strings padded in way %d", t.padding)
		}
	case classEnum, classVariable:
		if depth > 0 {
			t.name, t.strange = "nested", "types inside types"
			break
		}
		base := c.datatype(depth + 1)
		if t.class == classEnum {
			kind := *base
			kind.class, kind.name, kind.size = classEnum, "enum of "+base.name, t.size
			if base.class != classInteger || base.size != t.size {
				kind.strange = "enums of anything but integers"
			}
			return &kind
		}
		t.name = "variable-length string"
		if flags&15 != 1 {
			t.name = classes[classVariable]
			t.strange = t.name + "s"
		} else if want := uint64(4 + c.f.offsetSize + 4); t.size != want {
			c.fail("a variable-length string has %d bytes, expected %d", t.size, want)
		}
	default:
		t.name = fmt.Sprintf("class %d", t.class)
		if int(t.class) < len(classes) {
			t.name = classes[t.class]
		}
		t.strange = "values of type " + t.name
	}
	return t
}

// integer reads the properties of integers.
func (c *cursor) integer(t *datatype, flags uint32) {
	t.big, t.signed = flags&1 != 0, flags&8 != 0
	offset, precision := c.u16(), c.u16()
	t.name = fmt.Sprintf("int%d", precision)
	if !t.signed {
		t.name = "u" + t.name
	}
	whole := t.size == 1 || t.size == 2 || t.size == 4 || t.size == 8
	if !whole || offset != 0 || uint64(precision) != 8*t.size {
		t.strange = fmt.Sprintf("integers of %d bits in %d bytes", precision, t.size)
	}
}

// A layout is where the parts of a floating-point number are.
type layout struct {
	size, sign, exponent, exponentBits, fraction, fractionBits uint8
	bias                                                       uint32
}

var floats = map[layout]widen.Format{
	{2, 15, 10, 5, 0, 10, 15}:    widen.F16,
	{2, 15, 7, 8, 0, 7, 127}:     widen.BF16,
	{4, 31, 23, 8, 0, 23, 127}:   widen.F32,
	{8, 63, 52, 11, 0, 52, 1023}: widen.F64,
}

// float reads the properties of floating-point numbers.
func (c *cursor) float(t *datatype, flags uint32) {
	const vax, hidden = 0x40, 0x20 // byte order; how the leading one is kept
	t.big = flags&1 != 0
	offset, precision := c.u16(), c.u16()
	l := layout{size: uint8(min(t.size, 255)), sign: uint8(flags >> 8),
		exponent: c.u8(), exponentBits: c.u8(), fraction: c.u8(), fractionBits: c.u8(), bias: c.u32()}
	t.format = floats[l]
	if t.format == 0 || offset != 0 || uint64(precision) != 8*t.size || flags&vax != 0 || flags&0x30 != hidden {
		t.name = fmt.Sprintf("float%d", precision)
		t.strange = fmt.Sprintf("floating-point numbers of %d bits in %d bytes, of unusual layout,", precision, t.size)
		return
	}
	t.name = t.format.String()
}

// numeric returns an error unless values of t are numbers.
func (t *datatype) numeric() error {
	if t.strange != "" {
		return fmt.Errorf("%s are not supported, only int8 to uint64 and float16 to float64", t.strange)
	}
	if t.class == classString || t.class == classVariable {
		return fmt.Errorf("its type is %s, expected numbers", t.name)
	}
	return nil
}

// bits returns the bits of the number at the start of b.
func (t *datatype) bits(b []byte) uint64 {
	var n [8]byte
	copy(n[:], b[:t.size])
	if t.big {
		return binary.BigEndian.Uint64(n[:]) >> (64 - 8*t.size)
	}
	return binary.LittleEndian.Uint64(n[:])
}

// float32 returns the number at the start of b, rounded once, ties to even.
func (t *datatype) float32(b []byte) float32 {
	n := t.bits(b)
	switch {
	case t.class == classFloat:
		var little [8]byte
		binary.LittleEndian.PutUint64(little[:], n)
		return t.format.At(little[:])
	case t.signed:
		return float32(int64(n<<(64-8*t.size)) >> (64 - 8*t.size))
	}
	return float32(n)
}

// float64 returns the number at the start of b, rounded once, ties to even.
func (t *datatype) float64(b []byte) float64 {
	n := t.bits(b)
	switch {
	case t.format == widen.F64:
		return math.Float64frombits(n)
	case t.class == classFloat:
		return float64(t.float32(b)) // exact
	case t.signed:
		return float64(int64(n<<(64-8*t.size)) >> (64 - 8*t.size))
	}
	return float64(n)
}

// text returns the string at the start of b.
func (t *datatype) text(f *File, b []byte) (string, error) {
	if t.class == classVariable {
		c := f.in(b, "variable-length string")
		size, address, index := c.u32(), c.address(), c.u32()
		if c.err != nil || size == 0 {
			return "", c.err
		}
		s, err := f.text(address, index, size)
		return strings.TrimRight(s, "\x00"), err
	}
	b = b[:t.size]
	switch t.padding {
	case padTerminated:
		if n := bytes.IndexByte(b, 0); n >= 0 {
			b = b[:n]
		}
	case padZeros:
		b = bytes.TrimRight(b, "\x00")
	case padSpaces:
		b = bytes.TrimRight(b, " ")
	}
	return string(b), nil
}

// A dataspace says how many values there are.
type dataspace struct {
	shape []int
	most  []uint64 // how large each dimension may grow; unlimited is the largest number
	n     uint64   // values: the product of shape, 0 of a null dataspace
}

// unlimited is the size of a dimension that may grow without end.
const unlimited = math.MaxUint64

// dataspace reads a dataspace message (section IV.A.2.b). Its dimensions fit int32,
// and so does their product, which no more memory than a float32 each is for.
func (f *File) dataspace(data []byte) (*dataspace, error) {
	c := f.in(data, "dataspace message")
	version, rank, flags := c.version(1, 2), c.u8(), c.u8()
	kind := c.u8() // in version 2; reserved in version 1
	if version == 1 {
		c.skip(4)
		kind = min(rank, 1)
	}
	const scalar, simple, null = 0, 1, 2
	if rank > maxRank || kind > null || (kind != simple) != (rank == 0) {
		c.fail("%d dimensions in a dataspace of kind %d; supported are scalars and up to %d dimensions",
			rank, kind, maxRank)
	}
	s := &dataspace{shape: []int{}, n: 1}
	if kind == null {
		s.n = 0
	}
	dims := make([]uint64, 0, maxRank)
	for range rank {
		dims = append(dims, c.length())
	}
	for i, d := range dims {
		if d > math.MaxInt32 {
			c.fail("dimension %d is %d; at most %d is supported", i, d, math.MaxInt32)
			return nil, c.err
		}
		s.shape = append(s.shape, int(d))
		s.n = min(s.n, 1<<32) * d // no overflow; a 0 to come still counts
	}
	s.most = dims
	if flags&1 != 0 {
		s.most = make([]uint64, 0, rank)
		for i := range rank {
			most := c.length()
			if most == math.MaxUint64>>(64-8*f.lengthSize) {
				most = unlimited
			}
			if c.err == nil && most < dims[i] {
				c.fail("dimension %d is %d, and may be at most %d", i, dims[i], most)
			}
			s.most = append(s.most, most)
		}
	}
	if s.n > math.MaxInt32 {
		c.fail("%v values are more than the %d supported", s.shape, math.MaxInt32)
	}
	return s, c.err
}
