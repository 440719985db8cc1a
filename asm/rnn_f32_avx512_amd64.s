//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx512_amd64.h"
#include "activation_amd64.h"
#include "rnn_f32_amd64.h"

// func rnnTanhF32AVX512(h, zx, zh []float32)
TEXT ·rnnTanhF32AVX512(SB), NOSPLIT, $0-72
	LOAD_ARGUMENTS
	EACH_VECTOR(UPDATE_TANH, NEXT_UNITS)

// func rnnReluF32AVX512(h, zx, zh []float32)
TEXT ·rnnReluF32AVX512(SB), NOSPLIT, $0-72
	LOAD_ARGUMENTS
	EACH_VECTOR(UPDATE_RELU, NEXT_UNITS)
