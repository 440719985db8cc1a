//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"

// func gruF32AVX2(h, zx, zh []float32)
TEXT ·gruF32AVX2(SB), NOSPLIT, $0-72
#include "gru_f32_amd64.h"
