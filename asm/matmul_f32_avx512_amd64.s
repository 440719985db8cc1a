//go:build !purego

#include "textflag.h"
#include "avx512_amd64.h"

// A strip is 32 rows, or the last 16 of a panel: then the second register is masked.
#define MOVE_SECOND(from, to) VMOVUPS from, K1, to

#define MASK_SECOND \
	LEAQ  BYTES(STRIP), AX \ // does another register begin before the column ends?
	SUBQ  PITCH, AX        \
	SARQ  $63, AX          \
	KMOVW AX, K1

// func matMulF32AVX512(y, b, w, x []float32, d Block)
TEXT ·matMulF32AVX512(SB), NOSPLIT, $8-144
#include "matmul_f32_amd64.h"
