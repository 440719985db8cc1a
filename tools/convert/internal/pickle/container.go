package pickle

import (
	"fmt"
	"slices"
)

// wrong says that an instruction found another type than it works on.
func wrong(want string, got any) error {
	return fmt.Errorf("expected %s, found %s", want, TypeName(got))
}

// list returns the list on top of the stack.
func (m *machine) list() (*List, error) {
	v, err := m.top()
	if err != nil {
		return nil, err
	}
	l, ok := v.(*List)
	if !ok {
		return nil, wrong("a list", v)
	}
	return l, nil
}

// append1 runs APPEND.
func (m *machine) append1() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	l, err := m.list()
	if err != nil {
		return err
	}
	l.Items = append(l.Items, v)
	return nil
}

// appends runs APPENDS.
func (m *machine) appends() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	l, err := m.list()
	if err != nil {
		return err
	}
	l.Items = append(l.Items, items...)
	return nil
}

// tuple runs TUPLE1 to TUPLE3.
func (m *machine) tuple(n int) error {
	if len(m.stack)-m.floor() < n {
		return fmt.Errorf("needs %d values on the stack, found %d", n, len(m.stack)-m.floor())
	}
	at := len(m.stack) - n
	t := Tuple(slices.Clone(m.stack[at:]))
	m.stack = m.stack[:at]
	return m.push(t)
}

// tupleMark runs TUPLE.
func (m *machine) tupleMark() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.push(Tuple(slices.Clone(items)))
}

// dict returns the dict on top of the stack.
func (m *machine) dict() (*Dict, error) {
	v, err := m.top()
	if err != nil {
		return nil, err
	}
	d, ok := v.(*Dict)
	if !ok {
		return nil, wrong("a dict", v)
	}
	return d, nil
}

// setItem runs SETITEM.
func (m *machine) setItem() error {
	value, err := m.pop()
	if err != nil {
		return err
	}
	key, err := m.pop()
	if err != nil {
		return err
	}
	d, err := m.dict()
	if err != nil {
		return err
	}
	d.set(key, value)
	return nil
}

// setItems runs SETITEMS.
func (m *machine) setItems() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	if len(items)%2 != 0 {
		return fmt.Errorf("%d values are not keys and values", len(items))
	}
	d, err := m.dict()
	if err != nil {
		return err
	}
	for i := 0; i < len(items); i += 2 {
		d.set(items[i], items[i+1])
	}
	return nil
}

// addItems runs ADDITEMS.
func (m *machine) addItems() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	s, ok := v.(*Set)
	if !ok {
		return wrong("a set", v)
	}
	s.Items = append(s.Items, items...)
	return nil
}

// frozenSet runs FROZENSET.
func (m *machine) frozenSet() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.push(&Set{Items: slices.Clone(items)})
}
