//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "constants.h"
#include "neon_arm64.h"
#include "activation_neon_arm64.h"

// The state update of a GRU, reset after the recurrent product, four units at a
// time:
//
//	for j := range h {
//		r := sigmoid(zx[j] + zh[j])
//		u := sigmoid(zx[H+j] + zh[H+j])
//		n := tanh(fma(r, zh[2H+j], zx[2H+j]))
//		h[j] = floor(fma(u, h[j], (1−u)·n))
//	}
//
// len(h) = H, len(zx) and len(zh) ≥ 3H. The last H mod 4 units go through the
// same code one by one, in lane 0.

#define ARGS R26 // the arguments
#define H    R0 // walks h
#define ZX   R1 // walks gate r of zx …
#define ZH   R2 // … and zh
#define ZX1  R3 // gate u
#define ZH1  R4
#define ZX2  R5 // candidate
#define ZH2  R6
#define GATE R7 // bytes of one gate: 4·len(h)
#define LEFT R8 // units left

#define STATE 0
#define RESET 1
#define KEEP  2 // the update gate, u
#define CANDX 3 // input part of the candidate
#define CANDH 4 // recurrent part

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
#define UPDATE(LOAD, MOVE, bytes) \
	SUM(MOVE, bytes, ZX, ZH, RESET, 5) \
	SUM(MOVE, bytes, ZX1, ZH1, KEEP, 5) \
	MOVE bytes(ZX2), F(CANDX) \
	MOVE bytes(ZH2), F(CANDH) \
	LOAD (H), F(STATE)        \
	SIGMOID(RESET, 5, 6, 7)   \
	FMLA4S(CANDH, 6, CANDX)   \ // r·zh + zx
	SIGMOID(KEEP, 8, 9, 10)    \
	TANH(CANDX, 11, 12, 13)   \
	FSUB4S(9, K_ONE, 10)      \ // (1−u)·n
	FMUL4S(12, 10, 10)        \
	FMLA4S(STATE, 9, 10)      \ // u·h + (1−u)·n
	FLOOR(10, 7)              \
	MOVE F(10), bytes(H)

// func gruF32AtNEON(a *CellF32)
TEXT ·gruF32AtNEON(SB), NOSPLIT, $0-8
	MOVD a+0(FP), ARGS
	MOVD CellF32_H(ARGS), H
	MOVD (CellF32_H+8)(ARGS), LEFT
	MOVD CellF32_ZX(ARGS), ZX
	MOVD CellF32_ZH(ARGS), ZH
	LOAD_ACTIVATION_CONSTANTS
	LSL  $2, LEFT, GATE
	ADD  GATE, ZX, ZX1
	ADD  GATE, ZH, ZH1
	ADD  GATE, ZX1, ZX2
	ADD  GATE, ZH1, ZH2
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
