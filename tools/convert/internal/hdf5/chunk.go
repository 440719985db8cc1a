package hdf5

import (
	"fmt"
	"math"
)

// A chunk is a piece of a dataset as it is stored.
type chunk struct {
	at      []uint64 // its place: which chunk, in each dimension
	address uint64
	size    uint64 // bytes stored
	skip    uint32 // the filters that were not applied, a bit each
}

// A grid is how a dataset is cut into chunks.
type grid struct {
	f        *File
	shape    []int
	most     []uint64 // how large each dimension may grow
	chunk    []uint64 // the shape of a chunk
	size     uint64   // bytes of a chunk
	item     uint64   // bytes of a value
	filters  []filter
	unedged  bool // chunks that stick out are stored without filters
	sizeSize int  // bytes of a stored size in an index, see setEntry
}

// chunked reads a dataset in chunks; c is after the class of its layout, size the
// bytes of the whole.
func (d *Dataset) chunked(c *cursor, version uint8, size uint64) ([]byte, error) {
	g := &grid{f: d.f, shape: d.space.shape, most: d.space.most, item: d.t.size}
	var err error
	if g.filters, err = d.f.filters(d.object); err != nil {
		return nil, err
	}
	read := g.readOld
	if version >= 4 {
		read = g.readNew
	}
	chunks, err := read(c)
	if err != nil {
		return nil, err
	}
	if err := d.f.fits(g.size); err != nil {
		return nil, fmt.Errorf("a chunk: %w", err)
	}
	all, err := d.filled(size)
	if err != nil {
		return nil, err
	}
	seen, stored := map[uint64]bool{}, uint64(0)
	for _, chunk := range chunks {
		index, inside := g.index(chunk.at)
		if !inside {
			continue // left from when the dataset was larger
		}
		if seen[index] {
			return nil, fmt.Errorf("chunk %v is there twice", chunk.at)
		}
		seen[index] = true
		if stored += chunk.size; stored > uint64(len(d.f.data)) {
			return nil, fmt.Errorf("its chunks together are larger than the file")
		}
		data, err := g.decode(chunk)
		if err != nil {
			return nil, fmt.Errorf("chunk %v: %w", chunk.at, err)
		}
		g.place(all, chunk.at, data)
	}
	return all, nil
}

// dimensions reads the shape of a chunk, each dimension of n bytes; the last one is
// the size of a value.
func (g *grid) dimensions(c *cursor, rank, n int) {
	if rank != len(g.shape)+1 || rank == 1 {
		c.fail("chunks of %d dimensions in a dataset of %d", rank-1, len(g.shape))
		return
	}
	g.size = 1
	for i := range rank {
		d := c.uint(n)
		if c.err == nil && (d == 0 || d > math.MaxInt32) {
			c.fail("a chunk has %d values in dimension %d", d, i)
		}
		if c.err != nil {
			return
		}
		if i == rank-1 {
			if d != g.item {
				c.fail("its values have %d bytes, expected %d", d, g.item)
			}
		} else {
			g.chunk = append(g.chunk, d)
		}
		if g.size *= d; g.size > maxData { // both were below 2³¹
			c.fail("a chunk has more than %d bytes", maxData)
		}
	}
}

// readOld reads a chunked layout of version 3: a B-tree of version 1.
func (g *grid) readOld(c *cursor) ([]chunk, error) {
	rank := int(c.u8())
	address := c.address()
	g.dimensions(c, rank, 4)
	if c.err != nil {
		return nil, c.err
	}
	leaves, err := g.f.leaves(address, treeChunks, 4+4+8*rank, g.f.budget())
	if err != nil {
		return nil, err
	}
	chunks := make([]chunk, 0, len(leaves))
	for _, l := range leaves {
		k := g.f.in(l.key, "B-tree key")
		one := chunk{address: l.child, size: uint64(k.u32()), skip: k.u32()}
		for _, extent := range g.chunk {
			offset := k.uint(8)
			if offset%extent != 0 {
				k.fail("a chunk starts at %d, in steps of %d", offset, extent)
			}
			one.at = append(one.at, offset/extent)
		}
		if k.err != nil {
			return nil, k.err
		}
		chunks = append(chunks, one)
	}
	return chunks, nil
}

// The ways in which layouts of version 4 find their chunks.
const (
	indexSingle     = 1
	indexImplicit   = 2
	indexFixed      = 3
	indexExtensible = 4
	indexTree       = 5
)

// readNew reads a chunked layout of version 4, or of version 5, which differs in how
// many bytes a stored size has: each index says so itself.
func (g *grid) readNew(c *cursor) ([]chunk, error) {
	const plainEdges, filteredSingle = 1, 2
	flags, rank, n := c.u8(), int(c.u8()), int(c.u8())
	g.unedged = flags&plainEdges != 0
	g.dimensions(c, rank, n)
	kind := c.u8()
	if c.err != nil {
		return nil, c.err
	}
	one := chunk{at: make([]uint64, len(g.shape)), size: g.size}
	switch kind {
	case indexSingle:
		if flags&filteredSingle != 0 {
			one.size, one.skip = c.length(), c.u32()
		}
	case indexImplicit:
	case indexFixed:
		c.skip(1) // what the array's header repeats
	case indexExtensible:
		c.skip(5)
	case indexTree:
		c.skip(4 + 1 + 1)
	default:
		c.fail("an index of kind %d is not supported, only 1 to 5", kind)
	}
	one.address = c.address()
	if c.err != nil || one.address == undefined {
		return nil, c.err
	}
	switch kind {
	case indexSingle:
		return []chunk{one}, nil
	case indexImplicit:
		return g.implicit(one.address)
	case indexFixed:
		return g.fixedArray(one.address)
	case indexExtensible:
		return g.extensibleArray(one.address)
	}
	return g.tree(one.address)
}

