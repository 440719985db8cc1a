package hdf5

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
)

// The filters that are supported, and the names of all.
const (
	filterDeflate  = 1
	filterShuffle  = 2
	filterFletcher = 3
)

var filterNames = map[uint16]string{1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf", 32001: "blosc", 32015: "zstd"}

// maxFilters is how many filters a pipeline may have; the library's own limit.
const maxFilters = 32

// A filter is a step that each chunk went through when it was written.
type filter struct {
	id   uint16
	item uint64 // of shuffle: the bytes of a value
}

// filters returns the filters of a dataset, in the order of writing (section
// IV.A.2.l).
func (f *File) filters(o *object) ([]filter, error) {
	m, ok := o.find(kindFilters)
	if !ok {
		return nil, nil
	}
	data, err := f.resolve(m)
	if err != nil {
		return nil, err
	}
	c := f.in(data, "filter pipeline message")
	version, n := c.version(1, 2), c.u8()
	if version == 1 {
		c.skip(6)
	}
	if n > maxFilters {
		c.fail("%d filters; at most %d are supported", n, maxFilters)
	}
	var list []filter
	for range n {
		const reserved = 256 // lower numbers have no name in version 2
		one, nameSize := filter{id: c.u16()}, uint16(0)
		if version == 1 || one.id >= reserved {
			nameSize = c.u16()
		}
		c.skip(2) // flags
		count := c.u16()
		start := c.pos
		c.skip(uint64(nameSize))
		if version == 1 {
			c.pad(start)
		}
		for i := range count {
			if v := c.u32(); i == 0 {
				one.item = uint64(v)
			}
		}
		if version == 1 && count%2 != 0 {
			c.skip(4)
		}
		if one.id < filterDeflate || one.id > filterFletcher {
			c.fail("the filter %s is not supported, only deflate (gzip), shuffle and fletcher32; "+
				"write the file with one of these, or without compression", filterName(one.id))
		}
		for _, other := range list {
			if other.id == one.id {
				c.fail("the filter %s is there twice; once is supported", filterName(one.id))
			}
		}
		if c.err != nil {
			return nil, c.err
		}
		list = append(list, one)
	}
	return list, c.err
}

func filterName(id uint16) string {
	if name, ok := filterNames[id]; ok {
		return name
	}
	return fmt.Sprintf("number %d", id)
}

// unfilter undoes the filters of a chunk, last one first, but for those that skip
// has a bit for. The result has size bytes, and may alias data.
func unfilter(filters []filter, skip uint32, data []byte, size uint64) ([]byte, error) {
	const sumSize = 4
	// The size before each filter is known: only a checksum changes it otherwise
	// than deflate, which ends up at what is expected.
	before := make([]uint64, len(filters))
	for i, f := range filters {
		before[i] = size
		if skip&(1<<i) == 0 && f.id == filterFletcher {
			size += sumSize
		}
	}
	want := size // after the last filter, unless one of them was deflate
	for i := len(filters) - 1; i >= 0; i-- {
		if skip&(1<<i) != 0 {
			continue
		}
		switch f := filters[i]; f.id {
		case filterDeflate:
			var err error
			if data, err = inflate(data, before[i]); err != nil {
				return nil, err
			}
		case filterShuffle:
			data = unshuffle(data, f.item)
		case filterFletcher:
			if len(data) < sumSize {
				return nil, fmt.Errorf("%d bytes have no room for a checksum", len(data))
			}
			body, sum := data[:len(data)-sumSize], data[len(data)-sumSize:]
			if fletcher32(body) != binary.LittleEndian.Uint32(sum) {
				return nil, fmt.Errorf("its checksum does not match: the file is damaged")
			}
			data = body
		}
		want = before[i]
	}
	if uint64(len(data)) != want {
		return nil, fmt.Errorf("it has %d bytes, expected %d", len(data), want)
	}
	return data, nil
}

// inflate decompresses data into size bytes, which is all there may be.
func inflate(data []byte, size uint64) ([]byte, error) {
	if size/maxRatio > uint64(len(data)) {
		return nil, fmt.Errorf("%d bytes cannot be compressed to %d", size, len(data))
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	out := make([]byte, size)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	// Reading on checks the checksum, and that nothing is left.
	switch n, err := r.Read(make([]byte, 1)); {
	case n > 0:
		return nil, fmt.Errorf("deflate: more than the expected %d bytes", size)
	case err != io.EOF:
		return nil, fmt.Errorf("deflate: %w", err)
	}
	return out, nil
}

// unshuffle brings together the bytes of each value: data has all first bytes, then
// all second ones. What does not fill a value stands as it is.
func unshuffle(data []byte, item uint64) []byte {
	if item < 2 || item > uint64(len(data)) {
		return data
	}
	out := bytes.Clone(data)
	n := uint64(len(data)) / item
	for j := range item {
		for i, b := range data[j*n:][:n] {
			out[uint64(i)*item+j] = b
		}
	}
	return out
}
