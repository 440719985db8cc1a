//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"
#include "gru_before_f32_amd64.h"

// func gruResetF32AVX2(rh, h, zx, zh []float32)
TEXT ·gruResetF32AVX2(SB), NOSPLIT, $0-96
	LOAD_RESET_ARGUMENTS
	EACH_VECTOR(RESET_STATE, NEXT_RESET_UNITS)

// func gruBeforeF32AVX2(h, zx, zh []float32)
TEXT ·gruBeforeF32AVX2(SB), NOSPLIT, $0-72
	LOAD_ARGUMENTS
	EACH_VECTOR(UPDATE, NEXT_UNITS)
