//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "activation_avx2_amd64.h"

// The state updates of a vanilla RNN, eight units at a time:
//
//	for j := range h {
//		h[j] = floor(f(zx[j] + zh[j]))   // f = tanh, or relu
//	}
//
// len(h) = H, len(zx) and len(zh) ≥ H. The last H mod 8 units go through the
// same code with masked loads and stores.

#define H    DI // walks h
#define ZX   R8 // walks zx
#define ZH   R9 // walks zh
#define LEFT CX // units left
#define AT   R12

#define Z     Y0
#define STATE Y2

#define UPDATE_TANH(MOVE) \
	SUM(MOVE, (ZX), (ZH), Z, Y1) \
	TANH(Z, Y1, STATE, Y3)       \
	FLOOR(STATE, Y3)             \
	MOVE(STATE, (H))

#define UPDATE_RELU(MOVE) \
	SUM(MOVE, (ZX), (ZH), Z, Y1)   \
	VMAXPS ZERO(CONSTS), Z, STATE  \
	FLOOR(STATE, Y3)               \
	MOVE(STATE, (H))

#define LOAD_ARGUMENTS \
	MOVQ h_base+0(FP), H        \
	MOVQ h_len+8(FP), LEFT      \
	MOVQ zx_base+24(FP), ZX     \
	MOVQ zh_base+48(FP), ZH     \
	LEAQ ·constants(SB), CONSTS \
	SUBQ $8, LEFT

#define NEXT_UNITS \
	ADDQ $32, H    \
	ADDQ $32, ZX   \
	ADDQ $32, ZH   \
	SUBQ $8, LEFT

// func rnnTanhF32AVX2(h, zx, zh []float32)
TEXT ·rnnTanhF32AVX2(SB), NOSPLIT, $0-72
	LOAD_ARGUMENTS
	JLT tail

units:
	UPDATE_TANH(MOVE_ALL)
	NEXT_UNITS
	JGE units

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE_TANH(MOVE_FIRST)

done:
	VZEROUPPER
	RET

// func rnnReluF32AVX2(h, zx, zh []float32)
TEXT ·rnnReluF32AVX2(SB), NOSPLIT, $0-72
	LOAD_ARGUMENTS
	JLT tail

units:
	UPDATE_RELU(MOVE_ALL)
	NEXT_UNITS
	JGE units

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE_RELU(MOVE_FIRST)

done:
	VZEROUPPER
	RET
