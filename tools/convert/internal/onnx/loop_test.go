package onnx_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
)

// A loopCase is a Loop or Scan around h' = tanh(x·W + h·R), with parts of it replaced.
type loopCase struct {
	scan    bool
	outputs []string          // of the node; nil for the last state and all
	replace map[string][]byte // a part by its name, nil to leave it out
	more    [][]byte          // of the graph around it
	body    [][]byte          // more nodes of the body
}

var (
	loopW = []float32{1, -2, 0.5, 0.25, -1, 2}
	loopR = []float32{0.5, -0.25, 0.75, 1}
)

func (c loopCase) file() []byte {
	outputs := c.outputs
	if outputs == nil {
		outputs = in("last", "Y")
	}
	x := value(11, "x", 0, 1, 3)
	body := map[string][]byte{
		"in":    join(typed(11, "i", 7), typed(11, "go", 9), value(11, "h", 1, 2)),
		"next":  node("Add", in("i", "one"), in("j")),
		"until": node("Less", in("j", "T"), in("more")),
		"read":  node("Gather", in("x", "i"), in("xt")),
		"W":     node("MatMul", in("xt", "W"), in("zx")),
		"R":     node("MatMul", in("h", "R"), in("zh")),
		"add":   node("Add", in("zx", "zh"), in("z")),
		"tanh":  node("Tanh", in("z"), in("h'")),
		"every": node("Identity", in("h'"), in("e")),
		"out":   join(typed(12, "more", 9), value(12, "h'", 1, 2), value(12, "e", 1, 2)),
	}
	order := []string{"in", "next", "until", "read", "W", "R", "add", "tanh", "every", "out"}
	op, inputs, attributes := "Loop", in("", "", "h0"), [][]byte{}
	if c.scan {
		op, inputs, attributes = "Scan", in("h0", "x"), [][]byte{number("num_scan_inputs", 1)}
		body["in"], body["out"] = join(value(11, "h", 1, 2), value(11, "xt", 1, 3)), join(value(12, "h'", 1, 2), value(12, "e", 1, 2))
		for _, name := range []string{"next", "until", "read"} {
			delete(body, name)
		}
	}
	around := map[string][]byte{"x": x, "h0": constant("h0", make([]float32, 2), true, 1, 2)}
	parts := [][]byte{
		value(12, "y", 0), constantIntegers("zero", 0), constantIntegers("one", 1), constant("W", loopW, true, 3, 2), constant("R", loopR, true, 2, 2),
		node("Shape", in("x"), in("s")), node("Gather", in("s", "zero"), in("T")),
	}
	for name, b := range c.replace {
		switch name {
		case "inputs":
			inputs = strings.Split(string(b), ",")
		case "attribute":
			attributes = append(attributes, b)
		case "x", "h0":
			around[name] = b
		default:
			body[name] = b
		}
	}
	for _, name := range slices.Sorted(maps.Keys(around)) {
		parts = append(parts, around[name])
	}
	var inside [][]byte
	for _, name := range order {
		inside = append(inside, body[name])
		if name == "add" {
			inside = append(inside, c.body...)
		}
	}
	parts = append(append(parts, c.more...), node(op, inputs, outputs, append(attributes, branch("body", inside...))...))
	return model(append(parts, node("Relu", in("Y"), in("y")))...)
}

// loopSteps is what the loop gives, from the state h.
func loopSteps(h []float64, xs []float32) (ys []float64) {
	for ; len(xs) > 0; xs = xs[3:] {
		next := make([]float64, 2)
		for j := range next {
			for k, x := range xs[:3] {
				next[j] += float64(x) * float64(loopW[2*k+j])
			}
			for k, v := range h {
				next[j] += v * float64(loopR[2*k+j])
			}
			next[j] = math.Tanh(next[j])
			ys = append(ys, max(0, next[j]))
		}
		h = next
	}
	return ys
}

