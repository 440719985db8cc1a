//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"

// A vector as int8, by its own largest magnitude:
//
//	peak = max |x[i]|                    // as integers
//	inv, scale = 127/peak, peak/127      // 0, 0 if peak < 2⁻¹⁰⁰
//	for i, v := range x {
//		q[i] = int8(roundToEven(v·inv))  // and zeros to the end of q
//	}
//
// No product is further from 0 than 127 and its rounding, so there is nothing to limit.
// VCVTPS2DQ rounds as MXCSR says, and Go leaves that at nearest even. Thirty-two
// elements a turn, packed by saturating narrowing that has nothing to saturate and
// then put in order, since packing works in each half of a register; then eight a
// turn, and the last len(x) mod 8 one by one.
//
// len(q) is len(x) rounded up to a multiple of 4.

#define ARGS AX // the arguments
#define Q    DI // walks q
#define X    SI // walks x
#define LEFT CX // elements left
#define N    DX // len(x)
#define AT   R12
#define BYTE R8

#define PEAK  Y0
#define PEAK1 Y1
#define INV   Y14
#define ORDER Y15 // puts groups of four bytes back in order

#define TAKE(at, v, peak) \
	VMOVUPS at(X), v                 \
	VANDPS  ABS_MASK(CONSTS), v, v   \
	VPMAXUD v, peak, peak

#define CONVERT(at, v) \
	VMULPS    at(X), INV, v \
	VCVTPS2DQ v, v

// func quantizeI8AVX2(a *QuantizeI8)
TEXT ·quantizeI8AVX2(SB), NOSPLIT, $0-8
	MOVQ  a+0(FP), ARGS
	MOVQ  QuantizeI8_Q(ARGS), Q
	MOVQ  QuantizeI8_X(ARGS), X
	MOVQ  (QuantizeI8_X+8)(ARGS), N
	LEAQ  ·constants(SB), CONSTS
	VPXOR PEAK, PEAK, PEAK
	VPXOR PEAK1, PEAK1, PEAK1
	MOVQ  N, LEFT
	SUBQ  $16, LEFT
	JLT   eight

peak:
	TAKE(0x00, Y2, PEAK)
	TAKE(0x20, Y3, PEAK1)
	ADDQ $64, X
	SUBQ $16, LEFT
	JGE  peak

eight:
	ADDQ $8, LEFT
	JLT  few
	TAKE(0x00, Y2, PEAK)
	ADDQ $32, X
	SUBQ $8, LEFT

few:
	ADDQ $8, LEFT
	JZ   scale
	MASK_FIRST(LEFT, AT)
	MOVE_FIRST((X), Y2)
	VANDPS  ABS_MASK(CONSTS), Y2, Y2
	VPMAXUD Y2, PEAK1, PEAK1

scale:
	VPMAXUD      PEAK1, PEAK, PEAK
	VEXTRACTI128 $1, PEAK, X1
	VPMAXUD      X1, X0, X0
	VPSHUFD      $0x4e, X0, X1
	VPMAXUD      X1, X0, X0
	VPSHUFD      $0xb1, X0, X1
	VPMAXUD      X1, X0, X0
	VMOVSS       ·limitI8(SB), X2 // 127
	VDIVSS       X2, X0, X3
	VDIVSS       X0, X2, X14
	VUCOMISS     ·leastI8(SB), X0
	JCC          quantize
	VXORPS       X3, X3, X3
	VXORPS       X14, X14, X14

quantize:
	VMOVSS       X3, QuantizeI8_Scale(ARGS)
	VBROADCASTSS X14, INV
	VMOVDQU      ·packOrder(SB), ORDER
	MOVQ         QuantizeI8_X(ARGS), X
	SUBQ         $32, N
	JLT          eights

loop:
	CONVERT(0x00, Y0)
	CONVERT(0x20, Y1)
	CONVERT(0x40, Y2)
	CONVERT(0x60, Y3)
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKSSWB Y2, Y0, Y0
	VPERMD    Y0, ORDER, Y0
	VMOVDQU   Y0, (Q)
	ADDQ      $128, X
	ADDQ      $32, Q
	SUBQ      $32, N
	JGE       loop

eights:
	ADDQ $24, N
	JLT  tail

next8:
	CONVERT(0x00, Y0)
	VEXTRACTI128 $1, Y0, X1
	VPACKSSDW    X1, X0, X0
	VPACKSSWB    X0, X0, X0
	VMOVQ        X0, (Q)
	ADDQ         $32, X
	ADDQ         $8, Q
	SUBQ         $8, N
	JGE          next8

tail:
	ADDQ $8, N
	JZ   done
	MOVQ N, LEFT
	NEGQ LEFT
	ANDQ $3, LEFT // of the padding

one:
	VMULSS    (X), X14, X0
	VCVTSS2SI X0, BYTE
	MOVB      BYTE, (Q)
	ADDQ      $4, X
	INCQ      Q
	DECQ      N
	JNZ       one
	TESTQ     LEFT, LEFT
	JZ        done

zero:
	MOVB $0, (Q)
	INCQ Q
	DECQ LEFT
	JNZ  zero

done:
	VZEROUPPER
	RET
