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
// A panel column is 256 bytes: eight registers of accumulators, eight fused
// multiply-adds that take their weight from memory. Four elements of x come with
// one load and are spread by shuffles: loads are what there is too little of.
// The weights are prefetched; a prefetch beyond their end does nothing or loads a line.
//
// len(y) is a multiple of 16, len(b) is len(y) or 0, len(w) = len(y)·len(x).

#define ARGS  AX // the arguments
#define Y     DI
#define ROWS  SI  // rows left
#define B     DX  // where accumulators start from: b, or zeros
#define BSTEP R8  // bytes from one panel of B to the next: 256, or 0
#define W     R9
#define X     R10 // end of x
#define K0    R11 // -4·len(x)
#define K     R12 // K0 … -4, offset from X
#define AHEAD BX  // prefetchAhead

#define XK   Y15
#define XK1  Y14
#define XK2  Y13
#define XK3  Y12
#define X4   Y11 // x[k:k+4], twice
#define ACC0 Y0
#define ACC1 Y1
#define ACC2 Y2
#define ACC3 Y3
#define ACC4 Y4
#define ACC5 Y5
#define ACC6 Y6
#define ACC7 Y7

// 16 rows: two registers each.
#define START16(from, at, a0, a1) \
	VMOVUPS at+0x00(from), a0 \
	VMOVUPS at+0x20(from), a1

#define STORE16(at, a0, a1) \
	VMOVUPS a0, at+0x00(Y) \
	VMOVUPS a1, at+0x20(Y)

#define FMA16(at, a0, a1) \
	VFMADD231PS at+0x00(W), XK, a0 \
	VFMADD231PS at+0x20(W), XK, a1

#define COLUMN64(at, xk) \
	VFMADD231PS at+0x00(W), xk, ACC0 \
	VFMADD231PS at+0x20(W), xk, ACC1 \
	VFMADD231PS at+0x40(W), xk, ACC2 \
	VFMADD231PS at+0x60(W), xk, ACC3 \
	VFMADD231PS at+0x80(W), xk, ACC4 \
	VFMADD231PS at+0xa0(W), xk, ACC5 \
	VFMADD231PS at+0xc0(W), xk, ACC6 \
	VFMADD231PS at+0xe0(W), xk, ACC7

#define PREFETCH(at) \
	PREFETCHT0 at+0x00(W)(AHEAD*1) \
	PREFETCHT0 at+0x40(W)(AHEAD*1) \
	PREFETCHT0 at+0x80(W)(AHEAD*1) \
	PREFETCHT0 at+0xc0(W)(AHEAD*1)

// SPREAD4 spreads the four elements of x at at.
#define SPREAD4(at) \
	VBROADCASTF128 at(X)(K*1), X4 \
	VPERMILPS $0x00, X4, XK       \
	VPERMILPS $0x55, X4, XK1      \
	VPERMILPS $0xaa, X4, XK2      \
	VPERMILPS $0xff, X4, XK3

#define START64(from) \
	START16(from, 0x00, ACC0, ACC1) \
	START16(from, 0x40, ACC2, ACC3) \
	START16(from, 0x80, ACC4, ACC5) \
	START16(from, 0xc0, ACC6, ACC7)

#define STORE64 \
	STORE16(0x00, ACC0, ACC1) \
	STORE16(0x40, ACC2, ACC3) \
	STORE16(0x80, ACC4, ACC5) \
	STORE16(0xc0, ACC6, ACC7)

#define NEXTK(columnBytes, loop) \
	ADDQ $columnBytes, W \
	ADDQ $4, K           \
	JNZ  loop

// func matVecF32AtAVX2(a *MatVecF32)
TEXT ·matVecF32AtAVX2(SB), NOSPLIT, $0-8
	MOVQ  a+0(FP), ARGS
	MOVQ  MatVecF32_Y(ARGS), Y
	MOVQ  (MatVecF32_Y+8)(ARGS), ROWS
	MOVQ  MatVecF32_B(ARGS), B
	MOVQ  MatVecF32_W(ARGS), W
	MOVQ  MatVecF32_X(ARGS), X
	MOVQ  (MatVecF32_X+8)(ARGS), K0
	MOVQ  ·prefetchAhead(SB), AHEAD
	MOVQ  $256, BSTEP
	CMPQ  (MatVecF32_B+8)(ARGS), $0
	JNE   addresses
	LEAQ  ·zeros(SB), B
	XORQ  BSTEP, BSTEP

addresses:
	LEAQ (X)(K0*4), X
	SHLQ $2, K0
	NEGQ K0

panel:
	MOVQ K0, K
	CMPQ ROWS, $64
	JLT  last
	START64(B)
	ADDQ $16, K
	JG   rest64

