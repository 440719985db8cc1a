//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

#define MLA(x, lane, w, acc) FMLA4S_BY(x, lane, w, acc)

#define START(a0, a1, a2, a3) \
	FMOVQ 0x00(TB), F(a0) \
	FMOVQ 0x10(TB), F(a1) \
	FMOVQ 0x20(TB), F(a2) \
	FMOVQ 0x30(TB), F(a3)

#define FINISH(a0, a1, a2, a3) \
	FMOVQ F(a0), 0x00(TY) \
	FMOVQ F(a1), 0x10(TY) \
	FMOVQ F(a2), 0x20(TY) \
	FMOVQ F(a3), 0x30(TY)

#define FIRST_VECTOR \
	MOVD x_base+72(FP), XP \
	MOVD d_N+112(FP), N

#define LOAD_ARGUMENTS \
	MOVD y_base+0(FP), Y \
	MOVD b_base+24(FP), B \
	MOVD b_len+32(FP), BSTEP \
	MOVD w_base+48(FP), W \
	MOVD d_Rows+96(FP), ROWS \
	MOVD d_Cols+104(FP), COLUMNS \
	MOVD d_StrideY+120(FP), YS \
	MOVD d_StrideB+128(FP), BS \
	MOVD d_StrideX+136(FP), XS \
	LSL  $2, YS \
	LSL  $2, BS \
	LSL  $2, XS

// func matMulF32NEON(y, b, w, x []float32, d Block)
TEXT ·matMulF32NEON(SB), NOSPLIT, $0-144
#include "matmul_arm64.h"
