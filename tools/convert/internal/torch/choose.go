package torch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// usual are the keys under which training scripts keep the state_dict.
var usual = map[string]bool{
	"state_dict": true, "model_state_dict": true, "model_state": true, "model_dict": true,
	"model": true, "module": true, "net": true, "network": true, "net_state_dict": true,
	"params": true, "parameters": true, "weights": true,
}

// choose returns the state_dict among the groups: the only dict of weights, or
// else the only one under a usual key, or else the top level. What the other
// groups hold is noted.
func (f *finding) choose() (*group, error) {
	var candidates []*group
	for _, g := range f.groups {
		if g.dict && g.weights > 0 {
			candidates = append(candidates, g)
		}
	}
	if len(candidates) == 0 {
		return nil, f.explainNone()
	}
	chosen := prefer(candidates)
	if chosen == nil {
		return nil, ambiguous(candidates)
	}
	for _, g := range f.groups {
		if n := len(g.tensors) + len(g.notes); g != chosen && n > 0 {
			f.skip(g.path, fmt.Sprintf("%d tensors outside the state_dict", n))
		}
	}
	return chosen, nil
}

// prefer returns the preferred candidate, or nil if none is.
func prefer(candidates []*group) *group {
	if len(candidates) == 1 {
		return candidates[0]
	}
	var chosen, top *group
	for _, g := range candidates {
		switch last := g.path[strings.LastIndexByte(g.path, '.')+1:]; {
		case g.path == "":
			top = g
		case usual[last] && chosen != nil:
			return nil
		case usual[last]:
			chosen = g
		}
	}
	if chosen != nil {
		return chosen
	}
	return top
}

// ambiguous lists the candidates.
func ambiguous(candidates []*group) error {
	const most = 8
	var list []string
	for _, g := range candidates {
		if len(list) == most {
			list = append(list, "...")
			break
		}
		list = append(list, fmt.Sprintf("%s (%d tensors)", quote(label(g.path)), len(g.tensors)))
	}
	return fmt.Errorf("holds %d dicts of tensors, and none is clearly the state_dict: %s; save the one to convert alone",
		len(candidates), strings.Join(list, ", "))
}

// explainNone says what a file without weights holds instead.
func (f *finding) explainNone() error {
	if isTensor(f.root) {
		return errors.New("holds a single tensor, expected a state_dict; " + advice)
	}
	d, ok := f.root.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("holds a %s, expected a state_dict; %s", pickle.TypeName(f.root), advice)
	}
	const most = 8
	var keys []string
	for _, e := range d.Entries {
		if len(keys) == most {
			keys = append(keys, "...")
			break
		}
		if key, ok := e.Key.(string); ok {
			keys = append(keys, quote(key))
		}
	}
	return fmt.Errorf("holds no floating-point weights under names, expected a state_dict, found a dict with %d keys [%s]; %s",
		len(d.Entries), strings.Join(keys, " "), advice)
}
