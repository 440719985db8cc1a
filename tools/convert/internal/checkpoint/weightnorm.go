package checkpoint

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// A weight under weight_norm is stored in two parts, a gain g and a direction v, whose rows
// w = g·v/‖v‖ makes as long as g says. torch.nn.utils.weight_norm calls them weight_hh_l0_g
// and weight_hh_l0_v, torch.nn.utils.parametrizations.weight_norm
// parametrizations.weight_hh_l0.original0 and original1, beside the module's other tensors.

// isWeight matches what PyTorch's layers call their weights.
var isWeight = regexp.MustCompile(`^weight(_(ih|hh|hr)(_l\d+(_reverse)?)?)?$`).MatchString

const below = "parametrizations."

// partsOf are what the gain and the weight would be called whose direction is v, if it is one.
func partsOf(v string) (gain, weight string, ok bool) {
	if base, cut := strings.CutSuffix(v, "_v"); cut {
		return base + "_g", base, isWeight(base[strings.LastIndexByte(base, '.')+1:])
	}
	base, cut := strings.CutSuffix(v, ".original1")
	if !cut {
		return "", "", false
	}
	dot := strings.LastIndexByte(base, '.') + 1
	module, name := base[:dot], base[dot:]
	if module != below && !strings.HasSuffix(module, "."+below) {
		return "", "", false
	}
	return base + ".original0", strings.TrimSuffix(module, below) + name, isWeight(name)
}

// parametrizationOf is what the names of all tensors begin with that stand for the same
// weight as this one, "" if it is not in two parts or more.
func parametrizationOf(name string) string {
	i := strings.LastIndex(name, below)
	if i < 0 {
		return ""
	}
	rest := name[i+len(below):]
	return name[:i+len(below)+strings.IndexByte(rest, '.')+1]
}

// ComputeWeightNorm puts the weight, each element rounded once, in the place of each v of
// weight_norm, takes g away, and notes it in Skipped. What cannot be computed stays as it
// is, and Absent says why.
func (c *Checkpoint) ComputeWeightNorm() {
	tensors := make(map[string]*Tensor, len(c.Tensors))
	parts := map[string]int{} // tensors for one weight
	for i := range c.Tensors {
		t := &c.Tensors[i]
		tensors[t.Name] = t
		if of := parametrizationOf(t.Name); of != "" {
			parts[of]++
		}
	}
	used := map[*Tensor]bool{}
	for i := range c.Tensors {
		v := &c.Tensors[i]
		gain, weight, ok := partsOf(v.Name)
		g := tensors[gain]
		if !ok || g == nil || tensors[weight] != nil {
			continue
		}
		err := scaleRows(g, v, parts[parametrizationOf(v.Name)])
		if err != nil {
			if c.Absent == nil {
				c.Absent = map[string]string{}
			}
			c.Absent[weight] = err.Error()
			continue
		}
		c.Skipped = append(c.Skipped, fmt.Sprintf("%s: computed from %s and %s, as weight_norm does", weight, gain, v.Name))
		v.Name, used[g] = weight, true
	}
	if len(used) == 0 {
		return
	}
	var kept []Tensor
	for i := range c.Tensors {
		if !used[&c.Tensors[i]] {
			kept = append(kept, c.Tensors[i])
		}
	}
	c.Tensors = kept
}

// scaleRows makes each row of v as long as its number in g says, if they are all of the
// parts of their weight.
func scaleRows(g, v *Tensor, parts int) error {
	rows := len(g.Data)
	switch {
	case parts > 2:
		return fmt.Errorf("%q is one of %d tensors for one weight, supported is weight_norm alone: remove parametrizations before saving", v.Name, parts)
	case len(v.Shape) < 2 || len(g.Shape) != len(v.Shape) || g.Shape[0] != v.Shape[0] || rows != v.Shape[0]:
		return fmt.Errorf("%q has shape %v beside %v of %q, supported is weight_norm of rows, dim=0: remove it before saving", g.Name, g.Shape, v.Shape, v.Name)
	case len(v.Data) == 0:
		return fmt.Errorf("%q has shape %v, want rows", v.Name, v.Shape)
	}
	n := len(v.Data) / rows
	scales := make([]float64, rows)
	for r := range scales {
		squares := 0.0
		for _, x := range v.Data[r*n:][:n] {
			squares += float64(x) * float64(x)
		}
		if squares == 0 {
			return fmt.Errorf("row %d of %q is zero, and weight_norm divides by its length", r, v.Name)
		}
		scales[r] = float64(g.Data[r]) / math.Sqrt(squares)
	}
	for i, x := range v.Data {
		v.Data[i] = float32(float64(x) * scales[i/n])
	}
	return nil
}
