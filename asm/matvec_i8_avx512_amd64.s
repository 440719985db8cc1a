//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// y = b + (s·sx)·(W·x) over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel {
//		acc[r] = start                               // int32
//		for k := 0; k < len(x); k += 4 {
//			acc[r] += (w[r][0]^m)·|x[k]| + … + (w[r][3]^m)·|x[k+3]|
//		}
//		y[r] = fma(float32(acc[r]), s[r]·sx, b[r])   // +0 without b
//	}
//
// As in matvec_i8_avx2_amd64.s, which says why: the sign of x moves to the weight, m is −1
// where x[k] < 0 and 0 elsewhere, start is the sum of all |x[k]| with x[k] < 0, and no pair
// of products can saturate 16 bits.
//
// len(y) = len(s) is a multiple of 16, len(b) is len(y) or 0, len(x) is a multiple
// of 4, len(w) = len(y)·len(x); no weight and no x is −128.

#define ARGS  CX // the arguments
#define Y     DI
#define ROWS  SI  // rows left
#define B     DX  // where y starts from: b, or zeros
#define BMASK R8  // all ones, or 0: masks the steps of B
#define W     R9
#define SCALE R10 // walks s
#define X     R11 // end of x
#define K0    R12 // -len(x)
#define K     R13 // K0 … -4, offset from X
#define STEP  BX
#define AHEAD R14 // prefetchAhead

#define ACC0  Z0
#define ACC1  Z1
#define ACC2  Z2
#define ACC3  Z3
#define T0    Z8
#define T1    Z9
#define START Z10 // what accumulators start from
#define SIGN  Z12 // x[k:k+4], sixteen times, then m
#define XABS  Z13 // its magnitudes
#define ONES  Z14 // 1 in 16 bits
#define SX    Z15 // sx

#define LOAD_X \
	VPBROADCASTD (X)(K*1), SIGN \
	VPABSB       SIGN, XABS     \
	VPMOVB2M     SIGN, K2       \
	VPMOVM2B     K2, SIGN

// Add 16 rows at four columns to acc.
#define MAC16(at, acc) \
	VPXORD     at(W), SIGN, T0 \
	VPMADDUBSW T0, XABS, T0    \
	VPMADDWD   ONES, T0, T0    \
	VPADDD     T0, acc, acc

#define CLEAR64 \
	VMOVDQA32 START, ACC0 \
	VMOVDQA32 START, ACC1 \
	VMOVDQA32 START, ACC2 \
	VMOVDQA32 START, ACC3

// Add the magnitudes of the negative bytes of T0 to START, in sums of 64 bits.
#define NEGATIVE \
	VPMINSB T1, T0, T0      \ // T1 is zero
	VPABSB  T0, T0          \
	VPSADBW T1, T0, T0      \
	VPADDQ  T0, START, START

// y of sixteen rows, from their accumulator.
#define FINISH16(at, acc) \
	VCVTDQ2PS   acc, acc          \
	VMULPS      at(SCALE), SX, T0 \
	VMOVUPS     at(B), T1         \
	VFMADD231PS acc, T0, T1       \
	VMOVUPS     T1, at(Y)

#define NEXTK(columnBytes, loop) \
	ADDQ $columnBytes, W \
	ADDQ $4, K           \
	JNZ  loop

// func matVecI8AtAVX512(a *MatVecI8)
TEXT ·matVecI8AtAVX512(SB), NOSPLIT, $0-8
	MOVQ         a+0(FP), ARGS
	MOVQ         MatVecI8_Y(ARGS), Y
	MOVQ         (MatVecI8_Y+8)(ARGS), ROWS
	MOVQ         MatVecI8_B(ARGS), B
	MOVQ         MatVecI8_W(ARGS), W
	MOVQ         MatVecI8_S(ARGS), SCALE
	MOVQ         MatVecI8_X(ARGS), X
	MOVQ         (MatVecI8_X+8)(ARGS), K0
	VBROADCASTSS MatVecI8_SX(ARGS), SX
	MOVL         $0x00010001, AX
	VPBROADCASTD AX, ONES
	MOVQ ·prefetchAhead(SB), AHEAD
	MOVQ $-1, BMASK
	CMPQ (MatVecI8_B+8)(ARGS), $0
	JNE  addresses
	LEAQ ·zeros(SB), B
	XORQ BMASK, BMASK

