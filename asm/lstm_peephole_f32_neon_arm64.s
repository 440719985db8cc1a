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

// z += p·c; c in register cell, t is scratch.
#define PEEPHOLE(MOVE, bytes, p, cell, z, t) \
	MOVE bytes(p), F(t) \
	FMLA4S(cell, t, z)

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
//
// Four units ENTER while those before them LEAVE, as in lstm_f32_neon_arm64.s.
#define ENTER(LOAD, MOVE, bytes) \
	SUM(MOVE, bytes, ZX2, ZH2, CAND, 1)             \
	SUM(MOVE, bytes, ZX, ZH, IN, 5)                 \
	SUM(MOVE, bytes, ZX1, ZH1, FORGET, 9)           \
	LOAD (C), F(OLD_CELL)                           \
	PEEPHOLE(MOVE, bytes, PEEP, OLD_CELL, IN, 5)      \
	PEEPHOLE(MOVE, bytes, PEEP1, OLD_CELL, FORGET, 9) \
	ACTIVATE(ENTERING)

#define NEW_CELL(LOAD, MOVE, bytes) \
	LOAD (C), F(OLD_CELL)                  \
	FMUL4S(TANH_CAND, SIGMOID_IN, CELL)    \ // i·g
	FMLA4S(OLD_CELL, SIGMOID_FORGET, CELL) \ // c = f·c + i·g
	FLOOR(CELL, 17)                        \
	MOVE F(CELL), bytes(C)

#define LEAVE(MOVE, bytes) \
	SUM(MOVE, bytes, ZX3, ZH3, OUT, 13)           \
	PEEPHOLE(MOVE, bytes, PEEP2, CELL, OUT, 13)   \
	ACTIVATE(LEAVING)                             \
	FMUL4S(TANH_CELL, SIGMOID_OUT, SIGMOID_OUT)   \ // o·tanh(c)
	MOVE F(SIGMOID_OUT), bytes(H)

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
