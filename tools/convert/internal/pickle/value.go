package pickle

import "math/big"

// A decoded value is one of
//
//	nil, bool, int64, float64, string   as in Python
//	*big.Int                            an int beyond 64 bits
//	[]byte                              bytes
//	Tuple, *List, *Set, *Dict           containers
//	*Global                             a name from the allow-list
//	*Object                             a call or instance, never made
//
// or whatever [Options.Persistent] returned. Containers that the pickle shares
// are shared in the result.

// Tuple is a Python tuple.
type Tuple []any

// List is a Python list.
type List struct{ Items []any }

// Set is a Python set or frozenset, in the order it was written.
type Set struct{ Items []any }

// Global is a module attribute that the pickle names: a class or a function.
type Global struct {
	Module, Name string
	role         Role
}

// String returns "module.name".
func (g *Global) String() string { return g.Module + "." + g.Name }

// Object is what a call of a class or function would have made.
type Object struct {
	Class *Global
	Args  Tuple
	State any // what BUILD would have handed to __setstate__, or nil
}

// Entry is one key and its value.
type Entry struct{ Key, Value any }

// Dict is a Python dict, or a mapping whose class is a [Mapping], with its
// entries in the order of first insertion.
type Dict struct {
	Entries []Entry
	State   any // attributes set on a mapping by BUILD, or nil
	index   map[any]int
}

// Get returns the value of a string key.
func (d *Dict) Get(key string) (value any, ok bool) {
	if i := d.find(key); i >= 0 {
		return d.Entries[i].Value, true
	}
	return nil, false
}

// indexFrom is the size from which a Dict keeps a hash index.
const indexFrom = 8

// set inserts a key, or replaces its value. Keys that are not plain scalars are
// kept without being compared.
func (d *Dict) set(key, value any) {
	if i := d.find(key); i >= 0 {
		d.Entries[i].Value = value
		return
	}
	d.Entries = append(d.Entries, Entry{key, value})
	switch {
	case d.index != nil:
		d.note(len(d.Entries) - 1)
	case len(d.Entries) == indexFrom:
		d.index = make(map[any]int, 2*indexFrom)
		for i := range d.Entries {
			d.note(i)
		}
	}
}

// note enters one entry into the index.
func (d *Dict) note(i int) {
	if key := d.Entries[i].Key; scalar(key) {
		d.index[key] = i
	}
}

// find returns the position of a key, or -1.
func (d *Dict) find(key any) int {
	if !scalar(key) {
		return -1
	}
	if d.index != nil {
		if i, ok := d.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range d.Entries {
		if k := d.Entries[i].Key; scalar(k) && k == key {
			return i
		}
	}
	return -1
}

// scalar reports whether a key is a plain scalar.
func scalar(key any) bool {
	switch key.(type) {
	case nil, bool, int64, float64, string:
		return true
	}
	return false
}

// TypeName returns the Python type of a value, for messages. It never walks
// the value.
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Set:
		return "set"
	case *Dict:
		return "dict"
	case *Global:
		return "class " + v.String()
	case *Object:
		return v.Class.String() + " object"
	}
	return "persistent object"
}
