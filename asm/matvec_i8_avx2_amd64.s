//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// y = b + (s·sx)·(W·x) over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel of 64, then each strip of 16 rows of a shorter one {
//		acc[0:64] = start                            // int32
//		for k := 0; k < len(x); k += 4 {
//			acc[r] += (w[r][0]^m)·|x[k]| + … + (w[r][3]^m)·|x[k+3]|
//		}
//		y[r] = fma(float32(acc[r]), s[r]·sx, b[r])   // +0 without b
//	}
//
// AVX2 multiplies unsigned by signed bytes, so the sign of x moves to the weight. With
// m = −1 where x[k] < 0 and 0 elsewhere, −w is (w^m) − m, so
//
//	w·x[k] = (w^m)·|x[k]| − m·|x[k]|
//
// and the last term is the same for all rows: start is the sum of all |x[k]| with
// x[k] < 0, once a call. (VPSIGNB needs no start, and took 7 to 16 % longer on Zen 3
// for 4H×H with H from 32 to 512.)
//
// Two products, of one row, add up in 16 bits. No x and no w is −128, so |x| ≤ 127 and
// −128 ≤ w^m ≤ 127: their sum is at least −2·127·128 = −32512 and at most
// 2·127·127 = 32258, which VPMADDUBSW never has to saturate. VPMADDWD by ones adds the
// two pairs of a row in 32 bits.
//
// 32 bytes of weights, four columns of eight rows, are four instructions, of which the
// first loads.
//
// len(y) = len(s) is a multiple of 16, len(b) is len(y) or 0, len(x) is a multiple
// of 4, len(w) = len(y)·len(x); no weight and no x is −128.

#define ARGS  AX // the arguments
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
#define ZERO  Y11
#define SIGN  Y12 // x[k:k+4], eight times, then m
#define XABS  Y13 // its magnitudes
#define ONES  Y14 // 1 in 16 bits, sixteen times
#define SX    Y15 // sx, eight times

#define LOAD_X \
	VPBROADCASTD (X)(K*1), SIGN \
	VPABSB       SIGN, XABS     \
	VPCMPGTB     SIGN, ZERO, SIGN

// Add 16 rows at four columns to a0 and a1.
#define MAC16(at, p, a0, a1) \
	VPXOR      at+0x00(p), SIGN, T0 \
	VPXOR      at+0x20(p), SIGN, T1 \
	VPMADDUBSW T0, XABS, T0         \
	VPMADDUBSW T1, XABS, T1         \
	VPMADDWD   ONES, T0, T0         \
	VPMADDWD   ONES, T1, T1         \
	VPADDD     T0, a0, a0           \
	VPADDD     T1, a1, a1

// Add the magnitudes of the negative bytes of t to START, in four sums of 64 bits.
#define NEGATIVE(t) \
	VPMINSB ZERO, t, t      \
	VPABSB  t, t            \
	VPSADBW ZERO, t, t      \
	VPADDQ  t, START, START

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

// func matVecI8AtAVX2(a *MatVecI8)
TEXT ·matVecI8AtAVX2(SB), NOSPLIT, $0-8
	MOVQ         a+0(FP), ARGS
	MOVQ         MatVecI8_Y(ARGS), Y
	MOVQ         (MatVecI8_Y+8)(ARGS), ROWS
	MOVQ         MatVecI8_B(ARGS), B
	MOVQ         MatVecI8_W(ARGS), W
	MOVQ         MatVecI8_S(ARGS), SCALE
	MOVQ         MatVecI8_X(ARGS), X
	MOVQ         (MatVecI8_X+8)(ARGS), K0
	VBROADCASTSS MatVecI8_SX(ARGS), SX
	VPCMPEQW     ONES, ONES, ONES
	VPSRLW       $15, ONES, ONES
	MOVQ         ·prefetchAhead(SB), AHEAD
	MOVQ         $-1, BMASK
	CMPQ         (MatVecI8_B+8)(ARGS), $0
	JNE          addresses
	LEAQ         ·zeros(SB), B
	XORQ         BMASK, BMASK

addresses:
	ADDQ K0, X
	NEGQ K0
	VPXOR ZERO, ZERO, ZERO
	VPXOR START, START, START
	MOVQ  K0, K
	ADDQ  $32, K
	JG    negative4

negative32:
	VMOVDQU -32(X)(K*1), T0
	NEGATIVE(T0)
	ADDQ    $32, K
	JLE     negative32

negative4:
	SUBQ $32, K
	JZ   start

negative:
	VMOVD (X)(K*1), X8 // T0
	NEGATIVE(T0)
	ADDQ  $4, K
	JNZ   negative

start:
	VEXTRACTI128 $1, START, X8
	VPADDQ       T0, START, START
	VPSHUFD      $0x4e, START, T0
	VPADDQ       T0, START, START
	VPBROADCASTD X10, START

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
	MAC16(0x00, W, ACC0, ACC1)
	MAC16(0x40, W, ACC2, ACC3)
	MAC16(0x80, W, ACC4, ACC5)
	MAC16(0xc0, W, ACC6, ACC7)
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
	MAC16(0x00, WP, ACC0, ACC1)
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
