//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// y = b + W·x over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel {
//		acc[0:64] = b[0:64]                    // or zero
//		for k := range x {
//			acc[r] = fma(w[r], x[k], acc[r])   // r = 0 … 63, one lane each
//			w = w[64:]
//		}
//		y[0:64] = acc[0:64]
//	}
//
// A panel column is 256 bytes: four registers of accumulators, four fused
// multiply-adds that take their weight from memory. They wait four cycles for each
// other, which is as long as the second-level cache needs for 256 bytes. From the first
// level a matrix comes faster: of one that fits there, two panels run side by side. Larger
// ones are one stream, prefetched, each line (on Zen 5 every other line is up to two
// thirds slower than none, in the second-level cache); a prefetch beyond their end does
// nothing or loads a line.
//
// len(y) is a multiple of 16, len(b) is len(y) or 0, len(w) = len(y)·len(x).

#define ARGS  CX // the arguments
#define Y     DI
#define ROWS  SI  // rows left
#define B     DX  // where accumulators start from: b, or zeros
#define BSTEP R8  // bytes from one panel of B to the next: 256, or 0
#define W     R9
#define X     R10 // end of x
#define K0    R11 // -4·len(x)
#define K     R12 // K0 … -4, offset from X
#define PANEL R13 // bytes of a panel's weights
#define SMALL AX  // bytes of all weights
#define AHEAD BX  // prefetchAhead

#define FIRST_LEVEL 32768 // what every CPU with AVX-512 has for data

#define XK   Z15
#define ACC0 Z0
#define ACC1 Z1
#define ACC2 Z2
#define ACC3 Z3
#define ACC4 Z4 // of a second panel
#define ACC5 Z5
#define ACC6 Z6
#define ACC7 Z7

#define START16(at, a0) VMOVUPS at(B), a0
#define STORE16(at, a0) VMOVUPS a0, at(Y)
#define FMA16(at, a0) VFMADD231PS at(W), XK, a0

#define START64 \
	START16(0x00, ACC0) \
	START16(0x40, ACC1) \
	START16(0x80, ACC2) \
	START16(0xc0, ACC3)

#define STORE64 \
	STORE16(0x00, ACC0) \
	STORE16(0x40, ACC1) \
	STORE16(0x80, ACC2) \
	STORE16(0xc0, ACC3)

#define COLUMN64(at, k) \
	VBROADCASTSS k(X)(K*1), XK \
	FMA16(at+0x00, ACC0)       \
	FMA16(at+0x40, ACC1)       \
	FMA16(at+0x80, ACC2)       \
	FMA16(at+0xc0, ACC3)

// Four columns of a panel, FETCH before each. The flags say whether as many are left.
#define QUARTET64(FETCH) \
	FETCH(0x000)         \
	COLUMN64(0x000, -16) \
	FETCH(0x100)         \
	COLUMN64(0x100, -12) \
	FETCH(0x200)         \
	COLUMN64(0x200, -8)  \
	FETCH(0x300)         \
	COLUMN64(0x300, -4)  \
	ADDQ $0x400, W       \
	ADDQ $16, K

#define PREFETCH(at) \
	PREFETCHT0 at+0x00(W)(AHEAD*1) \
	PREFETCHT0 at+0x40(W)(AHEAD*1) \
	PREFETCHT0 at+0x80(W)(AHEAD*1) \
	PREFETCHT0 at+0xc0(W)(AHEAD*1)

#define NOTHING(at)

#define NEXTK(columnBytes, loop) \
	ADDQ $columnBytes, W \
	ADDQ $4, K           \
	JNZ  loop

// func matVecF32AtAVX512(a *MatVecF32)
TEXT ·matVecF32AtAVX512(SB), NOSPLIT, $0-8
	MOVQ  a+0(FP), ARGS
	MOVQ  MatVecF32_Y(ARGS), Y
	MOVQ  (MatVecF32_Y+8)(ARGS), ROWS
	MOVQ  MatVecF32_B(ARGS), B
	MOVQ  MatVecF32_W(ARGS), W
	MOVQ  (MatVecF32_W+8)(ARGS), SMALL
	MOVQ  MatVecF32_X(ARGS), X
	MOVQ  (MatVecF32_X+8)(ARGS), K0
	MOVQ  ·prefetchAhead(SB), AHEAD
	MOVQ  $256, BSTEP
	CMPQ  (MatVecF32_B+8)(ARGS), $0
	JNE   addresses
	LEAQ  ·zeros(SB), B
	XORQ  BSTEP, BSTEP

