//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "neon_arm64.h"
#include "activation_neon_arm64.h"

// The cell updates of an LSTM with coupled input and forget gates, without and
// with peepholes, four units at a time:
//
//	for j := range c {
//		i := sigmoid(zx[j] + zh[j])               // fma(p[j], c[j], …)
//		g := tanh(zx[H+j] + zh[H+j])
//		c[j] = floor(fma(1−i, c[j], i·g))
//		o := sigmoid(zx[2H+j] + zh[2H+j])         // fma(p[H+j], c[j], …)
//		h[j] = o · tanh(c[j])
//	}
//
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 3H, len(p) ≥ 2H. The last H mod 4
// units go through the same code one by one, in lane 0.

#define H    R0 // walks h
#define C    R1 // walks c
#define ZX   R2 // walks gate i of zx …
#define ZH   R3 // … and zh
#define ZX1  R4 // gate g
#define ZH1  R5
#define ZX2  R6 // gate o
#define ZH2  R7
#define PEEP R12 // walks p of gate i
#define PEEP1 R13 // gate o
#define GATE R10 // bytes of one gate: 4·len(c)
#define LEFT R11 // units left

#define CELL 0
#define IN   1
#define CAND 3
#define OUT  4

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
#define GATES(LOAD, MOVE, bytes) \
	SUM(MOVE, bytes, ZX, ZH, IN, 5)     \
	SUM(MOVE, bytes, ZX1, ZH1, CAND, 5) \
	SUM(MOVE, bytes, ZX2, ZH2, OUT, 5)  \
	LOAD (C), F(CELL)

// The new c, in V6.
#define NEW_CELL(MOVE, bytes) \
	TANH(CAND, 11, 12, 13) \
	SIGMOID(IN, 5, 6, 7)   \
	FSUB4S(6, K_ONE, 9)    \ // 1−i
	FMUL4S(12, 6, 6)       \ // i·g
	FMLA4S(CELL, 9, 6)     \ // c = (1−i)·c + i·g
	FLOOR(6, 7)            \
	MOVE F(6), bytes(C)

#define NEW_HIDDEN(MOVE, bytes) \
	SIGMOID(OUT, 14, 15, 16) \
	TANH(6, 11, 12, 13)      \
	FMUL4S(12, 15, 15)       \ // o·tanh(c)
	MOVE F(15), bytes(H)

#define UPDATE(LOAD, MOVE, bytes) \
	GATES(LOAD, MOVE, bytes) \
	NEW_CELL(MOVE, bytes)    \
	NEW_HIDDEN(MOVE, bytes)

#define UPDATE_PEEPHOLE(LOAD, MOVE, bytes) \
	GATES(LOAD, MOVE, bytes) \
	MOVE bytes(PEEP), F(5)      \
	FMLA4S(CELL, 5, IN)      \ // p_i·c
	NEW_CELL(MOVE, bytes)    \
	MOVE bytes(PEEP1), F(5)     \
	FMLA4S(6, 5, OUT)        \ // p_o·c
	NEW_HIDDEN(MOVE, bytes)

#define LOAD_ARGUMENTS \
	MOVD h_base+0(FP), H      \
	MOVD c_base+24(FP), C     \
	MOVD c_len+32(FP), LEFT   \
	MOVD zx_base+48(FP), ZX   \
	MOVD zh_base+72(FP), ZH   \
	LOAD_ACTIVATION_CONSTANTS \
	LSL  $2, LEFT, GATE       \
	ADD  GATE, ZX, ZX1        \
	ADD  GATE, ZH, ZH1        \
	ADD  GATE, ZX1, ZX2       \
	ADD  GATE, ZH1, ZH2

// func lstmCoupledF32NEON(h, c, zx, zh []float32)
TEXT ·lstmCoupledF32NEON(SB), NOSPLIT, $0-96
	LOAD_ARGUMENTS
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

// func lstmCoupledPeepholeF32NEON(h, c, zx, zh, p []float32)
TEXT ·lstmCoupledPeepholeF32NEON(SB), NOSPLIT, $0-120
	MOVD p_base+96(FP), PEEP
	LOAD_ARGUMENTS
	ADD  GATE, PEEP, PEEP1
	SUBS $4, LEFT
	BLT  tail

units:
	UPDATE_PEEPHOLE(FMOVQ, FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	UPDATE_PEEPHOLE(FMOVS, FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET
