//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "constants.h"
#include "neon_arm64.h"
#include "activation_neon_arm64.h"

// The cell update of an LSTM, four units at a time:
//
//	for j := range c {
//		i := sigmoid(zx[j] + zh[j])
//		f := sigmoid(zx[H+j] + zh[H+j])
//		g := tanh(zx[2H+j] + zh[2H+j])
//		o := sigmoid(zx[3H+j] + zh[3H+j])
//		c[j] = floor(fma(f, c[j], i·g))
//		h[j] = o · tanh(c[j])
//	}
//
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H. The last H mod 4 units go
// through the same code one by one, in lane 0.

#define ARGS R26 // the arguments
#define H    R0 // walks h
#define C    R1 // walks c
#define ZX   R2 // walks gate i of zx …
#define ZH   R3 // … and zh
#define ZX1  R4 // gate f
#define ZH1  R5
#define ZX2  R6 // gate g
#define ZH2  R7
#define ZX3  R8 // gate o
#define ZH3  R9
#define GATE R10 // bytes of one gate: 4·len(c)
#define LEFT R11 // units left

// V registers, four for each activation: its argument, two of scratch, and between those
// its result.
#define CAND        0 // g
#define TANH_CAND   2
#define IN          4
#define SIGMOID_IN  6
#define FORGET      8
#define SIGMOID_FORGET 10
#define OUT         12
#define SIGMOID_OUT 14
#define CELL        16
#define OLD_CELL    17
#define TANH_CELL   18

#define ENTERING(TANH, SIGMOID) \
	TANH(CAND, 1, TANH_CAND, 3)            \
	SIGMOID(IN, 5, SIGMOID_IN, 7)          \
	SIGMOID(FORGET, 9, SIGMOID_FORGET, 11)

#define LEAVING(TANH, SIGMOID) \
	TANH(CELL, 17, TANH_CELL, 19)     \
	SIGMOID(OUT, 13, SIGMOID_OUT, 15)

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
//
// Four units ENTER while those before them LEAVE: their tanh(c) need not wait for a c that
// was just made. A turn takes 195 cycles on a Cortex-A72 by llvm-mca, of which the divider
// 170, one activation after the other 235; Neoverse N1 70 and 84, Cortex-A55, which
// is in order, 236 and 359. All five side by side are faster in order, but
// cores with reordering then have their divisions all at once (A72 231, N1 76, A55 186).
#define ENTER(LOAD, MOVE, bytes) \
	SUM(MOVE, bytes, ZX2, ZH2, CAND, 1)   \
	SUM(MOVE, bytes, ZX, ZH, IN, 5)       \
	SUM(MOVE, bytes, ZX1, ZH1, FORGET, 9) \
	ACTIVATE(ENTERING)

#define NEW_CELL(LOAD, MOVE, bytes) \
	LOAD (C), F(OLD_CELL)                  \
	FMUL4S(TANH_CAND, SIGMOID_IN, CELL)    \ // i·g
	FMLA4S(OLD_CELL, SIGMOID_FORGET, CELL) \ // c = f·c + i·g
	FLOOR(CELL, 17)                        \
	MOVE F(CELL), bytes(C)

#define LEAVE(MOVE, bytes) \
	SUM(MOVE, bytes, ZX3, ZH3, OUT, 13)         \
	ACTIVATE(LEAVING)                           \
	FMUL4S(TANH_CELL, SIGMOID_OUT, SIGMOID_OUT) \ // o·tanh(c)
	MOVE F(SIGMOID_OUT), bytes(H)

// func lstmF32AtNEON(a *CellF32)
TEXT ·lstmF32AtNEON(SB), NOSPLIT, $0-8
	MOVD a+0(FP), ARGS
	MOVD CellF32_H(ARGS), H
	MOVD CellF32_C(ARGS), C
	MOVD (CellF32_C+8)(ARGS), LEFT
	MOVD CellF32_ZX(ARGS), ZX
	MOVD CellF32_ZH(ARGS), ZH
	LOAD_ACTIVATION_CONSTANTS
	LSL  $2, LEFT, GATE
	ADD  GATE, ZX, ZX1
	ADD  GATE, ZH, ZH1
	ADD  GATE, ZX1, ZX2
	ADD  GATE, ZH1, ZH2
	ADD  GATE, ZX2, ZX3
	ADD  GATE, ZH2, ZH3
	SUBS $4, LEFT
	BLT  tail
	ENTER(FMOVQ, FMOVQ.P, 16)
	NEW_CELL(FMOVQ, FMOVQ.P, 16)
	SUBS $4, LEFT
	BLT  last

units:
	ENTER(FMOVQ, FMOVQ.P, 16)
	LEAVE(FMOVQ.P, 16)
	NEW_CELL(FMOVQ, FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

last:
	LEAVE(FMOVQ.P, 16)

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	ENTER(FMOVS, FMOVS.P, 4)
	NEW_CELL(FMOVS, FMOVS.P, 4)
	LEAVE(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET
