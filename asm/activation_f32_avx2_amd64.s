//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"
#include "activation_f32_amd64.h"

// func sigmoidF32AVX2(y, x []float32)
TEXT ·sigmoidF32AVX2(SB), NOSPLIT, $0-48
	LOAD_ARGUMENTS
	EACH_VECTOR(APPLY_SIGMOID, NEXT)

// func tanhF32AVX2(y, x []float32)
TEXT ·tanhF32AVX2(SB), NOSPLIT, $0-48
	LOAD_ARGUMENTS
	EACH_VECTOR(APPLY_TANH, NEXT)

// func reluF32AVX2(y, x []float32)
TEXT ·reluF32AVX2(SB), NOSPLIT, $0-48
	LOAD_ARGUMENTS
	EACH_VECTOR(APPLY_RELU, NEXT)
