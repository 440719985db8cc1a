// Activations, a vector of elements at a time:
//
//	for j := range y {
//		y[j] = f(x[j])   // f = sigmoid, tanh or relu
//	}
//
// len(x) ≥ len(y); x may be y. The last len(y) mod UNITS elements go through the
// same code with masked loads and stores.

#define Y    DI // walks y
#define X    SI // walks x
#define LEFT CX // elements left
#define AT   R12

#define ARG    V0
#define RESULT V2

#define APPLY_SIGMOID(MOVE) \
	MOVE((X), ARG)               \
	SIGMOID(ARG, V1, RESULT, V3) \
	MOVE(RESULT, (Y))

#define APPLY_TANH(MOVE) \
	MOVE((X), ARG)            \
	TANH(ARG, V1, RESULT, V3) \
	MOVE(RESULT, (Y))

#define APPLY_RELU(MOVE) \
	MOVE((X), ARG)                   \
	VMAXPS K_ZERO, ARG, RESULT       \
	MOVE(RESULT, (Y))

#define LOAD_ARGUMENTS \
	MOVQ y_base+0(FP), Y        \
	MOVQ y_len+8(FP), LEFT      \
	MOVQ x_base+24(FP), X       \
	LOAD_CONSTANTS              \
	SUBQ $UNITS, LEFT

#define NEXT \
	ADDQ $BYTES, Y   \
	ADDQ $BYTES, X
