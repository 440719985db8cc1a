package rtneural

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/compose"
	"github.com/rnnedge/rnnedge/tools/convert/internal/layout"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numbers"
)

// convolution adds a causal convolution along time with so many filters: a delay line and a
// dense layer, whose weights are the kernel as it lies. Groups are convolutions side by
// side, each of its own inputs and filters.
func (r *reader) convolution(name string, x format.Buffer, l layer, filters int) format.Buffer {
	taps, dilation, groups := r.along("kernel_size", l.KernelSize), r.along("dilation", l.Dilation), 1
	if l.Groups != nil {
		groups = *l.Groups
	}
	I := r.b.Width(x)
	if groups < 1 || groups > maxGroups || I%groups != 0 || filters%groups != 0 {
		r.fail("has %d groups for %d inputs and %d filters, supported are 1 to %d of the same size", groups, I, filters, maxGroups)
	}
	if !r.arrays(l, 1, 2) {
		return x
	}
	kernel, shape, err := numbers.Array(l.Weights[0])
	want := []int{taps, I / groups, filters}
	switch {
	case err != nil:
		r.fail("has a kernel that is no array of numbers: %w", err)
	case !slices.Equal(shape, want):
		r.fail("has a kernel of shape %v, want %v: its steps, the inputs of a group, and the filters", shape, want)
	}
	var bias []float32
	if len(l.Weights) == 2 {
		bias = r.vector(l, 1, "bias", filters)
	}
	if r.err != nil {
		return x
	}
	rows := layout.Transposed(kernel, taps*(I/groups), filters)
	if groups == 1 {
		return r.convolve(name, x, taps, dilation, rows, bias)
	}
	parts := make([]format.Buffer, groups)
	for g := range parts {
		from, n := g*(filters/groups), filters/groups
		cols := taps * (I / groups)
		var b []float32
		if bias != nil {
			b = bias[from : from+n]
		}
		part := fmt.Sprintf("%s.%d", name, g)
		in := r.b.Slice(part+".in", x, g*(I/groups), I/groups)
		parts[g] = r.convolve(part, in, taps, dilation, rows[from*cols:(from+n)*cols], b)
	}
	if r.err != nil {
		return x
	}
	return r.b.Concat(name, parts...)
}

func (r *reader) convolve(name string, x format.Buffer, taps, dilation int, rows, bias []float32) format.Buffer {
	line, err := compose.Causal(r.b, name+".line", x, taps, dilation)
	if err != nil {
		r.fail("%w", err)
		return x
	}
	return r.b.Dense(name, line, rows, bias, format.Linear)
}

// along is a size along time, a number or a list of one.
func (r *reader) along(key string, raw json.RawMessage) int {
	v, shape, err := numbers.Array(raw)
	if err != nil || len(shape) > 1 || len(v) != 1 || v[0] != float32(int(v[0])) || v[0] < 1 || v[0] > maxSize {
		r.fail("has the %s %.40s, want a size from 1 to %d", key, raw, maxSize)
		return 1
	}
	return int(v[0])
}
