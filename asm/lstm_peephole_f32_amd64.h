// The cell update of an LSTM with peepholes, a vector of units at a time:
//
//	for j := range c {
//		i := sigmoid(fma(p[j], c[j], zx[j] + zh[j]))
//		f := sigmoid(fma(p[H+j], c[j], zx[H+j] + zh[H+j]))
//		g := tanh(zx[2H+j] + zh[2H+j])
//		c[j] = floor(fma(f, c[j], i·g))
//		o := sigmoid(fma(p[2H+j], c[j], zx[3H+j] + zh[3H+j]))
//		h[j] = o · tanh(c[j])
//	}
//
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H, len(p) ≥ 3H. The last H mod UNITS
// units go through the same code with masked loads and stores.

#define H    DI  // walks h
#define C    SI  // walks c
#define ZX   R8  // walks gates i and f of zx …
#define ZH   R9  // … and zh
#define ZX2  R10 // walks gates g and o
#define ZH2  R11
#define PEEP R13 // walks p
#define GATE DX  // bytes of one gate: 4·len(c)
#define LEFT CX  // units left
#define AT   R12

#define CELL   V0
#define IN     V1
#define FORGET V2
#define CAND   V3
#define OUT    V4

#define UPDATE(MOVE) \
	SUM(MOVE, (ZX), (ZH), IN, V5)                     \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), FORGET, V5) \
	SUM(MOVE, (ZX2), (ZH2), CAND, V5)                 \
	SUM(MOVE, (ZX2)(GATE*1), (ZH2)(GATE*1), OUT, V5)  \
	MOVE((C), CELL)                                   \
	MOVE((PEEP), V5)                                     \
	VFMADD231PS CELL, V5, IN                          \ // p_i·c
	MOVE((PEEP)(GATE*1), V5)                             \
	VFMADD231PS CELL, V5, FORGET                      \ // p_f·c
	SIGMOID(IN, V5, V6, V7)                           \
	SIGMOID(FORGET, V8, V9, V10)                      \
	TANH(CAND, V11, V12, V13)                         \
	VMULPS      V12, V6, V6                           \ // i·g
	VFMADD213PS V6, V9, CELL                          \ // c = f·c + i·g
	FLOOR(CELL, V7)                                   \
	MOVE(CELL, (C))                                   \
	MOVE((PEEP)(GATE*2), V5)                             \
	VFMADD231PS CELL, V5, OUT                         \ // p_o·c
	SIGMOID(OUT, V5, V6, V7)                          \
	TANH(CELL, V11, V12, V13)                         \
	VMULPS      V12, V6, OUT                          \ // h = o·tanh(c)
	MOVE(OUT, (H))

#define LOAD_ARGUMENTS \
	MOVQ h_base+0(FP), H \
	MOVQ c_base+24(FP), C \
	MOVQ c_len+32(FP), LEFT \
	MOVQ zx_base+48(FP), ZX \
	MOVQ zh_base+72(FP), ZH \
	MOVQ p_base+96(FP), PEEP \
	LOAD_CONSTANTS              \
	LEAQ (LEFT*4), GATE \
	LEAQ (ZX)(GATE*2), ZX2 \
	LEAQ (ZH)(GATE*2), ZH2 \
	SUBQ $UNITS, LEFT

#define NEXT_UNITS \
	ADDQ $BYTES, H \
	ADDQ $BYTES, C \
	ADDQ $BYTES, ZX \
	ADDQ $BYTES, ZH \
	ADDQ $BYTES, ZX2 \
	ADDQ $BYTES, ZH2 \
	ADDQ $BYTES, PEEP
