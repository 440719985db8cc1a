//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "activation_avx2_amd64.h"

// Activations, eight elements at a time:
//
//	for j := range y {
//		y[j] = f(x[j])   // f = sigmoid, tanh or relu
//	}
//
// len(x) ≥ len(y); x may be y. The last len(y) mod 8 elements go through the
// same code with masked loads and stores.

#define Y    DI // walks y
#define X    SI // walks x
#define LEFT CX // elements left
#define AT   R12

#define ARG    Y0
#define RESULT Y2

#define APPLY_SIGMOID(MOVE) \
	MOVE((X), ARG)               \
	SIGMOID(ARG, Y1, RESULT, Y3) \
	MOVE(RESULT, (Y))

#define APPLY_TANH(MOVE) \
	MOVE((X), ARG)            \
	TANH(ARG, Y1, RESULT, Y3) \
	MOVE(RESULT, (Y))

#define APPLY_RELU(MOVE) \
	MOVE((X), ARG)                   \
	VMAXPS ZERO(CONSTS), ARG, RESULT \
	MOVE(RESULT, (Y))

#define LOAD_ARGUMENTS \
	MOVQ y_base+0(FP), Y        \
	MOVQ y_len+8(FP), LEFT      \
	MOVQ x_base+24(FP), X       \
	LEAQ ·constants(SB), CONSTS \
	SUBQ $8, LEFT

#define NEXT \
	ADDQ $32, Y   \
	ADDQ $32, X   \
	SUBQ $8, LEFT

// func sigmoidF32AVX2(y, x []float32)
TEXT ·sigmoidF32AVX2(SB), NOSPLIT, $0-48
	LOAD_ARGUMENTS
	JLT tail

loop:
	APPLY_SIGMOID(MOVE_ALL)
	NEXT
	JGE loop

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	APPLY_SIGMOID(MOVE_FIRST)

done:
	VZEROUPPER
	RET

// func tanhF32AVX2(y, x []float32)
TEXT ·tanhF32AVX2(SB), NOSPLIT, $0-48
	LOAD_ARGUMENTS
	JLT tail

loop:
	APPLY_TANH(MOVE_ALL)
	NEXT
	JGE loop

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	APPLY_TANH(MOVE_FIRST)

done:
	VZEROUPPER
	RET

// func reluF32AVX2(y, x []float32)
TEXT ·reluF32AVX2(SB), NOSPLIT, $0-48
	LOAD_ARGUMENTS
	JLT tail

loop:
	APPLY_RELU(MOVE_ALL)
	NEXT
	JGE loop

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	APPLY_RELU(MOVE_FIRST)

done:
	VZEROUPPER
	RET
