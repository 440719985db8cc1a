//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "constants.h"
#include "avx512_amd64.h"

// A vector as int8, by its own largest magnitude:
//
//	peak = max |x[i]|                    // as integers
//	inv, scale = 127/peak, peak/127      // 0, 0 if peak < 2⁻¹⁰⁰
//	for i, v := range x {
//		q[i] = int8(roundToEven(v·inv))  // and zeros to the end of q
//	}
//
// No product is further from 0 than 127 and its rounding, so there is nothing to limit.
// VCVTPS2DQ rounds as MXCSR says, and Go leaves that at nearest even. VPMOVDB keeps the
// low byte of each element, and there is no more to it.
//
// len(q) is len(x) rounded up to a multiple of 4.

#define ARGS AX // the arguments
#define Q    DI // walks q
#define X    SI // walks x
#define LEFT CX // elements left
#define N    DX // len(x)
#define AT   R12

#define ABS    Z5
#define PEAK   Z0
#define INV    Z4
#define STORED K2 // of the last elements those that are in q

// func quantizeI8AVX512(a *QuantizeI8)
TEXT ·quantizeI8AVX512(SB), NOSPLIT, $0-8
	MOVQ         a+0(FP), ARGS
	MOVQ         QuantizeI8_Q(ARGS), Q
	MOVQ         QuantizeI8_X(ARGS), X
	MOVQ         (QuantizeI8_X+8)(ARGS), N
	LEAQ         ·constants(SB), CONSTS
	VPBROADCASTD ABS_MASK(CONSTS), ABS
	VPXORD       PEAK, PEAK, PEAK
	MOVQ         N, LEFT
	SUBQ         $16, LEFT
	JLT          few

peak:
	VPANDD  (X), ABS, Z1
	VPMAXUD Z1, PEAK, PEAK
	ADDQ    $64, X
	SUBQ    $16, LEFT
	JGE     peak

few:
	ADDQ      $16, LEFT
	JZ        scale
	MASK_FIRST(LEFT, AT)
	VPANDD.Z  (X), ABS, MASK, Z1
	VPMAXUD   Z1, PEAK, PEAK

scale:
	VEXTRACTI64X4 $1, PEAK, Y1
	VPMAXUD       Y1, Y0, Y0
	VEXTRACTI128  $1, Y0, X1
	VPMAXUD       X1, X0, X0
	VPSHUFD       $0x4e, X0, X1
	VPMAXUD       X1, X0, X0
	VPSHUFD       $0xb1, X0, X1
	VPMAXUD       X1, X0, X0
	VMOVSS        ·limitI8(SB), X2 // 127
	VDIVSS        X2, X0, X3
	VDIVSS        X0, X2, X4
	VUCOMISS      ·leastI8(SB), X0
	JCC           quantize
	VXORPS        X3, X3, X3
	VXORPS        X4, X4, X4

quantize:
	VMOVSS       X3, QuantizeI8_Scale(ARGS)
	VBROADCASTSS X4, INV
	MOVQ         QuantizeI8_X(ARGS), X
	SUBQ         $16, N
	JLT          last

loop:
	VMULPS    (X), INV, Z1
	VCVTPS2DQ Z1, Z1
	VPMOVDB   Z1, (Q)
	ADDQ      $64, X
	ADDQ      $16, Q
	SUBQ      $16, N
	JGE       loop

last:
	ADDQ      $16, N
	JZ        done
	VMULPS.Z  (X), INV, MASK, Z1
	VCVTPS2DQ Z1, Z1
	ADDQ      $3, N
	ANDQ      $~3, N
	MOVL      $-1, AT
	BZHIL     N, AT, AT
	KMOVW     AT, STORED
	VPMOVDB   Z1, STORED, (Q)

done:
	VZEROUPPER
	RET
