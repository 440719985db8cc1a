package assemble

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
)

// inputWidth is the width of the model's input: given, or told by a layer that
// reads it.
func (a *assembly) inputWidth() (int, error) {
	if a.spec.Input > 0 {
		return a.spec.Input, nil
	}
	for i := range a.spec.Layers {
		l := &a.spec.Layers[i]
		a.asked = map[string]bool{}
		if !(i == 0 && l.From == nil || len(l.From) == 1 && l.From[0] == "input") {
			continue
		}
		for _, role := range map[string][]string{
			"embedding": {"weight"}, "dense": {"weight"},
			"scale": {"weight", "bias", "divisor"}, "layernorm": {"weight", "bias"}, "batchnorm": {"running_mean"},
			"rnn": {"weight_ih_l0", "weight_ih"}, "gru": {"weight_ih_l0", "weight_ih"}, "lstm": {"weight_ih_l0", "weight_ih"},
		}[l.Kind] {
			t := a.lookup(l, role)
			switch {
			case a.checkpoint.Absent[a.tensorName(l, role)] != "":
				return 0, fmt.Errorf("%s: %s: %w", a.place(l), l.Kind, a.missing(l, role))
			case t == nil:
			case l.Kind == "embedding":
				return 1, nil
			case l.Kind == "dense" && oneStep(t):
				return t.Shape[1], nil
			case len(t.Shape) == 1 || len(t.Shape) == 2:
				return t.Shape[len(t.Shape)-1], nil
			}
		}
		if l.Tensors != nil {
			return 0, fmt.Errorf("%s: %s: its tensors do not tell the width of the input; it has %s",
				a.place(l), l.Kind, strings.Join(slices.Sorted(maps.Keys(a.asked)), ", "))
		}
		if l.Prefix != "" || l.Kind == "rnn" || l.Kind == "gru" || l.Kind == "lstm" {
			return 0, fmt.Errorf("%s: %s: no tensors under %q in %s, which has %s",
				a.place(l), l.Kind, l.Prefix, a.checkpoint.File, prefixes(a.checkpoint))
		}
	}
	return 0, fmt.Errorf("%s: no layer tells the width of the input; add `input: N`", a.spec.File)
}

func prefixes(c *checkpoint.Checkpoint) string {
	var list []string
	for _, g := range groups(c) {
		list = append(list, fmt.Sprintf("%.200q", g.prefix))
	}
	return shorten(list)
}
