//go:build !purego

#include "textflag.h"
#include "avx512_amd64.h"

// Two digits of x, the second one of what the first one leaves:
//
//	for i, v := range x {
//		d := roundToEven(min(max(v·inv, −127), 127))
//		r := fma(−scale, d, v)
//		high[i], low[i] = int8(d), int8(roundToEven(min(max(r·invLow, −127), 127)))
//	}
//
// It rounds and packs as quantizeI8AVX512 does.
//
// len(high) = len(low) = len(x).

#define HI   DI // walks high
#define LO   R8 // walks low
#define X    SI // walks x
#define LEFT CX // elements left
#define AT   R12

#define INV_LOW Z10
#define SCALE   Z11
#define MOST    Z12 // 127
#define LEAST   Z13 // −127
#define INV     Z14

// ROUND: to = from·inv, limited and rounded, as integers.
#define ROUND(from, inv, to) \
	VMULPS    inv, from, to  \
	VMAXPS    LEAST, to, to  \
	VMINPS    MOST, to, to   \
	VCVTPS2DQ to, to

// DIGITS: Z0 and Z1 are the digits of Z1.
#define DIGITS \
	ROUND(Z1, INV, Z0)         \
	VCVTDQ2PS    Z0, Z2        \
	VFNMADD231PS Z2, SCALE, Z1 \
	ROUND(Z1, INV_LOW, Z1)

// func digitsI8AVX512(high, low []int8, x []float32, inv, scale, invLow float32)
TEXT ·digitsI8AVX512(SB), NOSPLIT, $0-84
	MOVQ         high_base+0(FP), HI
	MOVQ         low_base+24(FP), LO
	MOVQ         x_base+48(FP), X
	MOVQ         x_len+56(FP), LEFT
	VBROADCASTSS inv+72(FP), INV
	VBROADCASTSS scale+76(FP), SCALE
	VBROADCASTSS invLow+80(FP), INV_LOW
	VBROADCASTSS ·limitI8+0(SB), MOST
	VBROADCASTSS ·limitI8+4(SB), LEAST
	SUBQ         $16, LEFT
	JLT          tail

loop:
	VMOVUPS (X), Z1
	DIGITS
	VPMOVDB Z0, (HI)
	VPMOVDB Z1, (LO)
	ADDQ    $64, X
	ADDQ    $16, HI
	ADDQ    $16, LO
	SUBQ    $16, LEFT
	JGE     loop

tail:
	ADDQ $16, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	VMOVUPS.Z (X), MASK, Z1
	DIGITS
	VPMOVDB Z0, MASK, (HI)
	VPMOVDB Z1, MASK, (LO)

done:
	VZEROUPPER
	RET
