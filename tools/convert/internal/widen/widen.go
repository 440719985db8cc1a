// Package widen turns stored floating-point numbers into float32.
package widen

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Float16 widens an IEEE binary16 number, exactly. NaN keeps sign and payload.
func Float16(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h) & 0x3ff
	switch {
	case exponent == 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	case exponent != 0:
		return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
	case fraction == 0:
		return math.Float32frombits(sign)
	}
	// Subnormal: fraction·2⁻²⁴. Its leading one becomes the hidden bit.
	top := uint32(bits.Len32(fraction)) - 1
	return math.Float32frombits(sign | (top+127-24)<<23 | (fraction<<(23-top))&0x7fffff)
}

// BFloat16 widens a bfloat16 number, exactly.
func BFloat16(b uint16) float32 {
	return math.Float32frombits(uint32(b) << 16)
}

// Format is a stored floating-point format, little-endian.
type Format uint8

// The formats that trained weights come in. The zero Format is none of them.
const (
	F16 Format = iota + 1
	BF16
	F32
	F64
)

// String returns the format's name in PyTorch and NumPy: "float16".
func (f Format) String() string {
	return [...]string{"", "float16", "bfloat16", "float32", "float64"}[f]
}

// Size returns the bytes of one number.
func (f Format) Size() int {
	return [...]int{0, 2, 2, 4, 8}[f]
}

// At widens the number that starts at src[0]. float64 is rounded to nearest,
// ties to even, and to infinity beyond float32's range.
func (f Format) At(src []byte) float32 {
	switch f {
	case F16:
		return Float16(binary.LittleEndian.Uint16(src))
	case BF16:
		return BFloat16(binary.LittleEndian.Uint16(src))
	case F32:
		return math.Float32frombits(binary.LittleEndian.Uint32(src))
	}
	return float32(math.Float64frombits(binary.LittleEndian.Uint64(src)))
}

// Slice widens len(dst) numbers, one after another in src.
func (f Format) Slice(dst []float32, src []byte) {
	size := f.Size()
	for i := range dst {
		dst[i] = f.At(src[i*size:])
	}
}
