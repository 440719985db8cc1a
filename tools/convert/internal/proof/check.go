package proof

import (
	"fmt"
	"math"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// DefaultTolerance lets two float32 systems differ by what rounding does.
const DefaultTolerance = 1e-5

// Tolerances say how large |y−want| / max(1, |want|) may be; 0 is not judged.
type Tolerances struct{ Float32, Int8 float64 }

// A Check compares the engine with the outputs of the system that a model came from.
type Check struct {
	Name    string // of the files
	Steps   int    // of the input
	Last    bool   // the file has the outputs of the last step alone
	Float32 Deviation
	Int8    *Deviation // nil if there is no int8 model
}

// A Deviation says how far outputs are from what another system has.
type Deviation struct {
	Max          float64 // |y−want| / max(1, |want|)
	Step, Output int     // where that is
	Got, Want    float64 // there
	SNR          float64 // in dB; +Inf without a difference
	Tolerance    float64 // 0: not judged
}

// Fails reports whether the difference is larger than it may be.
func (d *Deviation) Fails() bool { return d.Tolerance > 0 && !(d.Max <= d.Tolerance) }

// Err is the error of a check that failed, nil for one that passed.
func (c *Check) Err() error {
	fail := func(what string, d *Deviation) error {
		return fmt.Errorf("-check %s: %s gives %.9g for output %d at step %d where the file has %.9g: %.2e apart, want at most %.2g",
			c.Name, what, d.Got, d.Output, d.Step, d.Want, d.Max, d.Tolerance)
	}
	if c.Float32.Fails() {
		return fail("float32", &c.Float32)
	}
	if c.Int8 != nil && c.Int8.Fails() {
		return fail("int8", c.Int8)
	}
	return nil
}

// Compare runs the models on the array in the file x, see [ReadInput], and compares with
// that in the file y: of shape (T, O), (1, T, O) or (T, 1, O), or (T,) for one output;
// or the outputs of the last step alone, (O,) or (1, O). quantised may be nil. A
// difference is no error here; see [Check.Err].
func Compare(float, quantised *format.Model, x, y string, tolerance Tolerances) (*Check, error) {
	in, err := ReadInput(x, float)
	if err != nil {
		return nil, err
	}
	a, err := npy.ReadFile(y)
	if err != nil {
		return nil, err
	}
	c := &Check{Name: x + "=" + y, Steps: len(in.X) / float.InputSize()}
	O := float.OutputSize()
	steps, ok := sequence(a.Shape, O)
	if lone := len(a.Shape) == 1 && a.Shape[0] == O; ok && steps == 1 || lone && !(ok && steps == c.Steps) {
		steps, ok = c.Steps, true
		c.Last = c.Steps > 1
	}
	if !ok || steps != c.Steps {
		return nil, fmt.Errorf("%s: shape %s, want (%d, %d), with 1 as another dimension or not, for the steps of %s and the outputs of the model%s, or (%[4]d,) for the last step",
			y, npy.Tuple(a.Shape), c.Steps, O, x, oneDimension(O))
	}
	want := a.Float64()
	for i, v := range want {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s: element %d is %v, want finite numbers", y, i, v)
		}
	}
	first := c.Steps - len(want)/O
	compare := func(m *format.Model, tolerance float64) (*Deviation, error) {
		engine, err := open(m)
		if err != nil {
			return nil, err
		}
		ys := make([]float32, c.Steps*O)
		if _, err := engine.NewSession().Run(ys, in.X); err != nil {
			return nil, fmt.Errorf("%s: %w", x, err)
		}
		d := &Deviation{Max: -1, Tolerance: tolerance}
		var p power
		for i, w := range want {
			got := float64(ys[first*O+i])
			p.add(w, got)
			if e := math.Abs(got-w) / max(1, math.Abs(w)); e > d.Max {
				d.Max, d.Step, d.Output, d.Got, d.Want = e, first+i/O, i%O, got, w
			}
		}
		d.SNR = p.snr()
		return d, nil
	}
	d, err := compare(float, tolerance.Float32)
	if err != nil {
		return nil, err
	}
	c.Float32 = *d
	if quantised != nil {
		if c.Int8, err = compare(quantised, tolerance.Int8); err != nil {
			return nil, err
		}
	}
	return c, nil
}
