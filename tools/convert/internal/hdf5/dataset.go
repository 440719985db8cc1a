package hdf5

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// Data may take so many bytes, and so many times the bytes of the file: more than
// the largest ratio of deflate, 1032, is not data but a trap. What takes much room
// is weights, which deflate makes a little smaller.
const (
	maxData       = 1 << 30
	maxRatio      = 1032
	large         = 32 << 20
	maxLargeRatio = 32
)

// spend is an error if all datasets that were read have more bytes than those of any honest
// file: many names can stand for one dataset, and every name costs the time to read it.
func (f *File) spend(size uint64) error {
	most := 64*uint64(len(f.data)) + 64<<20
	if f.decoded += min(size, math.MaxUint32<<8); f.decoded > most {
		return fmt.Errorf("the datasets read so far have more than %d bytes, from a file of %d", most, len(f.data))
	}
	return nil
}

// fits is an error if so many bytes are more than data of this file may take.
func (f *File) fits(size uint64) error {
	ratio := uint64(maxRatio)
	if size > large {
		ratio = maxLargeRatio
	}
	if size > maxData || size/ratio > uint64(len(f.data)) {
		return fmt.Errorf("%d bytes of data in a file of %d bytes; at most %d times as much, and %d bytes, are supported",
			size, len(f.data), ratio, maxData)
	}
	return nil
}

// A Dataset is an array of values of one type.
type Dataset struct {
	f      *File
	path   string
	object *object
	t      *datatype
	space  *dataspace
}

// Path returns the path by which d was opened, from the root.
func (d *Dataset) Path() string { return d.path }

// Shape returns the dimensions of d, none for a scalar. The slice is the caller's.
func (d *Dataset) Shape() []int { return slices.Clone(d.space.shape) }

// Type returns the name of the type of the values of d: "float32", "int64",
// "uint8", "bfloat16", "string", "enum of int8". Not every type can be read.
func (d *Dataset) Type() string { return d.t.name }

// Attribute returns an attribute of d; an [ErrNotExist] if it has none of that name.
func (d *Dataset) Attribute(name string) (*Attribute, error) {
	return d.f.attribute(d.object, d.path, name)
}

// Float32 returns the values of d in row-major order, as many as the product of its
// shape. What float32 cannot hold is rounded to nearest, ties to even, and to
// infinity beyond its range. The slice is the caller's, and does not alias the file.
func (d *Dataset) Float32() ([]float32, error) {
	if err := d.t.numeric(); err != nil {
		return nil, fmt.Errorf("%s: %w", d.path, err)
	}
	if err := d.f.spend(d.space.n * (d.t.size + 4)); err != nil {
		return nil, fmt.Errorf("%s: %w", d.path, err)
	}
	raw, err := d.raw()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.path, err)
	}
	values := make([]float32, d.space.n)
	if d.t.class == classFloat && !d.t.big {
		d.t.format.Slice(values, raw)
		return values, nil
	}
	for i := range values {
		values[i] = d.t.float32(raw[uint64(i)*d.t.size:])
	}
	return values, nil
}

// read reads the type and the shape.
func (d *Dataset) read() error {
	for _, needed := range []struct {
		kind uint16
		read func(data []byte) error
	}{
		{kindDatatype, func(data []byte) (err error) { d.t, err = d.f.datatype(data); return }},
		{kindDataspace, func(data []byte) (err error) { d.space, err = d.f.dataspace(data); return }},
	} {
		m, ok := d.object.find(needed.kind)
		if !ok {
			return fmt.Errorf("the dataset has no message of kind %#x", needed.kind)
		}
		data, err := d.f.resolve(m)
		if err != nil {
			return err
		}
		if err := needed.read(data); err != nil {
			return err
		}
	}
	return nil
}

// raw returns the bytes of all values, which may alias the file.
func (d *Dataset) raw() ([]byte, error) {
	if d.object.has(kindExternalFiles) {
		return nil, fmt.Errorf("its data are in another file, which is not supported; copy them into this one")
	}
	size := d.space.n * d.t.size // below 2³¹·2³
	if size == 0 {
		return nil, nil
	}
	m, _ := d.object.find(kindLayout)
	data, err := d.f.resolve(m)
	if err != nil {
		return nil, err
	}
	c := d.f.in(data, "data layout message")
	version, class := c.version(3, 4, 5), c.u8()
	const compact, contiguous, chunked, virtual = 0, 1, 2, 3
	switch class {
	case compact:
		b := c.take(uint64(c.u16()))
		if c.err == nil && uint64(len(b)) < size {
			c.fail("it holds %d bytes where %v values of type %s need %d", len(b), d.space.shape, d.t.name, size)
		}
		return b, c.err
	case contiguous:
		address := c.address()
		stored := c.length()
		if c.err != nil {
			return nil, c.err
		}
		if address == undefined { // nothing was ever written
			return d.filled(size)
		}
		if stored < size {
			c.fail("it holds %d bytes where %v values of type %s need %d", stored, d.space.shape, d.t.name, size)
			return nil, c.err
		}
		at := d.f.at(address, nil, "data")
		return at.take(size), at.err
	case chunked:
		return d.chunked(c, version, size)
	case virtual:
		c.fail("virtual datasets are not supported; copy the data into one dataset")
	default:
		c.fail("data of layout %d; supported are compact, contiguous and chunked", class)
	}
	return nil, c.err
}

// filled returns size bytes of the fill value: what was not written.
func (d *Dataset) filled(size uint64) ([]byte, error) {
	if err := d.f.fits(size); err != nil {
		return nil, err
	}
	value, err := d.fillValue()
	if err != nil {
		return nil, err
	}
	if value == nil {
		return make([]byte, size), nil
	}
	if uint64(len(value)) != d.t.size {
		return nil, fmt.Errorf("its fill value has %d bytes, expected %d", len(value), d.t.size)
	}
	return bytes.Repeat(value, int(d.space.n)), nil
}

// fillValue returns the bytes of the fill value, nil for zeros.
func (d *Dataset) fillValue() ([]byte, error) {
	m, ok := d.object.find(kindFill)
	if !ok {
		if m, ok = d.object.find(kindOldFill); !ok {
			return nil, nil
		}
	}
	data, err := d.f.resolve(m)
	if err != nil {
		return nil, err
	}
	c := d.f.in(data, "fill value message")
	if m.kind == kindFill {
		defined := false
		switch version := c.version(1, 2, 3); version {
		case 3:
			defined = c.u8()&0x20 != 0
		default:
			c.skip(1 + 1) // when to allocate, and to write it
			defined = c.u8() != 0 || version == 1
		}
		if !defined || c.err != nil {
			return nil, c.err
		}
	}
	value := c.take(uint64(c.u32()))
	if len(value) == 0 {
		return nil, c.err
	}
	return value, c.err
}
