//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// A vector as int8, by its own largest magnitude:
//
//	peak = max |x[i]|                    // as integers
//	inv, scale = 127/peak, peak/127      // 0, 0 if peak < 2⁻¹⁰⁰
//	for i, v := range x {
//		q[i] = int8(roundToEven(v·inv))  // and zeros to the end of q
//	}
//
// No product is further from 0 than 127 and its rounding, so there is nothing to limit.
// Sixteen elements a turn, the last len(x) mod 16 one by one in lane 0.
//
// len(q) is len(x) rounded up to a multiple of 4.

#define ARGS R0 // the arguments
#define OUT  R1 // walks q
#define X    R2 // walks x
#define LEFT R3 // elements left
#define N    R4 // len(x)
#define BYTE R5
#define BITS R6 // of a constant

#define V0_3   0 // V0 … V3: sixteen elements
#define V4_7   1
#define V8_11  2
#define V12_15 3
#define INV    4 // four times
#define PEAK   5
#define SCALE  6
#define LIMIT  7 // 127
#define LEAST  16 // 2⁻¹⁰⁰

#define TAKE(v) \
	FABS4S(v, v)          \
	UMAX4S(v, PEAK, PEAK)

// func quantizeI8NEON(a *QuantizeI8)
TEXT ·quantizeI8NEON(SB), NOSPLIT, $0-8
	MOVD a+0(FP), ARGS
	MOVD QuantizeI8_Q(ARGS), OUT
	MOVD QuantizeI8_X(ARGS), X
	MOVD (QuantizeI8_X+8)(ARGS), N
	CLEAR4S(PEAK)
	SUBS $4, N, LEFT
	BLT  few

peak:
	FMOVQ.P 16(X), F(V0_3)
	TAKE(V0_3)
	SUBS    $4, LEFT
	BGE     peak

few:
	ADDS $4, LEFT
	BEQ  scale

single:
	FMOVS.P 4(X), F(V0_3)
	TAKE(V0_3)
	SUBS    $1, LEFT
	BNE     single

scale:
	UMAXV4S(PEAK, PEAK)
	MOVW  $0x42fe0000, BITS
	FMOVS BITS, F(LIMIT)
	MOVW  $0x0d800000, BITS
	FMOVS BITS, F(LEAST)
	FDIVS F(LIMIT), F(PEAK), F(SCALE)
	FDIVS F(PEAK), F(LIMIT), F(INV)
	FCMPS F(LEAST), F(PEAK)
	BGE   quantize
	FMOVS ZR, F(SCALE)
	FMOVS ZR, F(INV)

quantize:
	FMOVS F(SCALE), QuantizeI8_Scale(ARGS)
	VDUP  V4.S[0], V4.S4 // INV
	MOVD  QuantizeI8_X(ARGS), X
	SUBS  $16, N
	BLT   tail

loop:
	FMOVQ.P 16(X), F(V0_3)
	FMOVQ.P 16(X), F(V4_7)
	FMOVQ.P 16(X), F(V8_11)
	FMOVQ.P 16(X), F(V12_15)
	FMUL4S(INV, V0_3, V0_3)
	FMUL4S(INV, V4_7, V4_7)
	FMUL4S(INV, V8_11, V8_11)
	FMUL4S(INV, V12_15, V12_15)
	FCVTNS4S(V0_3, V0_3)
	FCVTNS4S(V4_7, V4_7)
	FCVTNS4S(V8_11, V8_11)
	FCVTNS4S(V12_15, V12_15)
	SQXTN4H(V0_3, V0_3)
	SQXTN4H(V8_11, V8_11)
	SQXTN2_8H(V4_7, V0_3)
	SQXTN2_8H(V12_15, V8_11)
	SQXTN8B(V0_3, V0_3)
	SQXTN2_16B(V8_11, V0_3)
	FMOVQ.P F(V0_3), 16(OUT)
	SUBS    $16, N
	BGE     loop

tail:
	ADDS $16, N
	BEQ  done
	NEG  N, LEFT
	AND  $3, LEFT // of the padding

one:
	FMOVS.P 4(X), F(V0_3)
	FMUL4S(INV, V0_3, V0_3)
	FCVTNS4S(V0_3, V0_3)
	FMOVS   F(V0_3), BYTE
	MOVB.P  BYTE, 1(OUT)
	SUBS    $1, N
	BNE     one
	CBZ     LEFT, done

zero:
	MOVB.P ZR, 1(OUT)
	SUBS   $1, LEFT
	BNE    zero

done:
	RET
