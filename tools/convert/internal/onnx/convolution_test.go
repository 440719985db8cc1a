package onnx_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// causalParts are constants and x, [1, 2, time], around a Conv that gives 100·a[t] + 10·a[t−2] +
// a[t−4] + 1000·b[t−4] for the features a and b.
func causalParts(parts ...[]byte) []byte {
	return model(append(parts, value(11, "x", 1, 2, 0), value(12, "y", 1, 1, 0), constant("W", []float32{1, 10, 100, 1000, 0, 0}, true, 1, 2, 3),
		constantIntegers("front", 0, 0, 4, 0, 0, 0), constantIntegers("four", 4), constantIntegers("zero", 0), constantIntegers("two", 2),
		constantIntegers("minus four", -4), constantIntegers("minus three", -3), constant("one", []float32{1}, true))...)
}

// conv is a Conv from one value to another, with these attributes.
func conv(from, to string, attributes ...[]byte) []byte {
	return node("Conv", in(from, "W"), in(to), append(attributes, integers("dilations", 2))...)
}

// Each way to write a causal convolution is one.
func TestCausalConvolutions(t *testing.T) {
	for name, parts := range map[string][][]byte{
		"Pad":             {node("Pad", in("x", "front"), in("p")), conv("p", "y")},
		"Pad, attributes": {node("Pad", in("x"), in("p"), integers("pads", 0, 0, 4, 0, 0, 0), word("mode", "constant")), conv("p", "y")},
		"Pad, axes":       {constantIntegers("pads", 4, 0), node("Pad", in("x", "pads", "", "two"), in("p")), conv("p", "y")},
		"Pad in two":      {constantIntegers("pads", 0, 0, 3, 0, 0, 0), node("Pad", in("x", "pads"), in("p")), conv("p", "y", integers("pads", 1, 0))},
		"pads":            {conv("x", "y", integers("pads", 4, 0), word("auto_pad", "NOTSET"))},
		"cut off":         {conv("x", "c", integers("pads", 4, 4)), node("Slice", in("c", "zero", "minus four", "two"), in("y"))},
		"cut to length": {conv("x", "c", integers("pads", 4, 4)), node("Shape", in("x"), in("s")), node("Gather", in("s", "two"), in("n")),
			node("Slice", in("c", "zero", "n", "two"), in("y"))},
		"Pad at both ends": {constantIntegers("pads", 0, 0, 4, 0, 0, 3), node("Pad", in("x", "pads"), in("p")), conv("p", "c"), node("Slice", in("c", "zero", "minus three", "two"), in("y"))},
		"a bias behind it": {constant("b", []float32{0}, true, 1), constantIntegers("shape", 1, -1, 1), node("Reshape", in("b", "shape"), in("br")), conv("x", "c", integers("pads", 4, 4)),
			node("Add", in("c", "br"), in("cb")), node("Slice", in("cb", "zero", "minus four", "two"), in("y"))},
		"two dimensions": {node("Pad", in("x", "front"), in("p")), node("Unsqueeze", in("p", "two"), in("u")), constant("W2", []float32{1, 10, 100, 1000, 0, 0}, true, 1, 2, 1, 3),
			node("Conv", in("u", "W2"), in("c"), integers("dilations", 1, 2), integers("kernel_shape", 1, 3)), node("Squeeze", in("c", "two"), in("y"))},
	} {
		m, _, _, err := onnx.Read("m.onnx", causalParts(parts...), nil)
		require.NoError(t, err, name)
		require.Equal(t, []float32{100, 200, 310, 420, 3531, 4642}, engine(t, m, []float32{1, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8}), name)
	}
}

// Features in groups are one group with zeros between them: four features, of which two make
// three outputs each.
func TestGroups(t *testing.T) {
	W := make([]float32, 6*2*2)
	for k := range W {
		W[k] = float32(k + 1)
	}
	grouped := func(groups int64, dims ...int64) []byte {
		return model(value(11, "x", 1, 4, 0), value(12, "y", 1, 6, 0), constant("W", W, true, dims...),
			node("Conv", in("x", "W"), in("y"), integers("pads", 1, 0), number("group", groups)))
	}
	m, _, notes, err := onnx.Read("m.onnx", grouped(2, 6, 2, 2), nil)
	require.NoError(t, err)
	require.Contains(t, notes, `node "the Conv" (Conv): its 2 groups became one, with zeros for the weights between them`)
	x := []float32{1, 20, 300, 4000, 2, 30, 400, 5000}
	var want []float32
	for step := range 2 {
		for o := range 6 {
			var y float32
			for f := range 2 {
				now := x[4*step+o/3*2+f]
				if y += W[4*o+2*f+1] * now; step > 0 {
					y += W[4*o+2*f] * x[o/3*2+f]
				}
			}
			want = append(want, y)
		}
	}
	require.Equal(t, want, engine(t, m, x))
	for _, data := range [][]byte{grouped(3, 6, 2, 2), grouped(4, 6, 2, 2), grouped(0, 6, 2, 2)} {
		_, _, _, err = onnx.Read("m.onnx", data, nil)
		require.ErrorContains(t, err, `node "the Conv" (Conv): found W of shape [6 `)
		require.ErrorContains(t, err, `groups for 4 features, expected [outputs, features of a group, kernel]`)
	}
}