addresses:
	LEAQ  (X)(K0*4), X
	SHLQ  $2, K0
	MOVQ  K0, PANEL
	SHLQ  $6, PANEL
	NEGQ  K0
	SHLQ  $2, SMALL
	JZ    panel // no columns: one panel at a time copies B
	CMPQ  SMALL, $FIRST_LEVEL
	JGT   panel

pair:
	CMPQ ROWS, $128
	JLT  panel
	MOVQ K0, K
	START64
	ADDQ BSTEP, B
	VMOVUPS 0x00(B), ACC4
	VMOVUPS 0x40(B), ACC5
	VMOVUPS 0x80(B), ACC6
	VMOVUPS 0xc0(B), ACC7
	ADDQ BSTEP, B

loop128:
	COLUMN64(0, 0)
	VFMADD231PS 0x00(W)(PANEL*1), XK, ACC4
	VFMADD231PS 0x40(W)(PANEL*1), XK, ACC5
	VFMADD231PS 0x80(W)(PANEL*1), XK, ACC6
	VFMADD231PS 0xc0(W)(PANEL*1), XK, ACC7
	NEXTK(0x100, loop128)

	STORE64
	VMOVUPS ACC4, 0x100(Y)
	VMOVUPS ACC5, 0x140(Y)
	VMOVUPS ACC6, 0x180(Y)
	VMOVUPS ACC7, 0x1c0(Y)
	ADDQ PANEL, W
	ADDQ $0x200, Y
	SUBQ $128, ROWS
	JMP  pair

panel:
	MOVQ K0, K
	CMPQ ROWS, $64
	JLT  last
	START64
	ADDQ $16, K
	JG   rest64
	CMPQ SMALL, $FIRST_LEVEL
	JLE  small64

loop64: // four columns
	QUARTET64(PREFETCH)
	JLE  loop64
	JMP  rest64

small64:
	QUARTET64(NOTHING)
	JLE  small64

rest64:
	SUBQ $16, K
	JZ   store64

column64:
	COLUMN64(0, 0)
	NEXTK(0x100, column64)

store64:
	STORE64
	ADDQ $0x100, Y
	ADDQ BSTEP, B
	SUBQ $64, ROWS
	JMP  panel

last:
	CMPQ ROWS, $16
	JLT  done
	JEQ  start16
	CMPQ ROWS, $32
	JEQ  start32
	START16(0x00, ACC0)
	START16(0x40, ACC1)
	START16(0x80, ACC2)
	TESTQ K, K
	JZ    store48

loop48:
	VBROADCASTSS (X)(K*1), XK
	FMA16(0x00, ACC0)
	FMA16(0x40, ACC1)
	FMA16(0x80, ACC2)
	NEXTK(0xc0, loop48)

store48:
	STORE16(0x00, ACC0)
	STORE16(0x40, ACC1)
	STORE16(0x80, ACC2)
	JMP done

start32:
	START16(0x00, ACC0)
	START16(0x40, ACC1)
	TESTQ K, K
	JZ    store32

loop32:
	VBROADCASTSS (X)(K*1), XK
	FMA16(0x00, ACC0)
	FMA16(0x40, ACC1)
	NEXTK(0x80, loop32)

store32:
	STORE16(0x00, ACC0)
	STORE16(0x40, ACC1)
	JMP done

start16:
	START16(0x00, ACC0)
	TESTQ K, K
	JZ    store16

loop16:
	VBROADCASTSS (X)(K*1), XK
	FMA16(0x00, ACC0)
	NEXTK(0x40, loop16)

store16:
	STORE16(0x00, ACC0)

done:
	VZEROUPPER
	RET

// y += W·x over four panels that lie stride apart, side by side, four columns of each in
// turn:
//
//	for k := 0; k < len(x); k += 4 {           // and single columns at the end
//		for p := range 4 {
//			acc[p][r] = fma(…)             // four columns of panel p, as above
//		}
//		w = w[4·64:]
//	}
//
// On Zen 3 and Zen 5 memory gives more to several readers that each go straight on than to
// one. Prefetches take most of the gain back.
//
// len(y) = 256, len(w) ≥ 3·stride + 64·len(x).

