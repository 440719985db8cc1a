package proof

import (
	"math"

	"github.com/rnnedge/rnnedge/format"
)

// A meter collects what one engine does beside the reference.
type meter struct {
	probe  *probe
	engine *engine

	output  power
	layers  []power
	step    []float64 // largest error of each step
	signal  []float64 // largest output of each step
	flips   int
	margin  float64
	clipped []*watched
}

// watched is the input of an int8 matrix with a fixed range.
type watched struct {
	Clipped
	input bool      // it is the model's input …
	first int       // … or it starts here in the probe's output
	width int       // and has so many floats
	last  []float32 // it is that of the step before: this; nil where it is not
}

func newMeter(p *probe, m *format.Model) *meter {
	t := &meter{probe: p, layers: make([]power, len(m.Layers))}
	at := map[format.Buffer]int{}
	for i, l := range m.Layers {
		at[format.FieldsOf(l).Writes] = i
	}
	// h is nil where the matrix multiplies x as it is.
	watch := func(l format.Layer, matrix string, id format.TensorID, x format.Buffer, h *format.State) {
		tensor := m.Tensor(id)
		if tensor == nil || tensor.I8 == nil || tensor.I8.Input == 0 {
			return
		}
		w := &watched{input: x == format.Input, width: m.Buffers[x]}
		w.Layer, w.Matrix, w.Limit = l.LayerName(), matrix, float64(tensor.I8.Input)
		if !w.input {
			if w.first = p.first[at[x]]; w.first < 0 {
				return
			}
		}
		if h != nil {
			w.last = make([]float32, h.Size)
			if init := m.Tensor(h.Init); init != nil {
				copy(w.last, init.F32)
			}
		}
		t.clipped = append(t.clipped, w)
	}
	for _, l := range m.Layers {
		switch l := l.(type) {
		case *format.Dense:
			watch(l, "W", l.W, l.X, nil)
		case *format.RNN:
			watch(l, "W", l.W, l.X, nil)
			watch(l, "R", l.R, l.Y, &m.States[l.H])
		case *format.LSTM:
			watch(l, "W", l.W, l.X, nil)
			watch(l, "R", l.R, l.Y, &m.States[l.H])
		case *format.GRU:
			watch(l, "W", l.W, l.X, nil)
			watch(l, "R", l.R, l.Y, &m.States[l.H])
		}
	}
	return t
}

// add takes the steps of want, and the inputs and the engine's outputs of as many steps
// or more.
func (t *meter) add(xs []float32, want [][]float64, got []float32) {
	p := t.probe
	I, O := p.model.InputSize(), p.outputs
	for n, w := range want {
		g := got[n*p.all:][:p.all]
		worst, largest := 0.0, 0.0
		for i := range O {
			a, b := w[i], float64(g[i])
			worst, largest = max(worst, math.Abs(a-b)), max(largest, math.Abs(a))
			t.output.add(a, b)
		}
		t.step, t.signal = append(t.step, worst), append(t.signal, largest)
		if a, b := argmax(w[:O]), argmax(g[:O]); a != b {
			t.flips++
			t.margin = max(t.margin, w[a]-w[b])
		}
		for i, first := range p.first {
			if first < 0 {
				continue
			}
			for k := first; k < first+p.width[i]; k++ {
				t.layers[i].add(w[k], float64(g[k]))
			}
		}
		for _, c := range t.clipped {
			c.add(xs[n*I:][:I], g)
		}
	}
}

// add counts the vector that the matrix multiplied in a step, from the model's input and
// what the probe saw.
func (c *watched) add(x, y []float32) {
	if !c.input {
		x = y[c.first:][:c.width]
	}
	if c.last == nil {
		c.count(x)
		return
	}
	c.count(c.last)
	copy(c.last, x)
}

func (c *watched) count(x []float32) {
	for _, v := range x {
		a := math.Abs(float64(v))
		c.Largest = max(c.Largest, a)
		if a > c.Limit {
			c.Count++
		}
	}
	c.Of += len(x)
}

// errors is what was found.
func (t *meter) errors(classes bool) *Errors {
	e := &Errors{Step: t.step, SNR: t.output.snr(), Growth: growth(t.step, t.signal)}
	if n := len(t.step) * t.probe.outputs; n > 0 {
		e.RMS = math.Sqrt(t.output.noise / float64(n))
	}
	for i, v := range t.step {
		if v > e.Max {
			e.Max, e.Worst = v, i
		}
	}
	if classes {
		e.Flips, e.Margin = t.flips, t.margin
	}
	for i, l := range t.probe.model.Layers[:len(t.layers)] {
		snr := t.layers[i].snr()
		switch l.(type) {
		case *format.Reverse, *format.Slice, *format.Concat, *format.DelayLine:
			snr = math.NaN()
		}
		if t.probe.first[i] < 0 {
			snr = math.NaN()
		}
		e.Layers = append(e.Layers, snr)
	}
	for _, c := range t.clipped {
		e.Clipped = append(e.Clipped, c.Clipped)
	}
	return e
}

// argmax is the place of the largest element, the first one where several are.
func argmax[T float32 | float64](x []T) (at int) {
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}
