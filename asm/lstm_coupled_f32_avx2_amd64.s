//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "activation_avx2_amd64.h"

// The cell updates of an LSTM with coupled input and forget gates, without and
// with peepholes, eight units at a time:
//
//	for j := range c {
//		i := sigmoid(zx[j] + zh[j])               // fma(p[j], c[j], …)
//		g := tanh(zx[H+j] + zh[H+j])
//		c[j] = floor(fma(1−i, c[j], i·g))
//		o := sigmoid(zx[2H+j] + zh[2H+j])         // fma(p[H+j], c[j], …)
//		h[j] = o · tanh(c[j])
//	}
//
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 3H, len(p) ≥ 2H. The last H mod 8
// units go through the same code with masked loads and stores.

#define H    DI  // walks h
#define C    SI  // walks c
#define ZX   R8  // walks gate i of zx …
#define ZH   R9  // … and zh
#define PEEP R13 // walks p
#define GATE DX  // bytes of one gate: 4·len(c)
#define LEFT CX  // units left
#define AT   R12

#define CELL   Y0
#define IN     Y1
#define CAND   Y3
#define OUT    Y4

#define GATES(MOVE) \
	SUM(MOVE, (ZX), (ZH), IN, Y5)                   \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), CAND, Y5) \
	SUM(MOVE, (ZX)(GATE*2), (ZH)(GATE*2), OUT, Y5)  \
	MOVE((C), CELL)

#define NEW_CELL(MOVE) \
	SIGMOID(IN, Y5, Y6, Y7)         \
	TANH(CAND, Y11, Y12, Y13)       \
	VMOVUPS     ONE(CONSTS), Y9     \
	VSUBPS      Y6, Y9, Y9          \ // 1−i
	VMULPS      Y12, Y6, Y6         \ // i·g
	VFMADD213PS Y6, Y9, CELL        \ // c = (1−i)·c + i·g
	FLOOR(CELL, Y7)                 \
	MOVE(CELL, (C))

#define NEW_HIDDEN(MOVE) \
	SIGMOID(OUT, Y5, Y6, Y7)  \
	TANH(CELL, Y11, Y12, Y13) \
	VMULPS Y12, Y6, OUT       \ // h = o·tanh(c)
	MOVE(OUT, (H))

#define UPDATE(MOVE) \
	GATES(MOVE)      \
	NEW_CELL(MOVE)   \
	NEW_HIDDEN(MOVE)

#define UPDATE_PEEPHOLE(MOVE) \
	GATES(MOVE)               \
	MOVE((PEEP), Y5)             \
	VFMADD231PS CELL, Y5, IN  \ // p_i·c
	NEW_CELL(MOVE)            \
	MOVE((PEEP)(GATE*1), Y5)     \
	VFMADD231PS CELL, Y5, OUT \ // p_o·c
	NEW_HIDDEN(MOVE)

#define LOAD_ARGUMENTS \
	MOVQ h_base+0(FP), H        \
	MOVQ c_base+24(FP), C       \
	MOVQ c_len+32(FP), LEFT     \
	MOVQ zx_base+48(FP), ZX     \
	MOVQ zh_base+72(FP), ZH     \
	LEAQ ·constants(SB), CONSTS \
	LEAQ (LEFT*4), GATE         \
	SUBQ $8, LEFT

#define NEXT_UNITS \
	ADDQ $32, H    \
	ADDQ $32, C    \
	ADDQ $32, ZX   \
	ADDQ $32, ZH   \
	SUBQ $8, LEFT

// func lstmCoupledF32AVX2(h, c, zx, zh []float32)
TEXT ·lstmCoupledF32AVX2(SB), NOSPLIT, $0-96
	LOAD_ARGUMENTS
	JLT tail

units:
	UPDATE(MOVE_ALL)
	NEXT_UNITS
	JGE units

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE(MOVE_FIRST)

done:
	VZEROUPPER
	RET

// func lstmCoupledPeepholeF32AVX2(h, c, zx, zh, p []float32)
TEXT ·lstmCoupledPeepholeF32AVX2(SB), NOSPLIT, $0-120
	MOVQ p_base+96(FP), PEEP
	LOAD_ARGUMENTS
	JLT  tail

units:
	UPDATE_PEEPHOLE(MOVE_ALL)
	ADDQ $32, PEEP
	NEXT_UNITS
	JGE  units

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE_PEEPHOLE(MOVE_FIRST)

done:
	VZEROUPPER
	RET
