package hdf5

import (
	"fmt"
	"math"
	"math/bits"
)

// What a B-tree of version 1 is of.
const (
	treeGroups = 0
	treeChunks = 1
)

// maxDepth is how deep a B-tree may be; every level but the last has at least two
// children, so no file needs more.
const maxDepth = 32

// A leaf is an entry at level 0 of a B-tree of version 1.
type leaf struct {
	key   []byte
	child uint64
}

// leaves returns the entries of a B-tree of version 1 (section III.A.1), in order.
func (f *File) leaves(address uint64, kind uint8, keySize int, left *budget) ([]leaf, error) {
	if address == undefined { // nothing was ever written
		return nil, nil
	}
	return f.node1(nil, address, kind, keySize, left, -1)
}

// node1 appends the entries below one node; level is what it must be, or -1.
func (f *File) node1(list []leaf, address uint64, kind uint8, keySize int, left *budget, level int) ([]leaf, error) {
	c := f.at(address, left, "B-tree node")
	c.signature("TREE")
	if k := c.u8(); k != kind {
		c.fail("its type is %d, expected %d", k, kind)
	}
	l := int(c.u8())
	if level >= 0 && l != level || l > maxDepth {
		c.fail("its level is %d, expected %d", l, max(level, 0))
	}
	n := c.u16()
	c.address() // of its siblings
	c.address()
	for range n {
		entry := leaf{c.take(uint64(keySize)), c.address()}
		if c.err != nil {
			break
		}
		if l == 0 {
			list = append(list, entry)
			continue
		}
		var err error
		if list, err = f.node1(list, entry.child, kind, keySize, left, l-1); err != nil {
			return nil, err
		}
	}
	return list, c.err
}

// What the records of a B-tree of version 2 are.
const (
	recordHuge          = 1
	recordLinkName      = 5
	recordAttributeName = 8
	recordChunk         = 10
	recordFilteredChunk = 11
)

// A tree2 is the header of a B-tree of version 2 (section III.A.2).
type tree2 struct {
	f          *File
	kind       uint8
	nodeSize   uint64
	recordSize uint64
	countSize  int      // bytes of the number of records in a child
	totalSize  []int    // by depth: bytes of the number of records below a child
	most       []uint64 // by depth: records in one node
	left       *budget
}

// The bytes of a node besides records and pointers: signature, version, type, checksum.
const nodeFrame = 4 + 1 + 1 + 4

// records returns the records of a B-tree of version 2, in order. They alias the file.
func (f *File) records(address uint64, kind uint8, left *budget) ([][]byte, error) {
	if address == undefined { // nothing was ever written
		return nil, nil
	}
	c := f.at(address, left, "B-tree header")
	c.signature("BTHD")
	c.version(0)
	if k := c.u8(); k != kind {
		c.fail("its type is %d, expected %d", k, kind)
	}
	t := &tree2{f: f, kind: kind, left: left}
	t.nodeSize, t.recordSize = uint64(c.u32()), uint64(c.u16())
	depth := int(c.u16())
	c.skip(1 + 1) // when to split and merge
	root, n, total := c.address(), c.u16(), c.length()
	c.checksum()
	if least := f.recordSize(kind); t.recordSize < least {
		c.fail("its records have %d bytes, expected at least %d", t.recordSize, least)
	}
	if depth > maxDepth {
		c.fail("it is %d levels deep; at most %d are supported", depth, maxDepth)
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := t.layOut(depth); err != nil {
		return nil, err
	}
	if root == undefined {
		return nil, nil
	}
	list, err := t.node(nil, root, depth, uint64(n))
	if err == nil && uint64(len(list)) != total {
		err = fmt.Errorf("B-tree: it has %d records, and its header says %d", len(list), total)
	}
	return list, err
}

// recordSize returns the bytes that a record has at least.
func (f *File) recordSize(kind uint8) uint64 {
	switch kind {
	case recordHuge:
		return uint64(f.offsetSize + 2*f.lengthSize)
	case recordLinkName:
		return 4 + 7
	case recordAttributeName:
		return 8 + 1 + 4 + 4
	}
	return uint64(f.offsetSize) // a chunk; its reader knows the rank
}

// layOut computes how many records fit a node at each depth, which says how many
// bytes the counts beside a pointer have.
func (t *tree2) layOut(depth int) error {
	if t.nodeSize < nodeFrame+t.recordSize {
		return fmt.Errorf("B-tree header: nodes of %d bytes cannot hold records of %d", t.nodeSize, t.recordSize)
	}
	below := (t.nodeSize - nodeFrame) / t.recordSize // in a whole subtree
	t.most, t.totalSize = []uint64{below}, []int{0}
	t.countSize = bytesFor(below)
	for d := 1; d <= depth; d++ {
		pointer := uint64(t.f.offsetSize + t.countSize + t.totalSize[d-1])
		if t.nodeSize < nodeFrame+pointer+t.recordSize+pointer {
			return fmt.Errorf("B-tree header: nodes of %d bytes cannot hold two children", t.nodeSize)
		}
		most := (t.nodeSize - nodeFrame - pointer) / (t.recordSize + pointer)
		high, low := bits.Mul64(most+1, below)
		if high != 0 || low > math.MaxUint64-most {
			return fmt.Errorf("B-tree header: %d levels of nodes of %d bytes are more than any file holds", depth, t.nodeSize)
		}
		below = low + most
		t.most, t.totalSize = append(t.most, most), append(t.totalSize, bytesFor(below))
	}
	return nil
}

// bytesFor returns how many bytes a number up to n has.
func bytesFor(n uint64) int { return (bits.Len64(n|1) + 7) / 8 }

// node appends the n records of a node, and those below it, in order.
func (t *tree2) node(list [][]byte, address uint64, depth int, n uint64) ([][]byte, error) {
	c, signature := t.f.at(address, t.left, "B-tree node"), "BTLF"
	if depth > 0 {
		signature = "BTIN"
	}
	c.signature(signature)
	c.version(0)
	if k := c.u8(); k != t.kind {
		c.fail("its type is %d, expected %d", k, t.kind)
	}
	if n > t.most[depth] {
		c.fail("it has %d records where %d fit", n, t.most[depth])
	}
	own := t.f.in(c.times(n, t.recordSize), "B-tree node")
	if depth == 0 {
		c.checksum()
		for own.rest() > 0 && c.err == nil {
			list = append(list, own.take(t.recordSize))
		}
		return list, c.err
	}
	type pointer struct{ address, count uint64 }
	var children []pointer
	for i := uint64(0); i <= n && c.err == nil; i++ {
		children = append(children, pointer{c.address(), c.uint(t.countSize)})
		c.skip(uint64(t.totalSize[depth-1]))
	}
	c.checksum()
	if c.err != nil {
		return nil, c.err
	}
	for i, child := range children {
		var err error
		if list, err = t.node(list, child.address, depth-1, child.count); err != nil {
			return nil, err
		}
		if uint64(i) < n {
			list = append(list, own.take(t.recordSize))
		}
	}
	return list, nil
}
