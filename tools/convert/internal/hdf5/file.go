package hdf5

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Limits, far above what weights need.
const (
	maxName     = 4096
	maxMessages = 1 << 16
	maxChildren = 1 << 16
	maxRank     = 32 // the format's own
	maxSoft     = 16 // soft links that one path may pass
)

// ErrNotExist is wrapped by the error for a path or an attribute that is not there.
var ErrNotExist = fs.ErrNotExist

// A notExist is an [ErrNotExist] in our own words.
type notExist string

func (e notExist) Error() string { return string(e) }
func (e notExist) Unwrap() error { return ErrNotExist }

// A File is an open HDF5 file. It keeps what it has read, and is not for use by
// several goroutines at once.
type File struct {
	data                   []byte // from the base address to the end address
	offsetSize, lengthSize int    // bytes of an address, and of a length
	root                   *Group
	objects                map[uint64]*object
	failed                 map[uint64]error // why other objects cannot be read
	walked                 uint64           // bytes of structure so far, each as often as it was read
	items                  int              // messages, links and attributes so far
	collections            []*collection
	decoded                uint64 // bytes of all datasets so far, as they were asked for
}

// Root returns the root group.
func (f *File) Root() *Group { return f.root }

// A Group is a folder of groups and datasets.
type Group struct {
	f      *File
	path   string
	object *object
}

// Path returns the path by which g was opened, from the root: "/" or "/a/b".
func (g *Group) Path() string { return g.path }

// Names returns the names of everything in g, sorted: groups, datasets, and links
// to them, which may lead nowhere. The slice is the caller's.
func (g *Group) Names() ([]string, error) {
	links, err := g.f.links(g.object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.path, err)
	}
	return slices.Sorted(maps.Keys(links)), nil
}

// Has reports whether path, which may have slashes, leads from g to an object that
// can be opened.
func (g *Group) Has(path string) bool {
	_, err := g.open(path)
	return err == nil
}

// Group returns the group at path, relative to g; an [ErrNotExist] where there is
// nothing, another error where something else or something damaged is.
func (g *Group) Group(path string) (*Group, error) {
	at, err := g.open(path)
	if err != nil {
		return nil, err
	}
	if !at.object.isGroup() {
		return nil, fmt.Errorf("%s: it is not a group", at.path)
	}
	return &at, nil
}

// Dataset returns the dataset at path, relative to g; an [ErrNotExist] where there
// is nothing, another error where something else or something damaged is.
func (g *Group) Dataset(path string) (*Dataset, error) {
	at, err := g.open(path)
	if err != nil {
		return nil, err
	}
	if !at.object.isDataset() {
		return nil, fmt.Errorf("%s: it is not a dataset", at.path)
	}
	d := &Dataset{f: g.f, path: at.path, object: at.object}
	if err := d.read(); err != nil {
		return nil, fmt.Errorf("%s: %w", at.path, err)
	}
	return d, nil
}

// Attribute returns an attribute of g; an [ErrNotExist] if it has none of that name.
func (g *Group) Attribute(name string) (*Attribute, error) {
	return g.f.attribute(g.object, g.path, name)
}

// open returns the object at a path, as a group whether it is one or not.
func (g *Group) open(path string) (Group, error) {
	soft := 0
	at, err := g.follow(path, &soft)
	if err != nil && soft > 0 {
		err = fmt.Errorf("%s: a soft link: %w", join(g.path, path), err)
	}
	return at, err
}

// join returns a path below a group.
func join(group, path string) string {
	return strings.TrimSuffix(group, "/") + "/" + strings.TrimPrefix(path, "/")
}

// follow is open; soft counts the soft links passed so far.
func (g *Group) follow(path string, soft *int) (Group, error) {
	at := *g
	if strings.HasPrefix(path, "/") {
		at = *g.f.root
	}
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." {
			continue
		}
		if !at.object.isGroup() {
			return Group{}, notExist(fmt.Sprintf("%s: %q does not exist, as this is not a group", at.path, name))
		}
		links, err := g.f.links(at.object)
		if err != nil {
			return Group{}, fmt.Errorf("%s: %w", at.path, err)
		}
		l, ok := links[name]
		if !ok {
			return Group{}, notExist(fmt.Sprintf("%s: there is no %q in it", at.path, name))
		}
		here := join(at.path, name)
		switch {
		case l.kind == linkHard:
			o, err := g.f.object(l.address)
			if err != nil {
				return Group{}, fmt.Errorf("%s: %w", here, err)
			}
			at.object = o
		case l.kind == linkSoft && *soft == maxSoft:
			return Group{}, fmt.Errorf("%s: more than %d soft links, one leading to the next", here, maxSoft)
		case l.kind == linkSoft:
			*soft++
			if at, err = at.follow(l.target, soft); err != nil {
				return Group{}, err
			}
		case l.kind == linkExternal:
			return Group{}, fmt.Errorf("%s: a link into another file, which is not supported; "+
				"copy what it leads to into this file", here)
		default:
			return Group{}, fmt.Errorf("%s: a link of kind %d, supported are hard and soft links", here, l.kind)
		}
		at.path = here
	}
	return at, nil
}