// counts returns the number of chunks in each dimension when it is as large as it may
// be; an unlimited one counts as 1, and comes first in the order of chunks.
func (g *grid) counts() (counts []uint64, first int, err error) {
	first = -1
	counts = make([]uint64, len(g.shape))
	for i, most := range g.most {
		if most == unlimited {
			if first >= 0 {
				return nil, 0, fmt.Errorf("an index of chunks for one unlimited dimension, where there are more")
			}
			first, counts[i] = i, 1
			continue
		}
		counts[i] = (most-1)/g.chunk[i] + 1 // most is not 0: there are values
	}
	return counts, first, nil
}

// spread returns a function from the number of a chunk to its place.
func (g *grid) spread() (func(n uint64) []uint64, error) {
	counts, first, err := g.counts()
	if err != nil {
		return nil, err
	}
	return func(n uint64) []uint64 {
		at := make([]uint64, len(counts))
		for i := len(counts) - 1; i >= 0; i-- {
			if i != first {
				at[i], n = n%counts[i], n/counts[i]
			}
		}
		if first >= 0 {
			at[first] = n
		} else if n > 0 {
			at[0] = math.MaxUint64 // beyond the last chunk
		}
		return at
	}, nil
}

// implicit returns the chunks that lie one after another, unfiltered.
func (g *grid) implicit(address uint64) ([]chunk, error) {
	if len(g.filters) > 0 {
		return nil, fmt.Errorf("filtered chunks without an index: the file is damaged")
	}
	place, err := g.spread()
	if err != nil {
		return nil, err
	}
	var chunks []chunk
	for n := uint64(0); address < uint64(len(g.f.data)) && g.size <= uint64(len(g.f.data))-address; n++ {
		one := chunk{at: place(n), address: address, size: g.size}
		if one.at[0] == math.MaxUint64 {
			break
		}
		chunks = append(chunks, one)
		address += g.size
	}
	return chunks, nil
}

// tree returns the chunks of a B-tree of version 2.
func (g *grid) tree(address uint64) ([]chunk, error) {
	kind := uint8(recordChunk)
	if len(g.filters) > 0 {
		kind = recordFilteredChunk
	}
	records, err := g.f.records(address, kind, g.f.budget())
	if err != nil {
		return nil, err
	}
	chunks := make([]chunk, 0, len(records))
	for _, r := range records {
		c := g.f.in(r, "B-tree of chunks")
		if g.setEntry(c, len(r)-8*len(g.shape)); c.err != nil {
			return nil, c.err
		}
		one := g.entry(c)
		for range g.shape {
			one.at = append(one.at, c.uint(8))
		}
		chunks = append(chunks, one)
	}
	return chunks, nil
}

// setEntry sets the size of an entry of an index of chunks, without the place.
func (g *grid) setEntry(c *cursor, size int) {
	if len(g.filters) == 0 && size != g.f.offsetSize {
		c.fail("entries of %d bytes, expected %d", size, g.f.offsetSize)
	}
	if len(g.filters) > 0 { // an address, a size and a mask
		if g.sizeSize = size - g.f.offsetSize - 4; g.sizeSize < 1 || g.sizeSize > 8 {
			c.fail("entries of %d bytes, expected %d to %d", size, g.f.offsetSize+5, g.f.offsetSize+12)
		}
	}
}

// entry reads an entry of an index of chunks, without the place.
func (g *grid) entry(c *cursor) chunk {
	one := chunk{address: c.address(), size: g.size}
	if len(g.filters) > 0 {
		one.size, one.skip = c.uint(g.sizeSize), c.u32()
	}
	return one
}

// index returns the number of the chunk at a place, in the order of what is there
// now; false if it is outside.
func (g *grid) index(at []uint64) (uint64, bool) {
	n := uint64(0)
	for i, p := range at {
		count := (uint64(g.shape[i])-1)/g.chunk[i] + 1
		if p >= count {
			return 0, false
		}
		n = n*count + p // below the number of values
	}
	return n, true
}

// decode returns the bytes of a chunk.
func (g *grid) decode(one chunk) ([]byte, error) {
	if one.address == undefined {
		return nil, fmt.Errorf("it has no address")
	}
	at := g.f.at(one.address, nil, "data")
	data := at.take(one.size)
	if at.err != nil {
		return nil, at.err
	}
	filters := g.filters
	if g.unedged && g.sticksOut(one.at) {
		filters = nil
	}
	return unfilter(filters, one.skip, data, g.size)
}

// sticksOut reports whether a chunk is larger than what it holds of the dataset.
func (g *grid) sticksOut(at []uint64) bool {
	for i, p := range at {
		if (p+1)*g.chunk[i] > uint64(g.shape[i]) {
			return true
		}
	}
	return false
}

// place copies a chunk into the whole.
func (g *grid) place(all []byte, at []uint64, data []byte) {
	rank := len(g.shape)
	last := rank - 1
	start, extent := make([]uint64, rank), make([]uint64, rank)
	for i, p := range at {
		start[i] = p * g.chunk[i]
		extent[i] = min(g.chunk[i], uint64(g.shape[i])-start[i])
	}
	row := extent[last] * g.item
	position := make([]uint64, rank) // in the chunk; of the last dimension always 0
	for {
		to, from := uint64(0), uint64(0)
		for i, p := range position {
			to = to*uint64(g.shape[i]) + start[i] + p
			from = from*g.chunk[i] + p
		}
		copy(all[to*g.item:][:row], data[from*g.item:][:row])
		i := last - 1
		for ; i >= 0; i-- {
			if position[i]++; position[i] < extent[i] {
				break
			}
			position[i] = 0
		}
		if i < 0 {
			return
		}
	}
}
