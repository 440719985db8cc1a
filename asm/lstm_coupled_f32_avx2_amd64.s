//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"
#include "lstm_coupled_f32_amd64.h"

// func lstmCoupledF32AVX2(h, c, zx, zh []float32)
TEXT ·lstmCoupledF32AVX2(SB), NOSPLIT, $0-96
	LOAD_ARGUMENTS
	EACH_VECTOR(UPDATE, NEXT_UNITS)

// func lstmCoupledPeepholeF32AVX2(h, c, zx, zh, p []float32)
TEXT ·lstmCoupledPeepholeF32AVX2(SB), NOSPLIT, $0-120
	MOVQ p_base+96(FP), PEEP
	LOAD_ARGUMENTS
	EACH_VECTOR(UPDATE_PEEPHOLE, NEXT_UNITS_PEEPHOLE)
