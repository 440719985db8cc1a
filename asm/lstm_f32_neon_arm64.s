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

#define CELL   0
#define IN     1
#define FORGET 2
#define CAND   3
#define OUT    4

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
//
// The order of the gates is the one that keeps the divider busiest (Cortex-A72
// 234 cycles, 281 with o last, Neoverse N1 84 and 103, by llvm-mca).
#define UPDATE(LOAD, MOVE, bytes) \
	SUM(MOVE, bytes, ZX, ZH, IN, 5)       \
	SUM(MOVE, bytes, ZX1, ZH1, FORGET, 5) \
	SUM(MOVE, bytes, ZX2, ZH2, CAND, 5)   \
	SUM(MOVE, bytes, ZX3, ZH3, OUT, 5)    \
	TANH(CAND, 11, 12, 13)                \
	SIGMOID(IN, 5, 6, 7)                  \
	SIGMOID(FORGET, 8, 9, 10)             \
	LOAD (C), F(CELL)                     \
	FMUL4S(12, 6, 6)                      \ // i·g
	FMLA4S(CELL, 9, 6)                    \ // c = f·c + i·g
	FLOOR(6, 7)                           \
	MOVE F(6), bytes(C)                   \
	SIGMOID(OUT, 14, 15, 16)              \
	TANH(6, 11, 12, 13)                   \
	FMUL4S(12, 15, 15)                    \ // o·tanh(c)
	MOVE F(15), bytes(H)

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

units:
	UPDATE(FMOVQ, FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	UPDATE(FMOVS, FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET
