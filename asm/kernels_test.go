package asm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRequiredISA says which kernels this run covers. RNNEDGE_REQUIRE_ISA fails a
// run that lacks the named table, RNNEDGE_REQUIRE_BEST one whose best is another.
// (A test, not TestMain: only what a test reads of the environment is part of the
// key under which go test caches its result.)
func TestRequiredISA(t *testing.T) {
	var names []string
	for _, k := range All() {
		names = append(names, k.Name)
	}
	t.Log("kernels under test:", names)
	if want := os.Getenv("RNNEDGE_REQUIRE_ISA"); want != "" {
		assert.Contains(t, names, want, "RNNEDGE_REQUIRE_ISA")
	}
	if want := os.Getenv("RNNEDGE_REQUIRE_BEST"); want != "" {
		assert.Equal(t, want, names[0], "RNNEDGE_REQUIRE_BEST")
	}
}

// An operation is one kernel with its shapes: size n to the lengths of its
// arguments.
type operation struct {
	name    string
	sizes   []int
	lengths func(n int) []int
	call    func(k *Kernels, a [][]float32)
}

func pad(n, to int) int { return (n + to - 1) / to * to }

func upTo(n int) (sizes []int) {
	for i := range n + 1 {
		sizes = append(sizes, i)
	}
	return sizes
}

// columns are the K of the products: around the blocks of 16, primes, none.
var columns = []int{0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 61, 127}

