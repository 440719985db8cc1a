// Package hdf5test writes small HDF5 files for tests, message by message, right or wrong.
package hdf5test

import "encoding/binary"

// A File is a file that grows at its end. Its structures are of the first versions, which
// have no checksums.
type File struct{ data []byte }

var le = binary.LittleEndian

// rootAt and endAt are where the superblock has the address of the root and the file's end.
const rootAt, endAt = 64, 40

// New returns a file with a superblock and nothing else.
func New() *File {
	b := []byte("\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08\x08\x00\x04\x00\x10\x00\x00\x00\x00\x00")
	b = append(b, make([]byte, 8)...)
	for range 3 { // free space, the end, the driver
		b = le.AppendUint64(b, ^uint64(0))
	}
	return &File{data: append(b, make([]byte, 40)...)} // the root's entry
}

// Here is the address of what is added next.
func (f *File) Here() uint64 { return uint64(len(f.data)) }

// Add adds bytes and returns their address.
func (f *File) Add(b ...byte) uint64 {
	at := f.Here()
	f.data = append(f.data, b...)
	return at
}

// Object adds an object of these messages and returns its address.
func (f *File) Object(messages ...[]byte) uint64 {
	var all []byte
	for _, m := range messages {
		all = append(all, m...)
	}
	b := le.AppendUint16([]byte{1, 0}, uint16(len(messages)))
	b = le.AppendUint32(b, 1)
	b = le.AppendUint32(b, uint32(len(all)))
	return f.Add(append(append(b, 0, 0, 0, 0), all...)...)
}

// Bytes returns the file with the object at root as its root.
func (f *File) Bytes(root uint64) []byte {
	le.PutUint64(f.data[endAt:], f.Here())
	le.PutUint64(f.data[rootAt:], root)
	return f.data
}

// Message is a message of an object.
func Message(kind uint16, data ...byte) []byte {
	b := le.AppendUint16(le.AppendUint16(nil, kind), uint16(len(data)))
	return append(append(b, 0, 0, 0, 0), data...)
}

// Link is the message of a hard link.
func Link(name string, to uint64) []byte {
	b := append([]byte{1, 0, byte(len(name))}, name...)
	return Message(6, le.AppendUint64(b, to)...)
}

// Soft is the message of a soft link.
func Soft(name, target string) []byte {
	b := append([]byte{1, 8, 1, byte(len(name))}, name...)
	return Message(6, append(le.AppendUint16(b, uint16(len(target))), target...)...)
}

// Continuation is the message that leads to more messages.
func Continuation(at, size uint64) []byte {
	return Message(16, le.AppendUint64(le.AppendUint64(nil, at), size)...)
}

// SymbolTable is the message of an old group.
func SymbolTable(tree, heap uint64) []byte {
	return Message(17, le.AppendUint64(le.AppendUint64(nil, tree), heap)...)
}
