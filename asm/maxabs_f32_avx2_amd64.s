//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"

// The largest |x[i]|, 0 of none:
//
//	var peak uint32
//	for _, v := range x {
//		peak = max(peak, bits(v)&0x7fffffff)   // as integers
//	}
//	return float32frombits(peak)

#define X    SI // walks x
#define LEFT CX // elements left
#define AT   R12

#define PEAK  Y0
#define PEAK1 Y1

// func maxAbsF32AVX2(x []float32) float32
TEXT ·maxAbsF32AVX2(SB), NOSPLIT, $0-28
	MOVQ  x_base+0(FP), X
	MOVQ  x_len+8(FP), LEFT
	LEAQ  ·constants(SB), CONSTS
	VPXOR PEAK, PEAK, PEAK
	VPXOR PEAK1, PEAK1, PEAK1
	SUBQ  $16, LEFT
	JLT   eight

loop:
	VMOVUPS (X), Y2
	VMOVUPS 32(X), Y3
	VANDPS  ABS_MASK(CONSTS), Y2, Y2
	VANDPS  ABS_MASK(CONSTS), Y3, Y3
	VPMAXUD Y2, PEAK, PEAK
	VPMAXUD Y3, PEAK1, PEAK1
	ADDQ    $64, X
	SUBQ    $16, LEFT
	JGE     loop

eight:
	ADDQ    $8, LEFT
	JLT     tail
	VMOVUPS (X), Y2
	VANDPS  ABS_MASK(CONSTS), Y2, Y2
	VPMAXUD Y2, PEAK, PEAK
	ADDQ    $32, X
	SUBQ    $8, LEFT

tail:
	ADDQ $8, LEFT
	JZ   reduce
	MASK_FIRST(LEFT, AT)
	MOVE_FIRST((X), Y2)
	VANDPS  ABS_MASK(CONSTS), Y2, Y2
	VPMAXUD Y2, PEAK1, PEAK1

reduce:
	VPMAXUD      PEAK1, PEAK, PEAK
	VEXTRACTI128 $1, PEAK, X1
	VPMAXUD      X1, X0, X0
	VPSHUFD      $0x4e, X0, X1
	VPMAXUD      X1, X0, X0
	VPSHUFD      $0xb1, X0, X1
	VPMAXUD      X1, X0, X0
	VMOVSS       X0, ret+24(FP)
	VZEROUPPER
	RET
