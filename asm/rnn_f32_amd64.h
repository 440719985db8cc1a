// The state updates of a vanilla RNN, a vector of units at a time:
//
//	for j := range h {
//		h[j] = floor(f(zx[j] + zh[j]))   // f = tanh, or relu
//	}
//
// len(h) = H, len(zx) and len(zh) ≥ H. The last H mod UNITS units go through the
// same code with masked loads and stores.

#define H    DI // walks h
#define ZX   R8 // walks zx
#define ZH   R9 // walks zh
#define LEFT CX // units left
#define AT   R12

#define SUMS  V0
#define STATE V2

#define UPDATE_TANH(MOVE) \
	SUM(MOVE, (ZX), (ZH), SUMS, V1) \
	TANH(SUMS, V1, STATE, V3)       \
	FLOOR(STATE, V3)             \
	MOVE(STATE, (H))

#define UPDATE_RELU(MOVE) \
	SUM(MOVE, (ZX), (ZH), SUMS, V1)   \
	VMAXPS K_ZERO, SUMS, STATE        \
	FLOOR(STATE, V3)               \
	MOVE(STATE, (H))

#define LOAD_ARGUMENTS \
	MOVQ h_base+0(FP), H        \
	MOVQ h_len+8(FP), LEFT      \
	MOVQ zx_base+24(FP), ZX     \
	MOVQ zh_base+48(FP), ZH     \
	LOAD_CONSTANTS              \
	SUBQ $UNITS, LEFT

#define NEXT_UNITS \
	ADDQ $BYTES, H    \
	ADDQ $BYTES, ZX   \
	ADDQ $BYTES, ZH
