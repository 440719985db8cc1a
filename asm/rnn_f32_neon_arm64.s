//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "neon_arm64.h"
#include "activation_neon_arm64.h"

// The state updates of a vanilla RNN, four units at a time:
//
//	for j := range h {
//		h[j] = floor(f(zx[j] + zh[j]))   // f = tanh, or relu
//	}
//
// len(h) = H, len(zx) and len(zh) ≥ H. The last H mod 4 units go through the
// same code one by one, in lane 0.

#define H    R0 // walks h
#define ZX   R1 // walks zx
#define ZH   R2 // walks zh
#define LEFT R3 // units left

#define Z     0
#define STATE 2

#define ONLY(TANH, SIGMOID) \
	TANH(Z, 1, STATE, 3)

// MOVE is FMOVQ.P or FMOVS.P, bytes 16 or 4.
#define LOAD_Z(MOVE, bytes) \
	MOVE bytes(ZX), F(Z)  \
	MOVE bytes(ZH), F(1)  \
	FADD4S(1, Z, Z)

#define UPDATE_TANH(MOVE, bytes) \
	LOAD_Z(MOVE, bytes)     \
	ACTIVATE(ONLY)          \
	FLOOR(STATE, 3)         \
	MOVE F(STATE), bytes(H)

#define UPDATE_RELU(MOVE, bytes) \
	LOAD_Z(MOVE, bytes)     \
	RELU(Z, STATE)          \
	FLOOR(STATE, 3)         \
	MOVE F(STATE), bytes(H)

#define LOAD_ARGUMENTS \
	MOVD h_base+0(FP), H    \
	MOVD h_len+8(FP), LEFT  \
	MOVD zx_base+24(FP), ZX \
	MOVD zh_base+48(FP), ZH \
	LOAD_ACTIVATION_CONSTANTS \
	SUBS $4, LEFT

// func rnnTanhF32NEON(h, zx, zh []float32)
TEXT ·rnnTanhF32NEON(SB), NOSPLIT, $0-72
	LOAD_ARGUMENTS
	BLT tail

units:
	UPDATE_TANH(FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	UPDATE_TANH(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET

// func rnnReluF32NEON(h, zx, zh []float32)
TEXT ·rnnReluF32NEON(SB), NOSPLIT, $0-72
	LOAD_ARGUMENTS
	BLT tail

units:
	UPDATE_RELU(FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	UPDATE_RELU(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET
