//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "constants.h"
#include "avx512_amd64.h"
#include "activation_amd64.h"

// func gruF32AtAVX512(a *CellF32)
TEXT ·gruF32AtAVX512(SB), NOSPLIT, $0-8
#include "gru_f32_amd64.h"
