package format

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The directory is the part of a file between header and tensors: the lists of
// a Model, one after the other. encoder writes it, decoder reads it; both go
// through a layer as its visitors.

// encoder appends fields to b.
type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)   { e.b = append(e.b, v) }
func (e *encoder) u16(v uint16) { e.b = binary.LittleEndian.AppendUint16(e.b, v) }
func (e *encoder) u32(v uint32) { e.b = binary.LittleEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64) { e.b = binary.LittleEndian.AppendUint64(e.b, v) }
func (e *encoder) text(s string) {
	e.u32(uint32(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) name(n *string)                     { e.text(*n) }
func (e *encoder) reads(_ string, b *Buffer)          { e.u32(uint32(*b)) }
func (e *encoder) writes(_ string, b *Buffer)         { e.u32(uint32(*b)) }
func (e *encoder) state(_ string, s *StateID)         { e.u32(uint32(*s)) }
func (e *encoder) tensor(_ string, t *TensorID)       { e.u32(uint32(*t)) }
func (e *encoder) optional(_ string, t *TensorID)     { e.u32(uint32(*t)) }
func (e *encoder) activation(_ string, f *Activation) { e.u32(uint32(*f)) }

func (e *encoder) number(_ string, n *int)    { e.u32(uint32(*n)) }
func (e *encoder) float(_ string, x *float32) { e.u32(math.Float32bits(*x)) }
func (e *encoder) function(role string, f *Function) {
	e.activation(role, &f.Kind)
	e.float(role, &f.Alpha)
	e.float(role, &f.Beta)
}
func (e *encoder) flag(_ string, b *bool) {
	if *b {
		e.u32(1)
	} else {
		e.u32(0)
	}
}

func (e *encoder) readsAll(_ string, bs *[]Buffer) {
	e.u32(uint32(len(*bs)))
	for _, b := range *bs {
		e.u32(uint32(b))
	}
}

// directory writes the lists of m. offsets are the places of the tensors.
func (e *encoder) directory(m *Model, offsets []int64) {
	e.u32(uint32(len(m.Buffers)))
	for _, n := range m.Buffers {
		e.u32(uint32(n))
	}
	e.u32(uint32(m.Output))

	e.u32(uint32(len(m.States)))
	for _, s := range m.States {
		e.text(s.Name)
		e.u32(uint32(s.Size))
		e.u32(uint32(s.Init))
	}

	e.u32(uint32(len(m.Tensors)))
	for i, t := range m.Tensors {
		e.text(t.Name)
		e.u8(uint8(t.Type))
		e.u8(uint8(t.Layout))
		e.u16(0)
		e.u32(uint32(t.Rows))
		e.u32(uint32(t.Cols))
		e.u64(uint64(offsets[i]))
		if t.Type == Int8 {
			e.u32(uint32(t.I8.Digits))
		}
	}

	e.u32(uint32(len(m.Layers)))
	for _, l := range m.Layers {
		e.u16(uint16(l.Op()))
		e.u16(0)
		l.visit(e)
	}

	e.u32(uint32(len(m.Meta)))
	for _, x := range m.Meta {
		e.text(x.Key)
		e.text(x.Value)
	}

	e.u64(m.Witness.Seed)
	e.u32(m.Witness.Steps)
	e.u32(0)
	e.b = append(e.b, m.Witness.SHA256[:]...)
}

// decoder takes fields off b. The first failure stays and empties b, so that
// what follows reads zeros and allocates nothing.
type decoder struct {
	b    []byte
	end  int64  // file offset of the end of b
	at   int64  // file offset of the field taken last
	list string // the list being read, "" outside of one
	item int    // and the index in it
	err  error
}

func (d *decoder) fail(field, format string, a ...any) {
	if d.err == nil {
		if d.list != "" {
			field = fmt.Sprintf("%s %d, %s", d.list, d.item, field)
		}
		d.err = fmt.Errorf("offset %d: %s: %w", d.at, field, fmt.Errorf(format, a...))
	}
	d.b = nil
}

func (d *decoder) take(field string, n int) []byte {
	d.at = d.end - int64(len(d.b))
	if len(d.b) < n {
		d.fail(field, "%d bytes are left in the directory, want %d", len(d.b), n)
		return make([]byte, n)
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) u8(field string) uint8 { return d.take(field, 1)[0] }
func (d *decoder) u16(field string) uint16 {
	return binary.LittleEndian.Uint16(d.take(field, 2))
}
func (d *decoder) u32(field string) uint32 {
	return binary.LittleEndian.Uint32(d.take(field, 4))
}
func (d *decoder) u64(field string) uint64 {
	return binary.LittleEndian.Uint64(d.take(field, 8))
}

func (d *decoder) text(field string) string {
	n := d.u32(field)
	if int64(n) > int64(len(d.b)) {
		d.fail(field, "text of %d bytes, %d are left in the directory", n, len(d.b))
		return ""
	}
	return string(d.take(field, int(n)))
}

// reserved takes n ≤ 4 bytes that must be zero.
func (d *decoder) reserved(n int) {
	for _, v := range d.take("reserved", n) {
		if v != 0 {
			d.fail("reserved", "a byte is %d, want 0", v)
		}
	}
}

// extent takes a number of floats, rows or columns; check limits it further.
func (d *decoder) extent(field string) int {
	n := d.u32(field)
	if n > maxExtent {
		d.fail(field, "%d, want at most %d", n, maxExtent)
		return 0
	}
	return int(n)
}

// count takes the length of a list whose entries have least bytes or more.
func (d *decoder) count(field string, least int) int {
	n := d.u32(field)
	if n > MaxItems {
		d.fail(field, "%d entries, want at most %d", n, MaxItems)
		return 0
	}
	if int64(n)*int64(least) > int64(len(d.b)) {
		d.fail(field, "%d entries, %d bytes are left in the directory", n, len(d.b))
		return 0
	}
	return int(n)
}

// decodeList takes a list, each entry with read.
func decodeList[T any](d *decoder, name string, least int, read func(x *T)) []T {
	n := d.count(name+" list", least)
	if n == 0 {
		return nil
	}
	list := make([]T, n)
	d.list = name
	for d.item = 0; d.item < n && d.err == nil; d.item++ {
		read(&list[d.item])
	}
	d.list = ""
	return list
}

func (d *decoder) name(n *string)                        { *n = d.text("name") }
func (d *decoder) reads(role string, b *Buffer)          { *b = Buffer(d.u32(role)) }
func (d *decoder) writes(role string, b *Buffer)         { *b = Buffer(d.u32(role)) }
func (d *decoder) state(role string, s *StateID)         { *s = StateID(d.u32(role)) }
func (d *decoder) tensor(role string, t *TensorID)       { *t = TensorID(d.u32(role)) }
func (d *decoder) optional(role string, t *TensorID)     { *t = TensorID(d.u32(role)) }
func (d *decoder) activation(role string, f *Activation) { *f = Activation(d.u32(role)) }
func (d *decoder) number(role string, n *int)            { *n = d.extent(role) }
func (d *decoder) float(role string, x *float32)         { *x = math.Float32frombits(d.u32(role)) }
func (d *decoder) function(role string, f *Function) {
	d.activation(role, &f.Kind)
	d.float(role+" alpha", &f.Alpha)
	d.float(role+" beta", &f.Beta)
}
func (d *decoder) flag(role string, b *bool) {
	n := d.u32(role)
	if n > 1 {
		d.fail(role, "is %d, want 0 or 1", n)
	}
	*b = n == 1
}
func (d *decoder) readsAll(role string, bs *[]Buffer) {
	*bs = make([]Buffer, d.count(role, 4))
	for i := range *bs {
		d.reads(role, &(*bs)[i])
	}
}

// directory reads the lists of a model and the offsets of its tensors.
func (d *decoder) directory() (m *Model, offsets []uint64) {
	m = new(Model)
	m.Buffers = decodeList(d, "buffer", 4, func(n *int) { *n = d.extent("width") })
	m.Output = Buffer(d.u32("output"))
	m.States = decodeList(d, "state", 12, func(s *State) {
		s.Name = d.text("name")
		s.Size = d.extent("size")
		s.Init = TensorID(d.u32("initial tensor"))
	})
	m.Tensors = decodeList(d, "tensor", 24, func(t *Tensor) {
		t.Name = d.text("name")
		t.Type = Type(d.u8("type"))
		t.Layout = Layout(d.u8("layout"))
		d.reserved(2)
		t.Rows = d.extent("rows")
		t.Cols = d.extent("columns")
		offsets = append(offsets, d.u64("offset"))
		if t.Type == Int8 {
			t.I8 = &Int8Matrix{Digits: int(d.u32("digits"))}
		}
	})
	m.Layers = decodeList(d, "layer", 16, func(l *Layer) {
		op := Op(d.u16("type"))
		if d.err == nil && (op == 0 || op > lastOp) {
			d.fail("type", "unknown %v, want 1 to %d", op, lastOp)
		}
		d.reserved(2)
		if d.err == nil {
			*l = ops[op].make()
			(*l).visit(d)
		}
	})
	m.Meta = decodeList(d, "metadata entry", 8, func(e *Meta) {
		e.Key = d.text("key")
		e.Value = d.text("value")
	})
	m.Witness.Seed = d.u64("witness seed")
	m.Witness.Steps = d.u32("witness steps")
	d.reserved(4)
	copy(m.Witness.SHA256[:], d.take("witness hash", len(m.Witness.SHA256)))
	if len(d.b) > 0 {
		d.at = d.end - int64(len(d.b))
		d.fail("directory", "%d bytes follow its last field", len(d.b))
	}
	return m, offsets
}
