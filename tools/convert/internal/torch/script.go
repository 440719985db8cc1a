package torch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
	"github.com/rnnedge/rnnedge/tools/convert/internal/torchscript"
)

// script is a TorchScript archive: a tree of modules in data.pkl, whose classes code/
// defines.
type script struct {
	program *torchscript.Program
	broken  error // why there is no program
	model   *torchscript.Module

	tensors []named
	modules map[*pickle.Object]*torchscript.Module
	told    map[string]checkpoint.Module
	notes   []string
	budget  int
}

// scriptRole is role for a TorchScript archive, whose modules are records of classes of its
// own.
func scriptRole(module, name string) pickle.Role {
	switch {
	case module == "__torch__" || strings.HasPrefix(module, "__torch__."):
		return pickle.Callable
	case module == "torch.jit._pickle":
		return pickle.Callable
	}
	return role(module, name)
}

// isScript reports whether an archive is one of TorchScript.
func (a *archive) isScript() bool {
	for name := range a.entries {
		rest, inside := strings.CutPrefix(name, a.prefix)
		if inside && (rest == "constants.pkl" || strings.HasPrefix(rest, "code/")) {
			return true
		}
	}
	return false
}

// maxModules is the most modules and attributes of a script that are looked at.
const maxModules = 1 << 18

// openScript reads the modules and the code.
func (a *archive) openScript(root any) (*script, error) {
	s := &script{told: map[string]checkpoint.Module{}, modules: map[*pickle.Object]*torchscript.Module{}, budget: maxModules}
	o, ok := root.(*pickle.Object)
	if !ok || !strings.HasPrefix(o.Class.Module, "__torch__") {
		return nil, fmt.Errorf("holds a %s where TorchScript has a module", pickle.TypeName(root))
	}
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(a.entries)) {
		path, inside := strings.CutPrefix(name, a.prefix+"code/")
		if !inside || !strings.HasSuffix(path, ".py") {
			continue
		}
		text, err := a.read(name)
		if err != nil {
			return nil, err
		}
		files[path] = text
	}
	constants, err := a.constants()
	if err != nil {
		return nil, err
	}
	if s.program, err = torchscript.Parse(files, constants); err != nil {
		s.broken = err
	}
	if s.model, err = s.module("", o, 0); err != nil {
		return nil, err
	}
	return s, nil
}

// constants are the tensors that code calls CONSTANTS.c0 and so on, those of one element
// with their value.
func (a *archive) constants() (list []any, err error) {
	if a.entries[a.prefix+"constants.pkl"] == nil {
		return nil, nil
	}
	code, err := a.read(a.prefix + "constants.pkl")
	if err != nil {
		return nil, err
	}
	root, _, err := pickle.Load(code, pickle.Options{Global: scriptRole, Persistent: persistent})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quote(a.prefix+"constants.pkl"), explain(err, code))
	}
	items, _ := root.(pickle.Tuple)
	for _, item := range items {
		c := &torchscript.Tensor{}
		list = append(list, c)
		t, err := parseTensor(item)
		if err != nil {
			continue
		}
		c.Shape = t.shape
		if n, err := t.count(1); n != 1 || err != nil {
			c.Shape = []int{0} // no number
			continue
		}
		data, err := a.read(a.prefix + "constants/" + t.storage.key)
		if err != nil {
			return nil, err
		}
		if int64(len(data)) != t.storage.size() {
			return nil, fmt.Errorf("entry %s has %d bytes, expected %d", quote(a.prefix+"constants/"+t.storage.key), len(data), t.storage.size())
		}
		if err := t.fits(); err != nil {
			return nil, err
		}
		data = data[t.offset*int64(t.dtype.size):]
		switch t.dtype.name {
		case "float64":
			c.Value = math.Float64frombits(binary.LittleEndian.Uint64(data))
		case "int64":
			c.Value = float64(int64(binary.LittleEndian.Uint64(data)))
		default:
			if t.dtype.format == 0 {
				c.Shape = []int{0}
				continue
			}
			c.Value = float64(t.dtype.format.At(data))
		}
	}
	return list, nil
}

// mangled is what PyTorch puts into the names of classes to tell them apart.
var mangled = regexp.MustCompile(`___torch_mangle_\d+\.`)

