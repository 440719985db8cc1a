package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/bench/internal/roofline"
	"github.com/rnnedge/rnnedge/infer"
)

// minBatch is how long a batch takes at least: long enough that reading the
// clock does not count, short enough that many batches meet no interruption.
const minBatch = 50 * time.Microsecond

// measure returns the rows of one cell and size: for each type, one for each kernel table.
func (c *config) measure(cell cell, H int) (rows [][]row, err error) {
	all := make([]subject, len(c.types))
	var lanes []*lane
	for i, typ := range c.types {
		if all[i], err = c.subject(cell, typ, H); err != nil {
			return nil, err
		}
		lanes = slices.Concat(lanes, all[i].reads, all[i].steps)
	}
	interleave(lanes, c.repeats, c.budget)
	for i, typ := range c.types {
		s := &all[i]
		read := slices.MinFunc(s.reads, func(a, b *lane) int { return cmp.Compare(a.min(), b.min()) })
		typical := slices.MinFunc(s.reads, func(a, b *lane) int { return cmp.Compare(a.median(), b.median()) })
		rows = append(rows, nil)
		for j, k := range c.kernels {
			rows[i] = append(rows[i], newRow(cell, typ, H, k, s.bytes, read, typical, s.steps[j]))
		}
	}
	return rows, nil
}

// A subject is what there is to measure of one cell, type and size.
type subject struct {
	bytes        int
	reads, steps []*lane // with each reader, with each kernel table
}

func (c *config) subject(cell cell, typ string, H int) (s subject, err error) {
	digits, err := digitsOf(typ)
	if err != nil {
		return s, err
	}
	file, err := cell.file(H, digits)
	if err != nil {
		return s, err
	}
	for _, k := range c.kernels {
		m, err := infer.FromBytes(file, infer.WithISA(k.Name))
		if err != nil {
			return s, err
		}
		if len(s.reads) == 0 {
			var weights [][]float32
			weights, s.bytes = matrices(m)
			for _, r := range roofline.Readers() {
				s.reads = append(s.reads, newLane(reader(r, weights)))
			}
		}
		step, err := stepper(m)
		if err != nil {
			return s, err
		}
		s.steps = append(s.steps, newLane(step))
	}
	return s, nil
}

// reader returns a function that reads the weights n times.
func reader(r roofline.Reader, weights [][]float32) func(n int) {
	var sum uint32
	return func(n int) {
		for range n {
			for _, w := range weights {
				sum ^= r.Read(w)
			}
		}
	}
}

// stepper returns a function that makes n steps of a new session.
func stepper(m *infer.Model) (func(n int), error) {
	s := m.NewSession()
	x, y := make([]float32, m.InputSize()), make([]float32, m.OutputSize())
	for i := range x {
		x[i] = float32(i%7)/4 - 0.75
	}
	// What a first step accepts, every step does.
	err := s.Step(y, x)
	return func(n int) {
		for range n {
			_ = s.Step(y, x)
		}
	}, err
}

// A lane is something that is timed in batches, in turn with other lanes.
type lane struct {
	run   func(n int)
	batch int       // calls in a batch
	ns    []float64 // per call, of each batch
	spent time.Duration
}

// newLane finds the batch for run: the first power of two that is long enough.
func newLane(run func(n int)) *lane {
	l := &lane{run: run, batch: 1}
	for l.time() < minBatch {
		l.batch *= 2
	}
	l.spent = 0
	return l
}

// time runs one batch, after calls that do not count: it finds the caches as the calls before
// it left them, not as the other lanes did. (With one such call steps of 512 KB took 4 % more
// behind a loop that reads than behind another step.)
func (l *lane) time() time.Duration {
	before := time.Now()
	l.run(1 + l.batch/4)
	start := time.Now()
	l.run(l.batch)
	end := time.Now()
	l.spent += end.Sub(before)
	return end.Sub(start)
}

// interleave gives each lane a batch in turn, until each has had its repeats or
// spent its budget.
func interleave(lanes []*lane, repeats int, budget time.Duration) {
	for range repeats {
		for _, l := range lanes {
			if len(l.ns) == 0 || l.spent < budget {
				t := l.time()
				l.ns = append(l.ns, float64(t.Nanoseconds())/float64(l.batch))
			}
		}
	}
	for _, l := range lanes {
		slices.Sort(l.ns)
	}
}

func (l *lane) min() float64    { return l.ns[0] }
func (l *lane) median() float64 { return l.ns[len(l.ns)/2] }

// newRow puts what was measured for one kernel table into a row.
func newRow(c cell, typ string, H int, k *asm.Kernels, bytes int, read, typical, step *lane) row {
	return row{
		Cell: c.name, Type: typ, H: H, Kernels: k.Name, Bytes: bytes,
		ReadNS: read.min(), StepNS: step.min(), Ratio: step.min() / read.min(),
		ReadMedianNS: typical.median(), StepMedianNS: step.median(), MedianRatio: step.median() / typical.median(),
		Realtime: 1e9 / 48000 / step.min(),
		Batches:  len(step.ns),
	}
}
