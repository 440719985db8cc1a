package converter

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rnnedge/rnnedge/format"
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
			tensors = append(tensors, shape)
			n += int64(x.Rows) * int64(x.Cols)
			bytes += 4 * int64(len(x.F32))
		}
		kind := l.Op().String()
		if v.Activation != format.Linear {
			kind += " " + v.Activation.String()
		}
		weights, size = weights+n, size+bytes
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t\n", l.LayerName(), kind,
			strings.Join(reads, ", "), m.Buffers[v.Writes], strings.Join(tensors, ", "), n, bytes)
	}
	fmt.Fprintf(t, "\t\t\t\t\t%d\t%d\t\n", weights, size)
	if err := t.Flush(); err != nil {
		return err
	}

	input := fmt.Sprintf("%d floats", m.InputSize())
	if v := m.Vocabulary(); v > 0 {
		input = fmt.Sprintf("1 token of %d", v)
	}
	fmt.Fprintf(w, "\ninput    %s\noutput   %d floats, of %s\n", input, m.OutputSize(), names[m.Output])
	state := 0
	for _, s := range m.States {
		state += s.Size
	}
	fmt.Fprintf(w, "state    %d floats\n", state)
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