loop64: // four columns
	SPREAD4(-16)
	PREFETCH(0x000)
	COLUMN64(0x000, XK)
	PREFETCH(0x100)
	COLUMN64(0x100, XK1)
	PREFETCH(0x200)
	COLUMN64(0x200, XK2)
	PREFETCH(0x300)
	COLUMN64(0x300, XK3)
	ADDQ $0x400, W
	ADDQ $16, K
	JLE  loop64

rest64:
	SUBQ $16, K
	JZ   store64

column64:
	VBROADCASTSS (X)(K*1), XK
	COLUMN64(0x00, XK)
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
	START16(B, 0x00, ACC0, ACC1)
	START16(B, 0x40, ACC2, ACC3)
	START16(B, 0x80, ACC4, ACC5)
	TESTQ K, K
	JZ    store48

loop48:
	VBROADCASTSS (X)(K*1), XK
	FMA16(0x00, ACC0, ACC1)
	FMA16(0x40, ACC2, ACC3)
	FMA16(0x80, ACC4, ACC5)
	NEXTK(0xc0, loop48)

store48:
	STORE16(0x00, ACC0, ACC1)
	STORE16(0x40, ACC2, ACC3)
	STORE16(0x80, ACC4, ACC5)
	JMP done

start32:
	START16(B, 0x00, ACC0, ACC1)
	START16(B, 0x40, ACC2, ACC3)
	TESTQ K, K
	JZ    store32

loop32:
	VBROADCASTSS (X)(K*1), XK
	FMA16(0x00, ACC0, ACC1)
	FMA16(0x40, ACC2, ACC3)
	NEXTK(0x80, loop32)

store32:
	STORE16(0x00, ACC0, ACC1)
	STORE16(0x40, ACC2, ACC3)
	JMP done

start16:
	START16(B, 0x00, ACC0, ACC1)
	TESTQ K, K
	JZ    store16

loop16:
	VBROADCASTSS (X)(K*1), XK
	FMA16(0x00, ACC0, ACC1)
	NEXTK(0x40, loop16)

store16:
	STORE16(0x00, ACC0, ACC1)

done:
	VZEROUPPER
	RET

// y += W·x over four panels that lie stride apart, side by side:
//
//	for k := 0; k < len(x); k += 4 {       // and single columns at the end
//		for p := range 4 {
//			acc[0:64] = y[64p:]
//			acc[r] = fma(…)                    // four columns of panel p, as above
//			y[64p:] = acc[0:64]
//		}
//		w = w[4·64:]
//	}
//
// On Zen 3 memory gives more to several readers that each go straight on than to one. The
// accumulators go to y and come back, 16 instructions beside 32 products in a kilobyte of
// weights: little where these come from far away. Prefetches take most of the gain back.
//
// len(y) = 256, len(w) ≥ 3·stride + 64·len(x).

#define PANELS ROWS // that are left at these columns
#define STRIDE BSTEP
#define FIRST  DX   // these columns of the first panel
#define YALL   R13

// func matVec4F32AVX2(y, w, x []float32, stride int)
TEXT ·matVec4F32AVX2(SB), NOSPLIT, $0-80
	MOVQ y_base+0(FP), YALL
	MOVQ w_base+24(FP), FIRST
	MOVQ x_base+48(FP), X
	MOVQ x_len+56(FP), K0
	MOVQ stride+72(FP), STRIDE
	SHLQ $2, STRIDE
	LEAQ (X)(K0*4), X
	SHLQ $2, K0
	NEGQ K0
	MOVQ K0, K
	ADDQ $16, K
	JG   rest

columns:
	SPREAD4(-16)
	MOVQ YALL, Y
	MOVQ FIRST, W
	MOVQ $4, PANELS

panel:
	START64(Y)
	COLUMN64(0x000, XK)
	COLUMN64(0x100, XK1)
	COLUMN64(0x200, XK2)
	COLUMN64(0x300, XK3)
	STORE64
	ADDQ $0x100, Y
	ADDQ STRIDE, W
	DECQ PANELS
	JNZ  panel
	ADDQ $0x400, FIRST
	ADDQ $16, K
	JLE  columns

rest:
	SUBQ $16, K
	JZ   done

column:
	VBROADCASTSS (X)(K*1), XK
	MOVQ YALL, Y
	MOVQ FIRST, W
	MOVQ $4, PANELS

panel1:
	START64(Y)
	COLUMN64(0x000, XK)
	STORE64
	ADDQ $0x100, Y
	ADDQ STRIDE, W
	DECQ PANELS
	JNZ  panel1
	ADDQ $0x100, FIRST
	ADDQ $4, K
	JNZ  column

done:
	VZEROUPPER
	RET
