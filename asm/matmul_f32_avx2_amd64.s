//go:build !purego

#include "textflag.h"
#include "avx2_amd64.h"

// A strip is 16 rows, of which every panel has a whole number.
#define MOVE_SECOND(from, to) VMOVUPS from, to
#define MASK_SECOND

// func matMulF32AVX2(y, b, w, x []float32, d Block)
TEXT ·matMulF32AVX2(SB), NOSPLIT, $8-144
#include "matmul_f32_amd64.h"
