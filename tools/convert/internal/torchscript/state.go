package torchscript

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A given state is an argument of forward, or a part of one, that a recurrent layer starts
// from: the call before returned it.
type given struct {
	argument string // see argument
	state    string // of which layer
}

// argument names one of forward's arguments, or an element of one that is a tuple, so that
// they are in order.
func argument(of string, i int) string { return fmt.Sprintf("%s/%04d", of, i) }

// The final states of a layer, as it is called among given ones, changed ones and outputs.
func stateOf(n *node) string { return n.name + "'s state" }
func cellOf(n *node) string  { return n.name + "'s cell state" }

// initial verifies that v can be the initial state of a layer, and returns which arguments of
// forward it is.
func (r *run) initial(v any, layer string) (arguments []string) {
	if !r.isState(v) {
		r.fail("an initial state of %s that is %s, supported are zeros and an argument of forward", layer, kindOf(v))
	}
	list, ok := v.(List)
	if t, is := v.(tuple); is {
		list, ok = List(t), true
	}
	if !ok {
		list = List{v}
	}
	for _, v := range list {
		if u, ok := v.(unknown); ok && u.argument != "" {
			r.note("an initial state that is an argument of forward is that of a session, and starts at zero")
			arguments = append(arguments, u.argument)
		}
	}
	return arguments
}

// carries notes which arguments of forward are the states that a layer starts from: the state
// and, of an LSTM, the cell state.
func (r *run) carries(layer *node, kind string, arguments []string) {
	states := []string{stateOf(layer)}
	if kind == "lstm" {
		states = append(states, cellOf(layer))
	}
	if len(arguments) == 1 && len(states) == 2 { // a tuple of both
		arguments = []string{argument(arguments[0], 0), argument(arguments[0], 1)}
	}
	if len(arguments) != 0 && len(arguments) != len(states) {
		r.fail("%s starts from an argument of forward and from zeros", layer.name)
	}
	for i, a := range arguments {
		if g := (given{a, states[i]}); !slices.Contains(r.carried, g) {
			r.carried = append(r.carried, g)
		}
	}
}

// returns verifies that what forward returns beside its output is the states that it was
// given, in the same order: for a session carries those and no others. The output may be the
// first of them.
func (r *run) returns(y tuple) {
	states := r.states(y)
	if len(states) > len(r.carried) {
		states = states[1:]
	}
	var found []string
	for _, s := range states {
		if slices.ContainsFunc(r.carried, func(g given) bool { return g.state == s }) && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(r.carried, func(a, b given) int { return strings.Compare(a.argument, b.argument) })
	var want []string
	for i, g := range r.carried {
		if slices.Contains(want, g.state) || i > 0 && g.argument == r.carried[i-1].argument {
			r.fail("%s is given twice, or shared with another layer", g.state)
		}
		want = append(want, g.state)
	}
	if !slices.Equal(found, want) {
		r.fail("forward is given %s and returns %s; supported are the same states in the same order", listed(want), listed(found))
	}
}

// states are the final states that the outputs of forward are, "" for each that is none.
func (r *run) states(v any) []string {
	r.spend(1)
	switch v := v.(type) {
	case tuple:
		var list []string
		for _, item := range v {
			list = append(list, r.states(item)...)
		}
		return list
	case List:
		return r.states(tuple(v))
	case final:
		if s := stateOf(v.of); !r.changed[s] {
			return []string{s}
		}
	case *node:
		if !r.changed[v.name] {
			return []string{stateOf(v)} // if it is a layer that made one step
		}
	case term:
		return []string{r.cells[v.text]}
	case unknown:
		return []string{v.cell}
	}
	return []string{""}
}

func listed(states []string) string {
	const most = 8
	if more := len(states) - most; more > 0 {
		states = append(states[:most:most], fmt.Sprintf("%d more", more))
	}
	return cmp.Or(strings.Join(states, ", "), "no state")
}
