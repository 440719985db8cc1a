//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"
#include "lstm_peephole_f32_amd64.h"

// func lstmPeepholeF32AVX2(h, c, zx, zh, p []float32)
TEXT ·lstmPeepholeF32AVX2(SB), NOSPLIT, $0-120
	LOAD_ARGUMENTS
	EACH_VECTOR(UPDATE, NEXT_UNITS)
