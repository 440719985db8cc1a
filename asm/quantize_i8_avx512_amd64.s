//go:build !purego

#include "textflag.h"
#include "avx512_amd64.h"

// q = x·inv, limited to ±127 and rounded to the nearest even integer:
//
//	for i, v := range x {
//		q[i] = int8(roundToEven(min(max(v·inv, −127), 127)))
//	}
//
// VCVTPS2DQ rounds as MXCSR says, and Go leaves that at nearest even. VPMOVDB keeps the
// low byte of each element, and there is no more to it.
//
// len(q) = len(x).

#define Q    DI // walks q
#define X    SI // walks x
#define LEFT CX // elements left
#define AT   R12

#define HIGH Z12 // 127
#define LOW  Z13 // −127
#define INV  Z14

#define CONVERT(v) \
	VMULPS    v, INV, v  \
	VMAXPS    LOW, v, v  \
	VMINPS    HIGH, v, v \
	VCVTPS2DQ v, v

// func quantizeI8AVX512(q []int8, x []float32, inv float32)
TEXT ·quantizeI8AVX512(SB), NOSPLIT, $0-52
	MOVQ         q_base+0(FP), Q
	MOVQ         x_base+24(FP), X
	MOVQ         x_len+32(FP), LEFT
	VBROADCASTSS inv+48(FP), INV
	VBROADCASTSS ·limitI8+0(SB), HIGH
	VBROADCASTSS ·limitI8+4(SB), LOW
	SUBQ         $16, LEFT
	JLT          tail

loop:
	VMOVUPS (X), Z0
	CONVERT(Z0)
	VPMOVDB Z0, (Q)
	ADDQ    $64, X
	ADDQ    $16, Q
	SUBQ    $16, LEFT
	JGE     loop

tail:
	ADDQ $16, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	VMOVUPS.Z (X), MASK, Z0
	CONVERT(Z0)
	VPMOVDB   Z0, MASK, (Q)

done:
	VZEROUPPER
	RET
