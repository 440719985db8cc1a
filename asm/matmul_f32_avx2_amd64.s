//go:build !purego

#include "textflag.h"
#include "avx2_amd64.h"

// A strip is 16 rows, of which every panel has a whole number.
#define MOVE_SECOND(from, to) VMOVUPS from, to
#define MASK_SECOND

#define ROWS_ARG     d_Rows+96(FP)
#define COLUMNS      d_Cols+104(FP)
#define N_ARG        d_N+112(FP)
#define STRIDE_Y_ARG d_StrideY+120(FP)
#define STRIDE_B_ARG d_StrideB+128(FP)
#define STRIDE_X_ARG d_StrideX+136(FP)
#define X_ARG        x_base+72(FP)

#define PREPARE SHLQ $2, XS
#define BEFORE_START
#define NEXT_SCALE
#define FINISH(EACH)

#define START(i, p0, p1, a, b) \
	MOVE_ALL(p0, a)            \
	MOVE_SECOND(p1, b)

#define LOAD_WEIGHTS \
	MOVE_ALL((WP), W0)         \
	MOVE_SECOND(BYTES(WP), W1)

// Multiply the column's weights by x[k] of a vector.
#define MAC(i, x, a, b) \
	VBROADCASTSS x, XK     \
	VFMADD231PS  W0, XK, a \
	VFMADD231PS  W1, XK, b

// func matMulF32AVX2(y, b, w, x []float32, d Block)
TEXT ·matMulF32AVX2(SB), NOSPLIT, $8-144
#include "matmul_amd64.h"
