//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"

// func lstmF32AVX2(h, c, zx, zh []float32)
TEXT ·lstmF32AVX2(SB), NOSPLIT, $0-96
#include "lstm_f32_amd64.h"
