package proof

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// A probe is a model whose output is what every layer gives, one after the other: one
// run measures all of them.
type probe struct {
	model   *format.Model
	first   []int // where the output of each layer starts, −1 for a layer that is not shown
	width   []int // and how long it is
	outputs int   // floats of the model's own output, which comes first
	all     int   // floats of a step
}

// newProbe shows all layers of m, or its output alone where that would be too much.
func newProbe(m *format.Model) *probe {
	shown := []format.Buffer{m.Output}
	sum := m.OutputSize()
	for _, l := range m.Layers {
		if b := format.FieldsOf(l).Writes; b != m.Output {
			shown = append(shown, b)
			sum += m.Buffers[b]
		}
	}
	if sum > maxProbe || len(shown) > format.MaxItems {
		shown = shown[:1]
	}

	p := &probe{outputs: m.OutputSize()}
	at := map[format.Buffer]int{}
	for _, b := range shown {
		at[b] = p.all
		p.all += m.Buffers[b]
	}
	for _, l := range m.Layers {
		b := format.FieldsOf(l).Writes
		first, ok := at[b]
		if !ok {
			first = -1
		}
		p.first, p.width = append(p.first, first), append(p.width, m.Buffers[b])
	}
	q := *m
	q.Witness = format.Witness{}
	q.Buffers = append(slices.Clone(m.Buffers), p.all)
	q.Output = format.Buffer(len(m.Buffers))
	q.Layers = append(slices.Clone(m.Layers), &format.Concat{Name: "probe", Xs: shown, Y: q.Output})
	p.model = &q
	return p
}

// maxProbe bounds the floats that are looked at in each step.
const maxProbe = 1 << 18

// work is about how many operations a step is.
func (p *probe) work() int64 {
	n := int64(0)
	for _, l := range p.model.Layers {
		f := format.FieldsOf(l)
		n += 8 * int64(p.model.Buffers[f.Writes]) // functions cost more than a product
		for _, id := range f.Tensors {
			if t := p.model.Tensor(id); t.Layout != format.Table {
				n += int64(t.Rows) * int64(t.Cols)
			}
		}
	}
	return n
}

// floats is the number of floats that the buffers of a step take.
func (p *probe) floats() (n int) {
	for _, width := range p.model.Buffers {
		n += width
	}
	return n
}

// An engine runs the probe.
type engine struct {
	model   *infer.Model
	session *infer.Session
	ys      []float32
}

func (p *probe) engine() (*engine, error) {
	m, err := open(p.model)
	if err != nil {
		return nil, err
	}
	return &engine{model: m, session: m.NewSession()}, nil
}

// run runs the steps of xs. It returns those that were done, fewer where a state leaves
// its range.
func (e *engine) run(in *Input, first int, xs []float32) ([]float32, int, error) {
	I, O := e.model.InputSize(), e.model.OutputSize()
	if n := len(xs) / I * O; n > len(e.ys) {
		e.ys = make([]float32, n)
	}
	ys := e.ys[:len(xs)/I*O]
	n, err := e.session.Run(ys, xs)
	if errors.Is(err, infer.ErrOverflow) {
		return ys[:n*O], n, nil
	}
	if err != nil {
		if e.model.Streams() { // again, so that the error counts from the step
			err = e.session.Step(ys[:O], xs[n*I:][:I])
		}
		return nil, n, fmt.Errorf("%s, step %d: %w", in.Name, first+n, err)
	}
	return ys, n, nil
}
