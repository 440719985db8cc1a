package asm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bytesOf returns n int8 of an arena, against the guard page at its tail or its head.
func (a *arena) bytesOf(n int, atTail bool) []int8 {
	floats := a.slice((n+3)/4, atTail)
	if len(floats) == 0 {
		return nil
	}
	b := unsafe.Slice((*int8)(unsafe.Pointer(&floats[0])), 4*len(floats))
	if atTail {
		return b[len(b)-n:]
	}
	return b[:n:n]
}

// int8s are the kinds of numbers that the products are tried on.
var int8s = map[string]func(r *rand.Rand) int8{
	"any":      func(r *rand.Rand) int8 { return int8(r.IntN(255) - 127) },
	"extremes": func(r *rand.Rand) int8 { return int8(127 - 254*r.IntN(2)) },
	"largest":  func(r *rand.Rand) int8 { return 127 },
	"least":    func(r *rand.Rand) int8 { return -127 },
	"sparse":   func(r *rand.Rand) int8 { return int8(127 * (r.IntN(5) / 2 % 2) * (1 - 2*r.IntN(2))) },
}

// columnsI8 are the columns of the int8 products, with their padding: around the blocks
// of 16 and 32, primes rounded up, none and the most.
var columnsI8 = []int{0, 4, 8, 12, 16, 20, 28, 32, 36, 44, 60, 64, 68, 104, 124, 132, MaxColsI8}

func TestMatVecI8EqualsGeneric(t *testing.T) {
	const most = 3*PanelRows + RowPad
	for _, k := range native() {
		ya, ba, wa, sa, xa := newArena(t, most), newArena(t, most), newArena(t, most*MaxColsI8/4), newArena(t, most), newArena(t, MaxColsI8/4)
		for _, K := range columnsI8 {
			for rows := 0; rows <= most; rows += RowPad {
				for kind, next := range int8s {
					for _, bias := range []bool{false, true} {
						r := rand.New(rand.NewPCG(uint64(rows), uint64(K)))
						tail := r.IntN(2) == 0
						y, w, s, x := ya.slice(rows, tail), wa.bytesOf(rows*K, tail), sa.slice(rows, tail), xa.bytesOf(K, tail)
						var b []float32
						if bias {
							b = ba.slice(rows, tail)
						}
						for i := range w {
							w[i] = next(r)
						}
						for i := range x {
							x[i] = next(r)
						}
						for i := range s {
							s[i] = float32(math.Abs(r.NormFloat64()))
						}
						for i := range b {
							b[i] = float32(r.NormFloat64())
						}
						sx := float32(math.Abs(r.NormFloat64()))
						want := make([]float32, rows)
						matVecI8(want, b, w, s, x, sx)
						k.MatVecI8(y, b, w, s, x, sx)
						require.Equal(t, bitsOf(want), bitsOf(y), "%s, %d×%d, %s, bias %v", k.Name, rows, K, kind, bias)
						clear(y)
						k.MatVecI8At(&MatVecI8{y, b, w, s, x, sx})
						require.Equal(t, bitsOf(want), bitsOf(y), "%s, %d×%d, %s, bias %v, At", k.Name, rows, K, kind, bias)
						if bias { // in place
							copy(y, b)
							k.MatVecI8(y, y, w, s, x, sx)
							require.Equal(t, bitsOf(want), bitsOf(y), "%s, %d×%d, in place", k.Name, rows, K)
						}
					}
				}
			}
		}
	}
}

