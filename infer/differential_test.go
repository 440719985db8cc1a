package infer

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/internal/reference"
)

// TestDifferential draws nets of every cell with all that it may have, stacked, in
// both directions. It holds the engine against the float64 reference, and against
// itself: however a sequence is cut, and on whatever table.
//
// Under -short and the race detector it takes every tenth net, a number prime to that
// of the cells.
func TestDifferential(t *testing.T) {
	const nets = 700
	stride := 1
	if testing.Short() || raceEnabled {
		stride = 10
	}
	worst, covered, compared, ran := map[string]float64{}, map[string]int{}, 0, 0
	for n := 0; n < nets; n += stride {
		d := newDifferential(n)
		t.Run(fmt.Sprintf("%d %s", n, d.cell), func(t *testing.T) {
			ran++
			defer func() {
				if t.Failed() {
					t.Log(d)
				}
			}()
			file := marshal(t, d.builder)
			m, err := FromBytes(file)
			require.NoError(t, err)
			d.program = m.Format().Layers
			for _, feature := range d.features {
				covered[feature]++
			}
			worst[d.cell] = max(worst[d.cell], d.againstReference(t, m))
			d.againstPieces(t, m)
			d.againstBatch(t, m)
			compared += d.againstTables(t, m, file)
		})
	}
	for _, cell := range slices.Sorted(maps.Keys(worst)) {
		t.Logf("%-34s worst error %.1e·√T", cell, worst[cell])
	}
	t.Logf("%d comparisons between tables", compared)
	if ran < nets/stride {
		return // -run asked for some of them
	}
	if len(asm.All()) > 1 {
		assert.NotZero(t, compared)
	}
	if stride == 1 {
		for _, feature := range differentialFeatures() {
			assert.NotZero(t, covered[feature], "no net has %s", feature)
		}
	}
}

// differentialTolerance is the largest error after a step, relative to the number
// where that is larger than 1. It grows as a sum of independent roundings does.
const differentialTolerance = 2e-6

// differentialCells are drawn in turn.
var differentialCells = []string{"rnn", "lstm", "coupled lstm", "projected lstm", "normalised lstm", "gru", "gru before"}

// A differential is one random net with sequences for it.
type differential struct {
	random
	builder  *format.Builder
	kind     string // of differentialCells
	cell     string // kind, and whether its functions are rare
	rare     bool
	features []string
	program  []format.Layer
	steps    int         // of every sequence, padding included
	lengths  []int       // of the sequences without it
	xs       [][]float32 // NaN in the padding
}

func newDifferential(n int) *differential {
	d := &differential{random: newRandom(uint64(n)), kind: differentialCells[n%len(differentialCells)]}
	d.cell, d.rare = d.kind, d.chance(0.4)
	if d.rare {
		d.cell += ", rare functions"
	}
	I := d.size()
	d.builder = format.NewBuilder(I)
	x := format.Input
	if n%6 == 1 { // 6 is prime to the number of cells
		d.has("convolution")
		x = d.convolution(x)
	}
	y := d.stack(x)
	if n%6 == 5 {
		y = d.builder.DelayLine("line", y, 2+d.IntN(3), 1+d.IntN(20))
	}
	d.builder.Output(y)

	d.steps = 1 + d.IntN(60)
	d.lengths = append(d.lengths, d.steps)
	for range d.IntN(5) {
		d.lengths = append(d.lengths, d.IntN(d.steps+1))
	}
	for _, length := range d.lengths {
		xs := d.uniform(d.steps*I, d.between(1, 3))
		for i := length * I; i < len(xs); i++ {
			xs[i] = float32(math.NaN())
		}
		d.xs = append(d.xs, xs)
	}
	return d
}

func (d *differential) chance(p float64) bool { return d.Float64() < p }

// may draws whether the net has a feature, and notes it if so.
func (d *differential) may(p float64, feature string) bool {
	if !d.chance(p) {
		return false
	}
	d.has(feature)
	return true
}

func (d *differential) has(feature string) { d.features = append(d.features, feature) }

// mayCell is may for a feature of the cell.
func (d *differential) mayCell(p float64, feature string) bool { return d.may(p, d.kind+": "+feature) }

func (d *differential) between(low, high float64) float64 { return low + d.Float64()*(high-low) }

