package converter

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/internal/reference"
	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

const testdata = "../testdata"

func archive(t *testing.T, path string) func(name string) *npy.Array {
	z, err := npy.ReadArchive(path)
	require.NoError(t, err)
	return func(name string) *npy.Array {
		a, err := z.Array(name)
		require.NoError(t, err)
		return a
	}
}

// cells as make_goldens.py numbers them.
var cells = []spec.Layer{
	{Kind: "rnn", Activation: &format.Function{Kind: format.Tanh}},
	{Kind: "rnn", Activation: &format.Function{Kind: format.Relu}},
	{Kind: "lstm"}, {Kind: "gru"},
}

// cellNames are CELLS of make_goldens.py.
var cellNames = []string{"rnn tanh", "rnn relu", "lstm", "gru"}

// goldenCell is one configuration of cells.npz.
type goldenCell struct {
	cell, layers, H, I int
	bias               bool
	seed               uint64
	truth              []float64 // [steps, H]
	torch              float64   // PyTorch's own float32 error
}

func (g goldenCell) String() string {
	return fmt.Sprintf("%s %d→%d, %d layers, bias %v", cellNames[g.cell], g.I, g.H, g.layers, g.bias)
}

// draw makes the weights, as a PyTorch state_dict, and the input, as
// make_goldens.py documents.
func (g goldenCell) draw(steps int) (c *checkpoint.Checkpoint, xs []float32) {
	c, tensor, input := drawing(g.String(), g.seed, g.H)
	rows := map[string]int{"rnn": 1, "lstm": 4, "gru": 3}[cells[g.cell].Kind] * g.H
	for l, cols := 0, g.I; l < g.layers; l, cols = l+1, g.H {
		tensor(fmt.Sprintf("weight_ih_l%d", l), rows, cols)
		tensor(fmt.Sprintf("weight_hh_l%d", l), rows, g.H)
		if g.bias {
			tensor(fmt.Sprintf("bias_ih_l%d", l), rows)
			tensor(fmt.Sprintf("bias_hh_l%d", l), rows)
		}
	}
	return c, input(steps * g.I)
}

// drawing is an empty checkpoint, what draws a tensor for it, times 1/√H, and what
// draws the input.
func drawing(file string, seed uint64, H int) (c *checkpoint.Checkpoint, tensor func(name string, shape ...int), input func(n int) []float32) {
	source := (&format.Witness{Seed: seed}).Input(0)
	scale := float32(1 / math.Sqrt(float64(H)))
	c = &checkpoint.Checkpoint{File: file}
	input = func(n int) []float32 {
		x := make([]float32, n)
		source.Next(x)
		return x
	}
	tensor = func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := input(n)
		for i := range data {
			data[i] *= scale
		}
		c.Tensors = append(c.Tensors, checkpoint.Tensor{Name: name, Shape: shape, Data: data, DType: "float32"})
	}
	return c, tensor, input
}

func goldenCells(t *testing.T) (list []goldenCell, steps []int) {
	golden := archive(t, filepath.Join(testdata, "cells.npz"))
	index, truth, torch := golden("index"), golden("truth").Float64(), golden("torch").Float64()
	for _, s := range golden("steps").Float64() {
		steps = append(steps, int(s))
	}
	fields := index.Float64()
	for i := range torch {
		f := fields[i*7:][:7]
		g := goldenCell{cell: int(f[0]), layers: int(f[1]), H: int(f[2]), bias: f[3] != 0, I: int(f[4]), seed: uint64(f[5]), torch: torch[i]}
		g.truth = truth[int(f[6]):][:len(steps)*g.H]
		list = append(list, g)
	}
	require.Len(t, list, 4*3*8*2)
	return list, steps
}

// Every cell against the truth over 200 steps: within 2e-6, and over all sizes of
// a cell no further than twice what PyTorch's own float32 is. In a single
// configuration PyTorch, which sums in blocks, may happen to be closer than half
// of what one chain of 200 roundings comes to; then 2.8e-7 is the bound.
//
// The truth is PyTorch in float64 at the steps that the golden holds, and the
// float64 reference, which is held against it, at the others. All kernels give the
// same bits, so one table stands for all.
func TestCellsAgainstPyTorch(t *testing.T) {
	const tolerance, factor, chain = 2e-6, 2, 2.8e-7
	list, steps := goldenCells(t)
	var worst, worstTorch [4]float64
	within := 0
	for _, g := range list {
		ours := g.run(t, steps)
		assert.LessOrEqual(t, ours, tolerance, g)
		assert.LessOrEqual(t, ours, max(factor*g.torch, chain), "%v: PyTorch's own error is %g", g, g.torch)
		worst[g.cell] = max(worst[g.cell], ours)
		worstTorch[g.cell] = max(worstTorch[g.cell], g.torch)
		if ours <= factor*g.torch {
			within++
		}
	}
	for c := range cells {
		t.Logf("%s: worst error %.2e, PyTorch's %.2e", cellNames[c], worst[c], worstTorch[c])
		assert.LessOrEqual(t, worst[c], factor*worstTorch[c])
	}
	t.Logf("within twice PyTorch's error in %d of %d configurations", within, len(list))
}

// run returns the largest error of h over 200 steps.
func (g goldenCell) run(t *testing.T, steps []int) (worst float64) {
	c, xs := g.draw(200)
	m, err := assemble.Model(c, &spec.Spec{File: "spec", Layers: []spec.Layer{cells[g.cell]}})
	require.NoError(t, err)
	file, err := format.Marshal(m)
	require.NoError(t, err)
	engine, err := infer.FromBytes(file)
	require.NoError(t, err)
	session, truth, y := engine.NewSession(), reference.New(m), make([]float32, g.H)
	for step := range 200 {
		x := xs[step*g.I:][:g.I]
		require.NoError(t, session.Step(y, x))
		want := truth.Step(x)
		if i := slices.Index(steps, step); i >= 0 {
			// The two biases of LSTM and RNN are added with one rounding, 2^-25 of
			// their size; PyTorch's float64 has them apart.
			require.InDeltaSlice(t, g.truth[i*g.H:][:g.H], want, 1e-6, "the reference against PyTorch's float64, %v", g)
			want = g.truth[i*g.H:][:g.H]
		}
		for j := range y {
			worst = max(worst, math.Abs(float64(y[j])-want[j]))
		}
	}
	return worst
}
