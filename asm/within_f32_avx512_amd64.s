//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx512_amd64.h"

// Whether every |x[i]| ≤ limit; a NaN is not:
//
//	for _, v := range x {
//		if bits(v)&0x7fffffff > bits(limit) {   // as integers
//			return false
//		}
//	}
//	return true

#define X      SI // walks x
#define LEFT   CX // elements left
#define AT     R12

#define LIMIT Z0
#define OVER  K3 // lanes that were over the limit

#define CHECK \
	VPANDD   ABS_MASK(CONSTS), Z2, Z2 \
	VPCMPGTD LIMIT, Z2, K2            \ // |x| > limit
	KORW     K2, OVER, OVER

// func withinF32AVX512(x []float32, limit float32) bool
TEXT ·withinF32AVX512(SB), NOSPLIT, $0-33
	MOVQ         x_base+0(FP), X
	MOVQ         x_len+8(FP), LEFT
	VBROADCASTSS limit+24(FP), LIMIT
	KXORW        OVER, OVER, OVER
	LEAQ         ·constants(SB), CONSTS
	SUBQ         $16, LEFT
	JLT          tail

loop:
	VMOVUPS (X), Z2
	CHECK
	ADDQ $64, X
	SUBQ $16, LEFT
	JGE  loop

tail:
	ADDQ $16, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	VMOVUPS.Z (X), MASK, Z2
	CHECK

done:
	KORTESTW OVER, OVER
	SETEQ    ret+32(FP)
	VZEROUPPER
	RET
