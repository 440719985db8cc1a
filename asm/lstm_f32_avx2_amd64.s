//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "constants.h"
#include "avx2_amd64.h"
#include "activation_amd64.h"

// func lstmF32AtAVX2(a *CellF32)
TEXT ·lstmF32AtAVX2(SB), NOSPLIT, $0-8
#include "lstm_f32_amd64.h"
