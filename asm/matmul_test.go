package asm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// blocks are the shapes that the products of blocks are tried on: every number of
// vectors around what kernels take at once, and every strip of a last panel. Under
// -short every fifth of them.
func blocks(columns []int) (ds []Block) {
	for _, rows := range []int{0, 16, 32, 48, 64, 80, 112, 128, 144} {
		for i, cols := range columns {
			for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 25, 33, 49, 97} {
				if rows > 64 && n > 13 || n > 33 && cols > 16 || testing.Short() && (rows+cols+n)%5 != 0 {
					continue
				}
				gap := (i + n) % 3 * 4
				ds = append(ds, Block{Rows: rows, Cols: cols, N: n, StrideY: rows + gap, StrideX: cols + gap})
			}
		}
	}
	return ds
}

// span is the length of n vectors of this length at this stride: no more than they need,
// so that a guard page follows the last one.
func span(n, stride, length int) int {
	if n == 0 {
		return 0
	}
	return (n-1)*stride + length
}

func TestMatMulF32EqualsMatVec(t *testing.T) {
	for _, k := range native() {
		ya, ba, wa, xa := newArena(t, 98*160), newArena(t, 98*160), newArena(t, 144*128), newArena(t, 98*140)
		for _, d := range blocks([]int{0, 1, 2, 3, 4, 5, 7, 8, 16, 33, 61, 127}) {
			r := rand.New(rand.NewPCG(uint64(d.Rows), uint64(d.Cols*64+d.N)))
			tail := r.IntN(2) == 0
			y, w, x := ya.slice(span(d.N, d.StrideY, d.Rows), tail), wa.slice(d.Rows*d.Cols, tail), xa.slice(span(d.N, d.StrideX, d.Cols), tail)
			kind := values[r.IntN(2)] // ordinary, any finite: no NaN arises that was not one
			for _, s := range [][]float32{w, x} {
				for i := range s {
					s[i] = values[0].next(r)
				}
			}
			for i := range x {
				if r.IntN(8) == 0 {
					x[i] = kind.next(r) * 0x1p-20
				}
			}
			for _, start := range []string{"zero", "bias", "continued"} {
				var b []float32
				switch start {
				case "bias":
					b = ba.slice(d.Rows, tail)
				case "continued":
					b, d.StrideB = y, d.StrideY
				}
				for i := range b {
					b[i] = float32(r.NormFloat64())
				}
				want := append([]float32{}, y...)
				from := b
				if start == "continued" {
					from = want
				}
				matMulBy(matVecF32)(want, from, w, x, d)
				k.MatMulF32(y, b, w, x, d)
				for i := range y {
					if !sameBits(want[i], y[i]) {
						t.Fatalf("%s, %+v, %s: [%d] generic %x, %x", k.Name, d, start, i, math.Float32bits(want[i]), math.Float32bits(y[i]))
					}
				}
			}
		}
	}
}

func TestMatMulI8EqualsMatVec(t *testing.T) {
	for _, k := range native() {
		ya, ba, wa, sa, xa := newArena(t, 98*160), newArena(t, 98*160), newArena(t, 144*MaxColsI8/4), newArena(t, 160), newArena(t, 98*(MaxColsI8+8)/4)
		for _, d := range blocks([]int{0, 4, 8, 12, 16, 20, 32, 36, 60, 64, 124}) {
			testMatMulI8(t, k, d, ya, ba, wa, sa, xa)
		}
		for _, n := range []int{1, 7, 13} {
			testMatMulI8(t, k, Block{Rows: 80, Cols: MaxColsI8, N: n, StrideY: 80, StrideX: MaxColsI8}, ya, ba, wa, sa, xa)
		}
	}
}

func testMatMulI8(t *testing.T, k *Kernels, d Block, ya, ba, wa, sa, xa *arena) {
	r := rand.New(rand.NewPCG(uint64(d.Rows), uint64(d.Cols*64+d.N)))
	tail := r.IntN(2) == 0
	y, s := ya.slice(span(d.N, d.StrideY, d.Rows), tail), sa.slice(d.Rows, tail)
	w, x := wa.bytesOf(d.Rows*d.Cols, tail), xa.bytesOf(span(d.N, d.StrideX, d.Cols), tail)
	sx := make([]float32, d.N)
	for kind, next := range int8s {
		for i := range w {
			w[i] = next(r)
		}
		for i := range x {
			x[i] = next(r)
		}
		for i := range s {
			s[i] = float32(math.Abs(r.NormFloat64()))
		}
		for i := range sx {
			sx[i] = float32(math.Abs(r.NormFloat64()))
		}
		for _, start := range []string{"zero", "bias", "continued"} {
			var b []float32
			d.StrideB = 0
			switch start {
			case "bias":
				b = ba.slice(d.Rows, tail)
			case "continued":
				b, d.StrideB = y, d.StrideY
			}
			for i := range b {
				b[i] = float32(r.NormFloat64())
			}
			want := append([]float32{}, y...)
			from := b
			if start == "continued" {
				from = want
			}
			matMulI8By(matVecI8)(want, from, w, s, x, sx, d)
			k.MatMulI8(y, b, w, s, x, sx, d)
			require.Equal(t, bitsOf(want), bitsOf(y), "%s, %+v, %s, %s", k.Name, d, kind, start)
		}
	}
}

func BenchmarkMatMul(b *testing.B) {
	for _, H := range []int{16, 64, 128, 256, 512} {
		for _, n := range []int{1, 8, 32, 64} {
			d := Block{Rows: 4 * H, Cols: H, N: n, StrideY: 4 * H, StrideX: H}
			y, sx := make([]float32, n*4*H), make([]float32, n)
			w, x := make([]float32, 4*H*H), make([]float32, n*H)
			w8, x8, s := make([]int8, 4*H*H), make([]int8, n*H), make([]float32, 4*H)
			for _, k := range All() {
				rate := func(b *testing.B) {
					b.ReportMetric(float64(b.N)*float64(len(w))*float64(n)/float64(b.Elapsed().Nanoseconds()), "MAC/ns")
				}
				b.Run(fmt.Sprintf("%s/H=%d/n=%d/float32", k.Name, H, n), func(b *testing.B) {
					for range b.N {
						k.MatMulF32(y, nil, w, x, d)
					}
					rate(b)
				})
				b.Run(fmt.Sprintf("%s/H=%d/n=%d/int8", k.Name, H, n), func(b *testing.B) {
					for range b.N {
						k.MatMulI8(y, nil, w8, s, x8, sx, d)
					}
					rate(b)
				})
			}
		}
	}
}
