package converter

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/internal/reference"
	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// A directed is one configuration of cells2.npz: PyTorch's forms beyond one way and
// one state as wide as the units.
type directed struct {
	cell, layers, H, P, I int
	both, bias            bool
	seed                  uint64
	truth                 []float64 // [steps, width]
	single                []float32 // [steps, width]
	torch                 float64   // PyTorch's own float32 error
}

const directedSteps = 24 // T of make_goldens.py

func (g directed) String() string {
	return fmt.Sprintf("%s %d→%d, projection %d, %d layers, both ways %v, bias %v", cellNames[g.cell], g.I, g.H, g.P, g.layers, g.both, g.bias)
}

// state is the width of h, width that of the output.
func (g directed) state() int {
	if g.P > 0 {
		return g.P
	}
	return g.H
}

func (g directed) ways() []string {
	if g.both {
		return []string{"", "_reverse"}
	}
	return []string{""}
}

func (g directed) width() int { return g.state() * len(g.ways()) }

// draw makes the weights, as a PyTorch state_dict, and the input.
func (g directed) draw() (c *checkpoint.Checkpoint, xs []float32) {
	c, tensor, input := drawing(g.String(), g.seed, g.H)
	rows := []int{1, 1, 4, 3}[g.cell] * g.H
	for l, cols := 0, g.I; l < g.layers; l, cols = l+1, g.width() {
		for _, way := range g.ways() {
			suffix := fmt.Sprintf("_l%d%s", l, way)
			tensor("weight_ih"+suffix, rows, cols)
			tensor("weight_hh"+suffix, rows, g.state())
			if g.bias {
				tensor("bias_ih"+suffix, rows)
				tensor("bias_hh"+suffix, rows)
			}
			if g.P > 0 {
				tensor("weight_hr"+suffix, g.P, g.H)
			}
		}
	}
	return c, input(directedSteps * g.I)
}

func directedCells(t *testing.T) (list []directed, steps []int) {
	golden := archive(t, filepath.Join(testdata, "cells2.npz"))
	index, truth, single, torch := golden("index").Float64(), golden("truth").Float64(), golden("single").Float32(), golden("torch").Float64()
	for _, s := range golden("steps").Float64() {
		steps = append(steps, int(s))
	}
	for i := range torch {
		f := index[i*9:][:9]
		g := directed{
			cell: int(f[0]), layers: int(f[1]), H: int(f[2]), P: int(f[3]), both: f[4] != 0, bias: f[5] != 0,
			I: int(f[6]), seed: uint64(f[7]), torch: torch[i],
		}
		g.truth = truth[int(f[8]):][:len(steps)*g.width()]
		g.single = single[int(f[8]):][:len(steps)*g.width()]
		list = append(list, g)
	}
	require.Len(t, list, 4*2*2*2+2*2*2)
	return list, steps
}

// output runs a model over xs.
func output(t *testing.T, m *format.Model, xs []float32) []float32 {
	file, err := format.Marshal(m)
	require.NoError(t, err)
	engine, err := infer.FromBytes(file)
	require.NoError(t, err)
	ys := make([]float32, len(xs)/m.InputSize()*m.OutputSize())
	n, err := engine.NewSession().Run(ys, xs)
	require.NoError(t, err)
	require.Equal(t, len(xs)/m.InputSize(), n)
	return ys
}

