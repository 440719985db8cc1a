package keras

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A call is what one use of a layer reads.
type call struct {
	reads  []reference
	states []reference // initial states of a recurrent layer
}

// A reference is an output of a call of a layer.
type reference struct {
	layer        string
	call, output int
}

// calls reads inbound_nodes, in the form of Keras 3 or the one before. An operation of
// TensorFlow has its second tensor among its arguments, as y.
func (p *parser) calls(nodes any, operation bool) (list []call, err error) {
	if nodes == nil {
		return nil, nil
	}
	all, ok := nodes.([]any)
	if !ok {
		return nil, errors.New("are no list")
	}
	for _, n := range all {
		if p.left--; p.left < 0 {
			return nil, fmt.Errorf("are more than %d together", maxLayers)
		}
		var c call
		arguments := map[string]any{}
		switch n := n.(type) {
		case map[string]any: // Keras 3
			if c.reads, err = tensors(n["args"]); err != nil {
				return nil, err
			}
			arguments, _ = n["kwargs"].(map[string]any)
		case []any:
			if len(n) > 0 {
				if _, one := n[0].(string); one {
					n = []any{n}
				}
			}
			for _, e := range n {
				r, err := asReference(e)
				if err != nil {
					return nil, err
				}
				c.reads = append(c.reads, r)
				if e := e.([]any); len(e) > 3 {
					a, ok := e[3].(map[string]any)
					if !ok {
						return nil, errors.New("have arguments that are no mapping")
					}
					for k, v := range a {
						arguments[k] = v
					}
				}
			}
		default:
			return nil, errors.New("have an entry that is neither a list nor a mapping")
		}
		for name, v := range arguments {
			switch {
			case v == nil || name == "training" && v == false:
			case name == "y" && operation && len(c.reads) == 1:
				r, err := asReference(v)
				if err != nil {
					return nil, err
				}
				c.reads = append(c.reads, r)
			case name == "initial_state":
				if c.states, err = tensors(v); err != nil {
					return nil, err
				}
			default:
				return nil, fmt.Errorf("call it with %.40q: %s, supported are its inputs and initial_state", name, brief(v))
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// tensors finds the references in the arguments of a call.
func tensors(v any) ([]reference, error) {
	switch v := v.(type) {
	case []any:
		if r, err := asReference(v); err == nil {
			return []reference{r}, nil
		}
		var list []reference
		for _, e := range v {
			more, err := tensors(e)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		}
		return list, nil
	case map[string]any:
		if c, ok := v["config"].(map[string]any); ok && v["class_name"] == "__keras_tensor__" {
			r, err := asReference(c["keras_history"])
			return []reference{r}, err
		}
	}
	return nil, fmt.Errorf("call it with %s, supported are outputs of layers", brief(v))
}

// references reads input_layers or output_layers. Those that have names are in their order.
func references(v any) ([]reference, error) {
	list, ok := v.([]any)
	if named, is := v.(map[string]any); is {
		for _, name := range slices.Sorted(maps.Keys(named)) {
			list = append(list, named[name])
		}
		v, ok = list, true
	}
	if !ok {
		return nil, errors.New("are no list, and have no names")
	}
	if r, err := asReference(v); err == nil { // one, in Keras 3
		return []reference{r}, nil
	}
	var all []reference
	for _, e := range list {
		r, err := asReference(e)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, errors.New("are empty")
	}
	return all, nil
}

// asReference reads [layer, call, output].
func asReference(v any) (r reference, err error) {
	list, ok := v.([]any)
	if ok && len(list) >= 3 {
		var a, b bool
		r.layer, ok = list[0].(string)
		r.call, a = integer(list[1])
		r.output, b = integer(list[2])
		if ok && a && b && r.call >= 0 && r.output >= 0 {
			return r, nil
		}
	}
	return r, fmt.Errorf("have %s, expected the name of a layer, a call and an output", brief(v))
}
