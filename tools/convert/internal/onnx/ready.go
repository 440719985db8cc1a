package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// A Cell is a recurrent layer of another format for which ONNX has no operator with all its
// options. It reads a vector at each step, and gives another.
type Cell struct {
	Inputs, Outputs int // features of x and y, the last dimension
	Steps           int // the dimension of x that counts steps; −1 for a cell that runs one step
	Parameters      int // numbers in its weights

	// Add adds the layer, and returns what it gives.
	Add func(b *format.Builder, name string, x format.Buffer) format.Buffer
}

// readyOp is the op of a node that is a Cell.
const readyOp = "Cell"

// Cell adds a cell that reads x and computes y, in which everything but the features lies as
// in x.
func (g *Graph) Cell(name, x, y string, c Cell) {
	g.made += c.Parameters
	g.p.nodes = append(g.p.nodes, &nodeProto{op: readyOp, name: name, inputs: []string{x}, outputs: []string{y}, ready: &c})
}

// ready translates a Cell.
func (t *translation) ready(n *nodeProto) error {
	c := n.ready
	if c == nil {
		return errors.New("found an op that no exporter writes")
	}
	if t.step != nil {
		return errors.New("found a cell inside a step")
	}
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if x.constant() || x.last {
		return errors.New("found x that is constant, or the last step of a sequence; supported is a value of every step")
	}
	last := len(x.shape) - 1
	if last < 0 || x.free[last] != 0 || x.shape[last] != c.Inputs || x.size() != c.Inputs || c.Steps >= last {
		return fmt.Errorf("found x of shape %v at one time step, expected %d features in the last dimension", x.shape, c.Inputs)
	}
	var time mark
	if c.Steps >= 0 {
		time = x.free[c.Steps]
	}
	if err := t.along(time); err != nil {
		return err
	}
	name := n.layerName()
	in, err := t.whole(name+".input", x)
	if err != nil {
		return err
	}
	if err := t.spend(c.Outputs); err != nil {
		return err
	}
	shape := slices.Clone(x.shape)
	shape[last] = c.Outputs
	t.set(n, 0, t.computed(shape, x.free, c.Add(t.builder, name, in)))
	return nil
}