// Both digits at once are one after the other.
func TestMatVec2I8EqualsGeneric(t *testing.T) {
	const most = 3*PanelRows + RowPad
	for _, k := range native() {
		if k.MatVec2I8 == nil {
			continue
		}
		ya, ba, wa, sa, xa, la := newArena(t, most), newArena(t, most), newArena(t, most*MaxColsI8/4), newArena(t, most), newArena(t, MaxColsI8/4), newArena(t, MaxColsI8/4)
		for _, K := range columnsI8 {
			for rows := 0; rows <= most; rows += RowPad {
				for kind, next := range int8s {
					for _, start := range []string{"zero", "bias", "in place"} {
						r := rand.New(rand.NewPCG(uint64(rows), uint64(K)))
						tail := r.IntN(2) == 0
						a := MatVec2I8{MatVecI8{
							Y: ya.slice(rows, tail), W: wa.bytesOf(rows*K, tail), S: sa.slice(rows, tail), X: xa.bytesOf(K, tail),
							SX: float32(math.Abs(r.NormFloat64())),
						}, la.bytesOf(K, tail), float32(math.Abs(r.NormFloat64()))}
						switch start {
						case "bias":
							a.B = ba.slice(rows, tail)
						case "in place":
							a.B = a.Y
						}
						for _, v := range [][]int8{a.W, a.X, a.Low} {
							for i := range v {
								v[i] = next(r)
							}
						}
						for _, v := range [][]float32{a.S, a.B} {
							for i := range v {
								v[i] = float32(math.Abs(r.NormFloat64()))
							}
						}
						want := make([]float32, rows)
						matVecI8(want, slices.Clone(a.B), a.W, a.S, a.X, a.SX)
						matVecI8(want, want, a.W, a.S, a.Low, a.SLow)
						k.MatVec2I8(&a)
						require.Equal(t, bitsOf(want), bitsOf(a.Y), "%s, %d×%d, %s, %s", k.Name, rows, K, kind, start)
					}
				}
			}
		}
	}
}

// Four panels side by side, with some bytes between them.
func TestMatVec4I8EqualsGeneric(t *testing.T) {
	const rows, most = 4 * PanelRows, 4*PanelRows*MaxColsI8 + 3*PanelRows
	for _, k := range native() {
		if k.MatVec4I8 == nil {
			continue
		}
		ca, ya, wa, sa, xa := newArena(t, rows), newArena(t, rows), newArena(t, most/4), newArena(t, rows), newArena(t, MaxColsI8/4)
		for _, K := range columnsI8 {
			for _, apart := range []int{0, 4, PanelRows} {
				for kind, next := range int8s {
					r := rand.New(rand.NewPCG(uint64(apart), uint64(K)))
					tail := r.IntN(2) == 0
					stride := PanelRows*K + apart
					y, w, s, x := ya.slice(rows, tail), wa.bytesOf(3*stride+PanelRows*K, tail), sa.slice(rows, tail), xa.bytesOf(K, tail)
					for i := range w {
						w[i] = next(r)
					}
					for i := range x {
						x[i] = next(r)
					}
					for i := range y {
						y[i], s[i] = float32(r.NormFloat64()), float32(math.Abs(r.NormFloat64()))
					}
					y[0], s[0], y[1], s[1] = float32(math.Copysign(0, -1)), 0, 0, 0
					sx := float32(math.Abs(r.NormFloat64()))
					want := slices.Clone(y)
					for p := range 4 {
						panel := want[p*PanelRows:][:PanelRows]
						matVecI8(panel, panel, w[p*stride:][:PanelRows*K], s[p*PanelRows:][:PanelRows], x, sx)
					}
					comp := ca.int32sOf(rows, tail)
					for p := range 4 {
						CompensationI8(comp[p*PanelRows:][:PanelRows], w[p*stride:][:PanelRows*K])
					}
					k.MatVec4I8(y, w, s, comp, x, sx, stride)
					require.Equal(t, bitsOf(want), bitsOf(y), "%s, %d columns, %s, %d apart", k.Name, K, kind, apart)
				}
			}
		}
	}
}

// The compensation of a row is minus what a product by 128 in each place is.
func TestCompensationI8(t *testing.T) {
	const most = 2*PanelRows + RowPad
	r := rand.New(rand.NewPCG(3, 4))
	for rows := 0; rows <= most; rows += RowPad {
		for _, K := range columnsI8 {
			w, comp := make([]int8, rows*K), make([]int32, rows)
			for i := range w {
				w[i] = int8(r.IntN(255) - 127)
			}
			CompensationI8(comp, w)
			for row := range comp {
				first := row / PanelRows * PanelRows
				height, sum := min(PanelRows, rows-first), int32(0)
				for k := range K {
					sum += int32(w[first*K+k/4*4*height+4*(row-first)+k%4])
				}
				require.Equal(t, -128*sum, comp[row], "row %d of %d, %d columns", row, rows, K)
			}
		}
	}
}

