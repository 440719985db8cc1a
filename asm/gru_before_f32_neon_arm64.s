//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "neon_arm64.h"
#include "activation_neon_arm64.h"

// The two halves of a GRU whose reset gate acts before the recurrent product,
// four units at a time:
//
//	for j := range h {
//		rh[j] = sigmoid(zx[j] + zh[j]) · h[j]
//	}
//
//	for j := range h {
//		u := sigmoid(zx[H+j] + zh[H+j])
//		n := tanh(zx[2H+j] + zh[2H+j])
//		h[j] = floor(fma(u, h[j], (1−u)·n))
//	}
//
// len(rh) = len(h) = H, len(zx) and len(zh) ≥ 3H. The last H mod 4 units go
// through the same code one by one, in lane 0.

#define H    R0 // walks h
#define RH   R1 // walks rh
#define ZX   R2 // walks gate r of zx …
#define ZH   R3 // … and zh
#define ZX1  R4 // gate u
#define ZH1  R5
#define ZX2  R6 // candidate
#define ZH2  R7
#define GATE R8 // bytes of one gate: 4·len(h)
#define LEFT R9 // units left

// V registers, four for each activation: its argument, two of scratch, and between those
// its result.
#define RESET         0 // r
#define SIGMOID_RESET 2
#define KEEP          4 // u
#define SIGMOID_KEEP  6
#define STATE         7
#define CAND          8 // n
#define TANH_CAND     10
#define OLD_STATE     12

#define FIRST(TANH, SIGMOID) \
	SIGMOID(RESET, 1, SIGMOID_RESET, 3)

#define SECOND(TANH, SIGMOID) \
	SIGMOID(KEEP, 5, SIGMOID_KEEP, 7)

#define THIRD(TANH, SIGMOID) \
	TANH(CAND, 9, TANH_CAND, 11)

// LOAD is FMOVQ or FMOVS; MOVE the same with .P, which steps on by bytes.
#define RESET_STATE(MOVE, bytes) \
	SUM(MOVE, bytes, ZX, ZH, RESET, 1)              \
	MOVE bytes(H), F(OLD_STATE)                     \
	ACTIVATE(FIRST)                                 \
	FMUL4S(OLD_STATE, SIGMOID_RESET, SIGMOID_RESET) \
	MOVE F(SIGMOID_RESET), bytes(RH)

#define UPDATE(LOAD, MOVE, bytes) \
	SUM(MOVE, bytes, ZX1, ZH1, KEEP, 5)    \
	SUM(MOVE, bytes, ZX2, ZH2, CAND, 9)    \
	LOAD (H), F(OLD_STATE)                 \
	ACTIVATE(SECOND)                       \
	ACTIVATE(THIRD)                        \
	FSUB4S(SIGMOID_KEEP, K_ONE, STATE)     \ // (1−u)·n
	FMUL4S(TANH_CAND, STATE, STATE)        \
	FMLA4S(OLD_STATE, SIGMOID_KEEP, STATE) \ // u·h + (1−u)·n
	FLOOR(STATE, 5)                        \
	MOVE F(STATE), bytes(H)

// func gruResetF32NEON(rh, h, zx, zh []float32)
TEXT ·gruResetF32NEON(SB), NOSPLIT, $0-96
	MOVD rh_base+0(FP), RH
	MOVD h_base+24(FP), H
	MOVD h_len+32(FP), LEFT
	MOVD zx_base+48(FP), ZX
	MOVD zh_base+72(FP), ZH
	LOAD_ACTIVATION_CONSTANTS
	SUBS $4, LEFT
	BLT  tail

units:
	RESET_STATE(FMOVQ.P, 16)
	SUBS $4, LEFT
	BGE  units

tail:
	ADDS $4, LEFT
	BEQ  done

unit:
	RESET_STATE(FMOVS.P, 4)
	SUBS $1, LEFT
	BNE  unit

done:
	RET

// func gruBeforeF32NEON(h, zx, zh []float32)
TEXT ·gruBeforeF32NEON(SB), NOSPLIT, $0-72
	MOVD h_base+0(FP), H
	MOVD h_len+8(FP), LEFT
	MOVD zx_base+24(FP), ZX
	MOVD zh_base+48(FP), ZH
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
