//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx512_amd64.h"
#include "activation_amd64.h"

// func gruF32AVX512(h, zx, zh []float32)
TEXT ·gruF32AVX512(SB), NOSPLIT, $0-72
#include "gru_f32_amd64.h"