// operations is the one list that drives the tests of every kernel table.
func operations() (ops []operation) {
	for _, K := range columns {
		var rows []int
		for r := 0; r <= 3*PanelRows+RowPad; r += RowPad {
			rows = append(rows, r)
		}
		product := func(bias bool) func(rows int) []int {
			return func(rows int) []int {
				b := 0
				if bias {
					b = rows
				}
				return []int{rows, b, rows * K, K}
			}
		}
		matVec := func(k *Kernels, a [][]float32) { k.MatVecF32(a[0], a[1], a[2], a[3]) }
		matVecAt := func(k *Kernels, a [][]float32) { k.MatVecF32At(&MatVecF32{a[0], a[1], a[2], a[3]}) }
		ops = append(ops,
			operation{fmt.Sprintf("MatVecF32/K=%d", K), rows, product(true), matVec},
			operation{fmt.Sprintf("MatVecF32/K=%d/no bias", K), rows, product(false), matVec},
			operation{fmt.Sprintf("MatVecF32At/K=%d", K), rows, product(true), matVecAt},
			operation{fmt.Sprintf("MatVecF32/K=%d/in place", K), rows, product(true),
				func(k *Kernels, a [][]float32) { k.MatVecF32(a[0], a[0], a[2], a[3]) }},
			operation{fmt.Sprintf("MatVec4F32/K=%d", K), []int{0, 1, 16, 64}, // weights between two panels
				func(more int) []int { return []int{4 * PanelRows, 3*(PanelRows*K+more) + PanelRows*K, K} },
				func(k *Kernels, a [][]float32) { k.MatVec4F32(a[0], a[1], a[2], (len(a[1])-PanelRows*K)/3) }},
			operation{fmt.Sprintf("NarrowF32/K=%d", K), upTo(RowPad + 1),
				func(rows int) []int { return []int{rows, rows, rows * pad(K, RowPad), K} },
				func(k *Kernels, a [][]float32) { k.NarrowF32(a[0], a[1], a[2], a[3]) }})
	}
	units := append(upTo(40), 61, 64, 127, 193)
	// lengths of arguments as multiples of the number of units.
	lengths := func(multiples ...int) func(n int) []int {
		return func(n int) (l []int) {
			for _, m := range multiples {
				l = append(l, m*n)
			}
			return l
		}
	}
	type unary = func(y, x []float32)
	each := func(name string, f func(k *Kernels) unary) {
		ops = append(ops,
			operation{name, units, lengths(1, 1), func(k *Kernels, a [][]float32) { f(k)(a[0], a[1]) }},
			operation{name + "/in place", units, lengths(1, 1), func(k *Kernels, a [][]float32) { f(k)(a[0], a[0]) }})
	}
	each("SigmoidF32", func(k *Kernels) unary { return k.SigmoidF32 })
	each("TanhF32", func(k *Kernels) unary { return k.TanhF32 })
	each("ReluF32", func(k *Kernels) unary { return k.ReluF32 })
	return append(ops,
		operation{"LSTMF32", units, lengths(1, 1, 4, 4), func(k *Kernels, a [][]float32) { k.LSTMF32(a[0], a[1], a[2], a[3]) }},
		operation{"LSTMF32At", units, lengths(1, 1, 4, 4), func(k *Kernels, a [][]float32) { k.LSTMF32At(&CellF32{a[0], a[1], a[2], a[3]}) }},
		operation{"LSTMPeepholeF32", units, lengths(1, 1, 4, 4, 3), func(k *Kernels, a [][]float32) { k.LSTMPeepholeF32(a[0], a[1], a[2], a[3], a[4]) }},
		operation{"LSTMCoupledF32", units, lengths(1, 1, 3, 3), func(k *Kernels, a [][]float32) { k.LSTMCoupledF32(a[0], a[1], a[2], a[3]) }},
		operation{"LSTMCoupledPeepholeF32", units, lengths(1, 1, 3, 3, 2), func(k *Kernels, a [][]float32) { k.LSTMCoupledPeepholeF32(a[0], a[1], a[2], a[3], a[4]) }},
		operation{"GRUResetF32", units, lengths(1, 1, 1, 1), func(k *Kernels, a [][]float32) { k.GRUResetF32(a[0], a[1], a[2], a[3]) }},
		operation{"GRUBeforeF32", units, lengths(1, 3, 3), func(k *Kernels, a [][]float32) { k.GRUBeforeF32(a[0], a[1], a[2]) }},
		operation{"GRUF32", units, lengths(1, 3, 3), func(k *Kernels, a [][]float32) { k.GRUF32(a[0], a[1], a[2]) }},
		operation{"GRUF32At", units, lengths(1, 3, 3), func(k *Kernels, a [][]float32) { k.GRUF32At(&CellF32{H: a[0], ZX: a[1], ZH: a[2]}) }},
		operation{"RNNTanhF32", units, lengths(1, 1, 1), func(k *Kernels, a [][]float32) { k.RNNTanhF32(a[0], a[1], a[2]) }},
		operation{"RNNReluF32", units, lengths(1, 1, 1), func(k *Kernels, a [][]float32) { k.RNNReluF32(a[0], a[1], a[2]) }},
		operation{"WithinF32", units, func(n int) []int { return []int{1, n} }, func(k *Kernels, a [][]float32) {
			a[0][0] = 0
			for _, limit := range []float32{0, 1e-40, 1, 2.5, math.MaxFloat32} {
				a[0][0] *= 2
				if k.WithinF32(a[1], limit) {
					a[0][0]++
				}
			}
		}},
	)
}

// values are the kinds of numbers that every operation is tried on.
var values = []struct {
	name string
	next func(r *rand.Rand) float32
}{
	{"ordinary", func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }},
	{"any finite", func(r *rand.Rand) float32 {
		for {
			if v := math.Float32frombits(r.Uint32()); v-v == 0 {
				return v
			}
		}
	}},
	{"special", func(r *rand.Rand) float32 {
		special := []float32{
			0, 1, 0.5, 2, 1e-30, StateFloor, StateFloor * (1 - 0x1p-24), 9.1, 18.2, 32, 88,
			math.SmallestNonzeroFloat32, 0x1p-126, 0x0.fffffep-126, 0x1p-140,
			math.MaxFloat32, 0x1p+127, 0x1p+64, 1 - 0x1p-24, 1 + 0x1p-23,
		}
		v := special[r.IntN(len(special))]
		if r.IntN(2) == 0 {
			v = -v
		}
		return v
	}},
	{"with NaN", func(r *rand.Rand) float32 {
		switch r.IntN(12) {
		case 0:
			return float32(math.NaN())
		case 1:
			return float32(math.Inf(1 - 2*r.IntN(2)))
		}
		return float32(r.NormFloat64())
	}},
}

