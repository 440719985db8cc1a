package quant

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// correlated are vectors that a few directions explain, about a mean, as states are.
func correlated(r *rand.Rand, count, n int) [][]float32 {
	mix := make([]float64, 4*n)
	for i := range mix {
		mix[i] = r.NormFloat64()
	}
	xs := make([][]float32, count)
	for t := range xs {
		xs[t] = make([]float32, n)
		for d := range 4 {
			v := r.NormFloat64() + 1
			for k := range n {
				xs[t][k] += float32(v * mix[d*n+k])
			}
		}
		for k := range n {
			xs[t][k] += 0.1 * float32(r.NormFloat64())
		}
	}
	return xs
}

func gathered(n int, xs [][]float32) *Moments {
	m := NewMoments(n)
	for _, x := range xs {
		m.Add(x)
	}
	return m
}

// noise is the mean square error of a packed matrix's products with the vectors.
func noise(w []float32, q []int8, scales []float32, rows, cols int, xs [][]float32) (sum float64) {
	back := make([]float32, rows*cols)
	UnpackI8(back, q, scales, rows, cols)
	for _, x := range xs {
		for r := range rows {
			var e float64
			for k, v := range x {
				e += (float64(back[r*cols+k]) - float64(w[r*cols+k])) * float64(v)
			}
			sum += e * e
		}
	}
	return sum / float64(rows*len(xs))
}

// The products with vectors of the same kind, but not the same vectors, are far nearer to
// the float ones than with each weight rounded to its nearest.
func TestMoments(t *testing.T) {
	const rows, cols = 83, 45
	r := rand.New(rand.NewPCG(5, 6))
	w := make([]float32, rows*cols)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	clear(w[7*cols : 8*cols])
	xs := correlated(r, 600, cols)
	nearest, scales := make([]int8, PanelBytesI8(rows, cols)), make([]float32, Pad(rows))
	PackI8(nearest, scales, w, rows, cols)
	q, same := make([]int8, len(nearest)), make([]float32, len(scales))
	gathered(cols, xs[:300]).PackI8(q, same, w, rows, cols, 0.01)
	assert.Equal(t, scales, same)
	assert.Less(t, noise(w, q, scales, rows, cols, xs[300:]), 0.1*noise(w, nearest, scales, rows, cols, xs[300:]))
	assert.NotContains(t, q, int8(-128))
	// Padding stays zero.
	kept := make([]int8, len(q))
	for i := range rows {
		for k := range cols {
			at := indexI8(rows, cols, i, k)
			kept[at] = q[at]
		}
	}
	assert.Equal(t, kept, q)
}

// Vectors whose elements have nothing to do with each other give no reason to round otherwise
// than to the nearest; zeros, and no vectors at all, neither.
func TestMomentsOfNothing(t *testing.T) {
	const rows, cols = 16, 9
	r := rand.New(rand.NewPCG(7, 8))
	w := make([]float32, rows*cols)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	want, scales := make([]int8, PanelBytesI8(rows, cols)), make([]float32, Pad(rows))
	PackI8(want, scales, w, rows, cols)
	var single [][]float32
	for k := range cols {
		x := make([]float32, cols)
		x[k] = float32(k + 1)
		single = append(single, x)
	}
	for name, xs := range map[string][][]float32{"none": nil, "zeros": {make([]float32, cols)}, "one at a time": single} {
		have := make([]int8, len(want))
		gathered(cols, xs).PackI8(have, scales, w, rows, cols, 0.01)
		assert.Equal(t, want, have, name)
	}
}

// Two weights of 0.4 that always see the same number: the nearest, 0 and 0, lose 0.8; one of
// them is better 1. The first row's third weight fixes its scale at 1.
func TestMomentsByHand(t *testing.T) {
	w := []float32{0.4, 0.4, 127}
	q, scales := make([]int8, PanelBytesI8(1, 3)), make([]float32, Pad(1))
	gathered(3, [][]float32{{1, 1, 0}}).PackI8(q, scales, w, 1, 3, 0.01)
	require.Equal(t, float32(1), scales[0])
	assert.Equal(t, []int8{0, 1, 127}, q[:3])
}

// What errors cost is what the factor says: with D[k] from errors that only its term sees, the
// terms of any errors add up to it.
func TestFactor(t *testing.T) {
	const n = 70
	r := rand.New(rand.NewPCG(9, 10))
	xs := correlated(r, 200, n)
	f := gathered(n, xs).factor(0.01)
	var trace float64
	for _, x := range xs {
		for _, v := range x {
			trace += float64(v) * float64(v)
		}
	}
	cost := func(e []float64) (sum float64) { // e in the factor's order
		for _, x := range xs {
			var p float64
			for k, c := range f.order {
				p += e[k] * float64(x[c])
			}
			sum += p * p / trace
		}
		for _, v := range e {
			sum += 0.01 / n * v * v
		}
		return sum
	}
	before := func(k int, e []float64) (sum float64) {
		for j, u := range f.u[k] {
			sum += e[j] * float64(u)
		}
		return sum
	}
	d := make([]float64, n)
	for k := range d {
		e := make([]float64, n)
		e[k] = 1
		for j := k + 1; j < n; j++ {
			e[j] = -before(j, e)
		}
		d[k] = cost(e)
	}
	for range 10 {
		e := make([]float64, n)
		for k := range e {
			e[k] = r.NormFloat64()
		}
		var sum float64
		for k := range e {
			term := e[k] + before(k, e)
			sum += d[k] * term * term
		}
		assert.InEpsilon(t, cost(e), sum, 1e-4)
	}
}

// Vectors whose squares are too large for float32 are not gone by.
func TestMomentsOfLargeVectors(t *testing.T) {
	w := []float32{0.4, 0.4, 127}
	q, scales := make([]int8, PanelBytesI8(1, 3)), make([]float32, Pad(1))
	gathered(3, [][]float32{{1e30, 1e30, 0}}).PackI8(q, scales, w, 1, 3, 0.01)
	assert.Equal(t, []int8{0, 0, 127}, q[:3])
	gathered(3, [][]float32{{1e15, 1e15, 0}}).PackI8(q, scales, w, 1, 3, 0.01)
	assert.Equal(t, []int8{0, 1, 127}, q[:3])
}
