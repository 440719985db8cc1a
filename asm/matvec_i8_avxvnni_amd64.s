//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "vnni_amd64.h"

// y = b + (s·sx)·(W·x) over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel of 64, then each strip of 16 rows of a shorter one {
//		acc[0:64] = start                            // int32
//		for k := 0; k < len(x); k += 4 {
//			acc[r] += (w[r][0]+128)·x[k] + … + (w[r][3]+128)·x[k+3]
//		}
//		y[r] = fma(float32(acc[r]), s[r]·sx, b[r])   // +0 without b
//	}
//
// As in matvec_i8_avx512vnni_amd64.s: a weight with its sign bit turned over is w+128,
// and start is −128·(the sum of x), once a call.
//
// 32 bytes of weights, four columns of eight rows, are two instructions, of which the
// first loads.
//
// len(y) = len(s) is a multiple of 16, len(b) is len(y) or 0, len(x) is a multiple
// of 4, len(w) = len(y)·len(x); no weight and no x is −128.

#define ARGS  CX // the arguments
#define Y     DI
#define ROWS  SI  // rows left
#define B     DX  // where y starts from: b, or zeros
#define BMASK R8  // all ones, or 0: masks the steps of B
#define W     R9  // walks the panels; in a shorter one, the strip's first rows
#define SCALE R10 // walks s
#define X     R11 // end of x
#define K0    R12 // -len(x)
#define K     R13 // K0 … -4, offset from X
#define WP    CX  // walks the strip
#define SKIP  AX  // bytes from 16 rows to the same at k+4 in a shorter panel
#define STEP  BX
#define AHEAD R14 // prefetchAhead

#define ACC0  Y0
#define ACC1  Y1
#define ACC2  Y2
#define ACC3  Y3
#define ACC4  Y4
#define ACC5  Y5
#define ACC6  Y6
#define ACC7  Y7
#define T0    Y8
#define T1    Y9
#define START Y10 // what accumulators start from
#define XK    Y13 // x[k:k+4], eight times
#define FLIP  Y14 // 0x80 in each byte
#define SX    Y15 // sx, eight times

#define LOAD_X VPBROADCASTD (X)(K*1), XK

// Add 16 rows at four columns to accumulators a0 and a1.
#define MAC16(at, p, a0, a1) \
	VPXOR at+0x00(p), FLIP, T0 \
	VPXOR at+0x20(p), FLIP, T1 \
	VPDPBUSD256(13, 8, a0)     \ // XK, T0
	VPDPBUSD256(13, 9, a1)

// y of eight rows, from their accumulator.
#define FINISH8(at, acc) \
	VCVTDQ2PS   acc, acc           \
	VMULPS      at(SCALE), SX, T0  \
	VMOVUPS     at(B), T1          \
	VFMADD231PS acc, T0, T1        \
	VMOVUPS     T1, at(Y)

#define FINISH16(at, a0, a1) \
	FINISH8(at+0x00, a0) \
	FINISH8(at+0x20, a1)

// func matVecI8AtAVXVNNI(a *MatVecI8)
TEXT ·matVecI8AtAVXVNNI(SB), NOSPLIT, $0-8
	MOVQ         a+0(FP), ARGS
	MOVQ         MatVecI8_Y(ARGS), Y
	MOVQ         (MatVecI8_Y+8)(ARGS), ROWS
	MOVQ         MatVecI8_B(ARGS), B
	MOVQ         MatVecI8_W(ARGS), W
	MOVQ         MatVecI8_S(ARGS), SCALE
	MOVQ         MatVecI8_X(ARGS), X
	MOVQ         (MatVecI8_X+8)(ARGS), K0
	VBROADCASTSS MatVecI8_SX(ARGS), SX
	MOVL         $0x80808080, AX
	VMOVD        AX, X14
	VPBROADCASTD X14, FLIP
	MOVQ ·prefetchAhead(SB), AHEAD
	MOVQ $-1, BMASK
	CMPQ (MatVecI8_B+8)(ARGS), $0
	JNE  addresses
	LEAQ ·zeros(SB), B
	XORQ BMASK, BMASK

addresses:
	ADDQ K0, X
	NEGQ K0
	VPXOR START, START, START
	MOVQ  K0, K
	TESTQ K, K
	JZ    panel

sum: // START = 128·x[0] + 128·x[1] + …, in four sums
	VMOVD (X)(K*1), X13 // XK
	VPDPBUSD256(13, 14, 10)
	ADDQ  $4, K
	JNZ   sum
	VPXOR        T0, T0, T0
	VPSUBD       START, T0, T0
	VPBROADCASTD X8, START

panel:
	CMPQ  ROWS, $64
	JLT   last
	VMOVDQA START, ACC0
	VMOVDQA START, ACC1
	VMOVDQA START, ACC2
	VMOVDQA START, ACC3
	VMOVDQA START, ACC4
	VMOVDQA START, ACC5
	VMOVDQA START, ACC6
	VMOVDQA START, ACC7
	MOVQ  K0, K
	TESTQ K, K
	JZ    store64

quad64:
	LOAD_X
	PREFETCHT0 0x00(W)(AHEAD*1)
	PREFETCHT0 0x40(W)(AHEAD*1)
	PREFETCHT0 0x80(W)(AHEAD*1)
	PREFETCHT0 0xc0(W)(AHEAD*1)
	MAC16(0x00, W, 0, 1)
	MAC16(0x40, W, 2, 3)
	MAC16(0x80, W, 4, 5)
	MAC16(0xc0, W, 6, 7)
	ADDQ $0x100, W
	ADDQ $4, K
	JNZ  quad64

store64:
	FINISH16(0x00, ACC0, ACC1)
	FINISH16(0x40, ACC2, ACC3)
	FINISH16(0x80, ACC4, ACC5)
	FINISH16(0xc0, ACC6, ACC7)
	ADDQ $0x100, Y
	ADDQ $0x100, SCALE
	MOVQ $0x100, STEP
	ANDQ BMASK, STEP
	ADDQ STEP, B
	SUBQ $64, ROWS
	JMP  panel

last:
	MOVQ ROWS, SKIP
	SHLQ $2, SKIP

strip16:
	TESTQ ROWS, ROWS
	JZ    done
	VMOVDQA START, ACC0
	VMOVDQA START, ACC1
	MOVQ  W, WP
	MOVQ  K0, K
	TESTQ K, K
	JZ    store16

quad16:
	LOAD_X
	MAC16(0x00, WP, 0, 1)
	ADDQ SKIP, WP
	ADDQ $4, K
	JNZ  quad16

store16:
	FINISH16(0x00, ACC0, ACC1)
	ADDQ $0x40, W
	ADDQ $0x40, Y
	ADDQ $0x40, SCALE
	MOVQ $0x40, STEP
	ANDQ BMASK, STEP
	ADDQ STEP, B
	SUBQ $16, ROWS
	JMP  strip16

done:
	VZEROUPPER
	RET