#define STRIDE R13 // bytes from one panel to the next
#define W2     R8  // two panels on from W

#define ACC8  Z8
#define ACC9  Z9
#define ACC10 Z10
#define ACC11 Z11
#define ACC12 Z12
#define ACC13 Z13
#define ACC14 Z14
#define ACC15 Z15
#define XK0   Z16
#define XK1   Z17
#define XK2   Z18
#define XK3   Z19

// EACH_ACC does OP with each accumulator and its place in y.
#define EACH_ACC(OP) \
	OP(0x000(Y), ACC0)  \
	OP(0x040(Y), ACC1)  \
	OP(0x080(Y), ACC2)  \
	OP(0x0c0(Y), ACC3)  \
	OP(0x100(Y), ACC4)  \
	OP(0x140(Y), ACC5)  \
	OP(0x180(Y), ACC6)  \
	OP(0x1c0(Y), ACC7)  \
	OP(0x200(Y), ACC8)  \
	OP(0x240(Y), ACC9)  \
	OP(0x280(Y), ACC10) \
	OP(0x2c0(Y), ACC11) \
	OP(0x300(Y), ACC12) \
	OP(0x340(Y), ACC13) \
	OP(0x380(Y), ACC14) \
	OP(0x3c0(Y), ACC15)

#define LOAD_ACC(at, a)  VMOVUPS at, a
#define STORE_ACC(at, a) VMOVUPS a, at

// COLUMN adds one column of a panel to its accumulators.
#define COLUMN(at, panel, xk, a0, a1, a2, a3) \
	VFMADD231PS at+0x00 panel, xk, a0 \
	VFMADD231PS at+0x40 panel, xk, a1 \
	VFMADD231PS at+0x80 panel, xk, a2 \
	VFMADD231PS at+0xc0 panel, xk, a3

#define COLUMNS4(panel, a0, a1, a2, a3) \
	COLUMN(0x000, panel, XK0, a0, a1, a2, a3) \
	COLUMN(0x100, panel, XK1, a0, a1, a2, a3) \
	COLUMN(0x200, panel, XK2, a0, a1, a2, a3) \
	COLUMN(0x300, panel, XK3, a0, a1, a2, a3)

#define COLUMNS1(panel, a0, a1, a2, a3) COLUMN(0, panel, XK0, a0, a1, a2, a3)

#define EACH_PANEL(OP) \
	OP((W), ACC0, ACC1, ACC2, ACC3)                \
	OP((W)(STRIDE*1), ACC4, ACC5, ACC6, ACC7)      \
	OP((W2), ACC8, ACC9, ACC10, ACC11)             \
	OP((W2)(STRIDE*1), ACC12, ACC13, ACC14, ACC15)

// func matVec4F32AVX512(y, w, x []float32, stride int)
TEXT ·matVec4F32AVX512(SB), NOSPLIT, $0-80
	MOVQ y_base+0(FP), Y
	MOVQ w_base+24(FP), W
	MOVQ x_base+48(FP), X
	MOVQ x_len+56(FP), K
	MOVQ stride+72(FP), STRIDE
	SHLQ $2, STRIDE
	LEAQ (W)(STRIDE*2), W2
	LEAQ (X)(K*4), X
	SHLQ $2, K
	NEGQ K
	EACH_ACC(LOAD_ACC)
	ADDQ $16, K
	JG   rest

columns:
	VBROADCASTSS -16(X)(K*1), XK0
	VBROADCASTSS -12(X)(K*1), XK1
	VBROADCASTSS -8(X)(K*1), XK2
	VBROADCASTSS -4(X)(K*1), XK3
	EACH_PANEL(COLUMNS4)
	ADDQ $0x400, W
	ADDQ $0x400, W2
	ADDQ $16, K
	JLE  columns

rest:
	SUBQ $16, K
	JZ   done

column:
	VBROADCASTSS (X)(K*1), XK0
	EACH_PANEL(COLUMNS1)
	ADDQ $0x100, W
	ADDQ $0x100, W2
	ADDQ $4, K
	JNZ  column

done:
	EACH_ACC(STORE_ACC)
	VZEROUPPER
	RET
