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

// V registers, four for each activation: its argument, two of scratch, and between those
// its result.
#define CAND        0 // g
#define TANH_CAND   2
#define IN          4
#define SIGMOID_IN  6
#define OUT         12
#define SIGMOID_OUT 14
#define CELL        16
#define OLD_CELL    17
#define TANH_CELL   18

#define ENTERING(TANH, SIGMOID) \
	TANH(CAND, 1, TANH_CAND, 3)   \
	SIGMOID(IN, 5, SIGMOID_IN, 7)

#define LEAVING(TANH, SIGMOID) \
	TANH(CELL, 17, TANH_CELL, 19)     \
	SIGMOID(OUT, 13, SIGMOID_OUT, 15)

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
//
// Four units ENTER while those before them LEAVE, as in lstm_f32_neon_arm64.s.
#define GATES(MOVE, bytes) \
	SUM(MOVE, bytes, ZX1, ZH1, CAND, 1) \
	SUM(MOVE, bytes, ZX, ZH, IN, 5)

#define ENTER(LOAD, MOVE, bytes) \
	GATES(MOVE, bytes) \
	ACTIVATE(ENTERING)

#define ENTER_PEEPHOLE(LOAD, MOVE, bytes) \
	GATES(MOVE, bytes)      \
	LOAD (C), F(OLD_CELL)   \
	MOVE bytes(PEEP), F(5)  \
	FMLA4S(OLD_CELL, 5, IN) \ // p_i·c
	ACTIVATE(ENTERING)

#define NEW_CELL(LOAD, MOVE, bytes) \
	LOAD (C), F(OLD_CELL)               \
	FSUB4S(SIGMOID_IN, K_ONE, 5)        \ // 1−i
	FMUL4S(TANH_CAND, SIGMOID_IN, CELL) \ // i·g
	FMLA4S(OLD_CELL, 5, CELL)           \ // c = (1−i)·c + i·g
	FLOOR(CELL, 17)                     \
	MOVE F(CELL), bytes(C)

#define HIDDEN(MOVE, bytes) \
	ACTIVATE(LEAVING)                           \
	FMUL4S(TANH_CELL, SIGMOID_OUT, SIGMOID_OUT) \ // o·tanh(c)
	MOVE F(SIGMOID_OUT), bytes(H)

#define LEAVE(MOVE, bytes) \
	SUM(MOVE, bytes, ZX2, ZH2, OUT, 13) \
	HIDDEN(MOVE, bytes)

#define LEAVE_PEEPHOLE(MOVE, bytes) \
	SUM(MOVE, bytes, ZX2, ZH2, OUT, 13) \
	MOVE bytes(PEEP1), F(13)            \
	FMLA4S(CELL, 13, OUT)               \ // p_o·c
	HIDDEN(MOVE, bytes)

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

// func lstmCoupledPeepholeF32NEON(h, c, zx, zh, p []float32)
TEXT ·lstmCoupledPeepholeF32NEON(SB), NOSPLIT, $0-120
	MOVD p_base+96(FP), PEEP
	LOAD_ARGUMENTS
	ADD  GATE, PEEP, PEEP1
	SUBS $4, LEFT
	BLT  tail
	ENTER_PEEPHOLE(FMOVQ, FMOVQ.P, 16)
	NEW_CELL(FMOVQ, FMOVQ.P, 16)
	SUBS $4, LEFT
	BLT  last

units:
	ENTER_PEEPHOLE(FMOVQ, FMOVQ.P, 16)
	LEAVE_PEEPHOLE(FMOVQ.P, 16)
	NEW_CELL(FMOVQ, FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

last:
	LEAVE_PEEPHOLE(FMOVQ.P, 16)

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	ENTER_PEEPHOLE(FMOVS, FMOVS.P, 4)
	NEW_CELL(FMOVS, FMOVS.P, 4)
	LEAVE_PEEPHOLE(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET
