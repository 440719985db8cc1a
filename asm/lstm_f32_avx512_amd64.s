//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx512_amd64.h"
#include "activation_amd64.h"

// func lstmF32AVX512(h, c, zx, zh []float32)
TEXT ·lstmF32AVX512(SB), NOSPLIT, $0-96
#include "lstm_f32_amd64.h"