// size draws a width, more often a small one.
func (d *differential) size() int {
	if d.chance(0.3) {
		return 1 + d.IntN(130)
	}
	return 1 + d.IntN(20)
}

// convolution adds one along time.
func (d *differential) convolution(x format.Buffer) format.Buffer {
	line := d.builder.DelayLine("line", x, 2+d.IntN(3), 1+d.IntN(5))
	rows, columns := d.size(), d.builder.Width(line)
	return d.builder.Dense("convolution", line, d.uniform(rows*columns, 1/math.Sqrt(float64(columns))), d.uniform(rows, 0.1), format.Tanh)
}

// stack adds 1 to 3 layers: all forward, all backward or all in both directions.
func (d *differential) stack(x format.Buffer) format.Buffer {
	b, layers, direction, merge := d.builder, 1+d.IntN(3), d.IntN(4), d.IntN(4)
	if d.rare && d.kind == "normalised lstm" {
		// A gate that closes may leave the next layer hardly any input, and normalising
		// that would magnify its rounding without bound.
		layers = 1
	}
	for i := range layers {
		name, U := fmt.Sprint("layer ", i), d.size()
		H := U
		if d.kind == "projected lstm" {
			H = d.size()
		}
		if direction < 2 {
			x = d.layer(name, x, U, H)
			continue
		}
		backward := d.layer(name+" backward", b.Reverse("", x), U, H)
		if direction == 2 {
			if x = backward; d.may(0.3, "backward, not put back in order") {
				continue
			}
			d.has("backward")
			x = b.Reverse("", x)
			continue
		}
		backward = b.Reverse("", backward)
		forward := d.layer(name, x, U, H)
		d.has([]string{"concat", "sum", "product", "average"}[merge])
		switch merge {
		case 0:
			x = b.Concat("", forward, backward)
		case 1:
			x = b.Add("", forward, backward)
		case 2:
			x = b.Mul("", forward, backward)
		case 3:
			x = b.Scale("", b.Add("", forward, backward), slices.Repeat([]float32{0.5}, H), nil)
		}
	}
	return x
}

// layer adds one cell of U units, whose state h has H floats.
func (d *differential) layer(name string, x format.Buffer, U, H int) format.Buffer {
	b := d.builder
	switch d.kind {
	case "rnn":
		fs := d.functions(U, "f")
		return b.RNN(name, x, d.weights(1, b.Width(x), U, H, fs), format.Linear, d.options(fs)...)
	case "gru":
		fs := d.functions(U, "gate", "candidate")
		w := d.weights(3, b.Width(x), U, H, fs)
		if d.mayCell(0.5, "second bias") {
			w.BR = d.uniform(3*H, 1/math.Sqrt(float64(H)))
		}
		return b.GRU(name, x, w, d.options(fs)...)
	case "gru before":
		fs := d.functions(U, "gate", "candidate")
		return b.GRUBefore(name, x, d.weights(3, b.Width(x), U, H, fs), d.options(fs)...)
	case "coupled lstm":
		return d.lstm(name, x, U, H, true)
	case "lstm":
		return d.lstm(name, x, U, H, false)
	}
	return d.lstm(name, x, U, H, d.mayCell(0.3, "coupled"))
}

func (d *differential) lstm(name string, x format.Buffer, U, H int, coupled bool) format.Buffer {
	b, gates, add, gate := d.builder, 4, d.builder.LSTM, "gate"
	if coupled {
		gates, add, gate = 3, b.CoupledLSTM, "coupled gate"
	}
	fs := d.functions(U, gate, "candidate", "output")
	w, opts := d.weights(gates, b.Width(x), U, H, fs), d.options(fs)
	if d.mayCell(0.5, "initial cell state") {
		w.C0 = d.uniform(U, 1)
	}
	if d.mayCell(0.5, "peepholes") {
		w.P = d.uniform((gates-1)*U, d.scale(1, fs))
	}
	if d.mayCell(0.25, "cell clip") {
		opts = append(opts, format.WithCellClip(float32(d.between(0.3, 2))))
	}
	if d.kind == "normalised lstm" {
		// Where x is small, R·h is brought to a deviation of 1 whatever its size, and
		// with it its rounding: R is smaller than W, or the net would be chaotic. The
		// gains take the place of the size that W and R have elsewhere.
		for i := range w.R {
			w.R[i] /= 4
		}
		w.Norm = d.uniform(gates*U, d.scale(1, fs))
	}
	if d.kind == "projected lstm" {
		w.Proj = d.uniform(H*U, 1/math.Sqrt(float64(U)))
		if d.mayCell(0.5, "projection bias") {
			w.ProjB = d.uniform(H, 0.1)
		}
		if d.mayCell(0.3, "projection clip") {
			opts = append(opts, format.WithProjectionClip(float32(d.between(0.1, 0.5))))
		}
	}
	return add(name, x, w, opts...)
}