// Both ways and projections, recognised from the tensors alone: within 5e-7 of
// max(1, |truth|) of PyTorch in float64 and of PyTorch's own float32, at the steps
// that the golden holds, and of the float64 reference at all of them. The reference
// itself is held against PyTorch's float64; the two biases of LSTM and RNN, which are
// added with one rounding, keep them 2^-25 apart.
func TestDirectionsAgainstPyTorch(t *testing.T) {
	const tolerance = 5e-7
	list, steps := directedCells(t)
	var worstTruth, worstSingle, worstTorch float64
	for _, g := range list {
		c, xs := g.draw()
		m, err := assemble.Model(c, &spec.Spec{File: "spec", Layers: []spec.Layer{cells[g.cell]}})
		require.NoError(t, err, g)
		assert.Equal(t, !g.both, m.Streams(), g)
		require.Equal(t, g.width(), m.OutputSize(), g)
		ys := output(t, m, xs)
		var reference64 []float64
		for _, y := range reference.New(m).Run(xs, directedSteps) {
			reference64 = append(reference64, y...)
		}
		assert.LessOrEqual(t, worst(t, reference64, ys), tolerance, "%v: against the reference", g)

		have, ours := pick(ys, steps, g.width()), pick(reference64, steps, g.width())
		require.InDeltaSlice(t, g.truth, ours, 2e-7, "the reference against PyTorch's float64, %v", g)
		e, f := worst(t, g.truth, have), worst(t, float64s(g.single), have)
		assert.LessOrEqual(t, e, tolerance, "%v: against PyTorch in float64", g)
		assert.LessOrEqual(t, f, tolerance, "%v: against PyTorch in float32", g)
		worstTruth, worstSingle, worstTorch = max(worstTruth, e), max(worstSingle, f), max(worstTorch, g.torch)
	}
	t.Logf("%d configurations: %.2e from PyTorch's float64, %.2e from its float32, which is %.2e from the former", len(list), worstTruth, worstSingle, worstTorch)
}

// pick returns the rows of these steps.
func pick[T any](v []T, steps []int, width int) (rows []T) {
	for _, s := range steps {
		rows = append(rows, v[s*width:][:width]...)
	}
	return rows
}

func float64s(v []float32) []float64 {
	w := make([]float64, len(v))
	for i := range v {
		w[i] = float64(v[i])
	}
	return w
}

// oneLayer is a bidirectional configuration of one layer of this cell.
func oneLayer(t *testing.T, cell int) directed {
	list, _ := directedCells(t)
	i := slices.IndexFunc(list, func(g directed) bool {
		return g.cell == cell && g.both && g.layers == 1 && g.P == 0 && g.H > 3 && g.bias
	})
	require.GreaterOrEqual(t, i, 0)
	return list[i]
}

// Every merge is made of the two halves of the concatenation, which PyTorch has.
func TestMerge(t *testing.T) {
	g := oneLayer(t, 3)
	c, xs := g.draw()
	run := func(merge, direction string) []float32 {
		m, err := assemble.Model(c, &spec.Spec{File: "spec", Layers: []spec.Layer{{Kind: "gru", Merge: merge, Direction: direction}}})
		require.NoError(t, err)
		return output(t, m, xs)
	}
	concat := run("", "")
	assert.Equal(t, concat, run("concat", "bidirectional"))
	for merge, f := range map[string]func(a, b float32) float32{
		"sum":     func(a, b float32) float32 { return a + b },
		"mul":     func(a, b float32) float32 { return a * b },
		"average": func(a, b float32) float32 { return (a + b) / 2 },
	} {
		for i, y := range run(merge, "") {
			half := concat[i/g.H*2*g.H+i%g.H:]
			require.Equal(t, f(half[0], half[g.H]), y, merge)
		}
	}
}

// A module for one way runs backward where the spec says so: the second half of what
// runs both ways, in its order.
func TestReverse(t *testing.T) {
	g := oneLayer(t, 2)
	c, xs := g.draw()
	m, err := assemble.Model(c, nil) // a single LSTM stack needs no spec
	require.NoError(t, err)
	both := output(t, m, xs)

	back := &checkpoint.Checkpoint{File: "back"}
	for _, x := range c.Tensors {
		if name, ok := strings.CutSuffix(x.Name, "_reverse"); ok {
			x.Name = name
			back.Tensors = append(back.Tensors, x)
		}
	}
	m, err = assemble.Model(back, &spec.Spec{File: "spec", Layers: []spec.Layer{{Kind: "lstm", Direction: "reverse"}}})
	require.NoError(t, err)
	assert.False(t, m.Streams())
	for i, y := range output(t, m, xs) {
		require.Equal(t, both[i/g.H*2*g.H+g.H+i%g.H], y)
	}
}

// A head with every layer that has tensors, through the files: against PyTorch in
// float64 and in float32, within 5e-7 of max(1, |output|).
func TestHeads(t *testing.T) {
	r, err := Convert(formats("heads.pt"), "") // heads.yaml lies beside it
	require.NoError(t, err)
	io := archive(t, formats("heads.npz"))
	ys := output(t, r.Model, io("x").Float32())
	e, f := worst(t, io("y").Float64(), ys), worst(t, float64s(io("single").Float32()), ys)
	t.Logf("%.2e from PyTorch's float64, %.2e from its float32", e, f)
	assert.LessOrEqual(t, e, 5e-7)
	assert.LessOrEqual(t, f, 5e-7)
}

// What stands alone needs no spec; what does not is suggested as it is.
func TestDirectionsWithoutSpec(t *testing.T) {
	for name, want := range map[string]int{"bidirectional.pt": 6, "projection.pt": 2} {
		r, err := Convert(formats(name), "")
		require.NoError(t, err, name)
		assert.Equal(t, want, r.Model.OutputSize(), name)
		open(t, r.Model)
	}
	lonely := filepath.Join(t.TempDir(), "heads.pt")
	data, err := os.ReadFile(formats("heads.pt"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(lonely, data, 0o600))
	_, err = Convert(lonely, "")
	require.Error(t, err)
	_, suggestion, found := strings.Cut(err.Error(), "\n\n")
	require.True(t, found)
	for _, want := range []string{
		"  - lstm: rnn # weight_ih_l0 [24 3], weight_hh_l0 [24 4], weight_hr_l0 [4 6], ",
		"    merge: concat # or sum,", "  - batchnorm: bn # weight [8], ", "  - layernorm: ln # weight [5], ",
	} {
		assert.Contains(t, suggestion, want)
	}
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(lonely), "heads.yaml"), []byte(suggestion), 0o600))
	r, err := Convert(lonely, "")
	require.NoError(t, err, "the suggestion converts as it stands")
	assert.Equal(t, 4, r.Model.OutputSize())
}

// Functions of a spec, by what they compute.
func TestSpecFunctions(t *testing.T) {
	c := &checkpoint.Checkpoint{File: "net", Tensors: []checkpoint.Tensor{
		{Name: "fc.weight", Shape: []int{2, 1}, Data: []float32{2, -2}, DType: "float32"},
		{Name: "gain.weight", Shape: []int{2}, Data: []float32{3, 5}, DType: "float32"},
	}}
	s, err := spec.Parse("spec", []byte(`
layers:
  - dense: fc
    activation: {leaky relu: 0.5}
  - scale: gain
  - apply: {clip: [-4, 5]}
  - mul: [apply, gain]
`))
	require.NoError(t, err)
	m, err := assemble.Model(c, s)
	require.NoError(t, err)
	assert.Equal(t, []float32{5 * 6, -4 * -5}, output(t, m, []float32{1})) // 2, −2 → 2, −1 → 6, −5 → 5, −4
}

func TestDirectionRefusals(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ file, spec, message string }{
		"forward":       {"bidirectional.pt", "layers: [{lstm: '', direction: forward}]", `direction is forward, but ../testdata/formats/bidirectional.pt has the tensor "weight_hh_l0_reverse"`},
		"bidirectional": {"projection.pt", "layers: [{lstm: '', direction: bidirectional}]", `direction is bidirectional, but ../testdata/formats/projection.pt has no tensor "weight_hh_l0_reverse"`},
		"merge":         {"projection.pt", "layers: [{lstm: '', merge: sum}]", "merge is for a layer that runs both ways"},
		"projected GRU": {"projection.pt", "layers: [{gru: ''}]", `tensor "weight_hr_l0": a layer of kind gru has no projection`},
		"no statistics": {"heads.pt", "layers: [{lstm: rnn}, {batchnorm: ln}]", `tensor "ln.weight" has shape [5], want [8]`},
		"no gains":      {"heads.pt", "layers: [{lstm: rnn}, {scale: nosuch}]", `no tensor "nosuch.weight" or "nosuch.bias"`},
		"no variance":   {"heads.pt", "layers: [{lstm: rnn}, {batchnorm: rnn, name: bn}]", `no tensors "rnn.running_mean" and "rnn.running_var"`},
		"not relu":      {"rnn_alone.pt", "layers: [{rnn: '', activation: {elu: 1}}]", `activation is "elu(1)", want tanh or relu`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "spec.yaml")
			require.NoError(t, os.WriteFile(path, []byte(c.spec), 0o600))
			_, err := Convert(formats(c.file), path)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.message)
		})
	}
}
