//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "activation_avx2_amd64.h"

// The cell update of an LSTM with peepholes, eight units at a time:
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
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H, len(p) ≥ 3H. The last H mod 8
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

#define CELL   Y0
#define IN     Y1
#define FORGET Y2
#define CAND   Y3
#define OUT    Y4

#define UPDATE(MOVE) \
	SUM(MOVE, (ZX), (ZH), IN, Y5)                     \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), FORGET, Y5) \
	SUM(MOVE, (ZX2), (ZH2), CAND, Y5)                 \
	SUM(MOVE, (ZX2)(GATE*1), (ZH2)(GATE*1), OUT, Y5)  \
	MOVE((C), CELL)                                   \
	MOVE((PEEP), Y5)                                     \
	VFMADD231PS CELL, Y5, IN                          \ // p_i·c
	MOVE((PEEP)(GATE*1), Y5)                             \
	VFMADD231PS CELL, Y5, FORGET                      \ // p_f·c
	SIGMOID(IN, Y5, Y6, Y7)                           \
	SIGMOID(FORGET, Y8, Y9, Y10)                      \
	TANH(CAND, Y11, Y12, Y13)                         \
	VMULPS      Y12, Y6, Y6                           \ // i·g
	VFMADD213PS Y6, Y9, CELL                          \ // c = f·c + i·g
	FLOOR(CELL, Y7)                                   \
	MOVE(CELL, (C))                                   \
	MOVE((PEEP)(GATE*2), Y5)                             \
	VFMADD231PS CELL, Y5, OUT                         \ // p_o·c
	SIGMOID(OUT, Y5, Y6, Y7)                          \
	TANH(CELL, Y11, Y12, Y13)                         \
	VMULPS      Y12, Y6, OUT                          \ // h = o·tanh(c)
	MOVE(OUT, (H))

// func lstmPeepholeF32AVX2(h, c, zx, zh, p []float32)
TEXT ·lstmPeepholeF32AVX2(SB), NOSPLIT, $0-120
	MOVQ h_base+0(FP), H
	MOVQ c_base+24(FP), C
	MOVQ c_len+32(FP), LEFT
	MOVQ zx_base+48(FP), ZX
	MOVQ zh_base+72(FP), ZH
	MOVQ p_base+96(FP), PEEP
	LEAQ ·constants(SB), CONSTS
	LEAQ (LEFT*4), GATE
	LEAQ (ZX)(GATE*2), ZX2
	LEAQ (ZH)(GATE*2), ZH2
	SUBQ $8, LEFT
	JLT  tail

units:
	UPDATE(MOVE_ALL)
	ADDQ $32, H
	ADDQ $32, C
	ADDQ $32, ZX
	ADDQ $32, ZH
	ADDQ $32, ZX2
	ADDQ $32, ZH2
	ADDQ $32, PEEP
	SUBQ $8, LEFT
	JGE  units

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE(MOVE_FIRST)

done:
	VZEROUPPER
	RET
