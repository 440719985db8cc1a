//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// The largest |x[i]|, 0 of none:
//
//	var peak uint32
//	for _, v := range x {
//		peak = max(peak, bits(v)&0x7fffffff)   // as integers
//	}
//	return float32frombits(peak)

#define X    R0 // walks x
#define LEFT R1 // elements left

#define V    0
#define PEAK 1

// func maxAbsF32NEON(x []float32) float32
TEXT ·maxAbsF32NEON(SB), NOSPLIT, $0-28
	MOVD x_base+0(FP), X
	MOVD x_len+8(FP), LEFT
	CLEAR4S(PEAK)
	SUBS $4, LEFT
	BLT  tail

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
	FMOVS F(PEAK), ret+24(FP)
	RET
