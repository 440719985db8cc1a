package hdf5

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// undefined is the address that stands for none.
const undefined = math.MaxUint64

// A budget is how many bytes a walk over the blocks of one object may still
// read. Sound blocks do not overlap, so it starts as the size of the file; a
// cycle, or blocks that share their bytes, use it up.
type budget uint64

// A cursor reads one structure of the file, front to back. The first error
// sticks, and everything read after it is zero.
type cursor struct {
	f    *File
	what string  // the structure, for messages
	data []byte  // from the structure's start to the end of what may be read
	pos  int     // how much of data is read
	left *budget // what reading is charged to; nil for bytes already charged
	err  error
}

// What one walk may read, another may read again: objects that share their parts. Of sound
// ones each is read once or twice, and a message has four bytes or more.
const (
	maxWalks  = 16
	minItem   = 4
	errShared = "the objects of the file share their blocks, or lead in a circle"
)

// item counts a message, a link or an attribute, in memory from now on.
func (f *File) item() error {
	if f.items++; f.items > len(f.data)/minItem+1<<10 {
		return errors.New(errShared)
	}
	return nil
}

// budget returns the budget of a new walk.
func (f *File) budget() *budget {
	b := budget(len(f.data))
	return &b
}

// at returns a cursor at an address of the file.
func (f *File) at(address uint64, left *budget, what string) *cursor {
	c := &cursor{f: f, what: what, left: left}
	if address >= uint64(len(f.data)) {
		if address == undefined {
			c.fail("its address is undefined")
		} else {
			c.fail("its address %#x is not in the file of %#x bytes", address, len(f.data))
		}
		return c
	}
	c.data = f.data[address:]
	return c
}

// in returns a cursor over bytes that were read before, such as a message.
func (f *File) in(data []byte, what string) *cursor {
	return &cursor{f: f, what: what, data: data}
}

// fail records an error unless there is one.
func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %s", c.what, fmt.Sprintf(format, args...))
	}
}

// rest returns how many bytes are left to read.
func (c *cursor) rest() int {
	if c.err != nil {
		return 0
	}
	return len(c.data) - c.pos
}

// take reads n bytes, which alias the file; nil after an error.
func (c *cursor) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(c.rest()) {
		c.fail("it ends after %d bytes, %d more are expected", len(c.data), n-uint64(c.rest()))
		return nil
	}
	if c.left != nil {
		if n > uint64(*c.left) {
			c.fail("the blocks of this object overlap, or lead in a circle")
			return nil
		}
		*c.left -= budget(n)
		if c.f.walked += n; c.f.walked > maxWalks*uint64(len(c.f.data))+1<<16 {
			c.fail(errShared)
			return nil
		}
	}
	c.pos += int(n)
	return c.data[c.pos-int(n) : c.pos : c.pos]
}

// times reads n items of size bytes each.
func (c *cursor) times(n, size uint64) []byte {
	if size != 0 && n > math.MaxUint64/size {
		c.fail("%d items of %d bytes are more than the file can hold", n, size)
		return nil
	}
	return c.take(n * size)
}

// skip passes over n bytes.
func (c *cursor) skip(n uint64) { c.take(n) }

// pad passes over what is missing to a multiple of 8 bytes since position start.
func (c *cursor) pad(start int) { c.skip(uint64(-(c.pos - start) & 7)) }

// uint reads a little-endian number of n bytes, 0 to 8.
func (c *cursor) uint(n int) uint64 {
	if n > 8 {
		c.fail("a number of %d bytes; at most 8 are supported", n)
		return 0
	}
	var b [8]byte
	copy(b[:], c.take(uint64(n)))
	return binary.LittleEndian.Uint64(b[:])
}

func (c *cursor) u8() uint8   { return uint8(c.uint(1)) }
func (c *cursor) u16() uint16 { return uint16(c.uint(2)) }
func (c *cursor) u32() uint32 { return uint32(c.uint(4)) }

// length reads a number of as many bytes as the superblock says lengths have.
func (c *cursor) length() uint64 { return c.uint(c.f.lengthSize) }

// address reads an address: undefined, or from the start of the file's data.
func (c *cursor) address() uint64 {
	n := c.uint(c.f.offsetSize)
	if n == math.MaxUint64>>(64-8*c.f.offsetSize) {
		return undefined
	}
	return n
}

// signature reads the four letters that many structures start with.
func (c *cursor) signature(want string) {
	if got := c.take(4); c.err == nil && string(got) != want {
		c.fail("it starts with %q, expected %q", got, want)
	}
}

// version reads a version, one of those supported.
func (c *cursor) version(supported ...uint8) uint8 {
	v := c.u8()
	if c.err == nil && !slices.Contains(supported, v) {
		c.fail("version %d is not supported, only %v", v, supported)
	}
	return v
}

// text reads a string up to its NUL and over it.
func (c *cursor) text() string {
	if c.err != nil {
		return ""
	}
	n := bytes.IndexByte(c.data[c.pos:], 0)
	if n < 0 {
		c.fail("a name has no end")
		return ""
	}
	if n > maxName {
		c.fail("a name has %d bytes; at most %d are supported", n, maxName)
		return ""
	}
	name := string(c.take(uint64(n)))
	c.skip(1)
	return name
}

// checksum reads a checksum, and compares it with that of everything before it.
func (c *cursor) checksum() {
	before := c.data[:c.pos]
	if want := c.u32(); c.err == nil && want != lookup3(before) {
		c.fail("its checksum does not match: the file is damaged")
	}
}