// weights draws what all cells have, in the range of trained nets.
func (d *differential) weights(gates, I, U, H int, fs []format.Function) format.Weights {
	w := format.Weights{
		W: d.uniform(gates*U*I, d.scale(U, fs)),
		R: d.uniform(gates*U*H, d.scale(U, fs)),
	}
	if d.mayCell(0.7, "bias") {
		w.B = d.uniform(gates*U, d.scale(U, fs))
	}
	if d.mayCell(0.5, "initial state") {
		w.H0 = d.uniform(H, 1)
	}
	return w
}

// scale is the largest weight of a matrix with this many columns: PyTorch's 1/√n at
// the start of a training. A net whose functions are not bounded would run away
// with that: an LSTM multiplies three of them.
func (d *differential) scale(n int, fs []format.Function) float64 {
	scale := 1 / math.Sqrt(float64(n))
	if !bounded(fs) {
		scale /= 4
	}
	return scale
}

// bounded reports whether all values of fs lie in [−1, 1].
func bounded(fs []format.Function) bool {
	for _, f := range fs {
		switch f.Kind {
		case format.Sigmoid, format.Tanh, format.HardSigmoid, format.Softsign, format.Clip:
		default:
			return false
		}
	}
	return true
}

// options draws the clip that every cell may have. A gate that is not bounded needs
// one: it multiplies the state that opens it. Up to an argument of ½ all are below 1.
func (d *differential) options(fs []format.Function) []format.CellOption {
	opts, chance, low, high := []format.CellOption{format.WithFunctions(fs...)}, 0.25, 0.5, 3.0
	if len(fs) > 1 && !bounded(fs[:1]) {
		chance, low, high = 1, 0.2, 0.5
	}
	if d.mayCell(chance, "clip") {
		opts = append(opts, format.WithClip(float32(d.between(low, high))))
	}
	return opts
}

// functions draws those of a cell by their roles, for U units.
func (d *differential) functions(U int, roles ...string) []format.Function {
	usual := map[string][]format.Activation{
		"gate": {format.Sigmoid}, "coupled gate": {format.Sigmoid},
		"candidate": {format.Tanh}, "output": {format.Tanh}, "f": {format.Tanh, format.Relu},
	}
	fs := make([]format.Function, len(roles))
	for i, role := range roles {
		switch {
		case !d.rare:
			fs[i] = d.function(U, usual[role])
		case role == "coupled gate":
			// Where a gate may leave [0, 1], (1−i)·c can grow without bound.
			fs[i] = d.function(U, []format.Activation{format.Sigmoid, format.HardSigmoid})
		default:
			fs[i] = d.function(U, everyFunction)
		}
		d.has(d.kind + ": " + role + " " + fs[i].Kind.String())
	}
	return fs
}

var everyFunction = []format.Activation{
	format.Linear, format.Sigmoid, format.Tanh, format.Relu, format.LeakyRelu, format.HardSigmoid, format.Elu,
	format.Softsign, format.Softplus, format.ThresholdedRelu, format.ScaledTanh, format.Affine, format.Clip,
}

// function draws a function of one of these kinds, for U units.
func (d *differential) function(U int, kinds []format.Activation) format.Function {
	f := format.Function{Kind: kinds[d.IntN(len(kinds))]}
	set := func(alpha, beta float64) { f.Alpha, f.Beta = float32(alpha), float32(beta) }
	switch f.Kind {
	case format.LeakyRelu:
		set(d.between(0.01, 0.3), 0)
	case format.HardSigmoid:
		set(d.between(0.15, 0.3), d.between(0.3, 0.7))
	case format.Elu:
		set(d.between(0.5, 1.5), 0)
	case format.ThresholdedRelu:
		// It jumps at α: an argument within rounding of it tells the engine from the
		// reference. With few units that is rare enough.
		if U > 16 {
			return d.function(U, kinds)
		}
		set(d.between(0.1, 0.5), 0)
	case format.ScaledTanh:
		set(d.between(0.5, 1.7), d.between(0.5, 1))
	case format.Affine:
		set(d.between(0.5, 1), d.between(-0.2, 0.2))
	case format.Clip:
		set(d.between(-1, 0), d.between(0.2, 1))
	}
	return f
}

