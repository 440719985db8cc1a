// Package torchscript finds out what layers a TorchScript program runs, from its code, as
// PyTorch writes it for scripted and for traced modules. Nothing is executed: forward is
// followed with values that stand for tensors, and each operation on what comes from the
// input becomes a layer of a spec.
//
// Followed are calls of modules and functions, and conditions: where one is not known
// beforehand, both ways must come to the same, or one of them to an exception. An operation
// without a layer, a loop and a write to an attribute end it with an error that names the
// line.
//
// Each dimension of a tensor is followed, too: which is that of features, and which that
// time runs along, as every recurrent layer must. How many dimensions the input has, the
// program does not say: see layouts.
package torchscript

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A Module is one of the archive's objects.
type Module struct {
	Class string // qualified, as "__torch__.torch.nn.modules.rnn.LSTM"
	Path  string // "" for the whole model, else as in a state_dict
	Attrs map[string]any
}

// A Tensor is a parameter, a buffer or a constant.
type Tensor struct {
	Path  string // "" for a constant
	Shape []int
	Value float64 // of one element; set for constants only
}

// Attributes of a module are *Module, *Tensor, [List] of values, nil, bool, int64, float64
// and string. Others are absent.
type List []any

// A Program is the code of an archive.
type Program struct {
	classes   map[string]*class
	functions map[string]*function
	constants []any
}

// Parse reads the files of code/, by their path in it, such as
// "__torch__/torch/nn/modules/rnn.py". Constants are what the code calls CONSTANTS.c0 and so
// on.
func Parse(files map[string][]byte, constants []any) (*Program, error) {
	p := &Program{map[string]*class{}, map[string]*function{}, constants}
	size := 0
	for _, path := range sorted(files) {
		if size += len(files[path]); size > maxSource {
			return nil, fmt.Errorf("code/%s: %d bytes in the files up to this one, want at most %d in all", path, size, maxSource)
		}
		module := strings.ReplaceAll(strings.TrimSuffix(path, ".py"), "/", ".")
		if err := parse("code/"+path, module, files[path], p.classes, p.functions); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func sorted[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Parameters returns the names of a class's parameters and buffers, and whether the class is
// known.
func (p *Program) Parameters(class string) ([]string, bool) {
	c := p.classes[class]
	if c == nil {
		return nil, false
	}
	return c.parameters, true
}

// Constant is a constant attribute of a class's modules, nil if there is none of that name.
func (p *Program) Constant(class, name string) any {
	if c := p.classes[class]; c != nil {
		return c.constants[name]
	}
	return nil
}

// Spec returns the layers that forward of a model runs, and what there is to say about it.
// Its File is the given one.
func (p *Program) Spec(file string, model *Module) (s *spec.Spec, notes []string, err error) {
	r, out, err := p.follow(model)
	if err != nil {
		return nil, nil, err
	}
	if out.name == r.input.name {
		return nil, nil, errors.New("the output is the input")
	}
	s = &spec.Spec{File: file, Input: *r.input.width, Output: out.name}
	keep := map[string]bool{}
	var mark func(n *node)
	mark = func(n *node) {
		if !keep[n.name] {
			keep[n.name] = true
			for _, from := range n.from {
				mark(from)
			}
		}
	}
	mark(out)
	for _, n := range r.order {
		if keep[n.name] {
			n.layer.Name = n.name
			n.layer.From = nil
			for _, from := range n.from {
				n.layer.From = append(n.layer.From, from.name)
			}
			s.Layers = append(s.Layers, n.layer)
			if n.layer.Kind == "embedding" {
				s.Input = 1
			}
		}
	}
	return s, r.notes, nil
}

// follow follows forward of a model with the layout of the input that it runs with. The error
// is that of the layout with which it got furthest.
func (p *Program) follow(model *Module) (r *run, out *node, err error) {
	steps, most := maxSteps, -1
	refused := false // by PyTorch, whatever has as many dimensions
	for i, l := range layouts {
		if i > 0 && len(l) < len(layouts[i-1]) {
			if !refused {
				break
			}
			refused = false
		}
		r = &run{program: p, root: model, steps: steps}
		node, k, failed := r.model(l)
		if failed == nil {
			return r, node, nil
		}
		refused = refused || k == impossible
		if spent := steps - r.steps; spent > most {
			most, err = spent, failed
		}
		if steps = r.steps; steps < 0 {
			break
		}
	}
	return nil, nil, err
}
