package hdf5

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// A collection is a global heap collection (section III.E), where strings of
// variable length are.
type collection struct {
	address, end uint64
	objects      map[uint32][]byte
	strings      map[uint32]string // so that each is copied once
}

// text returns a string in a global heap. Collections must not overlap, so that
// reading them all takes no longer than the file is long.
func (f *File) text(address uint64, index uint32, size uint32) (string, error) {
	i, found := slices.BinarySearchFunc(f.collections, address, func(g *collection, a uint64) int {
		return cmp.Compare(g.address, a)
	})
	if !found {
		g, err := f.collection(address)
		if err != nil {
			return "", err
		}
		if i > 0 && f.collections[i-1].end > g.address || i < len(f.collections) && f.collections[i].address < g.end {
			return "", fmt.Errorf("global heap: two collections overlap at %#x", address)
		}
		f.collections = slices.Insert(f.collections, i, g)
	}
	g := f.collections[i]
	s, ok := g.strings[index]
	if !ok {
		object, ok := g.objects[index]
		if !ok {
			return "", fmt.Errorf("global heap: the collection at %#x has no object %d", address, index)
		}
		s = string(object)
		g.strings[index] = s
	}
	if uint64(size) > uint64(len(s)) {
		return "", fmt.Errorf("global heap: a string of %d bytes in an object of %d", size, len(s))
	}
	return s[:size], nil
}

// collection reads a collection.
func (f *File) collection(address uint64) (*collection, error) {
	head := f.at(address, nil, "global heap")
	head.signature("GCOL")
	head.version(1)
	head.skip(3)
	size := head.length()
	head.pad(0)
	if size < uint64(head.pos) {
		head.fail("it has %d bytes, less than its header", size)
	}
	c := f.in(head.take(size-uint64(head.pos)), "global heap")
	if head.err != nil {
		return nil, head.err
	}
	g := &collection{address, address + size, map[uint32][]byte{}, map[uint32]string{}}
	for c.rest() >= 2+2+4+8 {
		start := c.pos
		index := uint32(c.u16())
		c.skip(2 + 4) // references
		n := c.length()
		c.pad(start)
		if index == 0 { // the rest is free
			break
		}
		object := c.take(n)
		if c.rest() > 0 {
			c.skip(min(-n&7, uint64(c.rest())))
		}
		if _, twice := g.objects[index]; twice {
			c.fail("object %d is there twice", index)
		}
		if c.err != nil {
			return nil, c.err
		}
		g.objects[index] = object
	}
	return g, nil
}

// A fractalHeap holds the links or attributes of an object that has many, or large
// ones (section III.G). Its space is a table of blocks, each row twice the size of
// the one before; small blocks hold objects, large ones are tables again.
type fractalHeap struct {
	f            *File
	left         *budget
	address      uint64
	idSize       int
	offsetSize   int // bytes of an offset into the heap
	countSize    int // bytes of an object's size in its ID
	checked      bool
	width        uint64 // blocks in a row
	first, large uint64 // sizes of the smallest and of the largest block of objects
	root         uint64
	rows         uint64            // of the root; 0 if it is a block of objects
	tables       map[uint64][]byte // read before: the addresses in them
	blocks       map[uint64][]byte // read before, from the block's header on
	hugeAt       uint64
	huge         map[uint64][]byte // by ID; nil before the first
}

// fractalHeap reads the header of a fractal heap.
func (f *File) fractalHeap(address uint64, left *budget) (*fractalHeap, error) {
	c := f.at(address, left, "fractal heap header")
	h := &fractalHeap{f: f, left: left, address: address, tables: map[uint64][]byte{}, blocks: map[uint64][]byte{}}
	c.signature("FRHP")
	c.version(0)
	h.idSize = int(c.u16())
	if filters := c.u16(); filters != 0 {
		c.fail("filtered heaps are not supported")
	}
	h.checked = c.u8()&2 != 0
	most := uint64(c.u32()) // of an object in a block
	c.length()              // the next ID of a huge object
	h.hugeAt = c.address()
	c.length() // free space
	c.address()
	for range 8 { // sizes and counts
		c.length()
	}
	h.width = uint64(c.u16())
	h.first, h.large = c.length(), c.length()
	space := int(c.u16()) // bits of an offset
	c.u16()
	h.root, h.rows = c.address(), uint64(c.u16())
	c.checksum()
	if c.err != nil {
		return nil, c.err
	}
	if !powerOfTwo(h.width) || !powerOfTwo(h.first) || !powerOfTwo(h.large) ||
		h.first > h.large || h.large > 1<<32 || space > 64 || h.idSize < 7 {
		c.fail("blocks of %d to %d bytes, %d in a row, in %d bits, IDs of %d bytes: no writer makes that",
			h.first, h.large, h.width, space, h.idSize)
		return nil, c.err
	}
	h.offsetSize = (space + 7) / 8
	h.countSize = min(bytesFor(h.large), bytesFor(most))
	return h, nil
}

func powerOfTwo(n uint64) bool { return bits.OnesCount64(n) == 1 }

// object returns the object with an ID. It aliases the file.
func (h *fractalHeap) object(id []byte) ([]byte, error) {
	const managed, huge, tiny = 0, 1, 2
	c := h.f.in(id[:min(len(id), h.idSize)], "fractal heap ID")
	first := c.u8()
	if version := first >> 6; version != 0 {
		c.fail("version %d is not supported, only 0", version)
	}
	switch kind := first >> 4 & 3; kind {
	case managed:
		offset, size := c.uint(h.offsetSize), c.uint(h.countSize)
		if c.err != nil {
			return nil, c.err
		}
		return h.managed(offset, size)
	case huge:
		if h.f.offsetSize+h.f.lengthSize <= h.idSize-1 { // it is in the ID itself
			at := h.f.at(c.address(), h.left, "huge object")
			object := at.take(c.length())
			return object, cmp.Or(c.err, at.err)
		}
		return h.hugeObject(c.uint(min(h.idSize-1, h.f.lengthSize)))
	case tiny:
		return c.take(uint64(first&0x0f) + 1), c.err
	default:
		c.fail("objects of kind %d are not supported", kind)
		return nil, c.err
	}
}

// managed returns the object at an offset of the heap's space.
func (h *fractalHeap) managed(offset, size uint64) ([]byte, error) {
	address, rows, base, blockSize := h.root, h.rows, uint64(0), h.first
	for rows > 0 {
		table, err := h.table(address, rows, base)
		if err != nil {
			return nil, err
		}
		// Rows 0 and 1 have the same blocks; from then on they double.
		row, start := bits.Len64((offset-base)/(h.width*h.first)), uint64(0)
		blockSize = h.first
		if row > 0 {
			blockSize = h.first << (row - 1)
			start = h.width * blockSize
		}
		if uint64(row) >= rows {
			return nil, fmt.Errorf("fractal heap: offset %#x is outside its blocks", offset)
		}
		column := (offset - base - start) / blockSize
		base += start + column*blockSize
		entry := h.f.in(table, "fractal heap table")
		entry.skip((uint64(row)*h.width + column) * uint64(h.f.offsetSize))
		address = entry.address()
		if entry.err != nil {
			return nil, entry.err
		}
		if rows = 0; blockSize > h.large { // a table again, that covers so much
			if blockSize < h.width*h.first {
				return nil, fmt.Errorf("fractal heap: a table of %d bytes is smaller than a row", blockSize)
			}
			rows = uint64(bits.Len64(blockSize / (h.width * h.first)))
		}
	}
	block, err := h.block(address, base, blockSize)
	if err != nil {
		return nil, err
	}
	head := uint64(h.frame())
	if at := offset - base; at < head || at > blockSize || size > blockSize-at {
		return nil, fmt.Errorf("fractal heap: %d bytes at %#x are not in one block", size, offset)
	}
	return block[offset-base:][:size:size], nil
}

// frame returns the size of what stands before the objects of a block.
func (h *fractalHeap) frame() int {
	n := 4 + 1 + h.f.offsetSize + h.offsetSize
	if h.checked {
		n += 4
	}
	return n
}

// start reads how blocks and tables start.
func (h *fractalHeap) start(c *cursor, signature string, base uint64) {
	c.signature(signature)
	c.version(0)
	if heap := c.address(); c.err == nil && heap != h.address {
		c.fail("it belongs to the heap at %#x, not at %#x", heap, h.address)
	}
	if at := c.uint(h.offsetSize); c.err == nil && at != base {
		c.fail("it is at %#x of its heap, expected %#x", at, base)
	}
}

// table returns the addresses in an indirect block.
func (h *fractalHeap) table(address, rows, base uint64) ([]byte, error) {
	if t, ok := h.tables[address]; ok {
		return t, nil
	}
	c := h.f.at(address, h.left, "fractal heap table")
	h.start(c, "FHIB", base)
	t := c.times(rows*h.width, uint64(h.f.offsetSize))
	c.checksum()
	if c.err == nil {
		h.tables[address] = t
	}
	return t, c.err
}

// block returns a direct block.
func (h *fractalHeap) block(address, base, size uint64) ([]byte, error) {
	if b, ok := h.blocks[address]; ok {
		if uint64(len(b)) != size {
			return nil, fmt.Errorf("fractal heap: the block at %#x is there in two sizes", address)
		}
		return b, nil
	}
	c := h.f.at(address, h.left, "fractal heap block")
	b := c.take(size)
	head := h.f.in(b, "fractal heap block")
	h.start(head, "FHDB", base)
	if at := head.pos; h.checked {
		want := head.u32()
		blank := bytes.Clone(b) // the checksum is that with zeros in its own place
		if head.err == nil {
			binary.LittleEndian.PutUint32(blank[at:], 0)
			if want != lookup3(blank) {
				head.fail("its checksum does not match: the file is damaged")
			}
		}
	}
	if err := cmp.Or(c.err, head.err); err != nil {
		return nil, err
	}
	h.blocks[address] = b
	return b, nil
}

// hugeObject returns an object too large for a block, by its number.
func (h *fractalHeap) hugeObject(id uint64) ([]byte, error) {
	if h.huge == nil {
		records, err := h.f.records(h.hugeAt, recordHuge, h.left)
		if err != nil {
			return nil, err
		}
		h.huge = map[uint64][]byte{}
		for _, r := range records {
			c := h.f.in(r, "huge object")
			at, size := h.f.at(c.address(), h.left, "huge object"), c.length()
			object := at.take(size)
			id := c.length()
			if err := cmp.Or(c.err, at.err); err != nil {
				return nil, err
			}
			h.huge[id] = object
		}
	}
	object, ok := h.huge[id]
	if !ok {
		return nil, fmt.Errorf("fractal heap: there is no huge object %d", id)
	}
	return object, nil
}