// againstReference returns the largest error, over the square root of the steps that
// led to it.
func (d *differential) againstReference(t *testing.T, m *Model) (worst float64) {
	for i, xs := range d.xs {
		length, truth := d.lengths[i], reference.New(m.Format())
		s, ys := d.run(t, m, i)
		O := m.OutputSize()
		e := 0.0
		for step, want := range truth.Run(xs, length) {
			e = max(e, distance(ys[step*O:][:O], want))
		}
		for id, state := range m.Format().States {
			have := make([]float32, state.Size)
			require.NoError(t, s.ReadState(id, have))
			e = max(e, distance(have, truth.State(format.StateID(id))))
		}
		for _, v := range ys[length*O:] {
			require.Zero(t, math.Float32bits(v), "an output in the padding")
		}
		e /= math.Sqrt(float64(max(1, length)))
		assert.LessOrEqual(t, e, differentialTolerance, "sequence %d, of %d steps", i, length)
		worst = max(worst, e)
	}
	return worst
}

// distance is the largest error of have, relative to numbers that are larger than 1.
func distance(have []float32, want []float64) (e float64) {
	for i, w := range want {
		e = max(e, math.Abs(float64(have[i])-w)/max(1, math.Abs(w)))
	}
	return e
}

// run runs sequence i in a fresh session.
func (d *differential) run(t *testing.T, m *Model, i int) (*Session, []float32) {
	s, ys := m.NewSession(), slices.Repeat([]float32{float32(math.NaN())}, d.steps*m.OutputSize())
	n, err := s.RunLength(ys, d.xs[i], d.lengths[i])
	require.NoError(t, err)
	require.Equal(t, d.lengths[i], n)
	return s, ys
}

// againstPieces cuts the first sequence, which has no padding, into steps and into
// pieces, some of them after a restored state. A model that needs whole sequences is
// restored between two of them.
func (d *differential) againstPieces(t *testing.T, m *Model) {
	xs, I, O := d.xs[0], m.InputSize(), m.OutputSize()
	s, want := d.run(t, m, 0)
	if !m.Streams() {
		require.ErrorIs(t, s.Step(make([]float32, O), xs[:I]), ErrStream)
		restored, again := d.restore(t, s), make([]float32, len(want))
		_, err := s.Run(want, xs)
		require.NoError(t, err)
		_, err = restored.Run(again, xs)
		require.NoError(t, err)
		d.same(t, "a restored session", s, restored, want, again)
		return
	}

	stepped, ys := m.NewSession(), make([]float32, len(want))
	for i := range d.steps {
		require.NoError(t, stepped.Step(ys[i*O:][:O], xs[i*I:][:I]))
	}
	d.same(t, "single steps", s, stepped, want, ys)

	pieces, ys := m.NewSession(), make([]float32, len(want))
	for from, n := 0, 0; from < d.steps; from += n {
		if d.chance(0.3) {
			pieces = d.restore(t, pieces)
		}
		n = min(d.IntN(9), d.steps-from)
		_, err := pieces.Run(ys[from*O:][:n*O], xs[from*I:][:n*I])
		require.NoError(t, err)
	}
	d.same(t, "pieces", s, pieces, want, ys)
}

