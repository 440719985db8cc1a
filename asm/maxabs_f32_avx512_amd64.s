//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx512_amd64.h"

// The largest |x[i]|, 0 of none:
//
//	var peak uint32
//	for _, v := range x {
//		peak = max(peak, bits(v)&0x7fffffff)   // as integers
//	}
//	return float32frombits(peak)

#define X      SI // walks x
#define LEFT   CX // elements left
#define AT     R12

#define PEAK Z0

#define TAKE \
	VPANDD  ABS_MASK(CONSTS), Z2, Z2 \
	VPMAXUD Z2, PEAK, PEAK

// func maxAbsF32AVX512(x []float32) float32
TEXT ·maxAbsF32AVX512(SB), NOSPLIT, $0-28
	MOVQ  x_base+0(FP), X
	MOVQ  x_len+8(FP), LEFT
	LEAQ  ·constants(SB), CONSTS
	VPXORD PEAK, PEAK, PEAK
	SUBQ  $16, LEFT
	JLT   tail

loop:
	VMOVUPS (X), Z2
	TAKE
	ADDQ $64, X
	SUBQ $16, LEFT
	JGE  loop

tail:
	ADDQ $16, LEFT
	JZ   reduce
	MASK_FIRST(LEFT, AT)
	VMOVUPS.Z (X), MASK, Z2
	TAKE

reduce:
	VEXTRACTI64X4 $1, PEAK, Y1
	VPMAXUD       Y1, Y0, Y0
	VEXTRACTI128  $1, Y0, X1
	VPMAXUD       X1, X0, X0
	VPSHUFD       $0x4e, X0, X1
	VPMAXUD       X1, X0, X0
	VPSHUFD       $0xb1, X0, X1
	VPMAXUD       X1, X0, X0
	VMOVSS        X0, ret+24(FP)
	VZEROUPPER
	RET