// module walks a module.
func (s *script) module(path string, o *pickle.Object, depth int) (*torchscript.Module, error) {
	if m := s.modules[o]; m != nil {
		return m, nil // it is shared
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("modules are nested deeper than %d levels, at %s", maxDepth, quote(path))
	}
	if err := s.spend(path); err != nil {
		return nil, err
	}
	m := &torchscript.Module{Class: o.Class.String(), Path: path, Attrs: map[string]any{}}
	s.modules[o] = m
	state, ok := o.State.(*pickle.Dict)
	if !ok {
		return m, nil
	}
	parameters, known := []string(nil), false
	if s.program != nil {
		parameters, known = s.program.Parameters(m.Class)
	}
	class := mangled.ReplaceAllString(strings.TrimPrefix(m.Class, "__torch__."), "")
	s.told[path] = described(class, func(key string) any {
		if s.program == nil {
			return nil
		}
		return s.program.Constant(m.Class, key)
	})
	for _, e := range state.Entries {
		key, ok := e.Key.(string)
		if !ok || !utf8.ValidString(key) || strings.Contains(key, ".") {
			return nil, fmt.Errorf("the module %s has an attribute without a proper name", quote(path))
		}
		if !isTensor(e.Value) {
			v, err := s.value(joined(path, key), e.Value, depth+1)
			if err != nil {
				return nil, err
			}
			if _, is := v.(absent); !is {
				m.Attrs[key] = v
			}
			continue
		}
		key = joined(path, key)
		if err := s.spend(key); err != nil {
			return nil, err
		}
		t, err := parseTensor(e.Value)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", quote(key), err)
		}
		switch last := key[strings.LastIndexByte(key, '.')+1:]; {
		case known && !slices.Contains(parameters, last):
			s.notes = append(s.notes, key+": a tensor that is neither a parameter nor a buffer")
		case t.dtype.format == 0:
			s.notes = append(s.notes, fmt.Sprintf("%s: %s tensor of shape %v", key, t.dtype.name, t.shape))
		default:
			s.tensors = append(s.tensors, named{key, t})
			m.Attrs[last] = &torchscript.Tensor{Path: key, Shape: t.shape}
		}
	}
	return m, nil
}

// spend counts a visit and its path against the budget.
func (s *script) spend(path string) error {
	if s.budget -= 1 + len(path)/16; s.budget < 0 {
		return errors.New("it has too many modules and attributes")
	}
	return nil
}

func joined(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// absent stands for an attribute that the translation has no use for.
type absent struct{}

// value is an attribute as package torchscript has it.
func (s *script) value(path string, v any, depth int) (any, error) {
	if err := s.spend(path); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case *pickle.Object:
		if strings.HasPrefix(v.Class.Module, "__torch__") {
			return s.module(path, v, depth)
		}
		if v.Class.Module == "torch.jit._pickle" && v.Class.Name == "build_intlist" && len(v.Args) == 1 {
			if list, ok := v.Args[0].(*pickle.List); ok {
				var numbers torchscript.List
				for _, item := range list.Items {
					n, ok := item.(int64)
					if err := s.spend(""); !ok || err != nil {
						return absent{}, err
					}
					numbers = append(numbers, n)
				}
				return numbers, nil
			}
		}
	}
	return absent{}, nil
}

// ignore leaves out the tensors that forward does not use.
func (s *script) ignore(c *checkpoint.Checkpoint) {
	used := map[string]bool{}
	for _, l := range c.Spec.Layers {
		for _, path := range l.Tensors {
			used[path] = true
		}
	}
	for _, t := range s.tensors {
		if !used[t.name] {
			c.Spec.Ignore = append(c.Spec.Ignore, t.name)
			c.Skipped = append(c.Skipped, t.name+": forward does not use it")
		}
	}
}

// read turns a script into a checkpoint whose spec is what the code says, if it can be
// translated.
func (s *script) read(name string, c *checkpoint.Checkpoint) {
	if s.broken == nil {
		var notes []string
		if c.Spec, notes, s.broken = s.program.Spec(name, s.model); s.broken == nil {
			c.Skipped = append(c.Skipped, notes...)
			s.ignore(c)
			return
		}
	}
	c.Modules = s.told
	c.Unknown = "its program cannot be translated: " + s.broken.Error()
}
