package hdf5

import (
	"bytes"
	"fmt"
)

// The kinds of messages that an object header is made of (section IV.A.2).
const (
	kindDataspace     = 0x01
	kindLinkInfo      = 0x02
	kindDatatype      = 0x03
	kindOldFill       = 0x04
	kindFill          = 0x05
	kindLink          = 0x06
	kindExternalFiles = 0x07
	kindLayout        = 0x08
	kindFilters       = 0x0b
	kindAttribute     = 0x0c
	kindContinuation  = 0x10
	kindSymbolTable   = 0x11
	kindAttributeInfo = 0x15
)

// Flags of a message.
const (
	flagShared  = 0x02 // the message is elsewhere
	flagUnknown = 0x80 // who does not know this kind must not read the object
)

// A message is one fact about an object. Its data alias the file.
type message struct {
	kind  uint16
	flags uint8
	data  []byte
}

// An object is a group, a dataset or a named datatype: its messages, and what was
// made of them so far.
type object struct {
	messages   []message
	first      map[uint16]message // of each kind, once find was called
	links      map[string]link
	attributes map[string]attributeMessage

	linksErr, attributesErr error // why there are none
}

// find returns the first message of a kind.
func (o *object) find(kind uint16) (message, bool) {
	if o.first == nil {
		o.first = map[uint16]message{}
		for _, m := range o.messages {
			if _, there := o.first[m.kind]; !there {
				o.first[m.kind] = m
			}
		}
	}
	m, ok := o.first[kind]
	return m, ok
}

func (o *object) has(kind uint16) bool {
	_, ok := o.find(kind)
	return ok
}

func (o *object) isGroup() bool {
	return o.has(kindSymbolTable) || o.has(kindLinkInfo) || o.has(kindLink)
}

func (o *object) isDataset() bool { return o.has(kindLayout) }

// object returns the object whose header is at an address.
func (f *File) object(address uint64) (*object, error) {
	if o := f.objects[address]; o != nil {
		return o, nil
	}
	if err := f.failed[address]; err != nil {
		return nil, err
	}
	c := f.at(address, f.budget(), "object header")
	o := &object{}
	var err error
	if bytes.HasPrefix(c.data, []byte("OHDR")) {
		err = o.readNew(c)
	} else {
		err = o.readOld(c)
	}
	if err != nil {
		f.failed[address] = err
		return nil, err
	}
	f.objects[address] = o
	return o, nil
}

// readOld reads an object header of version 1.
func (o *object) readOld(c *cursor) error {
	c.version(1)
	c.skip(1 + 2 + 4) // the number of messages, which their sizes tell; references
	size := c.u32()
	c.skip(4)
	blocks := [][]byte{c.take(uint64(size))}
	for ; len(blocks) > 0 && c.err == nil; blocks = blocks[1:] {
		b := c.f.in(blocks[0], "object header")
		for b.rest() >= 8 {
			m := message{kind: b.u16()}
			size := b.u16()
			m.flags = b.u8()
			b.skip(3)
			m.data = b.take(uint64(size))
			if b.err != nil {
				return b.err
			}
			next, err := o.add(c.f, m)
			if err != nil {
				return err
			}
			if next != nil {
				n := c.f.at(next.address, c.left, "object header continuation")
				blocks = append(blocks, n.take(next.length))
				if n.err != nil {
					return n.err
				}
			}
		}
	}
	return c.err
}

// readNew reads an object header of version 2.
func (o *object) readNew(c *cursor) error {
	c.signature("OHDR")
	c.version(2)
	flags := c.u8()
	if flags&0x20 != 0 {
		c.skip(4 * 4) // times
	}
	if flags&0x10 != 0 {
		c.skip(2 + 2) // how many attributes are many
	}
	size := c.uint(1 << (flags & 3))
	blocks := [][]byte{c.take(size)}
	c.checksum()
	for ; len(blocks) > 0 && c.err == nil; blocks = blocks[1:] {
		b, head := c.f.in(blocks[0], "object header"), 4
		if flags&0x04 != 0 {
			head += 2
		}
		for b.rest() >= head { // less is a gap
			m := message{kind: uint16(b.u8())}
			size := b.u16()
			m.flags = b.u8()
			b.skip(uint64(head - 4)) // order of creation
			m.data = b.take(uint64(size))
			if b.err != nil {
				return b.err
			}
			next, err := o.add(c.f, m)
			if err != nil {
				return err
			}
			if next != nil {
				block, err := next.chunk(c)
				if err != nil {
					return err
				}
				blocks = append(blocks, block)
			}
		}
	}
	return c.err
}

// A continuation is where more messages are.
type continuation struct{ address, length uint64 }

// chunk returns the messages of a continuation of version 2.
func (next continuation) chunk(c *cursor) ([]byte, error) {
	const around = 4 + 4 // signature and checksum
	n := c.f.at(next.address, c.left, "object header continuation")
	n.signature("OCHK")
	if next.length < around {
		n.fail("it has %d bytes, expected at least %d", next.length, around)
		return nil, n.err
	}
	block := n.take(next.length - around)
	n.checksum()
	return block, n.err
}

// add adds a message; of a continuation, it returns where that is.
func (o *object) add(f *File, m message) (*continuation, error) {
	if m.kind == kindContinuation {
		c := f.in(m.data, "continuation message")
		next := &continuation{c.address(), c.length()}
		return next, c.err
	}
	if m.kind > 0x18 && m.flags&flagUnknown != 0 {
		return nil, fmt.Errorf("object header: messages of kind %#x are not supported, and it says they matter", m.kind)
	}
	if len(o.messages) == maxMessages {
		return nil, fmt.Errorf("object header: more than %d messages", maxMessages)
	}
	if err := f.item(); err != nil {
		return nil, err
	}
	o.messages = append(o.messages, m)
	return nil, nil
}

// resolve returns the data of a message that may be shared: those of the named
// datatype that it refers to.
func (f *File) resolve(m message) ([]byte, error) {
	if m.flags&flagShared == 0 {
		return m.data, nil
	}
	c := f.in(m.data, "shared message")
	version, where := c.version(1, 2, 3), c.u8()
	if version == 1 {
		c.skip(6)
	}
	if version == 3 && where == 1 {
		c.fail("the file's table of shared messages is not supported; " +
			"write the file without shared object header messages")
	}
	address := c.address()
	if c.err != nil {
		return nil, c.err
	}
	o, err := f.object(address)
	if err != nil {
		return nil, err
	}
	original, ok := o.find(m.kind)
	if !ok || original.flags&flagShared != 0 {
		return nil, fmt.Errorf("shared message: the object it refers to has none of kind %#x", m.kind)
	}
	return original.data, nil
}
