// The cell updates of an LSTM with coupled input and forget gates, without and
// with peepholes, a vector of units at a time:
//
//	for j := range c {
//		i := sigmoid(zx[j] + zh[j])               // fma(p[j], c[j], …)
//		g := tanh(zx[H+j] + zh[H+j])
//		c[j] = floor(fma(1−i, c[j], i·g))
//		o := sigmoid(zx[2H+j] + zh[2H+j])         // fma(p[H+j], c[j], …)
//		h[j] = o · tanh(c[j])
//	}
//
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 3H, len(p) ≥ 2H. The last H mod UNITS
// units go through the same code with masked loads and stores.

#define H    DI  // walks h
#define C    SI  // walks c
#define ZX   R8  // walks gate i of zx …
#define ZH   R9  // … and zh
#define PEEP R13 // walks p
#define GATE DX  // bytes of one gate: 4·len(c)
#define LEFT CX  // units left
#define AT   R12

#define CELL   V0
#define IN     V1
#define CAND   V3
#define OUT    V4

#define GATES(MOVE) \
	SUM(MOVE, (ZX), (ZH), IN, V5)                   \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), CAND, V5) \
	SUM(MOVE, (ZX)(GATE*2), (ZH)(GATE*2), OUT, V5)  \
	MOVE((C), CELL)

#define NEW_CELL(MOVE) \
	SIGMOID(IN, V5, V6, V7)         \
	TANH(CAND, V11, V12, V13)       \
	VMOVUPS     K_ONE, V9           \
	VSUBPS      V6, V9, V9          \ // 1−i
	VMULPS      V12, V6, V6         \ // i·g
	VFMADD213PS V6, V9, CELL        \ // c = (1−i)·c + i·g
	FLOOR(CELL, V7)                 \
	MOVE(CELL, (C))

#define NEW_HIDDEN(MOVE) \
	SIGMOID(OUT, V5, V6, V7)  \
	TANH(CELL, V11, V12, V13) \
	VMULPS V12, V6, OUT       \ // h = o·tanh(c)
	MOVE(OUT, (H))

#define UPDATE(MOVE) \
	GATES(MOVE)      \
	NEW_CELL(MOVE)   \
	NEW_HIDDEN(MOVE)

#define UPDATE_PEEPHOLE(MOVE) \
	GATES(MOVE)               \
	MOVE((PEEP), V5)             \
	VFMADD231PS CELL, V5, IN  \ // p_i·c
	NEW_CELL(MOVE)            \
	MOVE((PEEP)(GATE*1), V5)     \
	VFMADD231PS CELL, V5, OUT \ // p_o·c
	NEW_HIDDEN(MOVE)

#define LOAD_ARGUMENTS \
	MOVQ h_base+0(FP), H        \
	MOVQ c_base+24(FP), C       \
	MOVQ c_len+32(FP), LEFT     \
	MOVQ zx_base+48(FP), ZX     \
	MOVQ zh_base+72(FP), ZH     \
	LOAD_CONSTANTS              \
	LEAQ (LEFT*4), GATE         \
	SUBQ $UNITS, LEFT

#define NEXT_UNITS \
	ADDQ $BYTES, H    \
	ADDQ $BYTES, C    \
	ADDQ $BYTES, ZX   \
	ADDQ $BYTES, ZH

#define NEXT_UNITS_PEEPHOLE \
	NEXT_UNITS       \
	ADDQ $BYTES, PEEP