// A convolution that is not causal, or whose padding is not taken away, is refused.
func TestRefusedConvolutions(t *testing.T) {
	padded := func(pads ...int64) []byte { return node("Pad", in("x"), in("p"), integers("pads", pads...)) }
	for name, c := range map[string]struct {
		parts [][]byte
		want  string
	}{
		"too few zeros":         {[][]byte{padded(0, 0, 3, 0, 0, 0), conv("p", "y")}, `node "the Conv" (Conv): found a convolution with a kernel of [3], which reads several time steps or frames at once, and 3 zeros in front; supported is a kernel of 1, and one along time that is causal, with 4 zeros in front`},
		"too many zeros":        {[][]byte{conv("x", "y", integers("pads", 5, 0))}, `and 5 zeros in front; supported`},
		"centred":               {[][]byte{conv("x", "y", integers("pads", 2, 2))}, `and 2 zeros in front; supported`},
		"not cut off":           {[][]byte{conv("x", "y", integers("pads", 4, 4))}, `output "y": found the value "y", which is padded along time by 0 steps in front and 4 at its end; supported is`},
		"computed with":         {[][]byte{conv("x", "c", integers("pads", 4, 4)), node("Tanh", in("c"), in("y"))}, `node "the Tanh" (Tanh): found the value "c", which is padded along time`},
		"cut off too little":    {[][]byte{conv("x", "c", integers("pads", 4, 4)), node("Slice", in("c", "zero", "minus three", "two"), in("y"))}, `node "the Slice" (Slice): found a slice from 0 to -3 in steps of 1 of axis 2, padded by 0 steps in front and 4 at its end`},
		"cut off in front":      {[][]byte{conv("x", "c", integers("pads", 4, 4)), node("Slice", in("c", "four", "minus four", "two"), in("y"))}, `found a slice from 4 to -4`},
		"cut off before":        {[][]byte{padded(0, 0, 4, 0, 0, 4), node("Slice", in("p", "zero", "minus four", "two"), in("y"))}, `padded by 4 steps in front and 4 at its end`},
		"length of the padding": {[][]byte{padded(0, 0, 4, 0, 0, 0), node("Shape", in("p"), in("s")), node("Reshape", in("x", "s"), in("y"))}, `node "the Shape" (Shape): found the value "p", which is padded`},
		"padded twice":          {[][]byte{padded(0, 0, 2, 0, 0, 0), node("Pad", in("p", "front"), in("q")), conv("q", "y")}, `node "the Pad" (Pad): found the value "p", which is padded`},
		"features":              {[][]byte{padded(0, 1, 0, 0, 0, 0), conv("p", "y")}, `node "the Pad" (Pad): found pads [0 1 0 0 0 0] of a value of shape [1 2 1] at one time step, supported are zeros in front`},
		"cropped":               {[][]byte{padded(0, 0, -1, 0, 0, 0), conv("p", "y")}, `found pads [0 0 -1 0 0 0]`},
		"a long padding":        {[][]byte{padded(0, 0, 1<<40, 0, 0, 0), conv("p", "y")}, `found pads [0 0 1099511627776 0 0 0]`},
		"too few pads":          {[][]byte{padded(0, 0, 4), conv("p", "y")}, `found pads [0 0 4] for a value of shape [1 2 1]`},
		"ones":                  {[][]byte{node("Pad", in("x", "front", "one"), in("p")), conv("p", "y")}, `found pads [0 0 4 0 0 0]`},
		"the edge":              {[][]byte{node("Pad", in("x", "front"), in("p"), word("mode", "edge")), conv("p", "y")}, `found pads [0 0 4 0 0 0]`},
		"auto_pad":              {[][]byte{conv("x", "y", word("auto_pad", "SAME_LOWER"))}, `found auto_pad "SAME_LOWER" with a kernel of [3], supported are pads`},
		"wrong pads":            {[][]byte{conv("x", "y", integers("pads", 4))}, `found pads [4] for a kernel of [3]`},
		"negative pads":         {[][]byte{conv("x", "y", integers("pads", 4, -1))}, `found pads [4 -1] for a kernel of [3]`},
		"no dilation":           {[][]byte{node("Conv", in("x", "W"), in("y"), integers("dilations", 0))}, `found a convolution with a kernel of [3]`},
		"a long dilation":       {[][]byte{node("Conv", in("x", "W"), in("y"), integers("dilations", 1<<20), integers("pads", 1<<20, 0))}, `and 1048576 zeros in front; supported is a kernel of 1, and one along time that is causal, with 2097152 zeros`},
		"strides":               {[][]byte{conv("x", "y", integers("pads", 4, 0), integers("strides", 2))}, `found strides [2], which leave time steps out`},
		"strides, said early":   {[][]byte{conv("x", "y", integers("pads", 4, 0), integers("strides", 2), integers("kernel_shape", 3))}, `found op Conv with a kernel of [3], which reads several time steps or frames at once; supported is what works on the features of one`},
		"groups":                {[][]byte{conv("x", "y", integers("pads", 4, 0), number("group", 2))}, `found W of shape [1 2 3] in 2 groups`},
		"one step":              {[][]byte{value(11, "b", 1, 1, 1), conv("b", "y", integers("pads", 4, 0))}, `found a convolution with a kernel of [3]`},
	} {
		_, _, _, err := onnx.Read("m.onnx", causalParts(slices.Clone(c.parts)...), nil)
		require.ErrorContains(t, err, c.want, name)
	}
}
