//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Whether every |x[i]| ≤ limit; a NaN is not:
//
//	var peak uint32
//	for _, v := range x {
//		peak = max(peak, bits(v)&0x7fffffff)   // as integers
//	}
//	return peak <= bits(limit)

#define X     R0 // walks x
#define LEFT  R1 // elements left
#define LIMIT R2

#define V    0
#define PEAK 1

// func withinF32NEON(x []float32, limit float32) bool
TEXT ·withinF32NEON(SB), NOSPLIT, $0-33
	MOVD  x_base+0(FP), X
	MOVD  x_len+8(FP), LEFT
	MOVWU limit+24(FP), LIMIT
	CLEAR4S(PEAK)
	SUBS  $4, LEFT
	BLT   tail

loop:
	FMOVQ.P 16(X), F(V)
	FABS4S(V, V)
	UMAX4S(V, PEAK, PEAK)
	SUBS    $4, LEFT
	BGE     loop

tail:
	ADDS $4, LEFT
	BEQ  done

one:
	FMOVS.P 4(X), F(V)
	FABS4S(V, V)
	UMAX4S(V, PEAK, PEAK)
	SUBS    $1, LEFT
	BNE     one

done:
	UMAXV4S(PEAK, PEAK)
	FMOVS F(PEAK), R3
	CMPW  LIMIT, R3
	CSET  LS, R3
	MOVB  R3, ret+32(FP)
	RET
