package quant

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/rnnedge/rnnedge/asm"
)

// Moments are the second moments of vectors that a matrix multiplies, the sum of x·xᵀ over
// them. They tell which errors of a row of weights show in its product with such a vector and
// which cancel: errors e make it wrong by eᵀx, in square and on average by eᵀ·E[x·xᵀ]·e.
//
// They belong to a converter: an engine that runs a model has no use for them. What they
// compute is the same on every CPU.
type Moments struct {
	n       int
	sums    []float64 // n×n, row-major, up to the diagonal; without those that are pending
	pending int       // vectors that were added since, up to momentsAtOnce
	panels  []float32 // they as rows of panels of 64, [n/64][momentsAtOnce][64]
	columns []float32 // and as columns, [n][momentsAtOnce]
}

// momentsAtOnce is how many vectors are multiplied at once, and summed in float32.
const momentsAtOnce = 64

// NewMoments returns those of vectors of n elements, none so far. It takes about 8n² bytes.
func NewMoments(n int) *Moments {
	panels := (n + asm.PanelRows - 1) / asm.PanelRows
	return &Moments{
		n:       n,
		sums:    make([]float64, n*n),
		panels:  make([]float32, panels*momentsAtOnce*asm.PanelRows),
		columns: make([]float32, n*momentsAtOnce),
	}
}

// Add counts the vector x, n finite floats.
func (m *Moments) Add(x []float32) {
	for i, v := range x[:m.n] {
		panel := m.panels[i/asm.PanelRows*momentsAtOnce*asm.PanelRows:]
		panel[m.pending*asm.PanelRows+i%asm.PanelRows] = v
		m.columns[i*momentsAtOnce+m.pending] = v
	}
	if m.pending++; m.pending == momentsAtOnce {
		m.sum()
	}
}

// sum adds what is pending to the sums: products of a panel with each column.
func (m *Moments) sum() {
	if m.pending == 0 {
		return
	}
	kernels := asm.All()[0]
	d := asm.Block{Rows: asm.PanelRows, Cols: m.pending, StrideY: asm.PanelRows, StrideX: momentsAtOnce}
	var y [asm.PanelRows * asm.PanelRows]float32
	for i := 0; i < m.n; i += asm.PanelRows {
		panel := m.panels[i*momentsAtOnce:][:m.pending*asm.PanelRows]
		for j := 0; j <= i; j += asm.PanelRows {
			d.N = min(asm.PanelRows, m.n-j)
			kernels.MatMulF32(y[:d.N*asm.PanelRows], nil, panel, m.columns[j*momentsAtOnce:], d)
			for r := range min(asm.PanelRows, m.n-i) {
				sums := m.sums[(i+r)*m.n+j:][:min(d.N, i+r-j+1)]
				for c := range sums {
					sums[c] += float64(y[c*asm.PanelRows+r])
				}
			}
		}
	}
	m.pending = 0
}

// PackI8 is the function PackI8 with the same scales and another rounding, for the vectors
// that m has seen. A weight becomes one of the numbers near it, not always the nearest: each
// makes good in its product with those vectors, as far as it can, what the rounding of others has
// spoilt. damping is how much of the vectors' mean square counts as noise, alike in every
// element: little for vectors that are much like those to come, more where they are less so. If
// there were none but zeros, or squares too large for a float32, the rounding is to the nearest.
//
//	src is rows×cols, with cols = n; damping > 0. It takes about n²·(n/6 + rows/2)
//	multiplications and 8n² bytes
//
// This is the adaptive rounding of Frantar et al., GPTQ, 2022, in the form of Chee et al., QuIP,
// 2023.
func (m *Moments) PackI8(dst []int8, scales, src []float32, rows, cols int, damping float64) {
	PackI8(dst, scales, src, rows, cols)
	f := m.factor(damping)
	if f == nil {
		return
	}
	var all sync.WaitGroup
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	for first := 0; first < rows; first += asm.PanelRows {
		limit <- struct{}{}
		all.Go(func() {
			f.round(dst, scales, src, rows, cols, first)
			<-limit
		})
	}
	all.Wait()
}

// A factor is E = E[x·xᵀ] with its damping, as U·D·Uᵀ: columns in an order, D diagonal and U upper
// triangular with ones on the diagonal. Thus errors e cost
//
//	eᵀ·E·e = Σ D[k]·(e[k] + Σ e[j]·U[j][k])², over j < k
//
// and if the columns are rounded in that order, each term is least where the weight and the sum of
// what earlier errors did, taken together, are rounded to the nearest.
type factor struct {
	order []int
	u     [][]float32 // u[k][j] = U[j][k], j < k
}

// factor returns nil if there is nothing to go by.
func (m *Moments) factor(damping float64) *factor {
	m.sum()
	var trace float64
	for i := range m.n {
		trace += m.sums[i*m.n+i]
	}
	if trace == 0 || trace > math.MaxFloat64 {
		return nil
	}
	// The largest come first: their errors cost most, and all others can make up for them.
	f := &factor{order: make([]int, m.n), u: make([][]float32, m.n)}
	for k := range f.order {
		f.order[k] = k
	}
	slices.SortStableFunc(f.order, func(a, b int) int { return -cmp.Compare(m.sums[a*m.n+a], m.sums[b*m.n+b]) })
	e := make([][]float64, m.n) // the lower triangle, which becomes that of D and Uᵀ
	for k, a := range f.order {
		e[k] = make([]float64, k+1)
		for j, b := range f.order[:k+1] {
			e[k][j] = m.sums[max(a, b)*m.n+min(a, b)] / trace
		}
		e[k][k] += damping / float64(m.n)
	}
	// From the last column to the first: divide it by its D, and take what it explains off those
	// before it.
	for k := m.n - 1; k >= 0; k-- {
		column, d := e[k][:k], e[k][k]
		f.u[k] = make([]float32, k)
		for i, v := range column {
			share := v / d
			f.u[k][i] = float32(share)
			for j, v := range column[:i+1] {
				// The conversion keeps a CPU from fusing the two operations into one with
				// another rounding.
				e[i][j] -= float64(share * v)
			}
		}
	}
	return f
}

// round rounds a panel of rows, from row first on. Their errors so far are a panel, too, and
// what they did is its product with a column of U.
func (f *factor) round(dst []int8, scales, src []float32, rows, cols, first int) {
	kernels := asm.All()[0]
	errors := make([]float32, asm.PanelRows*cols)
	var done [asm.PanelRows]float32
	for k, c := range f.order {
		kernels.MatVecF32(done[:], nil, errors[:asm.PanelRows*k], f.u[k])
		for r := first; r < min(rows, first+asm.PanelRows); r++ {
			if scales[r] == 0 {
				continue
			}
			w := float64(src[r*cols+c]) / float64(scales[r])
			q := min(max(math.RoundToEven(w-float64(done[r-first])), -127), 127)
			errors[asm.PanelRows*k+r-first] = float32(q - w)
			dst[indexI8(rows, cols, r, c)] = int8(q)
		}
	}
}