addresses:
	ADDQ K0, X
	NEGQ K0
	VPXORD T1, T1, T1
	VPXORD START, START, START
	MOVQ K0, K
	ADDQ $64, K
	JG   negative

negative64:
	VMOVDQU32 -64(X)(K*1), T0
	NEGATIVE
	ADDQ $64, K
	JLE  negative64

negative: // the last 0 … 63
	MOVQ      $64, CX
	SUBQ      K, CX
	MOVQ      $-1, AX
	BZHIQ     CX, AX, AX
	KMOVQ     AX, K2
	VMOVDQU8.Z -64(X)(K*1), K2, T0
	NEGATIVE
	VEXTRACTI64X4 $1, START, Y8
	VPADDQ        Y8, Y10, Y10
	VEXTRACTI128  $1, Y10, X8
	VPADDQ        X8, X10, X10
	VPSHUFD       $0x4e, X10, X8
	VPADDQ        X8, X10, X10
	VPBROADCASTD  X10, START

panel:
	MOVQ  K0, K
	CMPQ  ROWS, $64
	JLT   last
	CLEAR64
	TESTQ K, K
	JZ    store64

quad64:
	LOAD_X
	PREFETCHT0 0x00(W)(AHEAD*1)
	PREFETCHT0 0x40(W)(AHEAD*1)
	PREFETCHT0 0x80(W)(AHEAD*1)
	PREFETCHT0 0xc0(W)(AHEAD*1)
	MAC16(0x00, ACC0)
	MAC16(0x40, ACC1)
	MAC16(0x80, ACC2)
	MAC16(0xc0, ACC3)
	NEXTK(0x100, quad64)

store64:
	FINISH16(0x00, ACC0)
	FINISH16(0x40, ACC1)
	FINISH16(0x80, ACC2)
	FINISH16(0xc0, ACC3)
	ADDQ $0x100, Y
	ADDQ $0x100, SCALE
	MOVQ $0x100, STEP
	ANDQ BMASK, STEP
	ADDQ STEP, B
	SUBQ $64, ROWS
	JMP  panel

last:
	CMPQ ROWS, $16
	JLT  done
	JEQ  start16
	CMPQ ROWS, $32
	JEQ  start32
	VMOVDQA32 START, ACC0
	VMOVDQA32 START, ACC1
	VMOVDQA32 START, ACC2
	TESTQ K, K
	JZ    store48

quad48:
	LOAD_X
	MAC16(0x00, ACC0)
	MAC16(0x40, ACC1)
	MAC16(0x80, ACC2)
	NEXTK(0xc0, quad48)

store48:
	FINISH16(0x00, ACC0)
	FINISH16(0x40, ACC1)
	FINISH16(0x80, ACC2)
	JMP done

start32:
	VMOVDQA32 START, ACC0
	VMOVDQA32 START, ACC1
	TESTQ K, K
	JZ    store32

quad32:
	LOAD_X
	MAC16(0x00, ACC0)
	MAC16(0x40, ACC1)
	NEXTK(0x80, quad32)

store32:
	FINISH16(0x00, ACC0)
	FINISH16(0x40, ACC1)
	JMP done

start16:
	VMOVDQA32 START, ACC0
	TESTQ K, K
	JZ    store16

quad16:
	LOAD_X
	MAC16(0x00, ACC0)
	NEXTK(0x40, quad16)

store16:
	FINISH16(0x00, ACC0)

done:
	VZEROUPPER
	RET