// int32sOf is bytesOf for int32.
func (a *arena) int32sOf(n int, atTail bool) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(a.slice(n, atTail)))), n)
}

// Sums of the largest products, of either sign, are exact: nothing saturates, nothing
// overflows and float32 holds every sum.
func TestMatVecI8Extremes(t *testing.T) {
	const rows = PanelRows + 3*RowPad
	for _, k := range All() {
		for _, K := range columnsI8 {
			for _, wv := range []int{-127, 127} {
				for _, xv := range []int{-127, 127} {
					y, w, s, x := make([]float32, rows), make([]int8, rows*K), make([]float32, rows), make([]int8, K)
					for i := range w {
						w[i] = int8(wv)
					}
					for i := range x {
						x[i] = int8(xv)
					}
					for i := range s {
						s[i] = 0.5
					}
					k.MatVecI8(y, nil, w, s, x, 2)
					for r := range y {
						require.Equal(t, float64(K*wv*xv), float64(y[r]), "%s, K=%d, %d·%d, row %d", k.Name, K, wv, xv, r)
					}
				}
			}
		}
	}
}

// More columns than one call takes are a chain: each block starts from the y before it.
func TestMatVecI8Blocks(t *testing.T) {
	const rows, K = 16, MaxColsI8 + 8
	r := rand.New(rand.NewPCG(3, 4))
	w, s, x := make([]int8, rows*K), make([]float32, rows), make([]int8, K)
	for i := range w {
		w[i] = int8(r.IntN(255) - 127)
	}
	for i := range x {
		x[i] = int8(r.IntN(255) - 127)
	}
	for i := range s {
		s[i] = float32(math.Abs(r.NormFloat64()))
	}
	const sx = 0.3
	for _, k := range All() {
		y := make([]float32, rows)
		k.MatVecI8(y, nil, w[:rows*MaxColsI8], s, x[:MaxColsI8], sx)
		k.MatVecI8(y, y, w[rows*MaxColsI8:], s, x[MaxColsI8:], sx)
		for row := range rows {
			var want float32
			for _, block := range [][2]int{{0, MaxColsI8}, {MaxColsI8, K}} {
				sum := 0
				for k := block[0]; k < block[1]; k++ {
					sum += int(w[k/4*4*rows+4*row+k%4]) * int(x[k])
				}
				want = fma32(float32(sum), s[row]*sx, want)
			}
			require.Equal(t, math.Float32bits(want), math.Float32bits(y[row]), "%s, row %d", k.Name, row)
		}
	}
}

// The generic product is what the layout says, in integers.
func TestMatVecI8(t *testing.T) {
	const rows, K = 80, 12
	r := rand.New(rand.NewPCG(1, 1))
	w, x, s := make([]int8, rows*K), make([]int8, K), make([]float32, rows)
	var matrix [rows][K]int
	at := func(row, k int) int {
		if row < 64 {
			return k/4*256 + 4*row + k%4
		}
		return 64*K + k/4*64 + 4*(row-64) + k%4
	}
	for row := range rows {
		s[row] = float32(row+1) / 64
		for k := range K {
			matrix[row][k] = r.IntN(255) - 127
			w[at(row, k)] = int8(matrix[row][k])
		}
	}
	for k := range x {
		x[k] = int8(r.IntN(255) - 127)
	}
	for _, k := range All() {
		y := make([]float32, rows)
		k.MatVecI8(y, nil, w, s, x, 0.25)
		for row := range rows {
			sum := 0
			for k := range K {
				sum += matrix[row][k] * int(x[k])
			}
			assert.Equal(t, float32(float64(sum)*float64(s[row])*0.25), y[row], k.Name)
		}
	}
}

