//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "neon_arm64.h"
#include "activation_neon_arm64.h"

// The cell update of an LSTM with peepholes, four units at a time:
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
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H, len(p) ≥ 3H. The last H mod 4
// units go through the same code one by one, in lane 0.

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
#define PEEP R12 // walks p of gate i
#define PEEP1 R13 // gate f
#define PEEP2 R14 // gate o
#define GATE R10 // bytes of one gate: 4·len(c)
#define LEFT R11 // units left

#define CELL   0
#define IN     1
#define FORGET 2
#define CAND   3
#define OUT    4

// z += p·c; c in register cell.
#define PEEPHOLE(MOVE, bytes, p, cell, z) \
	MOVE bytes(p), F(5) \
	FMLA4S(cell, 5, z)

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
#define UPDATE(LOAD, MOVE, bytes) \
	SUM(MOVE, bytes, ZX, ZH, IN, 5)       \
	SUM(MOVE, bytes, ZX1, ZH1, FORGET, 5) \
	SUM(MOVE, bytes, ZX2, ZH2, CAND, 5)   \
	SUM(MOVE, bytes, ZX3, ZH3, OUT, 5)    \
	LOAD (C), F(CELL)                     \
	PEEPHOLE(MOVE, bytes, PEEP, CELL, IN)    \
	PEEPHOLE(MOVE, bytes, PEEP1, CELL, FORGET) \
	TANH(CAND, 11, 12, 13)                \
	SIGMOID(IN, 5, 6, 7)                  \
	SIGMOID(FORGET, 8, 9, 10)             \
	FMUL4S(12, 6, 6)                      \ // i·g
	FMLA4S(CELL, 9, 6)                    \ // c = f·c + i·g
	FLOOR(6, 7)                           \
	MOVE F(6), bytes(C)                   \
	PEEPHOLE(MOVE, bytes, PEEP2, 6, OUT)     \
	SIGMOID(OUT, 14, 15, 16)              \
	TANH(6, 11, 12, 13)                   \
	FMUL4S(12, 15, 15)                    \ // o·tanh(c)
	MOVE F(15), bytes(H)

// func lstmPeepholeF32NEON(h, c, zx, zh, p []float32)
TEXT ·lstmPeepholeF32NEON(SB), NOSPLIT, $0-120
	MOVD h_base+0(FP), H
	MOVD c_base+24(FP), C
	MOVD c_len+32(FP), LEFT
	MOVD zx_base+48(FP), ZX
	MOVD zh_base+72(FP), ZH
	MOVD p_base+96(FP), PEEP
	LOAD_ACTIVATION_CONSTANTS
	LSL  $2, LEFT, GATE
	ADD  GATE, ZX, ZX1
	ADD  GATE, ZH, ZH1
	ADD  GATE, ZX1, ZX2
	ADD  GATE, ZH1, ZH2
	ADD  GATE, ZX2, ZX3
	ADD  GATE, ZH2, ZH3
	ADD  GATE, PEEP, PEEP1
	ADD  GATE, PEEP1, PEEP2
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