var goodLoops = map[string]loopCase{
	"a condition":         {},
	"a trip count":        {replace: map[string][]byte{"inputs": []byte("T,,h0"), "until": node("Identity", in("go"), in("more"))}},
	"both":                {replace: map[string][]byte{"inputs": []byte("T,,h0")}},
	"at most":             {replace: map[string][]byte{"inputs": []byte("many,,h0")}, more: [][]byte{constantIntegers("many", math.MaxInt64)}},
	"greater":             {replace: map[string][]byte{"until": node("Greater", in("T", "j"), in("more"))}},
	"and":                 {replace: map[string][]byte{"until": join(node("Less", in("j", "T"), in("a")), node("And", in("a", "go"), in("more")))}},
	"a condition at last": {replace: map[string][]byte{"inputs": []byte("T,yes,h0")}, more: [][]byte{constantIntegers("yes", 1)}},
	"a count of its own": {outputs: in("", "last", "Y"), replace: map[string][]byte{"inputs": []byte(",,zero,h0"), "in": join(typed(11, "n", 7), typed(11, "go", 9), typed(11, "i", 7, 1), value(11, "h", 1, 2)),
		"out": join(typed(12, "more", 9), typed(12, "j", 7, 1), value(12, "h'", 1, 2), value(12, "e", 1, 2))}},
	"weights carried": {outputs: in("last", "", "Y"), replace: map[string][]byte{"inputs": []byte(",,h0,W"), "in": join(typed(11, "i", 7), typed(11, "go", 9), value(11, "h", 1, 2), value(11, "w", 3, 2)),
		"out": join(typed(12, "more", 9), value(12, "h'", 1, 2), value(12, "w", 3, 2), value(12, "e", 1, 2)), "W": node("MatMul", in("xt", "w"), in("zx"))}},
	"scan":          {scan: true},
	"scan axis 1":   {scan: true, replace: map[string][]byte{"x": value(11, "x", 1, 0, 3), "attribute": integers("scan_input_axes", 1)}},
	"initial state": {replace: map[string][]byte{"h0": constant("h0", []float32{0.5, -1}, true, 1, 2)}},
	"state input":   {scan: true, replace: map[string][]byte{"h0": value(11, "h0", 1, 2)}},
	"fixed": {replace: map[string][]byte{"x": value(11, "x", 4, 1, 3), "until": node("Less", in("j", "four"), in("more"))},
		more: [][]byte{constantIntegers("four", 4)}},
}

// Loops in all the ways that say: once for each step.
func TestLoops(t *testing.T) {
	xs := []float32{0.5, -1, 0.25, 1, 0.75, -0.5, -0.25, 0.125, 1.5, 0, -2, 1}
	for name, c := range goodLoops {
		t.Run(name, func(t *testing.T) {
			m, _, _, err := onnx.Read("m.onnx", c.file(), nil)
			require.NoError(t, err)
			h := []float64{0, 0}
			if name == "initial state" {
				h = []float64{0.5, -1}
			}
			want := loopSteps(h, xs)
			require.LessOrEqual(t, worst(t, engine(t, m, xs), want), 2e-7)
			require.Equal(t, format.OpRNN, m.Layers[0].Op())
		})
	}
}

// What a body computes of h and x at each step, beside its cell, is layers behind it.
func TestBeside(t *testing.T) {
	every := func(nodes ...[]byte) map[string][]byte {
		return map[string][]byte{"every": join(nodes...), "out": join(typed(12, "more", 9), value(12, "h'", 1, 2), value(12, "e", 1, 3))}
	}
	xs := []float32{0.5, -1, 0.25, 1, 0.75, -0.5, -0.25, 0.125, 1.5, 0, -2, 1}
	dense := node("Gemm", in("h'", "W", "bias"), in("d"), number("transB", 1)) // read by two
	bias := constant("bias", []float32{1, 2, 3}, true, 3)
	m, _, _, err := onnx.Read("m.onnx", loopCase{replace: every(dense, node("Softmax", in("d"), in("p"), number("axis", -1)), node("Add", in("d", "bias"), in("b")), node("Add", in("b", "xt"), in("a")), node("Add", in("a", "p"), in("e"))), more: [][]byte{bias}}.file(), nil)
	require.NoError(t, err)
	h := []float64{0, 0}
	var want []float64
	for k := 0; k < len(xs); k += 3 {
		x, next := xs[k:][:3], make([]float64, 2)
		for j := range next {
			for e := range x {
				next[j] += float64(x[e]) * float64(loopW[2*e+j])
			}
			next[j] = math.Tanh(next[j] + h[0]*float64(loopR[j]) + h[1]*float64(loopR[2+j]))
		}
		h = next
		var d, p [3]float64
		sum := 0.0
		for o := range d {
			d[o] = float64(o+1) + h[0]*float64(loopW[2*o]) + h[1]*float64(loopW[2*o+1])
			p[o] = math.Exp(d[o])
			sum += p[o]
		}
		for o := range d {
			want = append(want, max(0, d[o]+float64(o+1)+float64(x[o])+p[o]/sum))
		}
	}
	require.LessOrEqual(t, worst(t, engine(t, m, xs), want), 2e-6)

	for name, c := range map[string]struct {
		loopCase
		want string
	}{
		"the state before": {loopCase{replace: every(node("Relu", in("h"), in("e")))}, `found output "Y", which at each step is not what a cell gives: node "the Relu" (Relu): found "h", the state before the step, or its number`},
		"the number":       {loopCase{replace: every(node("Cast", in("i"), in("n"), number("to", 1)), node("Add", in("h'", "n"), in("e")))}, `found "i", the state before the step, or its number`},
		"a cell":           {loopCase{replace: every(node("LSTM", in("h'"), in("e")))}, `node "the LSTM" (LSTM): which is not known beside a cell in a loop`},
		"all steps":        {loopCase{more: [][]byte{node("Tanh", in("x"), in("all"))}, replace: every(node("Add", in("h'", "h'"), in("g")), node("Squeeze", in("all", "one"), in("o")), node("Mul", in("g", "o"), in("e")))}, `found "all", a computed value of the graph around the loop`},
	} {
		_, _, _, err := onnx.Read("m.onnx", c.file(), nil)
		require.ErrorContains(t, err, c.want, name)
	}
}

// What is not one cell over a whole sequence is refused, with the node that shows it.
func TestRefusedLoops(t *testing.T) {
	with := func(name string, b []byte) map[string][]byte { return map[string][]byte{name: b} }
	for name, c := range map[string]struct {
		loopCase
		want string
	}{
		"never ends":        {loopCase{replace: with("until", node("Identity", in("go"), in("more")))}, `found a loop that does not end with the sequence that it reads (condition "more")`},
		"constant trips":    {loopCase{replace: with("inputs", []byte("three,,h0")), more: [][]byte{constantIntegers("three", 3)}}, `found the trip count "three", supported is the number of time steps`},
		"one step less":     {loopCase{replace: with("until", node("Less", in("i", "T"), in("more")))}, `found the condition "more", supported is that the number of the step is less`},
		"another length":    {loopCase{replace: with("until", join(node("Less", in("j", "five"), in("more")))), more: [][]byte{constantIntegers("five", 5)}}, `found the condition "more", supported`},
		"while h is small":  {loopCase{replace: with("until", node("Less", in("h", "T"), in("more")))}, `found the condition "more", supported`},
		"false at first":    {loopCase{replace: with("inputs", []byte("T,zero,h0"))}, `found the condition "zero", which is not known to be true at first`},
		"the step after":    {loopCase{replace: with("read", node("Gather", in("x", "j"), in("xt")))}, `found the number of the step, "i", computed with`},
		"the same step":     {loopCase{replace: with("read", node("Gather", in("x", "zero"), in("xt")))}, `node "the Gather" (Gather): found "x", a computed value of the graph around the loop`},
		"outer value":       {loopCase{replace: with("add", join(node("Add", in("zx", "zh"), in("z1")), node("Add", in("z1", "x2"), in("z")))), more: [][]byte{node("Relu", in("x"), in("x2"))}}, `node "the Add" (Add): found "x2", a computed value of the graph around the loop`},
		"z at each step":    {loopCase{replace: with("every", node("Identity", in("z"), in("e")))}, `found output "Y", which at each step is not what a cell gives`},
		"no output":         {loopCase{replace: with("out", typed(12, "more", 9))}, `found a body with 3 inputs and 1 outputs for a node with 3 and 2`},
		"no such output":    {loopCase{replace: with("every", nil)}, `found output "Y", which at each step is not what a cell gives: found input "e", which nothing before it computes`},
		"no cell":           {loopCase{replace: with("tanh", join(node("Tanh", in("z"), in("t")), node("Add", in("t", "h"), in("h'"))))}, `found a body that is not the step of a cell: the state "h": found no RNN, LSTM or GRU in what computes it`},
		"no state":          {loopCase{replace: with("add", node("Identity", in("zx"), in("z")))}, `and no state h that they read and that comes back`},
		"unknown op":        {loopCase{replace: with("tanh", node("Sin", in("z"), in("h'")))}, `node "the Sin" (Sin): which is not known inside a step`},
		"a loop in it":      {loopCase{replace: with("tanh", node("Loop", in("", "", "z"), in("h'"), branch("body")))}, `node "the Loop" (Loop): which is not known inside a step`},
		"backward scan":     {loopCase{scan: true, replace: with("attribute", integers("scan_input_directions", 1))}, `found scan_input_directions [1], supported is forward`},
		"scan of features":  {loopCase{scan: true, replace: with("attribute", integers("scan_input_axes", 2))}, `found "x" of shape [1 1 3] read along axis 2`},
		"no sequences":      {loopCase{scan: true, replace: with("attribute", number("num_scan_inputs", 0))}, `of which 0 are sequences`},
		"two rows of state": {loopCase{replace: with("h0", constant("h0", make([]float32, 4), true, 2, 2))}, `(Loop): `},
		"x changed inside":  {loopCase{replace: with("W", join(node("Relu", in("xt"), in("xr")), node("MatMul", in("xr", "W"), in("zx"))))}, `found a cell whose input is computed inside the loop`},
	} {
		_, _, _, err := onnx.Read("m.onnx", c.file(), nil)
		require.Error(t, err, name)
		require.Contains(t, err.Error(), `m.onnx: node "the `, name)
		require.Contains(t, err.Error(), c.want, name)
	}
}
