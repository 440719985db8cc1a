//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "activation_avx2_amd64.h"

// The state update of a GRU, reset after the recurrent product, sixteen units at
// a time, then eight:
//
//	for j := range h {
//		r := sigmoid(zx[j] + zh[j])
//		u := sigmoid(zx[H+j] + zh[H+j])
//		n := tanh(fma(r, zh[2H+j], zx[2H+j]))
//		h[j] = floor(fma(u, h[j], (1−u)·n))
//	}
//
// len(h) = H, len(zx) and len(zh) ≥ 3H. The last H mod 8 units go through the
// same code with masked loads and stores.

#define H    DI // walks h
#define ZX   R8 // walks gate r of zx …
#define ZH   R9 // … and zh
#define GATE DX // bytes of one gate: 4·len(h)
#define LEFT CX // units left
#define AT   R12

#define STATE Y0
#define RESET Y1
#define KEEP  Y2 // the update gate, u
#define CANDX Y3 // input part of the candidate
#define CANDH Y4 // recurrent part

#define UPDATE(MOVE) \
	SUM(MOVE, (ZX), (ZH), RESET, Y5)                \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), KEEP, Y5) \
	MOVE((ZX)(GATE*2), CANDX)                       \
	MOVE((ZH)(GATE*2), CANDH)                       \
	MOVE((H), STATE)                                \
	SIGMOID(RESET, Y5, Y6, Y7)                      \
	VFMADD231PS CANDH, Y6, CANDX                    \ // r·zh + zx
	SIGMOID(KEEP, Y8, Y9, Y10)                      \
	TANH(CANDX, Y11, Y12, Y13)                      \
	VMOVUPS     ONE(CONSTS), Y10                    \
	VSUBPS      Y9, Y10, Y10                        \ // (1−u)·n
	VMULPS      Y12, Y10, Y10                       \
	VFMADD213PS Y10, Y9, STATE                      \ // u·h + (1−u)·n
	FLOOR(STATE, Y7)                                \
	MOVE(STATE, (H))

// Of sixteen units: pre-activations, then scratch.
#define RESET0 Y0
#define KEEP0  Y1
#define RESET1 Y2
#define KEEP1  Y3

// σ of RESET0, KEEP0, RESET1 and KEEP1, to Y8, Y9, Y10 and Y11.
#define GATES16 \
	SIGMOID_CLAMP(RESET0)          \
	SIGMOID_CLAMP(KEEP0)           \
	SIGMOID_CLAMP(RESET1)          \
	SIGMOID_CLAMP(KEEP1)           \
	EXP_REDUCE(RESET0, Y4, Y12)    \
	EXP_REDUCE(KEEP0, Y5, Y13)     \
	EXP_REDUCE(RESET1, Y6, Y14)    \
	EXP_REDUCE(KEEP1, Y7, Y15)     \
	EXP_SCALE(RESET0, Y4, Y12)     \
	EXP_SCALE(KEEP0, Y5, Y13)      \
	EXP_SCALE(RESET1, Y6, Y14)     \
	EXP_SCALE(KEEP1, Y7, Y15)      \
	EXP_POLY(RESET0, Y8)           \
	EXP_POLY(KEEP0, Y9)            \
	EXP_POLY(RESET1, Y10)          \
	EXP_POLY(KEEP1, Y11)           \
	EXP_FINISH(RESET0, Y8, Y12)    \
	EXP_FINISH(KEEP0, Y9, Y13)     \
	EXP_FINISH(RESET1, Y10, Y14)   \
	EXP_FINISH(KEEP1, Y11, Y15)    \
	SIGMOID_QUOTIENT(Y4, Y8, Y12)  \
	SIGMOID_QUOTIENT(Y6, Y10, Y14) \
	SIGMOID_QUOTIENT(Y5, Y9, Y13)  \
	SIGMOID_QUOTIENT(Y7, Y11, Y15)

// tanh of Y0 and Y1, to Y8 and Y10.
#define CANDIDATES16 \
	TANH_CLAMP(Y0)             \
	TANH_CLAMP(Y1)             \
	EXP_REDUCE(Y0, Y4, Y12)    \
	EXP_REDUCE(Y1, Y5, Y13)    \
	EXP_SCALE(Y0, Y4, Y12)     \
	EXP_SCALE(Y1, Y5, Y13)     \
	EXP_POLY(Y0, Y8)           \
	EXP_POLY(Y1, Y10)          \
	EXP_FINISH(Y0, Y8, Y12)    \
	EXP_FINISH(Y1, Y10, Y13)   \
	TANH_QUOTIENT(Y4, Y8, Y12) \
	TANH_QUOTIENT(Y5, Y10, Y13)

// func gruF32AVX2(h, zx, zh []float32)
TEXT ·gruF32AVX2(SB), NOSPLIT, $0-72
	MOVQ h_base+0(FP), H
	MOVQ h_len+8(FP), LEFT
	MOVQ zx_base+24(FP), ZX
	MOVQ zh_base+48(FP), ZH
	LEAQ ·constants(SB), CONSTS
	LEAQ (LEFT*4), GATE
	SUBQ $16, LEFT
	JLT  eight

sixteen:
	SUM(MOVE_ALL, 0(ZX), 0(ZH), RESET0, Y4)
	SUM(MOVE_ALL, 0(ZX)(GATE*1), 0(ZH)(GATE*1), KEEP0, Y5)
	SUM(MOVE_ALL, 32(ZX), 32(ZH), RESET1, Y6)
	SUM(MOVE_ALL, 32(ZX)(GATE*1), 32(ZH)(GATE*1), KEEP1, Y7)
	GATES16
	VMOVUPS     0(ZX)(GATE*2), Y0
	VMOVUPS     32(ZX)(GATE*2), Y1
	VFMADD231PS 0(ZH)(GATE*2), Y8, Y0 // r·zh + zx
	VFMADD231PS 32(ZH)(GATE*2), Y10, Y1
	CANDIDATES16
	VMOVUPS     ONE(CONSTS), Y2
	VSUBPS      Y9, Y2, Y0 // (1−u)·n
	VSUBPS      Y11, Y2, Y1
	VMULPS      Y8, Y0, Y0
	VMULPS      Y10, Y1, Y1
	VFMADD231PS 0(H), Y9, Y0 // u·h + (1−u)·n
	VFMADD231PS 32(H), Y11, Y1
	FLOOR(Y0, Y4)
	FLOOR(Y1, Y5)
	VMOVUPS     Y0, 0(H)
	VMOVUPS     Y1, 32(H)
	ADDQ        $64, H
	ADDQ        $64, ZX
	ADDQ        $64, ZH
	SUBQ        $16, LEFT
	JGE         sixteen

eight:
	ADDQ $8, LEFT
	JLT  tail
	UPDATE(MOVE_ALL)
	ADDQ $32, H
	ADDQ $32, ZX
	ADDQ $32, ZH
	SUBQ $8, LEFT

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE(MOVE_FIRST)

done:
	VZEROUPPER
	RET
