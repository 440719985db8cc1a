//go:build !purego

#include "textflag.h"

// Two digits of x, the second one of what the first one leaves:
//
//	for i, v := range x {
//		d := roundToEven(min(max(v·inv, −127), 127))
//		r := fma(−scale, d, v)
//		high[i], low[i] = int8(d), int8(roundToEven(min(max(r·invLow, −127), 127)))
//	}
//
// It rounds and packs as quantizeI8AVX2 does: thirty-two elements a turn, then eight, and
// the last len(x) mod 8 one by one.
//
// len(high) = len(low) = len(x).

#define HI   DI // walks high
#define LO   R8 // walks low
#define X    SI // walks x
#define LEFT CX // elements left
#define BYTE AX

#define INV_LOW Y10
#define SCALE   Y11
#define MOST    Y12 // 127
#define LEAST   Y13 // −127
#define INV     Y14
#define ORDER   Y15 // puts groups of four bytes back in order

// ROUND: v = v·inv, limited and rounded, as integers.
#define ROUND(v, inv, most, least) \
	VMULPS    inv, v, v   \
	VMAXPS    least, v, v \
	VMINPS    most, v, v  \
	VCVTPS2DQ v, v

// DIGITS: d and v are the digits of v; f is scratch.
#define DIGITS(v, d, f, inv, scale, invLow, most, least) \
	VMOVAPS      v, d       \
	ROUND(d, inv, most, least) \
	VCVTDQ2PS    d, f       \
	VFNMADD231PS f, scale, v \
	ROUND(v, invLow, most, least)

#define CONVERT(at, v, d) \
	VMOVUPS at(X), v \
	DIGITS(v, d, Y8, INV, SCALE, INV_LOW, MOST, LEAST)

// PACK: a, b, c and d are thirty-two bytes in a.
#define PACK(a, b, c, d) \
	VPACKSSDW b, a, a \
	VPACKSSDW d, c, c \
	VPACKSSWB c, a, a \
	VPERMD    a, ORDER, a

// func digitsI8AVX2(high, low []int8, x []float32, inv, scale, invLow float32)
TEXT ·digitsI8AVX2(SB), NOSPLIT, $0-84
	MOVQ         high_base+0(FP), HI
	MOVQ         low_base+24(FP), LO
	MOVQ         x_base+48(FP), X
	MOVQ         x_len+56(FP), LEFT
	VBROADCASTSS inv+72(FP), INV
	VBROADCASTSS scale+76(FP), SCALE
	VBROADCASTSS invLow+80(FP), INV_LOW
	VBROADCASTSS ·limitI8+0(SB), MOST
	VBROADCASTSS ·limitI8+4(SB), LEAST
	VMOVDQU      ·packOrder(SB), ORDER
	SUBQ         $32, LEFT
	JLT          eights

loop:
	CONVERT(0x00, Y4, Y0)
	CONVERT(0x20, Y5, Y1)
	CONVERT(0x40, Y6, Y2)
	CONVERT(0x60, Y7, Y3)
	PACK(Y0, Y1, Y2, Y3)
	PACK(Y4, Y5, Y6, Y7)
	VMOVDQU Y0, (HI)
	VMOVDQU Y4, (LO)
	ADDQ    $128, X
	ADDQ    $32, HI
	ADDQ    $32, LO
	SUBQ    $32, LEFT
	JGE     loop

eights:
	ADDQ $24, LEFT
	JLT  tail

eight:
	CONVERT(0x00, Y4, Y0)
	VEXTRACTI128 $1, Y0, X1
	VEXTRACTI128 $1, Y4, X5
	VPACKSSDW    X1, X0, X0
	VPACKSSDW    X5, X4, X4
	VPACKSSWB    X4, X0, X0 // eight of each
	VMOVQ        X0, (HI)
	VPEXTRQ      $1, X0, (LO)
	ADDQ         $32, X
	ADDQ         $8, HI
	ADDQ         $8, LO
	SUBQ         $8, LEFT
	JGE          eight

tail:
	ADDQ $8, LEFT
	JZ   done

one:
	VMOVSS (X), X4
	DIGITS(X4, X0, X8, X14, X11, X10, X12, X13)
	VMOVD  X0, BYTE
	MOVB   AL, (HI)
	VMOVD  X4, BYTE
	MOVB   AL, (LO)
	ADDQ   $4, X
	INCQ   HI
	INCQ   LO
	DECQ   LEFT
	JNZ    one

done:
	VZEROUPPER
	RET