// againstBatch runs the sequences side by side, as a whole and, where the net streams,
// step by step in random company. Then each stream is where its session is.
func (d *differential) againstBatch(t *testing.T, m *Model) {
	n, I, O := len(d.xs), m.InputSize(), m.OutputSize()
	sessions, want := make([]*Session, n), make([][]float32, n)
	for i := range sessions {
		sessions[i], want[i] = d.run(t, m, i)
	}
	same := func(what string, b *Batch, ys []float32) {
		assert.True(t, slices.Equal(bits(slices.Concat(want...)), bits(ys)), "%s: other outputs", what)
		for i, s := range sessions {
			assert.True(t, bytes.Equal(d.saved(t, s), must(b.State(i, make([]byte, m.StateSize())))), "%s: other states of stream %d", what, i)
		}
	}
	b := m.NewBatch(n, WithWorkers(1+d.IntN(3)))
	defer b.Close()
	ys := slices.Repeat([]float32{float32(math.NaN())}, n*d.steps*O)
	require.NoError(t, b.Run(ys, slices.Concat(d.xs...), d.lengths))
	same("a batch", b, ys)
	if !m.Streams() {
		return
	}

	clear(ys)
	for i := range n {
		require.NoError(t, b.Reset(i))
	}
	for done := make([]int, n); ; {
		var ids []int
		var x []float32
		more := false
		for _, i := range d.Perm(n) {
			if done[i] == d.lengths[i] {
				continue
			}
			more = true
			if d.chance(0.7) {
				ids, x = append(ids, i), append(x, d.xs[i][done[i]*I:][:I]...)
			}
		}
		if !more {
			break
		}
		y := make([]float32, len(ids)*O)
		require.NoError(t, b.StepSome(y, x, ids))
		for row, i := range ids {
			copy(ys[(i*d.steps+done[i])*O:], y[row*O:][:O])
			done[i]++
		}
	}
	same("a batch step by step", b, ys)
}

// restore returns a new session in the state of s.
func (d *differential) restore(t *testing.T, s *Session) *Session {
	restored := s.Model().NewSession()
	require.NoError(t, restored.SetState(d.saved(t, s)))
	return restored
}

func (d *differential) saved(t *testing.T, s *Session) []byte {
	state, err := s.State(make([]byte, s.Model().StateSize()))
	require.NoError(t, err)
	return state
}

// same compares two sessions that have come to the same place.
func (d *differential) same(t *testing.T, what string, a, b *Session, ya, yb []float32) {
	assert.True(t, slices.Equal(bits(ya), bits(yb)), "%s: other outputs", what)
	assert.True(t, bytes.Equal(d.saved(t, a), d.saved(t, b)), "%s: other states", what)
}

// againstTables compares the tables of this machine, and returns how many it compared.
// The generic table is slow: it takes the smaller nets.
func (d *differential) againstTables(t *testing.T, m *Model, file []byte) (compared int) {
	const most = 1 << 20 // weights times steps
	work := 0
	for i := range m.Format().Tensors {
		work += m.Format().Tensors[i].Rows * m.Format().Tensors[i].Cols * d.steps
	}
	for _, k := range asm.All() {
		if k.Name == m.ISA() || k.Name == "generic" && work > most {
			continue
		}
		other, err := FromBytes(file, WithISA(k.Name))
		require.NoError(t, err)
		for i := range d.xs {
			a, ya := d.run(t, m, i)
			b, yb := d.run(t, other, i)
			d.same(t, k.Name, a, b, ya, yb)
		}
		compared++
	}
	return compared
}

// String says what was drawn.
func (d *differential) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "sequences of %v steps of %d floats", d.lengths, len(d.xs[0])/d.steps)
	for _, l := range d.program {
		fmt.Fprintf(&s, "\n  %v %+v", l.Op(), l)
	}
	return s.String()
}

// differentialFeatures are what the nets must have among them.
func differentialFeatures() []string {
	features := []string{"backward", "backward, not put back in order", "concat", "sum", "product", "average", "convolution"}
	each := func(kinds []string, list ...string) {
		for _, kind := range kinds {
			for _, feature := range append(list, "bias", "initial state", "clip") {
				features = append(features, kind+": "+feature)
			}
		}
	}
	each([]string{"rnn", "gru before"})
	each([]string{"gru"}, "second bias")
	each([]string{"lstm", "coupled lstm", "projected lstm", "normalised lstm"}, "initial cell state", "peepholes", "cell clip")
	each([]string{"projected lstm"}, "projection bias", "projection clip", "coupled")
	each([]string{"normalised lstm"}, "coupled")
	for _, f := range everyFunction {
		for _, role := range []string{"rnn: f", "gru: gate", "gru: candidate", "gru before: gate", "gru before: candidate", "lstm: gate", "lstm: candidate", "lstm: output"} {
			features = append(features, role+" "+f.String())
		}
	}
	return features
}
