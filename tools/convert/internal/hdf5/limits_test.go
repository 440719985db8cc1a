package hdf5

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Filters that each make data larger are not applied one after the other.
func TestFiltersOnce(t *testing.T) {
	f := &File{offsetSize: 8, lengthSize: 8}
	read := func(ids ...byte) ([]filter, error) {
		data := []byte{2, byte(len(ids))}
		for _, id := range ids {
			data = append(data, id, 0, 0, 0, 0, 0)
		}
		return f.filters(&object{messages: []message{{kind: kindFilters, data: data}}})
	}
	list, err := read(filterShuffle, filterDeflate, filterFletcher)
	require.NoError(t, err)
	assert.Len(t, list, 3)
	_, err = read(filterDeflate, filterShuffle, filterDeflate)
	assert.EqualError(t, err, "filter pipeline message: the filter deflate is there twice; once is supported")
}

// A small file does not ask for much memory, in a dataset or in one chunk of it.
func TestDataFits(t *testing.T) {
	f := &File{data: make([]byte, 64<<10)}
	assert.NoError(t, f.fits(large))
	assert.ErrorContains(t, f.fits(large+32), "at most 32 times as much")
	f.data = f.data[:1000]
	assert.NoError(t, f.fits(1032*1000))
	assert.ErrorContains(t, f.fits(1032*1002), "at most 1032 times as much")
	f.data = make([]byte, 2<<20)
	assert.NoError(t, f.fits(64<<20))
}

// A chunk may be larger than the dataset, and is limited, too.
func TestChunkFits(t *testing.T) {
	f := &File{data: make([]byte, 64<<10), offsetSize: 8, lengthSize: 8}
	layout := []byte{
		4, 2, // version, chunked
		0, 2, 4, // flags, dimensions, bytes of each
		0, 0, 0, 16, 4, 0, 0, 0, // 2²⁸ values of 4 bytes
		indexSingle,
		0, 0, 0, 0, 0, 0, 0, 0, // its address
	}
	d := &Dataset{f: f, path: "/d", t: &datatype{class: classFloat, size: 4, name: "float32"},
		space:  &dataspace{shape: []int{1}, most: []uint64{1}, n: 1},
		object: &object{messages: []message{{kind: kindLayout, data: layout}}}}
	_, err := d.raw()
	assert.ErrorContains(t, err, "a chunk: 1073741824 bytes of data in a file of 65536 bytes")
}

// One dataset by many names: all that is read together is bounded, too.
func TestManyNames(t *testing.T) {
	f := &File{data: make([]byte, 1<<20)}
	const most = 128 << 20
	assert.NoError(t, f.spend(most-1))
	assert.NoError(t, f.spend(1))
	assert.ErrorContains(t, f.spend(1), "the datasets read so far have more than 134217728 bytes, from a file of 1048576")
	assert.Error(t, f.spend(1<<63), "a size that wraps around")
}
