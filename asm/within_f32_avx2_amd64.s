//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"

// Whether every |x[i]| ≤ limit; a NaN is not:
//
//	for _, v := range x {
//		if bits(v)&0x7fffffff > bits(limit) {   // as integers
//			return false
//		}
//	}
//	return true

#define X     SI // walks x
#define LEFT  CX // elements left
#define AT    R12

#define LIMIT Y0
#define OVER  Y1 // lanes that were over the limit

#define CHECK(MOVE) \
	MOVE((X), Y2)                    \
	VANDPS   ABS_MASK(CONSTS), Y2, Y2 \
	VPCMPGTD LIMIT, Y2, Y2            \ // |x| > limit
	VPOR     Y2, OVER, OVER

// func withinF32AVX2(x []float32, limit float32) bool
TEXT ·withinF32AVX2(SB), NOSPLIT, $0-33
	MOVQ         x_base+0(FP), X
	MOVQ         x_len+8(FP), LEFT
	VBROADCASTSS limit+24(FP), LIMIT
	VPXOR        OVER, OVER, OVER
	LEAQ         ·constants(SB), CONSTS
	SUBQ         $8, LEFT
	JLT          tail

loop:
	CHECK(MOVE_ALL)
	ADDQ $32, X
	SUBQ $8, LEFT
	JGE  loop

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	CHECK(MOVE_FIRST)

done:
	VPTEST OVER, OVER
	SETEQ  ret+32(FP)
	VZEROUPPER
	RET