func TestQuantizeI8EqualsGeneric(t *testing.T) {
	for _, k := range native() {
		qa, xa := newArena(t, 64), newArena(t, 256)
		for n := range 130 {
			for v, kind := range values {
				if kind.name == "with NaN" {
					continue // refused before
				}
				r := rand.New(rand.NewPCG(uint64(n), uint64(v)))
				for _, largest := range []float32{0, 127, 1, 0x1p-99, 0x1p-100, 0x1p-101, 1e30, math.MaxFloat32} {
					for _, tail := range []bool{false, true} {
						q, x := qa.bytesOf((n+3)/4*4, tail), xa.slice(n, tail)
						want, have := QuantizeI8{Q: make([]int8, len(q)), X: x}, QuantizeI8{Q: q, X: x}
						for i := range x {
							x[i] = max(-largest, min(kind.next(r), largest))
							if r.IntN(3) == 0 { // halves round to even
								x[i] = largest / 127 * (float32(r.IntN(254)-127) + 0.5)
							}
						}
						if n > 0 {
							x[r.IntN(n)] = -largest
						}
						for i := range q {
							q[i] = -128
						}
						quantizeI8(&want)
						k.QuantizeI8(&have)
						require.Equal(t, want.Q, append([]int8{}, q...), "%s, %d %s values to %g", k.Name, n, kind.name, largest)
						require.Equal(t, math.Float32bits(want.Scale), math.Float32bits(have.Scale), "%s, %d %s values to %g", k.Name, n, kind.name, largest)
						require.Equal(t, math.Float32bits(maxAbsF32(x)), math.Float32bits(k.MaxAbsF32(x)), "%s, %d %s values", k.Name, n, kind.name)
					}
				}
			}
		}
	}
}

func TestDigitsI8EqualsGeneric(t *testing.T) {
	for _, k := range native() {
		ha, la, xa := newArena(t, 64), newArena(t, 64), newArena(t, 256)
		for n := range 130 {
			for v, kind := range values {
				if kind.name == "with NaN" {
					continue // refused before
				}
				r := rand.New(rand.NewPCG(uint64(n), uint64(v)))
				for _, inv := range []float32{0, 1, 127, 100.3, 1e-30, 0.5} {
					scale, invLow := 1/inv, 254*inv
					if inv == 0 {
						scale = 0
					}
					for _, tail := range []bool{false, true} {
						high, low, x := ha.bytesOf(n, tail), la.bytesOf(n, tail), xa.slice(n, tail)
						wantHigh, wantLow := make([]int8, n), make([]int8, n)
						for i := range x {
							x[i] = kind.next(r)
							if r.IntN(3) == 0 { // halves round to even
								x[i] = scale * (float32(r.IntN(300)-150) + 0.5)
							}
							if math.IsInf(float64(x[i]*inv), 0) || math.IsInf(float64((x[i]+127*scale)*invLow), 0) || math.IsInf(float64((x[i]-127*scale)*invLow), 0) {
								x[i] = scale
							}
						}
						digitsI8(wantHigh, wantLow, x, inv, scale, invLow)
						k.DigitsI8(high, low, x, inv, scale, invLow)
						require.Equal(t, wantHigh, append([]int8{}, high...), "%s, %d %s values, inv %g", k.Name, n, kind.name, inv)
						require.Equal(t, wantLow, append([]int8{}, low...), "%s, %d %s values, inv %g", k.Name, n, kind.name, inv)
					}
				}
			}
		}
	}
}

// Numbers in which either digit is at its limits, and one of which a product that is rounded
// before the sum leaves something else.
func TestDigitsI8(t *testing.T) {
	for _, k := range All() {
		high, low := make([]int8, 10), make([]int8, 10)
		k.DigitsI8(high, low, []float32{0, 0.25, 0.5, 1.5, -0.75, 127, -127, 126.5, 127.5, -1000}, 1, 1, 254)
		assert.Equal(t, []int8{0, 0, 0, 2, -1, 127, -127, 126, 127, -127}, high, k.Name)
		assert.Equal(t, []int8{0, 64, 127, -127, 64, 0, 0, 127, 127, -127}, low, k.Name)

		x, scale := float32(3.3), float32(0.3)
		rest := float32(float64(x) - 11*float64(scale)) // exact in float64
		k.DigitsI8(high[:1], low[:1], []float32{x}, 1/scale, scale, 0x1p24)
		assert.Equal(t, int8(11), high[0], k.Name)
		assert.Equal(t, int8(math.RoundToEven(float64(rest*0x1p24))), low[0], k.Name)
	}
}

