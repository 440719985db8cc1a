//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "neon_arm64.h"
#include "activation_neon_arm64.h"

// Activations, four elements at a time:
//
//	for j := range y {
//		y[j] = f(x[j])   // f = sigmoid, tanh or relu
//	}
//
// len(x) ≥ len(y); x may be y. The last len(y) mod 4 elements go through the
// same code one by one, in lane 0.

#define Y    R0 // walks y
#define X    R1 // walks x
#define LEFT R2 // elements left

#define ARG    0
#define RESULT 2

#define SIGMOID_ONLY(TANH, SIGMOID) \
	SIGMOID(ARG, 1, RESULT, 3)

#define TANH_ONLY(TANH, SIGMOID) \
	TANH(ARG, 1, RESULT, 3)

// MOVE is FMOVQ.P or FMOVS.P, bytes 16 or 4.
#define APPLY_SIGMOID(MOVE, bytes) \
	MOVE bytes(X), F(ARG)       \
	FMINNM4S(ARG, ARG, ARG)     \ // quiets a NaN
	ACTIVATE(SIGMOID_ONLY)  \
	MOVE F(RESULT), bytes(Y)

#define APPLY_TANH(MOVE, bytes) \
	MOVE bytes(X), F(ARG)    \
	ACTIVATE(TANH_ONLY)      \
	MOVE F(RESULT), bytes(Y)

#define APPLY_RELU(MOVE, bytes) \
	MOVE bytes(X), F(ARG)    \
	RELU(ARG, RESULT)        \
	MOVE F(RESULT), bytes(Y)

#define LOAD_ARGUMENTS \
	MOVD y_base+0(FP), Y  \
	MOVD y_len+8(FP), LEFT \
	MOVD x_base+24(FP), X \
	SUBS $4, LEFT

// func sigmoidF32NEON(y, x []float32)
TEXT ·sigmoidF32NEON(SB), NOSPLIT, $0-48
	LOAD_ACTIVATION_CONSTANTS
	LOAD_ARGUMENTS
	BLT tail

loop:
	APPLY_SIGMOID(FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  loop

tail:
	ADDS $4, LEFT
	BEQ  done

one:
	APPLY_SIGMOID(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  one

done:
	RET

// func tanhF32NEON(y, x []float32)
TEXT ·tanhF32NEON(SB), NOSPLIT, $0-48
	LOAD_ACTIVATION_CONSTANTS
	LOAD_ARGUMENTS
	BLT tail

loop:
	APPLY_TANH(FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  loop

tail:
	ADDS $4, LEFT
	BEQ  done

one:
	APPLY_TANH(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  one

done:
	RET

// func reluF32NEON(y, x []float32)
TEXT ·reluF32NEON(SB), NOSPLIT, $0-48
	LOAD_ARGUMENTS
	BLT tail

loop:
	APPLY_RELU(FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  loop

tail:
	ADDS $4, LEFT
	BEQ  done

one:
	APPLY_RELU(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  one

done:
	RET
