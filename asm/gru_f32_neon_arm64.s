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

// V registers, four for each activation: its argument, two of scratch, and between those
// its result.
#define RESET         0 // r
#define SIGMOID_RESET 2
#define KEEP          4 // u
#define OLD_STATE     5
#define SIGMOID_KEEP  6
#define STATE         7
#define CAND          8 // n
#define CANDH         9 // its recurrent part
#define TANH_CAND     10

#define FIRST(TANH, SIGMOID) \
	SIGMOID(RESET, 1, SIGMOID_RESET, 3)

#define LAST(TANH, SIGMOID) \
	TANH(CAND, 9, TANH_CAND, 11)      \
	SIGMOID(KEEP, 5, SIGMOID_KEEP, 7)

#define ALL(TANH, SIGMOID) \
	LAST(TANH, SIGMOID) \
	FIRST(TANH, SIGMOID)

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
//
// The candidate waits for r. So r of four units is computed beside the rest of those
// before them: 125 cycles a turn on a Cortex-A72 by llvm-mca, 166 one after the other;
// Neoverse N1 49 and 66, Cortex-A55, which is in order, 139 and 234.
#define RESET_Z(MOVE, bytes) \
	SUM(MOVE, bytes, ZX, ZH, RESET, 1)

#define KEEP_Z(MOVE, bytes) \
	SUM(MOVE, bytes, ZX1, ZH1, KEEP, 5)

#define CAND_Z(MOVE, bytes) \
	MOVE bytes(ZX2), F(CAND)           \
	MOVE bytes(ZH2), F(CANDH)          \
	FMLA4S(CANDH, SIGMOID_RESET, CAND) // r·zh + zx

#define NEW_STATE(LOAD, MOVE, bytes) \
	LOAD (H), F(OLD_STATE)                 \
	FSUB4S(SIGMOID_KEEP, K_ONE, STATE)     \ // (1−u)·n
	FMUL4S(TANH_CAND, STATE, STATE)        \
	FMLA4S(OLD_STATE, SIGMOID_KEEP, STATE) \ // u·h + (1−u)·n
	FLOOR(STATE, 5)                        \
	MOVE F(STATE), bytes(H)

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
	RESET_Z(FMOVQ.P, 16)
	ACTIVATE(FIRST)
	CAND_Z(FMOVQ.P, 16)
	SUBS $4, LEFT
	BLT  last

units:
	KEEP_Z(FMOVQ.P, 16)
	RESET_Z(FMOVQ.P, 16)
	ACTIVATE(ALL)
	NEW_STATE(FMOVQ, FMOVQ.P, 16)
	CAND_Z(FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

last:
	KEEP_Z(FMOVQ.P, 16)
	ACTIVATE(LAST)
	NEW_STATE(FMOVQ, FMOVQ.P, 16)

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	RESET_Z(FMOVS.P, 4)
	ACTIVATE(FIRST)
	CAND_Z(FMOVS.P, 4)
	KEEP_Z(FMOVS.P, 4)
	ACTIVATE(LAST)
	NEW_STATE(FMOVS, FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET
