package proof

import (
	"math"

	"github.com/rnnedge/rnnedge/format"
)

// A meter collects what one engine does beside the reference.
type meter struct {
	probe  *probe
	engine *engine

	output power
	layers []power
	step   []float64 // largest error of each step
	signal []float64 // largest output of each step
	flips  int
	margin float64
}

func newMeter(p *probe, m *format.Model) *meter {
	return &meter{probe: p, layers: make([]power, len(m.Layers))}
}

// add takes the steps of want, and the engine's outputs of as many steps or more.
func (t *meter) add(want [][]float64, got []float32) {
	p := t.probe
	O := p.outputs
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
	}
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
