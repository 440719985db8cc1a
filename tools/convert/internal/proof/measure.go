package proof

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/internal/reference"
	"github.com/rnnedge/rnnedge/tools/convert/internal/sample"
)

// DefaultSteps is how many steps a model is measured on.
const DefaultSteps = 1000

// Limits on the operations and the numbers of a measurement: a large model is run for
// fewer steps. The first takes a few seconds in float64.
const (
	maxWork   = 1 << 31
	maxFloats = 1 << 22
)

// Options say what is measured.
type Options struct {
	Float *format.Model // the model in float32
	Int8  *format.Model // the same with matrices in int8; nil for none
	Input *Input        // nil for a random one
	Steps int           // at most; 0 is DefaultSteps
}

// A Result is what a measurement found. Each of Float32 and Int8 is against float64 with
// the weights of the float model.
type Result struct {
	Input   string   // what the model was run on
	Steps   int      // for how long
	Notes   []string // why it was not longer, and the like
	RMS     float64  // of the outputs, in float64
	Classes bool     // the outputs are classes, of which the largest wins
	Layers  []string // names, in the order of the model
	Float32 *Errors
	Int8    *Errors // nil if there is no int8 model
}

// Measure runs the models and compares. An input that the model does not take is an
// error.
func Measure(o Options) (*Result, error) {
	p := newProbe(o.Float)
	r := &Result{Classes: classes(o.Float)}
	for _, l := range o.Float.Layers {
		r.Layers = append(r.Layers, l.LayerName())
	}
	want := o.Steps
	if want <= 0 {
		want = DefaultSteps
	}
	if o.Input != nil {
		want = min(want, len(o.Input.X)/o.Float.InputSize())
	}
	steps := max(1, int(min(int64(want), maxWork/max(p.work(), 1))))
	if !o.Float.Streams() {
		steps = max(1, min(steps, maxFloats/p.floats()))
	}
	if steps < want {
		r.Notes = append(r.Notes, fmt.Sprintf("%d steps instead of %d: a step of this model is much work", steps, want))
	}
	in := o.Input
	if in == nil {
		in = &Input{}
		in.X, in.Name = sample.Steps(o.Float, seed, steps)
	} else if n := len(in.X) / o.Float.InputSize(); steps < n {
		in = &Input{Name: fmt.Sprintf("%s, the first %d of %d steps", in.Name, steps, n), X: in.X[:steps*o.Float.InputSize()]}
	}
	r.Input = in.Name

	meters := []*meter{newMeter(p, o.Float)}
	if o.Int8 != nil {
		meters = append(meters, newMeter(newProbe(o.Int8), o.Int8))
	}
	for _, m := range meters {
		var err error
		if m.engine, err = m.probe.engine(); err != nil {
			return nil, err
		}
	}
	var err error
	if r.Steps, err = run(p, meters, in, steps); err != nil {
		return nil, err
	}
	if r.Steps < steps {
		r.Notes = append(r.Notes, fmt.Sprintf("stopped after %d of %d steps: on this input a state of this model grows beyond all bounds", r.Steps, steps))
	}
	r.RMS = math.Sqrt(meters[0].output.signal / float64(max(1, r.Steps*o.Float.OutputSize())))
	r.Float32 = meters[0].errors(r.Classes)
	if o.Int8 != nil {
		r.Int8 = meters[1].errors(r.Classes)
	}
	return r, nil
}

// run feeds the meters, a piece of the sequence at a time if the model streams. It
// returns the number of steps that all of them took.
func run(p *probe, meters []*meter, in *Input, steps int) (int, error) {
	I, piece := p.model.InputSize(), steps
	if p.model.Streams() {
		piece = max(1, min(steps, maxFloats/16/p.floats()))
	}
	ref := reference.New(p.model)
	for done := 0; done < steps; {
		n := min(piece, steps-done)
		xs := in.X[done*I:][:n*I]
		least := n
		got := make([][]float32, len(meters))
		for i, m := range meters {
			ys, k, err := m.engine.run(in, done, xs)
			if err != nil {
				return done, err
			}
			got[i], least = ys, min(least, k)
		}
		if least < n && !p.model.Streams() {
			// A whole sequence that is too long: a shorter one.
			if steps /= 2; steps == 0 {
				return 0, nil
			}
			piece = steps
			for _, m := range meters {
				m.engine.session.Reset()
			}
			continue
		}
		want := ref.Run(xs, least)
		for i, m := range meters {
			m.add(want, got[i])
		}
		if done += least; least < n {
			return done, nil
		}
	}
	return steps, nil
}

// classes reports whether the outputs are classes: a softmax, a token's logits, or as
// many as there are labels.
func classes(m *format.Model) bool {
	O := m.OutputSize()
	if O < 2 {
		return false
	}
	if m.Vocabulary() == O || utf8.RuneCountInString(m.Value("vocabulary")) == O {
		return true
	}
	b := m.Output
	for i := len(m.Layers) - 1; i >= 0; i-- {
		l := m.Layers[i]
		if format.FieldsOf(l).Writes != b {
			continue
		}
		switch l := l.(type) {
		case *format.Reverse: // of a model that runs both ways
			b = l.X
			continue
		case *format.Softmax, *format.LogSoftmax:
			return true
		case *format.Dense:
			return l.F == format.Linear && len(strings.Split(m.Value("labels"), ",")) == O
		}
		break
	}
	return false
}
