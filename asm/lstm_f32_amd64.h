// The cell update of an LSTM, a vector of units at a time, in two passes, so that one
// vector's tanh(c) need not wait for the divisions before it:
//
//	for j := range c {
//		i := sigmoid(zx[j] + zh[j])
//		f := sigmoid(zx[H+j] + zh[H+j])
//		g := tanh(zx[2H+j] + zh[2H+j])
//		o := sigmoid(zx[3H+j] + zh[3H+j])
//		c[j] = floor(fma(f, c[j], i·g))
//		h[j] = o
//	}
//	for j := range c {
//		h[j] = h[j] · tanh(c[j])
//	}
//
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H. The last H mod UNITS units go
// through the same code with masked loads and stores. The last vector, whole or not, needs
// no second pass: its c and o are still in registers.

#define ARGS AX // the arguments
#define H    DI  // walks h
#define C    SI  // walks c
#define ZX   R8  // walks gates i and f of zx …
#define ZH   R9  // … and zh
#define ZX2  R10 // walks gates g and o
#define ZH2  R11
#define GATE DX  // bytes of one gate: 4·len(c)
#define LEFT CX  // units left
#define AT   R12 // address of the tail mask

#define IN     V0
#define FORGET V1
#define OUT    V2
#define CAND   V3
#define CELL   V0 // once IN has been used

#define PREACTIVATIONS(MOVE) \
	SUM(MOVE, (ZX), (ZH), IN, V4)                     \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), FORGET, V4) \
	SUM(MOVE, (ZX2)(GATE*1), (ZH2)(GATE*1), OUT, V4)  \
	SUM(MOVE, (ZX2), (ZH2), CAND, V4)

// i·g in V8, f in V9 and o in V10.
#define GATES \
	SIGMOID_CLAMP(IN)              \
	SIGMOID_CLAMP(FORGET)          \
	SIGMOID_CLAMP(OUT)             \
	TANH_CLAMP(CAND)               \
	EXP_REDUCE(IN, V4, V12)        \
	EXP_REDUCE(FORGET, V5, V13)    \
	EXP_REDUCE(OUT, V6, V14)       \
	EXP_REDUCE(CAND, V7, V15)      \
	EXP_SCALE(IN, V4, V12)         \
	EXP_SCALE(FORGET, V5, V13)     \
	EXP_SCALE(OUT, V6, V14)        \
	EXP_SCALE(CAND, V7, V15)       \
	EXP_POLY(IN, V8)               \
	EXP_POLY(FORGET, V9)           \
	EXP_POLY(OUT, V10)             \
	EXP_POLY(CAND, V11)            \
	EXP_FINISH(IN, V8, V12)        \
	EXP_FINISH(FORGET, V9, V13)    \
	EXP_FINISH(OUT, V10, V14)      \
	EXP_FINISH(CAND, V11, V15)     \
	SIGMOID_QUOTIENT(V4, V8, V12)  \
	TANH_QUOTIENT(V7, V11, V15)    \
	SIGMOID_QUOTIENT(V5, V9, V13)  \
	SIGMOID_QUOTIENT(V6, V10, V14) \
	VMULPS V11, V8, V8

#define NEW_CELL(MOVE) \
	MOVE((C), CELL)                     \
	VFMADD213PS V8, V9, CELL            \ // c = f·c + i·g
	NOT_TINY(CELL, V7)                      \
	ZERO_TINY(CELL, V7, V8)                  \
	MOVE(V8, (C))

// h of the vector whose c is in CELL and whose o is in V10. tanh does not wait for the
// floor: where c becomes 0, so does h.
#define LAST_OUTPUT \
	TANH(CELL, V4, V5, V6) \
	VMULPS  V5, V10, V10   \
	ZERO_TINY(V10, V7, V10)

	MOVQ a+0(FP), ARGS
	MOVQ CellF32_H(ARGS), H
	MOVQ CellF32_C(ARGS), C
	MOVQ (CellF32_C+8)(ARGS), LEFT
	MOVQ CellF32_ZX(ARGS), ZX
	MOVQ CellF32_ZH(ARGS), ZH
	LOAD_CONSTANTS
	LEAQ (LEFT*4), GATE
	LEAQ (ZX)(GATE*2), ZX2
	LEAQ (ZH)(GATE*2), ZH2
	TESTQ LEFT, LEFT
	JZ   done
	SUBQ $UNITS, LEFT
	JLT  few

gates:
	PREACTIVATIONS(MOVE_ALL)
	GATES
	NEW_CELL(MOVE_ALL)
	VMOVUPS V10, (H) // o, until tanh(c) is known
	ADDQ $BYTES, H
	ADDQ $BYTES, C
	ADDQ $BYTES, ZX
	ADDQ $BYTES, ZH
	ADDQ $BYTES, ZX2
	ADDQ $BYTES, ZH2
	SUBQ $UNITS, LEFT
	JGE  gates

few:
	ADDQ $UNITS, LEFT
	JNZ  tail
	LAST_OUTPUT
	VMOVUPS V10, -BYTES(H)
	SUBQ    GATE, H
	SUBQ    GATE, C
	SUBQ    $BYTES, GATE
	JMP     outputs

tail:
	MASK_FIRST(LEFT, AT)
	PREACTIVATIONS(MOVE_FIRST)
	GATES
	MASK_AGAIN(AT) // GATES needed its register
	NEW_CELL(MOVE_FIRST)
	LAST_OUTPUT
	MOVE_FIRST(V10, (H))
	ANDQ $~(BYTES-1), GATE
	SUBQ GATE, H
	SUBQ GATE, C

outputs: // of GATE/4 units, from H and C on
	TESTQ GATE, GATE
	JZ    done

output:
	VMOVUPS (C), CELL
	TANH(CELL, V4, V5, V6)
	VMULPS  (H), V5, V5
	VMOVUPS V5, (H)
	ADDQ    $BYTES, H
	ADDQ    $BYTES, C
	SUBQ    $BYTES, GATE
	JNZ     output

done:
	VZEROUPPER
	RET
