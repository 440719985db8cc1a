//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// q = x·inv, rounded to the nearest even integer and limited to ±127:
//
//	for i, v := range x {
//		q[i] = max(int8(saturate(roundToEven(v*inv))), -127)
//	}
//
// FCVTNS and SQXTN saturate, so the limits above come by themselves and only
// −128 is left to lift. Sixteen elements a turn, the last len(x) mod 16 one by one
// in lane 0.
//
// len(q) = len(x).

#define OUT  R0 // walks q
#define X    R1 // walks x
#define LEFT R2 // elements left
#define BYTE R3

#define V0_3   0 // V0 … V3: sixteen elements
#define V4_7   1
#define V8_11  2
#define V12_15 3
#define INV    4 // four times
#define LOWEST 5 // −127, sixteen times

// func quantizeI8NEON(q []int8, x []float32, inv float32)
TEXT ·quantizeI8NEON(SB), NOSPLIT, $0-52
	MOVD  q_base+0(FP), OUT
	MOVD  x_base+24(FP), X
	MOVD  x_len+32(FP), LEFT
	FMOVS inv+48(FP), F(INV)
	VDUP  V4.S[0], V4.S4
	VMOVI $0x81, V5.B16
	SUBS  $16, LEFT
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
	SMAX16B(LOWEST, V0_3, V0_3)
	FMOVQ.P F(V0_3), 16(OUT)
	SUBS    $16, LEFT
	BGE     loop

tail:
	ADDS $16, LEFT
	BEQ  done

one:
	FMOVS.P 4(X), F(V0_3)
	FMUL4S(INV, V0_3, V0_3)
	FCVTNS4S(V0_3, V0_3)
	SQXTN4H(V0_3, V0_3)
	SQXTN8B(V0_3, V0_3)
	SMAX16B(LOWEST, V0_3, V0_3)
	FMOVS   F(V0_3), BYTE
	MOVB.P  BYTE, 1(OUT)
	SUBS    $1, LEFT
	BNE     one

done:
	RET
