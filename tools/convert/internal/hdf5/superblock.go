package hdf5

import (
	"bytes"
	"errors"
	"fmt"
)

// signature is what the superblock starts with, at 0 or after a user block, whose
// size is 512 bytes or more, a power of two.
const signature = "\x89HDF\r\n\x1a\n"

// find returns where the superblock is, -1 for nowhere.
func find(data []byte) int {
	for at := 0; ; at = max(512, 2*at) {
		if at > len(data)-len(signature) {
			return -1
		}
		if bytes.HasPrefix(data[at:], []byte(signature)) {
			return at
		}
	}
}

// Sniff reports whether data looks like an HDF5 file, perhaps a damaged one.
func Sniff(data []byte) bool { return find(data) >= 0 }

// Open reads the superblock of the file in data and its root group. Everything
// else is read when it is asked for, so data must stay as it is.
func Open(data []byte) (*File, error) {
	start := find(data)
	if start < 0 {
		return nil, errors.New("not an HDF5 file: its signature is missing")
	}
	f := &File{data: data, objects: map[uint64]*object{}, failed: map[uint64]error{}}
	c := f.in(data[start:], "superblock")
	c.skip(uint64(len(signature)))
	version := c.version(0, 1, 2, 3)
	if version < 2 {
		c.skip(4) // versions of parts, all 0
	}
	f.offsetSize, f.lengthSize = int(c.u8()), int(c.u8())
	for _, size := range []int{f.offsetSize, f.lengthSize} {
		if size != 2 && size != 4 && size != 8 {
			c.fail("addresses of %d and lengths of %d bytes, supported are 2, 4 and 8", f.offsetSize, f.lengthSize)
			return nil, c.err
		}
	}
	c.skip(1) // reserved, or flags of who has the file open
	if version < 2 {
		c.skip(2 + 2 + 4) // sizes of B-tree nodes, flags
		if version == 1 {
			c.skip(2 + 2)
		}
	}
	base := c.address()
	c.address() // of free space, or of the superblock's extension
	end := c.address()
	if version < 2 {
		c.address() // of the driver's information
		c.length()  // of the root's name
	}
	root := c.address()
	if version >= 2 {
		c.checksum()
	}
	if c.err != nil {
		return nil, c.err
	}
	if base != uint64(start) {
		return nil, fmt.Errorf("superblock: it says that it is at %#x, and is at %#x", base, start)
	}
	if end < base || end > uint64(len(data)) {
		return nil, fmt.Errorf("superblock: the file ends at %d bytes and should at %d: it is cut off, or damaged",
			len(data), end)
	}
	f.data = data[base:end]
	o, err := f.object(root)
	if err != nil {
		return nil, fmt.Errorf("/: %w", err)
	}
	if !o.isGroup() {
		return nil, errors.New("/: the root is not a group")
	}
	f.root = &Group{f: f, path: "/", object: o}
	return f, nil
}
