package torch

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// named is a tensor under its key in a dict.
type named struct {
	name string
	*tensor
}

// group is the tensors directly in one dict or sequence.
type group struct {
	path    string
	dict    bool
	tensors []named  // floating-point
	weights int      // those with a dimension or more
	notes   []string // about the others
}

// finding is everything a checkpoint holds.
type finding struct {
	root   any
	groups []*group // in file order
	meta   map[string]string
	notes  []string
	budget int64
}

// Limits of a survey. Real checkpoints nest a handful of dicts.
const (
	maxDepth  = 32
	maxText   = 1 << 16 // bytes of a string in Meta
	visitCost = 32
)

// survey walks the saved object. A pickle may share and nest without end, so
// depth is bounded, and each visit costs [visitCost] and the length of its path
// against a budget of 64 per byte of the pickle plus 65536. Without sharing, a
// value takes at least a byte.
func survey(root any, pickleSize int) (*finding, error) {
	f := &finding{root: root, meta: map[string]string{}, budget: 64*int64(pickleSize) + 1<<16}
	if err := f.visit("", root, 0); err != nil {
		return nil, err
	}
	return f, nil
}

// visit walks one value and what it holds.
func (f *finding) visit(path string, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the checkpoint is nested deeper than %d levels, at %s", maxDepth, quote(path))
	}
	switch v := v.(type) {
	case nil:
	case *pickle.Dict:
		return f.dict(path, v, depth)
	case *pickle.List:
		return f.sequence(path, v.Items, depth)
	case *pickle.Set:
		return f.sequence(path, v.Items, depth)
	case pickle.Tuple:
		return f.sequence(path, v, depth)
	case *pickle.Object:
		if state, ok := v.State.(*pickle.Dict); ok {
			return f.visit(path, state, depth+1)
		}
		f.skip(path, v.Class.String()+" object")
	case string:
		switch {
		case len(v) > maxText:
			f.skip(path, fmt.Sprintf("text of %d bytes", len(v)))
		case !utf8.ValidString(v):
			f.skip(path, fmt.Sprintf("%d bytes that are not text", len(v)))
		default:
			return f.note(path, v)
		}
	case bool:
		return f.note(path, strconv.FormatBool(v))
	case int64:
		return f.note(path, strconv.FormatInt(v, 10))
	case *big.Int:
		return f.note(path, v.String())
	case float64:
		return f.note(path, strconv.FormatFloat(v, 'g', -1, 64))
	case *pickle.Global:
		return f.note(path, v.String())
	case []byte:
		f.skip(path, fmt.Sprintf("%d bytes", len(v)))
	case *storage:
		f.skip(path, "storage without a tensor")
	}
	return nil
}

// spend counts visits and bytes against the budget.
func (f *finding) spend(n int) error {
	if f.budget -= int64(n); f.budget < 0 {
		return errors.New("the checkpoint shares its values so often that it is larger than its file")
	}
	return nil
}

// note puts a plain value into Meta.
func (f *finding) note(path, value string) error {
	f.meta[path] = value
	return f.spend(len(value))
}

// skip notes what is left aside.
func (f *finding) skip(path, what string) {
	f.notes = append(f.notes, label(path)+": "+what)
}

// label is a path for messages.
func label(path string) string {
	if path == "" {
		return "the top level"
	}
	return path
}

// dict walks a dict. One with parameter groups is an optimizer's.
func (f *finding) dict(path string, d *pickle.Dict, depth int) error {
	if _, ok := d.Get("param_groups"); ok {
		f.skip(path, "optimizer state")
		return nil
	}
	g := &group{path: path, dict: true}
	for _, e := range d.Entries {
		var key string
		isName := false
		switch k := e.Key.(type) {
		case string:
			if !utf8.ValidString(k) {
				return fmt.Errorf("a key in %s is not UTF-8 text: %s", quote(label(path)), quote(k))
			}
			key, isName = k, true
		case int64:
			key = strconv.FormatInt(k, 10)
		default:
			key = pickle.TypeName(k)
		}
		if err := f.item(g, key, isName, e.Value, depth); err != nil {
			return err
		}
	}
	return nil
}

// sequence walks a list, tuple or set.
func (f *finding) sequence(path string, items []any, depth int) error {
	g := &group{path: path}
	for i, item := range items {
		if err := f.item(g, strconv.Itoa(i), false, item, depth); err != nil {
			return err
		}
	}
	return nil
}

// item walks one item of a group, which joins the others with its first tensor.
func (f *finding) item(g *group, key string, isName bool, v any, depth int) error {
	if err := f.spend(visitCost + len(g.path) + len(key)); err != nil {
		return err
	}
	path := key
	if g.path != "" {
		path = g.path + "." + key
	}
	if !isTensor(v) {
		return f.visit(path, v, depth+1)
	}
	t, err := parseTensor(v)
	if err != nil {
		return fmt.Errorf("tensor %s: %w", quote(path), err)
	}
	if len(g.tensors)+len(g.notes) == 0 {
		f.groups = append(f.groups, g)
	}
	g.add(key, isName, t)
	return nil
}

// add puts a tensor into its group.
func (g *group) add(key string, isName bool, t *tensor) {
	g.dict = g.dict && isName
	if t.dtype.format == 0 {
		g.notes = append(g.notes, fmt.Sprintf("%s: %s tensor of shape %v", key, t.dtype.name, t.shape))
		return
	}
	g.tensors = append(g.tensors, named{key, t})
	if len(t.shape) > 0 {
		g.weights++
	}
}
