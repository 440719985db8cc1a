package torch

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// moduleRole is role for a whole pickled module, torch.save(model): the classes of its
// modules are Python's and stay names, whose instances are records of their attributes.
func moduleRole(module, name string) pickle.Role {
	if r := role(module, name); r != pickle.Refused {
		return r
	}
	return pickle.Class
}

// whole is the tensors of a pickled module.
type whole struct {
	class   string
	tensors []named
	modules map[string]checkpoint.Module
	notes   []string
	seen    map[*pickle.Object]bool
	budget  int
}

// loadModule reads a pickle whose classes were refused once more, as that of a module. It
// returns nil if it holds none, or more than one in a dict, or other code.
func loadModule(code []byte) (*whole, error) {
	root, n, err := pickle.Load(code, pickle.Options{Global: moduleRole, Persistent: persistent})
	if err != nil || n != len(code) {
		return nil, nil
	}
	module, ok := asModule(root)
	if d, is := root.(*pickle.Dict); is { // {"model": model, "epoch": 3}
		for _, e := range d.Entries {
			if m, found := asModule(e.Value); found {
				if ok {
					return nil, nil
				}
				module, ok = m, true
			}
		}
	}
	if !ok {
		return nil, nil
	}
	w := &whole{class: module.Class.String(), modules: map[string]checkpoint.Module{}, seen: map[*pickle.Object]bool{}, budget: maxModules}
	if err := w.module("", module, 0); err != nil {
		return nil, err
	}
	if len(w.tensors) == 0 {
		return nil, fmt.Errorf("holds a module %s without weights", module.Class)
	}
	return w, nil
}

// asModule returns v if it is an instance of nn.Module.
func asModule(v any) (*pickle.Object, bool) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, false
	}
	state, ok := o.State.(*pickle.Dict)
	if !ok {
		return nil, false
	}
	_, ok = state.Get("_modules")
	return o, ok
}

// module collects what state_dict() would: parameters, buffers, then those of the modules
// inside. One that is shared comes once.
func (w *whole) module(path string, o *pickle.Object, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("modules are nested deeper than %d levels, at %s", maxDepth, quote(path))
	}
	if w.seen[o] {
		w.notes = append(w.notes, label(path)+": a module that is there under another name")
		return nil
	}
	w.seen[o] = true
	state := o.State.(*pickle.Dict) // asModule has seen to that
	w.modules[path] = described(o.Class.String(), func(key string) any {
		v, _ := state.Get(key)
		return v
	})
	for _, section := range []string{"_parameters", "_buffers", "_modules"} {
		v, _ := state.Get(section)
		d, ok := v.(*pickle.Dict)
		if !ok {
			continue
		}
		for _, e := range d.Entries {
			key, ok := e.Key.(string)
			if !ok || !utf8.ValidString(key) || strings.Contains(key, ".") {
				return fmt.Errorf("the module %s has an attribute without a proper name", quote(path))
			}
			key = joined(path, key)
			if w.budget -= 1 + len(key)/16; w.budget < 0 {
				return errors.New("it has too many modules and tensors")
			}
			if m, ok := asModule(e.Value); ok && section == "_modules" {
				if err := w.module(key, m, depth+1); err != nil {
					return err
				}
			}
			if section == "_modules" || !isTensor(e.Value) {
				continue // None, where there is no bias
			}
			t, err := parseTensor(e.Value)
			if err != nil {
				return fmt.Errorf("tensor %s: %w", quote(key), err)
			}
			if t.dtype.format == 0 {
				w.notes = append(w.notes, fmt.Sprintf("%s: %s tensor of shape %v", key, t.dtype.name, t.shape))
				continue
			}
			w.tensors = append(w.tensors, named{key, t})
		}
	}
	return nil
}

// described is what the attributes of a module of PyTorch say of it beside its tensors.
func described(class string, attribute func(string) any) checkpoint.Module {
	m := checkpoint.Module{Class: class, MaxNorm: attribute("max_norm") != nil}
	if eps, ok := attribute("eps").(float64); ok {
		m.Epsilon = float32(eps)
	}
	mode, _ := attribute("mode").(string)
	if mode == "" {
		mode, _ = attribute("nonlinearity").(string) // of a cell
	}
	switch strings.TrimPrefix(strings.ToLower(mode), "rnn_") {
	case "tanh":
		m.Nonlinearity = "tanh"
	case "relu":
		m.Nonlinearity = "relu"
	}
	return m
}

// unknown says why the layers are, unless the module is a stack of nn.LSTM's like.
func (w *whole) unknown() string {
	if strings.HasPrefix(w.class, "torch.nn.modules.rnn.") {
		return ""
	}
	return fmt.Sprintf("it is a pickled module of class %s, whose code is not in the file", quote(w.class))
}
