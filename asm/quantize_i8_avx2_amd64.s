//go:build !purego

#include "textflag.h"

// q = x·inv, limited to ±127 and rounded to the nearest even integer:
//
//	for i, v := range x {
//		q[i] = int8(roundToEven(min(max(v·inv, −127), 127)))
//	}
//
// VCVTPS2DQ rounds as MXCSR says, and Go leaves that at nearest even. Thirty-two
// elements a turn, packed by saturating narrowing that has nothing to saturate and
// then put in order, since packing works in each half of a register; then eight a
// turn, and the last len(x) mod 8 one by one.
//
// len(q) = len(x).

#define Q    DI // walks q
#define X    SI // walks x
#define LEFT CX // elements left
#define BYTE AX

#define HIGH  Y12 // 127
#define LOW   Y13 // −127
#define INV   Y14
#define ORDER Y15 // puts groups of four bytes back in order

#define CONVERT(at, v) \
	VMULPS    at(X), INV, v \
	VMAXPS    LOW, v, v     \
	VMINPS    HIGH, v, v    \
	VCVTPS2DQ v, v

// func quantizeI8AVX2(q []int8, x []float32, inv float32)
TEXT ·quantizeI8AVX2(SB), NOSPLIT, $0-52
	MOVQ         q_base+0(FP), Q
	MOVQ         x_base+24(FP), X
	MOVQ         x_len+32(FP), LEFT
	VBROADCASTSS inv+48(FP), INV
	VBROADCASTSS ·limitI8+0(SB), HIGH
	VBROADCASTSS ·limitI8+4(SB), LOW
	VMOVDQU      ·packOrder(SB), ORDER
	SUBQ         $32, LEFT
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
	SUBQ      $32, LEFT
	JGE       loop

eights:
	ADDQ $24, LEFT
	JLT  tail

eight:
	CONVERT(0x00, Y0)
	VEXTRACTI128 $1, Y0, X1
	VPACKSSDW    X1, X0, X0
	VPACKSSWB    X0, X0, X0
	VMOVQ        X0, (Q)
	ADDQ         $32, X
	ADDQ         $8, Q
	SUBQ         $8, LEFT
	JGE          eight

tail:
	ADDQ $8, LEFT
	JZ   done

one:
	VMULSS    (X), X14, X0
	VMAXSS    X13, X0, X0
	VMINSS    X12, X0, X0
	VCVTSS2SI X0, BYTE
	MOVB      AL, (Q)
	ADDQ      $4, X
	INCQ      Q
	DECQ      LEFT
	JNZ       one

done:
	VZEROUPPER
	RET
