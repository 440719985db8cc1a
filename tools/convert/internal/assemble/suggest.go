package assemble

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A group is the tensors under one prefix.
type group struct {
	prefix  string
	tensors []*checkpoint.Tensor
}

// groups collects tensors by prefix, in file order.
func groups(c *checkpoint.Checkpoint) (list []*group) {
	byPrefix := map[string]*group{}
	for i := range c.Tensors {
		t := &c.Tensors[i]
		prefix := ""
		if dot := strings.LastIndexByte(t.Name, '.'); dot >= 0 {
			prefix = t.Name[:dot]
		}
		g := byPrefix[prefix]
		if g == nil {
			g = &group{prefix: prefix}
			byPrefix[prefix] = g
			list = append(list, g)
		}
		g.tensors = append(g.tensors, t)
	}
	return list
}

// find returns the tensor of g with this last name, nil if there is none.
func (g *group) find(name string) *checkpoint.Tensor {
	for _, t := range g.tensors {
		if t.Name == join(g.prefix, name) {
			return t
		}
	}
	return nil
}

// cell is the kind of recurrent layer that g's tensors are, "" if they are none.
func (g *group) cell() string {
	hh := g.find("weight_hh_l0")
	if hh == nil {
		hh = g.find("weight_hh")
	}
	switch {
	case hh == nil || len(hh.Shape) != 2 || hh.Shape[1] == 0:
		return ""
	case g.find("weight_hr_l0") != nil:
		return "lstm" // weight_hh is [4H, P]; no other cell has a projection
	case hh.Shape[0]%hh.Shape[1] != 0:
		return ""
	}
	return kindOf(hh.Shape[0] / hh.Shape[1])
}

// bothWays reports whether g is a recurrent layer that runs both ways.
func (g *group) bothWays() bool { return g.find("weight_hh_l0_reverse") != nil }

// alone is the spec of a checkpoint that needs none: one LSTM or GRU stack and nothing else,
// which is in no other module, whose code may do more with it, nor in a program that does.
// (The tensors of a lone nn.RNN do not tell its nonlinearity.)
func alone(c *checkpoint.Checkpoint) (*spec.Spec, error) {
	list := groups(c)
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no tensors", c.File)
	}
	if len(list) == 1 && list[0].prefix == "" && c.Unknown == "" {
		if kind := list[0].cell(); kind == "lstm" || kind == "gru" || kind == "rnn" && c.Modules[""].Nonlinearity != "" {
			return &spec.Spec{File: c.File, Layers: []spec.Layer{{Kind: kind}}}, nil
		}
	}
	why := "its tensors do not say how the layers are connected"
	if c.Unknown != "" {
		why = c.Unknown
	}
	return nil, fmt.Errorf("%s: %s; save this as a .yaml beside it, correct it, and give it with -spec:\n\n%s", c.File, why, Suggest(c))
}

// InOrder is the spec of a checkpoint whose tensors, in file order, can be LSTM and GRU
// stacks and then a dense layer without an activation, each as wide as the next one reads.
// It is nil if they cannot. That they are is not known: whoever takes it must say so.
func InOrder(c *checkpoint.Checkpoint) *spec.Spec {
	s := &spec.Spec{File: c.File}
	width, last := 0, false
	for _, g := range groups(c) {
		kind, in, out := g.cell(), g.find("weight_ih_l0"), g.find("weight_hh_l0")
		if kind == "lstm" || kind == "gru" {
			if in == nil {
				in, out = g.find("weight_ih"), g.find("weight_hh")
			}
			if in == nil || out == nil || g.bothWays() || g.find("weight_hr_l0") != nil {
				return nil
			}
		} else if in, out = g.find("weight"), g.find("weight"); kind != "" || in == nil || len(s.Layers) == 0 {
			return nil
		} else {
			kind = "dense"
		}
		if last || len(in.Shape) != 2 || len(out.Shape) != 2 || width != 0 && in.Shape[1] != width {
			return nil
		}
		last = kind == "dense"
		width = out.Shape[1]
		s.Layers = append(s.Layers, spec.Layer{Kind: kind, Prefix: g.prefix})
	}
	return s
}

// Suggest writes a spec to start from: a layer for each group of tensors, in
// file order, with what has to be filled in.
func Suggest(c *checkpoint.Checkpoint) string {
	d := &draft{c: c}
	d.line("# Layers in order of execution; %s does not tell the order or the activations.", c.File)
	d.line("layers:")
	list := groups(c)
	for i, g := range list {
		if i == maxGroups {
			d.line("  # … and %d more groups of tensors", len(list)-i)
			break
		}
		d.group(g, i == 0)
	}
	return d.String()
}

// A draft is the text of a spec.
type draft struct {
	strings.Builder
	c *checkpoint.Checkpoint
}

func (d *draft) line(format string, a ...any) { fmt.Fprintf(d, format+"\n", a...) }

