package pickle

import (
	"errors"
	"fmt"
)

// global runs GLOBAL: two lines of text.
func (m *machine) global() error {
	module, err := m.in.line()
	if err != nil {
		return err
	}
	name, err := m.in.line()
	if err != nil {
		return err
	}
	return m.resolve(module, name)
}

// stackGlobal runs STACK_GLOBAL: two strings from the stack.
func (m *machine) stackGlobal() error {
	var parts [2]string // name, module
	for i := range parts {
		v, err := m.pop()
		if err != nil {
			return err
		}
		s, ok := v.(string)
		if !ok {
			return wrong("a str", v)
		}
		if len(s) > maxName {
			return fmt.Errorf("a name of %d bytes is longer than %d", len(s), maxName)
		}
		parts[i] = s
	}
	return m.resolve(parts[1], parts[0])
}

// resolve pushes a global, if the allow-list has it.
func (m *machine) resolve(module, name string) error {
	role := Refused
	if m.opt.Global != nil {
		role = m.opt.Global(module, name)
	}
	if role == Refused {
		return &GlobalError{Module: module, Name: name}
	}
	return m.push(&Global{Module: module, Name: name, role: role})
}

// call runs REDUCE, or NEWOBJ, which is not a call of the class itself.
func (m *machine) call(instance bool) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	args, ok := v.(Tuple)
	if !ok {
		return wrong("a tuple of arguments", v)
	}
	v, err = m.pop()
	if err != nil {
		return err
	}
	class, ok := v.(*Global)
	switch {
	case !ok:
		return wrong("a class", v)
	case class.role == Mapping:
		d, err := m.mapping(class, args)
		if err != nil {
			return err
		}
		return m.push(d)
	case class.role == Callable, class.role == Class && instance:
		return m.push(&Object{Class: class, Args: args})
	}
	return fmt.Errorf("%s is not to be called", Quote(class.String()))
}

// mapping makes the dict that a mapping class would make of its arguments:
// none, a dict, a list of pairs (Python 2), or a class (the factory of a
// defaultdict, which is forgotten).
func (m *machine) mapping(class *Global, args Tuple) (*Dict, error) {
	d := &Dict{}
	if len(args) == 0 {
		return d, nil
	}
	if len(args) > 1 {
		return nil, fmt.Errorf("%s with %d arguments", Quote(class.String()), len(args))
	}
	switch arg := args[0].(type) {
	case nil, *Global:
	case *Dict:
		if err := m.spend(len(arg.Entries)); err != nil {
			return nil, err
		}
		for _, e := range arg.Entries {
			d.set(e.Key, e.Value)
		}
	case *List:
		if err := m.spend(len(arg.Items)); err != nil {
			return nil, err
		}
		for _, item := range arg.Items {
			key, value, ok := pair(item)
			if !ok {
				return nil, wrong("a pair", item)
			}
			d.set(key, value)
		}
	default:
		return nil, wrong("a dict or list of pairs", arg)
	}
	return d, nil
}

// pair takes a sequence of two apart.
func pair(v any) (key, value any, ok bool) {
	var items []any
	switch v := v.(type) {
	case Tuple:
		items = v
	case *List:
		items = v.Items
	}
	if len(items) != 2 {
		return nil, nil, false
	}
	return items[0], items[1], true
}

// build runs BUILD: it notes the state, and sets nothing.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *Object:
		v.State = state
	case *Dict:
		v.State = state
	default:
		return wrong("an object", v)
	}
	return nil
}

// persistent runs BINPERSID.
func (m *machine) persistent() error {
	if m.opt.Persistent == nil {
		return errors.New("objects outside the pickle are not supported here")
	}
	id, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.opt.Persistent(id)
	if err != nil {
		return err
	}
	return m.push(v)
}
