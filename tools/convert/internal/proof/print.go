package proof

import (
	"fmt"
	"io"
	"math"
)

// Print writes the result in a few lines.
func (r *Result) Print(w io.Writer) {
	fmt.Fprintf(w, "proof    %d steps of %s, against float64; output rms %.2g\n", r.Steps, r.Input, r.RMS)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "         %s\n", n)
	}
	if r.Steps == 0 {
		return
	}
	r.print(w, "float32", r.Float32)
	if r.Int8 != nil {
		r.print(w, "int8", r.Int8)
	}
}

func (r *Result) print(w io.Writer, name string, e *Errors) {
	fmt.Fprintf(w, "%-8s SNR %s, error at most %.2e, at step %d", name, decibel(e.SNR), e.Max, e.Worst)
	switch {
	case math.IsInf(e.Growth, 1):
		fmt.Fprint(w, "; it grows: the second tenth of the steps has no error, the last has")
	case math.IsNaN(e.Growth) && len(e.Step) >= growthSteps:
		fmt.Fprint(w, "; whether it grows is not known: the second tenth of the steps is silent")
	case math.IsNaN(e.Growth):
	case e.Grows():
		fmt.Fprintf(w, "; it grows, %.1f times from the second tenth to the last", e.Growth)
	default:
		fmt.Fprint(w, "; it does not grow")
	}
	if r.Classes {
		fmt.Fprintf(w, "; another class in %d steps", e.Flips)
		if e.Flips > 0 {
			fmt.Fprintf(w, ", by a margin of at most %.2g", e.Margin)
		}
	}
	fmt.Fprintln(w)
	lowest := -1
	for i, snr := range e.Layers {
		if !math.IsNaN(snr) && !math.IsInf(snr, 1) && (lowest < 0 || snr < e.Layers[lowest]) {
			lowest = i
		}
	}
	if lowest >= 0 && len(r.Layers) > 1 {
		fmt.Fprintf(w, "         lowest SNR: layer %q, %s\n", r.Layers[lowest], decibel(e.Layers[lowest]))
	}
}

// Print writes the comparison in a line for each type.
func (c *Check) Print(w io.Writer) {
	what := fmt.Sprintf("%d steps", c.Steps)
	if c.Last {
		what = fmt.Sprintf("the last of %d steps", c.Steps)
	}
	fmt.Fprintf(w, "check    %s, %s\n", c.Name, what)
	c.Float32.print(w, "float32")
	if c.Int8 != nil {
		c.Int8.print(w, "int8")
	}
}

func (d *Deviation) print(w io.Writer, name string) {
	fmt.Fprintf(w, "%-8s SNR %s, error at most %.2e, at step %d", name, decibel(d.SNR), d.Max, d.Step)
	switch {
	case d.Fails():
		fmt.Fprintf(w, ": FAILS, may be %.2g\n", d.Tolerance)
	case d.Tolerance > 0:
		fmt.Fprintf(w, ": passes, may be %.2g\n", d.Tolerance)
	default:
		fmt.Fprintln(w, ": not judged")
	}
}

func decibel(snr float64) string {
	if math.IsInf(snr, 1) {
		return "∞ (no error)"
	}
	if math.IsInf(snr, -1) {
		return "−∞ (all should be 0)"
	}
	return fmt.Sprintf("%.1f dB", snr)
}