// group writes the layer that g may be; the first one may read tokens.
func (d *draft) group(g *group, first bool) {
	source, weight := d.c.Modules[g.prefix], g.find("weight")
	kind, known := source.Layer()
	switch cell, name := g.cell(), quoted(g.prefix); {
	case len(g.prefix) > format.MaxName:
		d.line("  # not supported: %.80q…, a name of %d bytes: a layer's has at most %d", g.prefix, len(g.prefix), format.MaxName)
	case known && kind == "":
		d.line("  # not supported: %q, a %s:%s", g.prefix, source.Class, shapes(g, ""))
	case cell != "":
		d.recurrent(g, cell, source)
	case g.find("running_mean") != nil:
		d.line("  - batchnorm: %s%s\n    epsilon: %s", name, shapes(g, ""), d.epsilon(source))
	case weight == nil || len(weight.Shape) == 0:
		d.unknown(g)
	case len(weight.Shape) == 1:
		or := ""
		if source.Class == "" {
			or = "; or scale" + lookalikes(g)
		}
		d.line("  - layernorm: %s%s%s\n    epsilon: %s", name, shapes(g, ""), or, d.epsilon(source))
	case len(weight.Shape) == 2 && (kind == "embedding" || g.find("bias") == nil && strings.Contains(strings.ToLower(g.prefix), "emb")):
		d.line("  - embedding: %s # %d tokens of %d", name, weight.Shape[0], weight.Shape[1])
	case len(weight.Shape) == 2:
		or := ""
		if first && g.find("bias") == nil && source.Class == "" {
			or = "; or embedding"
		}
		d.dense(name, weight, or)
	case oneStep(weight):
		d.dense(name, weight, ", a convolution over one step")
	default:
		d.line("  # not supported: %q, a convolution by its shape:%s", g.prefix, shapes(g, ""))
	}
}

func (d *draft) recurrent(g *group, cell string, source checkpoint.Module) {
	d.line("  - %s: %s%s", cell, quoted(g.prefix), shapes(g, "weight_ih", "weight_hh", "weight_hr"))
	switch {
	case cell == "rnn" && source.Nonlinearity != "":
		d.line("    activation: %s # that of the file", source.Nonlinearity)
	case cell == "rnn":
		d.line("    activation: tanh # or relu: the nonlinearity of nn.RNN")
	}
	if g.bothWays() {
		d.line("    merge: concat # or sum, mul, average: how the two ways of the last layer are joined")
	}
}

func (d *draft) dense(name string, weight *checkpoint.Tensor, about string) {
	d.line("  - dense: %s # %d → %d%s\n    activation: linear # or sigmoid, tanh, relu, …", name, weight.Shape[1], weight.Shape[0], about)
}

// epsilon is that of a normalisation, and whose it is.
func (d *draft) epsilon(source checkpoint.Module) string {
	switch {
	case source.Epsilon != 0:
		return fmt.Sprintf("%g # that of the file", source.Epsilon)
	case d.c.Epsilon != 0:
		return fmt.Sprintf("%g # that of %s, unless it was changed", d.c.Epsilon, d.c.Format)
	}
	return "1e-5 # PyTorch's, unless it was changed"
}

// unknown lists tensors of no kind of layer; without a prefix they may have names of their
// own, that do not tell what they are to a layer.
func (d *draft) unknown(g *group) {
	if g.prefix != "" {
		d.line("  # no kind of layer for %q:%s", g.prefix, shapes(g, ""))
		return
	}
	d.WriteString(ownNames)
	for i, t := range g.tensors {
		if i == maxOwnNames {
			d.line("  # … and %d more", len(g.tensors)-i)
			break
		}
		d.line("  # %s %v", quoted(t.Name), t.Shape)
	}
}

// lookalikes are modules that are not supported and whose tensors look like those of an
// nn.LayerNorm.
func lookalikes(g *group) string {
	if g.find("bias") == nil {
		return "; an nn.RMSNorm or nn.PReLU, which look the same, are not supported"
	}
	return "; an nn.GroupNorm, which looks the same, is not supported"
}

// ownNames stands before tensors whose names do not tell what they are to a layer, of
// which at most maxOwnNames are listed.
const (
	ownNames = `  # Tensors with names of their own are named beside the layer, as in
  # - gru: enc
  #   tensors: {weight_ih: NAME, weight_hh: NAME, bias_ih: NAME, bias_hh: NAME}
  # Arrays of Keras, with "layout: keras" beside layers, are kernel, recurrent_kernel, bias.
`
	maxOwnNames = 64
	maxGroups   = 256
)

// plain is what YAML reads as text without quotes, in the names that frameworks give.
var plain = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.]*$`)

// quoted is a prefix as YAML writes it, cut where it is longer than any name of a layer.
func quoted(prefix string) string {
	if len(prefix) > format.MaxName {
		return strconv.Quote(prefix[:80]) + "…"
	}
	if plain.MatchString(prefix) && !strings.EqualFold(prefix, "null") {
		return prefix
	}
	return strconv.Quote(prefix)
}

// shapes lists the tensors of g whose last name starts with one of the words.
func shapes(g *group, words ...string) string {
	var list []string
	for _, t := range g.tensors {
		last := strings.TrimPrefix(t.Name[len(g.prefix):], ".")
		for _, w := range words {
			if strings.HasPrefix(last, w) {
				list = append(list, fmt.Sprintf("%s %v", quoted(last), t.Shape))
			}
		}
	}
	return " # " + shorten(list)
}