// sameBits compares two results. Which NaN an operation makes is the one thing
// that instruction sets differ in; package infer keeps NaNs from arising.
func sameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestKernelsEqualGeneric(t *testing.T) {
	for _, k := range native() {
		t.Run(k.Name, func(t *testing.T) {
			var arenas [5]*arena
			for i := range arenas {
				arenas[i] = newArena(t, 256*128)
			}
			for _, op := range operations() {
				t.Run(op.name, func(t *testing.T) { testOperation(t, k, op, arenas) })
			}
		})
	}
}

func testOperation(t *testing.T, k *Kernels, op operation, arenas [5]*arena) {
	for _, n := range op.sizes {
		for v, kind := range values {
			random := rand.New(rand.NewPCG(uint64(n), uint64(v)))
			lengths := op.lengths(n)
			want := make([][]float32, len(lengths))
			for i, l := range lengths {
				want[i] = make([]float32, l)
				for j := range want[i] {
					want[i][j] = kind.next(random)
				}
			}
			for _, atTail := range []bool{false, true} {
				got := make([][]float32, len(lengths))
				for i := range got {
					got[i] = arenas[i].slice(lengths[i], atTail)
					copy(got[i], want[i])
				}
				expected := make([][]float32, len(lengths))
				for i := range expected {
					expected[i] = append([]float32(nil), want[i]...)
				}
				op.call(&generic, expected)
				op.call(k, got)
				for i := range got {
					for j := range got[i] {
						if !sameBits(expected[i][j], got[i][j]) {
							t.Fatalf("n=%d, %s values, argument %d [%d]: generic %x, %s %x",
								n, kind.name, i, j, math.Float32bits(expected[i][j]), k.Name, math.Float32bits(got[i][j]))
						}
					}
				}
			}
		}
	}
}

func TestMatVecColumnsCanBeCut(t *testing.T) {
	const rows, K = 64, 40
	random := rand.New(rand.NewPCG(1, 2))
	b, w, x := make([]float32, rows), make([]float32, rows*K), make([]float32, K)
	for _, s := range [][]float32{b, w, x} {
		for i := range s {
			s[i] = float32(random.NormFloat64())
		}
	}
	for _, k := range All() {
		whole, parts := make([]float32, rows), make([]float32, rows)
		k.MatVecF32(whole, b, w, x)
		k.MatVecF32(parts, b, w[:rows*7], x[:7])
		k.MatVecF32(parts, parts, w[rows*7:], x[7:])
		assert.Equal(t, whole, parts, k.Name)
	}
}

func TestChoosing(t *testing.T) {
	t.Setenv(EnvISA, "")
	best, err := Best()
	require.NoError(t, err)
	assert.Same(t, All()[0], best)
	assert.Equal(t, "generic", All()[len(All())-1].Name)

	t.Setenv(EnvISA, "generic")
	k, err := Best()
	require.NoError(t, err)
	assert.Equal(t, "generic", k.Name)

	t.Setenv(EnvISA, "mmx")
	_, err = Best()
	assert.ErrorContains(t, err, `RNNEDGE_ISA: asm: no kernels "mmx" on this CPU, which can run: `)
	assert.ErrorContains(t, err, "generic")
}

func TestKernelsAreComplete(t *testing.T) {
	for _, k := range All() {
		table := reflect.ValueOf(*k)
		for i := range table.NumField() {
			name := table.Type().Field(i).Name
			optional := (name == "MatVec2I8" || name == "MatVec4I8") && k.Name != "avx512vnni"
			assert.Equal(t, optional, table.Field(i).IsZero(), "%s, %s", k.Name, name)
		}
		x := make([]float32, 16)
		for _, op := range operations() {
			assert.NotPanics(t, func() {
				a := make([][]float32, 0, 4)
				for _, l := range op.lengths(16) {
					a = append(a, make([]float32, l))
				}
				op.call(k, a)
			}, "%s %s", k.Name, op.name)
		}
		assert.True(t, k.WithinF32(x, 0), k.Name)
		x[15] = float32(math.NaN())
		assert.False(t, k.WithinF32(x, math.MaxFloat32), k.Name)
	}
}