func TestQuantizeI8(t *testing.T) {
	for _, k := range All() {
		a := QuantizeI8{Q: make([]int8, 12), X: []float32{0, 0.5, 1.5, -2.5, 126.4, 126.6, -127, 1e-30, -0.49}}
		k.QuantizeI8(&a)
		assert.Equal(t, []int8{0, 0, 2, -2, 126, 127, -127, 0, 0, 0, 0, 0}, a.Q, k.Name)
		assert.Equal(t, float32(1), a.Scale)
		assert.Zero(t, k.MaxAbsF32(nil), k.Name)
		assert.Equal(t, float32(3), k.MaxAbsF32([]float32{1, -3, 2}), k.Name)
	}
}

func TestScaleI8(t *testing.T) {
	for _, v := range []float32{1, 0.3, 1e-20, 0x1p-100, 1e30, math.MaxFloat32} {
		inv, scale := ScaleI8(v)
		assert.InEpsilon(t, 127, v*inv, 1e-6)
		assert.InEpsilon(t, v, 127*float64(scale), 1e-6)
	}
	for _, v := range []float32{0, 1e-45, 0x1p-101} {
		inv, scale := ScaleI8(v)
		low, scaleLow := ScaleLowI8(inv, scale)
		assert.Zero(t, low)
		assert.Zero(t, scaleLow)
		assert.Zero(t, inv)
		assert.Zero(t, scale)
	}
}

// Two digits stand for a vector to half a scale of the second one, and a little for what float32
// rounds, whatever its size.
func TestScaleLowI8(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, largest := range []float32{1, 0.3, 1e-20, 0x1p-100, 1e30, math.MaxFloat32} {
		x := make([]float32, 1000)
		for i := range x {
			x[i] = largest * (2*r.Float32() - 1)
		}
		x[0], x[1] = largest, -largest
		inv, scale := ScaleI8(largest)
		invLow, scaleLow := ScaleLowI8(inv, scale)
		assert.False(t, math.IsInf(float64(invLow), 0))
		assert.GreaterOrEqual(t, scaleLow, float32(0x1p-126), "not subnormal")
		for _, k := range All() {
			high, low := make([]int8, len(x)), make([]int8, len(x))
			k.DigitsI8(high, low, x, inv, scale, invLow)
			assert.NotContains(t, high, int8(-128))
			assert.NotContains(t, low, int8(-128))
			one := QuantizeI8{Q: make([]int8, len(x)), X: x}
			k.QuantizeI8(&one)
			assert.Equal(t, high, one.Q, "the first digit is that of one digit")
			for i, v := range x {
				sum := float64(high[i])*float64(scale) + float64(low[i])*float64(scaleLow)
				assert.LessOrEqual(t, math.Abs(sum-float64(v)), 0.51*float64(scaleLow), "%s, %g of %g", k.Name, v, largest)
			}
		}
	}
}

func BenchmarkMatVecI8(b *testing.B) {
	for _, H := range []int{16, 64, 128, 256, 512} {
		for _, k := range All() {
			y, w, s, x := make([]float32, 4*H), make([]int8, 4*H*H), make([]float32, 4*H), make([]int8, H)
			wf, xf := make([]float32, 4*H*H), make([]float32, H)
			b.Run(fmt.Sprintf("%s/H=%d/int8", k.Name, H), func(b *testing.B) {
				b.SetBytes(int64(len(w)))
				for range b.N {
					k.MatVecI8(y, nil, w, s, x, 1)
				}
			})
			b.Run(fmt.Sprintf("%s/H=%d/float32", k.Name, H), func(b *testing.B) {
				b.SetBytes(int64(4 * len(wf)))
				for range b.N {
					k.MatVecF32(y, nil, wf, xf)
				}
			})
		}
	}
}
