package converter

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// Describe prints what a model holds: a table of layers with their shapes and
// sizes, then states, metadata and witness.
func Describe(w io.Writer, m *format.Model) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "layer\tkind\treads\tgives\ttensors\tweights\tbytes\t")
	names := map[format.Buffer]string{format.Input: "input"}
	var weights, size int64
	for _, l := range m.Layers {
		v := format.FieldsOf(l)
		names[v.Writes] = l.LayerName()
		var reads, tensors []string
		var n, bytes int64
		for _, x := range v.Reads {
			reads = append(reads, fmt.Sprintf("%s %d", names[x], m.Buffers[x]))
		}
		for _, id := range v.Tensors {
			x := m.Tensor(id)
			shape := fmt.Sprintf("%s %d×%d", x.Name[strings.LastIndexByte(x.Name, '.')+1:], x.Rows, x.Cols)
			if x.Layout == format.Vector {
				shape = fmt.Sprintf("%s %d", x.Name[strings.LastIndexByte(x.Name, '.')+1:], x.Rows)
			}
			n += int64(x.Rows) * int64(x.Cols)
			bytes += 4 * int64(len(x.F32))
			if x.I8 != nil {
				shape += " int8"
				if x.I8.Digits > 1 {
					shape += fmt.Sprintf("·%d bits", 8*x.I8.Digits)
				}
				bytes += int64(len(x.I8.Elements) + 4*len(x.I8.Scales))
			}
			tensors = append(tensors, shape)
		}
		weights, size = weights+n, size+bytes
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t\n", l.LayerName(), kind(l),
			strings.Join(reads, ", "), m.Buffers[v.Writes], strings.Join(tensors, ", "), n, bytes)
	}
	fmt.Fprintf(t, "\t\t\t\t\t%d\t%d\t\n", weights, size)
	if err := t.Flush(); err != nil {
		return err
	}

	input := floats(m.InputSize())
	if v := m.Vocabulary(); v > 0 {
		input = fmt.Sprintf("1 token of %d", v)
	}
	fmt.Fprintf(w, "\ninput    %s\noutput   %s, of %s\n", input, floats(m.OutputSize()), names[m.Output])
	state := 0
	for _, s := range m.States {
		state += s.Size
	}
	fmt.Fprintf(w, "state    %s\n", floats(state))
	if m.Streams() {
		fmt.Fprintln(w, "streams  yes: a step at a time")
	} else {
		fmt.Fprintln(w, "streams  no: a layer runs backward in time and needs whole sequences")
	}
	for _, e := range m.Meta {
		fmt.Fprintf(w, "meta     %s: %s\n", e.Key, printable(e.Value))
	}
	if m.Witness.Steps == 0 {
		_, err := fmt.Fprintln(w, "witness  none")
		return err
	}
	_, err := fmt.Fprintf(w, "witness  %d steps from seed %d: SHA-256 %x\n", m.Witness.Steps, m.Witness.Seed, m.Witness.SHA256)
	return err
}

// kind is what a layer computes: its type, and what of it is not the plain form.
func kind(l format.Layer) string {
	parts := []string{l.Op().String()}
	add := func(is bool, form string, a ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(form, a...))
		}
	}
	clips := func(clip float32) { add(clip != 0, "clip %g", clip) }
	plain := func(fs ...format.Activation) {
		functions := format.FieldsOf(l).Functions
		same := true
		var names []string
		for i, f := range functions {
			same = same && f == format.Function{Kind: fs[i]}
			names = append(names, f.String())
		}
		add(!same, "%s", strings.Join(names, "/"))
	}
	switch l := l.(type) {
	case *format.Dense:
		plain(format.Linear)
	case *format.Activate:
		parts[0] = l.F.String()
	case *format.DelayLine:
		add(l.Dilation > 1, "%d steps apart", l.Dilation)
	case *format.RNN:
		parts = append(parts, l.F.String())
		clips(l.Clip)
	case *format.LSTM:
		add(l.Coupled, "f = 1−i")
		add(l.P != format.None, "peepholes")
		add(l.Norm != format.None, "layer norm")
		add(l.Proj != format.None, "projection")
		plain(format.Sigmoid, format.Tanh, format.Tanh)
		clips(l.Clip)
		add(l.CellClip != 0, "cell clip %g", l.CellClip)
		add(l.ProjClip != 0, "projection clip %g", l.ProjClip)
	case *format.GRU:
		add(l.RN != format.None, "reset before")
		plain(format.Sigmoid, format.Tanh)
		clips(l.Clip)
	}
	add(infer.Rare(l), "(update in Go)")
	return strings.Join(parts, " ")
}

// printable is a value on one line of the terminal, whatever a file put in it.
func printable(s string) string {
	q := fmt.Sprintf("%+q", s)
	if plain := q[1 : len(q)-1]; plain == s && len(s) <= 100 {
		return s
	}
	if len(q) > 100 {
		return fmt.Sprintf("%s… (%d bytes)", q[:100], len(s))
	}
	return q
}

func floats(n int) string {
	if n == 1 {
		return "1 float"
	}
	return fmt.Sprintf("%d floats", n)
}
