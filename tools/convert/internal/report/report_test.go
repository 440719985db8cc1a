package report

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/proof"
)

const hostile = `"><script>alert('x')</script>&`

// Names from a file are text wherever they stand, and nothing comes from outside.
func TestHostileNames(t *testing.T) {
	b := format.NewBuilder(1)
	h := b.LSTM(hostile, format.Input, format.Weights{W: make([]float32, 4*16), R: make([]float32, 4*16*16), B: make([]float32, 4*16)})
	back := b.Reverse(hostile, h)
	b.Output(b.Add(hostile, h, back))
	m, err := b.Model()
	require.NoError(t, err)
	q := format.Quantized(m, func(string, *format.Tensor) bool { return false })
	p, err := proof.Measure(proof.Options{Float: m, Int8: q, Input: &proof.Input{Name: hostile, X: make([]float32, 20)}})
	require.NoError(t, err)
	p.Float32.Step[3], p.Float32.Max, p.Float32.Worst = 1e-7, 1e-7, 3 // so that there is a line to draw
	c := Conversion{Source: hostile, Spec: hostile, Notes: []string{hostile}, Out: hostile, Float: m, Int8: q, SourceBytes: 3, FloatBytes: 2, Int8Bytes: 1,
		Proof: p, Checks: []*proof.Check{{Name: hostile, Float32: proof.Deviation{Max: 1, Tolerance: 0.5}}}, Failed: true}
	var s strings.Builder
	require.NoError(t, c.Write(&s))
	page := s.String()
	assert.Greater(t, strings.Count(page, "&lt;script&gt;"), 8)
	for _, bad := range []string{"<script", "http", "url(h", "src=", "@import", "NaN", "ZgotmplZ", "alert('x')</script>"} {
		assert.NotContains(t, page, bad)
	}
	assert.Contains(t, page, `class="line float32"`)
	assert.Contains(t, page, "A check failed")
	assert.Equal(t, strings.Count(page, "<svg"), strings.Count(page, "</svg>"))
	assert.Equal(t, strings.Count(page, "<section>"), strings.Count(page, "</section>"))
}

// Every weight is in one bar, also the largest and zeros.
func TestHistogram(t *testing.T) {
	c := histogram("w", []float32{-2, -2, 2, 0})
	assert.Equal(t, "±2", c.Range)
	assert.Equal(t, 3, strings.Count(string(c.SVG), "<rect"))
	assert.Contains(t, string(c.SVG), `<rect x="0" y="2.0"`)
	assert.Contains(t, string(c.SVG), `<rect x="150" y="27.0"`)
	assert.Equal(t, 1, strings.Count(string(histogram("zeros", make([]float32, 4)).SVG), "<rect"))
}

func TestExact(t *testing.T) {
	assert.Equal(t, "exact", decibel(math.Inf(1)))
	assert.Contains(t, overTime(&proof.Result{Steps: 1, Float32: &proof.Errors{Step: []float64{0}}}), "exact")
}

// The numbers under an axis are round, and few.
func TestRoundStep(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 1, 7: 1, 8: 2, 60: 10, 240: 50, 1000: 200, 1001: 200, 1 << 20: 200000} {
		assert.Equal(t, want, roundStep(n), n)
	}
}

// Long names break where a reader would, and stay text.
func TestBreakable(t *testing.T) {
	assert.EqualValues(t, "bidirectional_<wbr>1.<wbr>backward", breakable("bidirectional_1.backward"))
	assert.EqualValues(t, "a/<wbr>&lt;b&gt;", breakable("a/<b>"))
}
