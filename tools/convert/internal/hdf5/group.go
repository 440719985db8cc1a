package hdf5

import "fmt"

// Kinds of links, as link messages number them.
const (
	linkHard     = 0
	linkSoft     = 1
	linkExternal = 64
)

// A link is an entry of a group.
type link struct {
	kind    uint8
	address uint64 // of a hard link: the object's header
	target  string // of a soft link: a path
}

// A listing collects the links of a group.
type listing map[string]link

func (l listing) add(name string, to link) error {
	if name == "" {
		return fmt.Errorf("a link has no name")
	}
	if _, twice := l[name]; twice {
		return fmt.Errorf("%q is there twice", name)
	}
	if len(l) == maxChildren {
		return fmt.Errorf("more than %d links in one group", maxChildren)
	}
	l[name] = to
	return nil
}

// links returns the links of a group, in whichever of three ways it keeps them.
func (f *File) links(o *object) (map[string]link, error) {
	if o.links == nil && o.linksErr == nil {
		o.links, o.linksErr = f.readLinks(o)
	}
	return o.links, o.linksErr
}

func (f *File) readLinks(o *object) (map[string]link, error) {
	list := listing{}
	for _, m := range o.messages {
		var err error
		switch m.kind {
		case kindLink:
			err = f.readLink(m.data, list)
		case kindLinkInfo:
			err = f.denseLinks(m.data, list)
		case kindSymbolTable:
			err = f.symbolTable(m.data, list)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readLink reads a link message (section IV.A.2.g).
func (f *File) readLink(data []byte, list listing) error {
	c := f.in(data, "link message")
	c.version(1)
	flags := c.u8()
	var to link
	if flags&0x08 != 0 {
		to.kind = c.u8()
	}
	if flags&0x04 != 0 {
		c.skip(8) // order of creation
	}
	if flags&0x10 != 0 {
		c.skip(1) // character set: ASCII is UTF-8, too
	}
	size := c.uint(1 << (flags & 3))
	if size > maxName {
		c.fail("a name has %d bytes; at most %d are supported", size, maxName)
	}
	name := string(c.take(size))
	switch to.kind {
	case linkHard:
		to.address = c.address()
	case linkSoft:
		to.target = string(c.take(uint64(c.u16())))
	}
	if c.err != nil {
		return c.err
	}
	if err := f.item(); err != nil {
		return err
	}
	return list.add(name, to)
}

// denseLinks reads the links of a large group: link messages in a fractal heap, found
// through a B-tree (section IV.A.2.c). An undefined heap is that of a small group.
func (f *File) denseLinks(data []byte, list listing) error {
	c := f.in(data, "link info message")
	c.version(0)
	if flags := c.u8(); flags&1 != 0 {
		c.skip(8)
	}
	heapAt, treeAt := c.address(), c.address()
	if c.err != nil || heapAt == undefined {
		return c.err
	}
	return f.dense(heapAt, treeAt, recordLinkName, func(record, object []byte) error {
		return f.readLink(object, list)
	})
}

// dense visits what is in a fractal heap through a B-tree of IDs.
func (f *File) dense(heapAt, treeAt uint64, kind uint8, visit func(record, object []byte) error) error {
	left := f.budget()
	heap, err := f.fractalHeap(heapAt, left)
	if err != nil {
		return err
	}
	records, err := f.records(treeAt, kind, left)
	if err != nil {
		return err
	}
	for _, r := range records {
		id := r
		if kind == recordLinkName {
			id = r[4:] // after the hash of the name
		}
		object, err := heap.object(id)
		if err != nil {
			return err
		}
		if err := visit(r, object); err != nil {
			return err
		}
	}
	return nil
}

// symbolTable reads the links of an old group: a B-tree of nodes of symbols, their
// names in a local heap (sections III.A.1, III.B, III.C, III.D).
func (f *File) symbolTable(data []byte, list listing) error {
	c := f.in(data, "symbol table message")
	treeAt, heapAt := c.address(), c.address()
	if c.err != nil {
		return c.err
	}
	left := f.budget()
	h := f.at(heapAt, left, "local heap")
	h.signature("HEAP")
	h.version(0)
	h.skip(3)
	size := h.length()
	h.length() // of the free list
	names := f.at(h.address(), left, "local heap")
	heap := names.take(size)
	if h.err != nil {
		return h.err
	}
	if names.err != nil {
		return names.err
	}
	nodes, err := f.leaves(treeAt, treeGroups, f.lengthSize, left)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := f.symbols(n.child, left, heap, list); err != nil {
			return err
		}
	}
	return nil
}

// symbols reads one node of symbols.
func (f *File) symbols(address uint64, left *budget, heap []byte, list listing) error {
	c := f.at(address, left, "symbol table node")
	c.signature("SNOD")
	c.version(1)
	c.skip(1)
	for range c.u16() {
		name := f.in(heap, "local heap")
		name.skip(c.length())
		to := link{address: c.address()}
		kind := c.u32()
		c.skip(4)
		scratch := f.in(c.take(16), "symbol table entry")
		if c.err != nil {
			return c.err
		}
		const cachedSoft = 2
		if kind == cachedSoft {
			target := f.in(heap, "local heap")
			target.skip(uint64(scratch.u32()))
			to = link{kind: linkSoft, target: target.text()}
			if target.err != nil {
				return target.err
			}
		}
		key := name.text()
		if name.err != nil {
			return name.err
		}
		if err := f.item(); err != nil {
			return err
		}
		if err := list.add(key, to); err != nil {
			return err
		}
	}
	return c.err
}
