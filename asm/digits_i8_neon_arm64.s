//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Two digits of x, the second one of what the first one leaves:
//
//	for i, v := range x {
//		d := roundToEven(min(max(v·inv, −127), 127))
//		r := fma(−scale, d, v)
//		high[i], low[i] = int8(d), int8(roundToEven(min(max(r·invLow, −127), 127)))
//	}
//
// Sixteen elements a turn, the last len(x) mod 16 one by one in lane 0.
//
// len(high) = len(low) = len(x).

#define HI   R0 // walks high
#define LO   R1 // walks low
#define X    R2 // walks x
#define LEFT R3 // elements left
#define BYTE R4

// V0 … V3: sixteen elements, then their second digits; V4 … V7: the first ones.
#define V0_3   0
#define V4_7   1
#define V8_11  2
#define V12_15 3
#define D0_3   4
#define D4_7   5
#define D8_11  6
#define D12_15 7
#define TEMP   16

#define INV     17 // each four times
#define SCALE   18
#define INV_LOW 19
#define MOST    20 // 127
#define LEAST   21 // −127

// ROUND: to = from·inv, limited and rounded, as integers.
#define ROUND(from, inv, to) \
	FMUL4S(inv, from, to)   \
	FMAXNM4S(LEAST, to, to) \
	FMINNM4S(MOST, to, to)  \
	FCVTNS4S(to, to)

// DIGITS: d and v are the digits of v.
#define DIGITS(v, d) \
	ROUND(v, INV, d)    \
	SCVTF4S(d, TEMP)    \
	FMLS4S(SCALE, TEMP, v) \
	ROUND(v, INV_LOW, v)

// PACK: a, b, c and d are sixteen bytes in a.
#define PACK(a, b, c, d) \
	SQXTN4H(a, a)    \
	SQXTN4H(c, c)    \
	SQXTN2_8H(b, a)  \
	SQXTN2_8H(d, c)  \
	SQXTN8B(a, a)    \
	SQXTN2_16B(c, a)

// func digitsI8NEON(high, low []int8, x []float32, inv, scale, invLow float32)
TEXT ·digitsI8NEON(SB), NOSPLIT, $0-84
	MOVD  high_base+0(FP), HI
	MOVD  low_base+24(FP), LO
	MOVD  x_base+48(FP), X
	MOVD  x_len+56(FP), LEFT
	FMOVS inv+72(FP), F(INV)
	FMOVS scale+76(FP), F(SCALE)
	FMOVS invLow+80(FP), F(INV_LOW)
	VDUP  V17.S[0], V17.S4
	VDUP  V18.S[0], V18.S4
	VDUP  V19.S[0], V19.S4
	MOVW  $0x42fe0000, BYTE
	VDUP  BYTE, V20.S4
	MOVW  $0xc2fe0000, BYTE
	VDUP  BYTE, V21.S4
	SUBS  $16, LEFT
	BLT   tail

loop:
	FMOVQ.P 16(X), F(V0_3)
	FMOVQ.P 16(X), F(V4_7)
	FMOVQ.P 16(X), F(V8_11)
	FMOVQ.P 16(X), F(V12_15)
	DIGITS(V0_3, D0_3)
	DIGITS(V4_7, D4_7)
	DIGITS(V8_11, D8_11)
	DIGITS(V12_15, D12_15)
	PACK(D0_3, D4_7, D8_11, D12_15)
	PACK(V0_3, V4_7, V8_11, V12_15)
	FMOVQ.P F(D0_3), 16(HI)
	FMOVQ.P F(V0_3), 16(LO)
	SUBS    $16, LEFT
	BGE     loop

tail:
	ADDS $16, LEFT
	BEQ  done

one:
	FMOVS.P 4(X), F(V0_3)
	DIGITS(V0_3, D0_3)
	FMOVS   F(D0_3), BYTE
	MOVB.P  BYTE, 1(HI)
	FMOVS   F(V0_3), BYTE
	MOVB.P  BYTE, 1(LO)
	SUBS    $1, LEFT
	BNE     one

done:
	RET
