package hdf5

import (
	"fmt"
	"math/bits"
)

// An array is a fixed or an extensible array: an index of chunks by number.
type array struct {
	*grid
	address uint64 // of its header, which every block repeats
	client  uint8  // 1 if its entries are of filtered chunks
	item    uint64 // bytes of an entry
	page    uint64 // entries in a page
	place   func(n uint64) []uint64
	left    *budget
	chunks  []chunk
}

// head reads how the header of an array starts.
func (a *array) head(c *cursor) {
	c.version(0)
	if a.client = c.u8(); a.client > 1 || (a.client == 1) != (len(a.filters) > 0) {
		c.fail("entries of kind %d in a dataset with %d filters", a.client, len(a.filters))
	}
	a.item = uint64(c.u8())
	a.setEntry(c, int(a.item))
}

// block reads how a block of an array starts.
func (a *array) block(address uint64, what, signature string) *cursor {
	c := a.f.at(address, a.left, what)
	c.signature(signature)
	c.version(0)
	if client := c.u8(); c.err == nil && client != a.client {
		c.fail("entries of kind %d, expected %d", client, a.client)
	}
	if header := c.address(); c.err == nil && header != a.address {
		c.fail("it belongs to the array at %#x, not at %#x", header, a.address)
	}
	return c
}

// entries reads n entries, the first of which is that of chunk number first.
func (a *array) entries(c *cursor, first, n uint64) {
	b := a.f.in(c.times(n, a.item), c.what)
	for ; b.rest() > 0; first++ {
		if one := a.entry(b); one.address != undefined {
			one.at = a.place(first)
			a.chunks = append(a.chunks, one)
		}
	}
}

// A bitmap says which pages of a block were ever written, from a bit on; the first
// bit is the highest of the first byte.
type bitmap struct {
	bytes []byte
	start uint64
}

func (b bitmap) has(page uint64) bool {
	i := b.start + page
	return b.bytes[i/8]&(0x80>>(i%8)) != 0
}

// pages reads the pages of a block of n entries that starts at an address.
func (a *array) pages(address uint64, what string, written bitmap, first, n uint64) error {
	for i := uint64(0); i*a.page < n; i++ {
		count := min(a.page, n-i*a.page)
		if written.has(i) {
			c := a.f.at(address+i*(a.page*a.item+4), a.left, what)
			a.entries(c, first+i*a.page, count)
			c.checksum()
			if c.err != nil {
				return c.err
			}
		}
	}
	return nil
}

// setPage sets the size of a page from its logarithm.
func (a *array) setPage(c *cursor, log uint8) {
	if log > 31 {
		c.fail("pages of 2^%d entries", log)
	}
	a.page = 1 << (log & 31)
}

// fixedArray returns the chunks of a fixed array (section VII.C).
func (g *grid) fixedArray(address uint64) ([]chunk, error) {
	const what = "fixed array"
	a := &array{grid: g, address: address, left: g.f.budget()}
	var err error
	if a.place, err = g.spread(); err != nil {
		return nil, err
	}
	c := g.f.at(address, a.left, what)
	c.signature("FAHD")
	a.head(c)
	a.setPage(c, c.u8())
	n, data := c.length(), c.address()
	c.checksum()
	if c.err != nil || data == undefined {
		return nil, c.err
	}
	b := a.block(data, what, "FADB")
	if n <= a.page {
		a.entries(b, 0, n)
		b.checksum()
		return a.chunks, b.err
	}
	written := bitmap{bytes: b.take(((n-1)/a.page + 8) / 8)}
	b.checksum()
	if b.err != nil {
		return nil, b.err
	}
	err = a.pages(data+uint64(b.pos), what, written, 0, n)
	return a.chunks, err
}

// extensibleArray returns the chunks of an extensible array (section VII.D). Its
// entries are in the index block, in data blocks whose addresses are there, and in
// data blocks whose addresses are in secondary blocks. Data blocks come in groups,
// group k having 2^⌊k/2⌋ of them with least·2^⌈k/2⌉ entries each.
func (g *grid) extensibleArray(address uint64) ([]chunk, error) {
	const what = "extensible array"
	a := &array{grid: g, address: address, left: g.f.budget()}
	var err error
	if a.place, err = g.spread(); err != nil {
		return nil, err
	}
	c := g.f.at(address, a.left, what)
	c.signature("EAHD")
	a.head(c)
	width, inIndex, least, pointers := c.u8(), uint64(c.u8()), uint64(c.u8()), uint64(c.u8())
	a.setPage(c, c.u8())
	for range 6 { // statistics
		c.length()
	}
	index := c.address()
	c.checksum()
	if c.err != nil || index == undefined {
		return nil, c.err
	}
	if !powerOfTwo(least) || !powerOfTwo(pointers) || width > 64 || bits.Len64(least) > int(width) {
		return nil, fmt.Errorf("%s: blocks of %d entries, %d pointers, %d bits: no writer makes that",
			what, least, pointers, width)
	}
	offsetSize := (int(width) + 7) / 8
	groups := 2 + int(width) - bits.Len64(least)
	direct := 2 * (bits.Len64(pointers) - 1) // groups without a secondary block
	if direct > groups {
		return nil, fmt.Errorf("%s: %d pointers in the index block, for %d groups of blocks", what, pointers, groups)
	}

	b := a.block(index, what, "EAIB")
	a.entries(b, 0, inIndex)
	blocks := g.f.in(b.times(2*(pointers-1), uint64(g.f.offsetSize)), what)
	secondary := g.f.in(b.times(uint64(groups-direct), uint64(g.f.offsetSize)), what)
	b.checksum()
	if b.err != nil {
		return nil, b.err
	}
	first := inIndex
	for k := range groups {
		count, entries := uint64(1)<<(k/2), least<<((k+1)/2)
		if k < direct {
			for range count {
				if err := a.dataBlock(blocks.address(), offsetSize, bitmap{}, first, entries); err != nil {
					return nil, err
				}
				first += entries
			}
			continue
		}
		if at := secondary.address(); at != undefined {
			if err := a.secondary(at, offsetSize, count, first, entries); err != nil {
				return nil, err
			}
		}
		first += count * entries
	}
	return a.chunks, nil
}

// secondary reads a secondary block: count data blocks of so many entries each.
func (a *array) secondary(address uint64, offsetSize int, count, first, entries uint64) error {
	b := a.block(address, "extensible array", "EASB")
	b.skip(uint64(offsetSize))
	pages := uint64(0) // of a data block; none if it fits one
	if entries > a.page {
		pages = entries / a.page
	}
	// There is room for whole bytes per data block, but the bits follow one another.
	written := bitmap{bytes: b.times(count, (pages+7)/8)}
	blocks := a.f.in(b.times(count, uint64(a.f.offsetSize)), b.what)
	b.checksum()
	if b.err != nil {
		return b.err
	}
	for range count {
		if err := a.dataBlock(blocks.address(), offsetSize, written, first, entries); err != nil {
			return err
		}
		first += entries
		written.start += pages
	}
	return nil
}

// dataBlock reads a data block; written is empty if it has no pages.
func (a *array) dataBlock(address uint64, offsetSize int, written bitmap, first, entries uint64) error {
	if address == undefined { // nothing was ever written there
		return nil
	}
	b := a.block(address, "extensible array", "EADB")
	b.skip(uint64(offsetSize))
	if len(written.bytes) == 0 {
		a.entries(b, first, entries)
		b.checksum()
		return b.err
	}
	b.checksum()
	if b.err != nil {
		return b.err
	}
	return a.pages(address+uint64(b.pos), b.what, written, first, entries)
}
