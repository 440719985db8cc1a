package hdf5

import "fmt"

// An Attribute is a small value with a name, of a group or a dataset.
type Attribute struct {
	f     *File
	where string // "/path: attribute "name"", for messages
	data  []byte
	t     *datatype
	space *dataspace
}

// An attributeMessage is an attribute before its value is looked at.
type attributeMessage struct {
	t, space message
	data     []byte
}

// attribute returns an attribute of an object.
func (f *File) attribute(o *object, path, name string) (*Attribute, error) {
	all, err := f.attributes(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m, ok := all[name]
	if !ok {
		return nil, notExist(fmt.Sprintf("%s: it has no attribute %q", path, name))
	}
	a := &Attribute{f: f, where: fmt.Sprintf("%s: attribute %q", path, name)}
	if err := a.read(m); err != nil {
		return nil, fmt.Errorf("%s: %w", a.where, err)
	}
	return a, nil
}

// read reads what the message says about the value.
func (a *Attribute) read(m attributeMessage) error {
	t, err := a.f.resolve(m.t)
	if err != nil {
		return err
	}
	if a.t, err = a.f.datatype(t); err != nil {
		return err
	}
	space, err := a.f.resolve(m.space)
	if err != nil {
		return err
	}
	if a.space, err = a.f.dataspace(space); err != nil {
		return err
	}
	// Neither factor is more than 2³².
	if size := a.space.n * a.t.size; size > uint64(len(m.data)) {
		return fmt.Errorf("%v values of type %s need %d bytes, and it has %d",
			a.space.shape, a.t.name, size, len(m.data))
	}
	a.data = m.data
	return nil
}

// Strings returns the value of a, a string or an array of strings in one dimension,
// without padding. An empty array is one of strings, whatever its type: h5py gives
// an empty list the type of numbers. The slice is the caller's.
func (a *Attribute) Strings() ([]string, error) {
	list := make([]string, 0, a.space.n)
	if a.space.n == 0 {
		return list, nil
	}
	if a.t.strange != "" || a.t.class != classString && a.t.class != classVariable {
		return nil, fmt.Errorf("%s: its type is %s, expected strings", a.where, a.t.name)
	}
	if len(a.space.shape) > 1 {
		return nil, fmt.Errorf("%s: %d dimensions of strings; at most 1 is supported", a.where, len(a.space.shape))
	}
	for i := range a.space.n {
		s, err := a.t.text(a.f, a.data[i*a.t.size:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.where, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// Numbers returns the value of a, a number or an array of numbers in row-major
// order; of an enum, as h5py writes bool, the numbers. Integers beyond 2⁵³ are
// rounded. The slice is the caller's.
func (a *Attribute) Numbers() ([]float64, error) {
	if err := a.t.numeric(); err != nil {
		return nil, fmt.Errorf("%s: %w", a.where, err)
	}
	list := make([]float64, a.space.n)
	for i := range list {
		list[i] = a.t.float64(a.data[uint64(i)*a.t.size:])
	}
	return list, nil
}

// attributes returns the attributes of an object: those in its header, and those in
// a fractal heap where it has many or large ones.
func (f *File) attributes(o *object) (map[string]attributeMessage, error) {
	if o.attributes == nil && o.attributesErr == nil {
		o.attributes, o.attributesErr = f.readAttributes(o)
	}
	return o.attributes, o.attributesErr
}

func (f *File) readAttributes(o *object) (map[string]attributeMessage, error) {
	all := map[string]attributeMessage{}
	for _, m := range o.messages {
		var err error
		switch m.kind {
		case kindAttribute:
			err = f.addAttribute(all, m)
		case kindAttributeInfo:
			err = f.denseAttributes(m.data, all)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// denseAttributes reads the attributes of an attribute info message (section IV.A.2.v).
func (f *File) denseAttributes(data []byte, all map[string]attributeMessage) error {
	c := f.in(data, "attribute info message")
	c.version(0)
	if flags := c.u8(); flags&1 != 0 {
		c.skip(2) // order of creation
	}
	heapAt, treeAt := c.address(), c.address()
	if c.err != nil || heapAt == undefined {
		return c.err
	}
	return f.dense(heapAt, treeAt, recordAttributeName, func(record, object []byte) error {
		const flags = 8 // after the ID
		return f.addAttribute(all, message{kind: kindAttribute, flags: record[flags], data: object})
	})
}

// addAttribute reads the name of an attribute, and where its parts are (section
// IV.A.2.m).
func (f *File) addAttribute(all map[string]attributeMessage, m message) error {
	if m.flags&flagShared != 0 {
		return fmt.Errorf("attribute message: shared attributes are not supported; " +
			"write the file without shared object header messages")
	}
	c := f.in(m.data, "attribute message")
	version, flags := c.version(1, 2, 3), c.u8()
	if version == 1 {
		flags = 0 // reserved
	}
	nameSize, typeSize, spaceSize := c.u16(), c.u16(), c.u16()
	if version == 3 {
		c.skip(1) // character set: ASCII is UTF-8, too
	}
	part := func(size uint16) []byte {
		start := c.pos
		b := c.take(uint64(size))
		if version == 1 {
			c.pad(start)
		}
		return b
	}
	name := f.in(part(nameSize), "attribute message")
	a := attributeMessage{
		t:     message{kind: kindDatatype, flags: flags & 1 << 1, data: part(typeSize)},
		space: message{kind: kindDataspace, flags: flags & 2, data: part(spaceSize)},
	}
	a.data = c.take(uint64(c.rest()))
	key := name.text()
	if c.err != nil {
		return c.err
	}
	if name.err != nil {
		return name.err
	}
	if err := f.item(); err != nil {
		return err
	}
	if _, twice := all[key]; twice {
		return fmt.Errorf("attribute message: %q is there twice", key)
	}
	all[key] = a
	return nil
}
