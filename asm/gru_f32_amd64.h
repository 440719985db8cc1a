// The state update of a GRU, reset after the recurrent product, two vectors of
// units at a time, then one:
//
//	for j := range h {
//		r := sigmoid(zx[j] + zh[j])
//		u := sigmoid(zx[H+j] + zh[H+j])
//		n := tanh(fma(r, zh[2H+j], zx[2H+j]))
//		h[j] = floor(fma(u, h[j], (1−u)·n))
//	}
//
// len(h) = H, len(zx) and len(zh) ≥ 3H. The last H mod UNITS units go through the
// same code with masked loads and stores.

#define ARGS AX // the arguments
#define H    DI // walks h
#define ZX   R8 // walks gate r of zx …
#define ZH   R9 // … and zh
#define GATE DX // bytes of one gate: 4·len(h)
#define LEFT CX // units left
#define AT   R12

#define STATE V0
#define RESET V1
#define KEEP  V2 // the update gate, u
#define CANDX V3 // input part of the candidate
#define CANDH V4 // recurrent part

#define UPDATE(MOVE) \
	SUM(MOVE, (ZX), (ZH), RESET, V5)                \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), KEEP, V5) \
	MOVE((ZX)(GATE*2), CANDX)                       \
	MOVE((ZH)(GATE*2), CANDH)                       \
	MOVE((H), STATE)                                \
	SIGMOID(RESET, V5, V6, V7)                      \
	VFMADD231PS CANDH, V6, CANDX                    \ // r·zh + zx
	SIGMOID(KEEP, V8, V9, V10)                      \
	TANH(CANDX, V11, V12, V13)                      \
	VMOVUPS     K_ONE, V10                          \
	VSUBPS      V9, V10, V10                        \ // (1−u)·n
	VMULPS      V12, V10, V10                       \
	VFMADD213PS V10, V9, STATE                      \ // u·h + (1−u)·n
	FLOOR(STATE, V7)                                \
	MOVE(STATE, (H))

// Of two vectors: pre-activations, then scratch.
#define RESET0 V0
#define KEEP0  V1
#define RESET1 V2
#define KEEP1  V3

// σ of RESET0, KEEP0, RESET1 and KEEP1, to V8, V9, V10 and V11.
#define GATES_PAIR \
	SIGMOID_CLAMP(RESET0)          \
	SIGMOID_CLAMP(KEEP0)           \
	SIGMOID_CLAMP(RESET1)          \
	SIGMOID_CLAMP(KEEP1)           \
	EXP_REDUCE(RESET0, V4, V12)    \
	EXP_REDUCE(KEEP0, V5, V13)     \
	EXP_REDUCE(RESET1, V6, V14)    \
	EXP_REDUCE(KEEP1, V7, V15)     \
	EXP_SCALE(RESET0, V4, V12)     \
	EXP_SCALE(KEEP0, V5, V13)      \
	EXP_SCALE(RESET1, V6, V14)     \
	EXP_SCALE(KEEP1, V7, V15)      \
	EXP_POLY(RESET0, V8)           \
	EXP_POLY(KEEP0, V9)            \
	EXP_POLY(RESET1, V10)          \
	EXP_POLY(KEEP1, V11)           \
	EXP_FINISH(RESET0, V8, V12)    \
	EXP_FINISH(KEEP0, V9, V13)     \
	EXP_FINISH(RESET1, V10, V14)   \
	EXP_FINISH(KEEP1, V11, V15)    \
	SIGMOID_QUOTIENT(V4, V8, V12)  \
	SIGMOID_QUOTIENT(V6, V10, V14) \
	SIGMOID_QUOTIENT(V5, V9, V13)  \
	SIGMOID_QUOTIENT(V7, V11, V15)

// tanh of V0 and V1, to V8 and V10.
#define CANDIDATES_PAIR \
	TANH_CLAMP(V0)             \
	TANH_CLAMP(V1)             \
	EXP_REDUCE(V0, V4, V12)    \
	EXP_REDUCE(V1, V5, V13)    \
	EXP_SCALE(V0, V4, V12)     \
	EXP_SCALE(V1, V5, V13)     \
	EXP_POLY(V0, V8)           \
	EXP_POLY(V1, V10)          \
	EXP_FINISH(V0, V8, V12)    \
	EXP_FINISH(V1, V10, V13)   \
	TANH_QUOTIENT(V4, V8, V12) \
	TANH_QUOTIENT(V5, V10, V13)

	MOVQ a+0(FP), ARGS
	MOVQ CellF32_H(ARGS), H
	MOVQ (CellF32_H+8)(ARGS), LEFT
	MOVQ CellF32_ZX(ARGS), ZX
	MOVQ CellF32_ZH(ARGS), ZH
	LOAD_CONSTANTS
	LEAQ (LEFT*4), GATE
	SUBQ $(2*UNITS), LEFT
	JLT  one

pair:
	SUM(MOVE_ALL, 0(ZX), 0(ZH), RESET0, V4)
	SUM(MOVE_ALL, 0(ZX)(GATE*1), 0(ZH)(GATE*1), KEEP0, V5)
	SUM(MOVE_ALL, BYTES(ZX), BYTES(ZH), RESET1, V6)
	SUM(MOVE_ALL, BYTES(ZX)(GATE*1), BYTES(ZH)(GATE*1), KEEP1, V7)
	GATES_PAIR
	VMOVUPS     0(ZX)(GATE*2), V0
	VMOVUPS     BYTES(ZX)(GATE*2), V1
	VFMADD231PS 0(ZH)(GATE*2), V8, V0 // r·zh + zx
	VFMADD231PS BYTES(ZH)(GATE*2), V10, V1
	CANDIDATES_PAIR
	VMOVUPS     K_ONE, V2
	VSUBPS      V9, V2, V0 // (1−u)·n
	VSUBPS      V11, V2, V1
	VMULPS      V8, V0, V0
	VMULPS      V10, V1, V1
	VFMADD231PS 0(H), V9, V0 // u·h + (1−u)·n
	VFMADD231PS BYTES(H), V11, V1
	FLOOR(V0, V4)
	FLOOR(V1, V5)
	VMOVUPS     V0, 0(H)
	VMOVUPS     V1, BYTES(H)
	ADDQ        $(2*BYTES), H
	ADDQ        $(2*BYTES), ZX
	ADDQ        $(2*BYTES), ZH
	SUBQ        $(2*UNITS), LEFT
	JGE         pair

one:
	ADDQ $UNITS, LEFT
	JLT  tail
	UPDATE(MOVE_ALL)
	ADDQ $BYTES, H
	ADDQ $BYTES, ZX
	ADDQ $BYTES, ZH
	SUBQ $UNITS, LEFT

tail:
	ADDQ $UNITS, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE(MOVE_FIRST)

done:
	VZEROUPPER
	RET
