//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "dotprod_arm64.h"

// Sums of int8 products, four columns at a time, are exact; then
// y = fma(float32(sum), s[r]·sx[v], start).

#define MLA(x, lane, w, acc) SDOT4S_BY(x, lane, w, acc)

#define START(a0, a1, a2, a3) \
	CLEAR4S(a0) \
	CLEAR4S(a1) \
	CLEAR4S(a2) \
	CLEAR4S(a3)

// y of four rows, from their accumulator; A0 is sx, four times.
#define FINISH4(at, acc) \
	SCVTF4S(acc, acc)      \
	FMOVQ at(WP), F(A1)    \
	FMUL4S(A0, A1, A1)     \
	FMOVQ at(TB), F(A2)    \
	FMLA4S(A1, acc, A2)    \
	FMOVQ F(A2), at(TY)

#define FINISH(a0, a1, a2, a3) \
	FMOVS (SXP), F(A0)       \
	VDUP  V16.S[0], V16.S4   \ // A0
	ADD   STRIP, SCALE, WP   \
	FINISH4(0x00, a0)   \
	FINISH4(0x10, a1)   \
	FINISH4(0x20, a2)   \
	FINISH4(0x30, a3)

#define FIRST_VECTOR \
	MOVD x_base+96(FP), XP   \
	MOVD sx_base+120(FP), SXP \
	MOVD d_N+160(FP), N

#define LOAD_ARGUMENTS \
	MOVD y_base+0(FP), Y \
	MOVD b_base+24(FP), B \
	MOVD b_len+32(FP), BSTEP \
	MOVD w_base+48(FP), W \
	MOVD s_base+72(FP), SCALE \
	MOVD d_Rows+144(FP), ROWS \
	MOVD d_Cols+152(FP), COLUMNS \
	MOVD d_StrideY+168(FP), YS \
	MOVD d_StrideB+176(FP), BS \
	MOVD d_StrideX+184(FP), XS \
	LSR  $2, COLUMNS \
	LSL  $2, YS \
	LSL  $2, BS

// func matMulI8DotProd(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block)
TEXT ·matMulI8DotProd(SB), NOSPLIT, $0-192
#include "matmul_arm64.h"
