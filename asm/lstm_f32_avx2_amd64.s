//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "activation_avx2_amd64.h"

// The cell update of an LSTM, eight units at a time, in two passes, so that one
// vector's tanh(c) need not wait for the divisions before it:
//
//	for j := range c {
//		i := sigmoid(zx[j] + zh[j])
//		f := sigmoid(zx[H+j] + zh[H+j])
//		g := tanh(zx[2H+j] + zh[2H+j])
//		o := sigmoid(zx[3H+j] + zh[3H+j])
//		c[j] = floor(fma(f, c[j], i·g))
//		h[j] = o
//	}
//	for j := range c {
//		h[j] = h[j] · tanh(c[j])
//	}
//
// len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H. The last H mod 8 units go
// through the same code with masked loads and stores.

#define H    DI  // walks h
#define C    SI  // walks c
#define ZX   R8  // walks gates i and f of zx …
#define ZH   R9  // … and zh
#define ZX2  R10 // walks gates g and o
#define ZH2  R11
#define GATE DX  // bytes of one gate: 4·len(c)
#define LEFT CX  // units left
#define AT   R12 // address of the tail mask

#define IN     Y0
#define FORGET Y1
#define OUT    Y2
#define CAND   Y3
#define CELL   Y0 // once IN has been used

#define PREACTIVATIONS(MOVE) \
	SUM(MOVE, (ZX), (ZH), IN, Y4)                     \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), FORGET, Y4) \
	SUM(MOVE, (ZX2)(GATE*1), (ZH2)(GATE*1), OUT, Y4)  \
	SUM(MOVE, (ZX2), (ZH2), CAND, Y4)

// i·g in Y8, f in Y9 and o in Y10.
#define GATES \
	SIGMOID_CLAMP(IN)              \
	SIGMOID_CLAMP(FORGET)          \
	SIGMOID_CLAMP(OUT)             \
	TANH_CLAMP(CAND)               \
	EXP_REDUCE(IN, Y4, Y12)        \
	EXP_REDUCE(FORGET, Y5, Y13)    \
	EXP_REDUCE(OUT, Y6, Y14)       \
	EXP_REDUCE(CAND, Y7, Y15)      \
	EXP_SCALE(IN, Y4, Y12)         \
	EXP_SCALE(FORGET, Y5, Y13)     \
	EXP_SCALE(OUT, Y6, Y14)        \
	EXP_SCALE(CAND, Y7, Y15)       \
	EXP_POLY(IN, Y8)               \
	EXP_POLY(FORGET, Y9)           \
	EXP_POLY(OUT, Y10)             \
	EXP_POLY(CAND, Y11)            \
	EXP_FINISH(IN, Y8, Y12)        \
	EXP_FINISH(FORGET, Y9, Y13)    \
	EXP_FINISH(OUT, Y10, Y14)      \
	EXP_FINISH(CAND, Y11, Y15)     \
	SIGMOID_QUOTIENT(Y4, Y8, Y12)  \
	TANH_QUOTIENT(Y7, Y11, Y15)    \
	SIGMOID_QUOTIENT(Y5, Y9, Y13)  \
	SIGMOID_QUOTIENT(Y6, Y10, Y14) \
	VMULPS Y11, Y8, Y8

#define NEW_CELL(MOVE) \
	MOVE((C), CELL)                     \
	VFMADD213PS Y8, Y9, CELL            \ // c = f·c + i·g
	FLOOR(CELL, Y7)                     \
	MOVE(CELL, (C))                     \
	MOVE(Y10, (H))

// func lstmF32AVX2(h, c, zx, zh []float32)
TEXT ·lstmF32AVX2(SB), NOSPLIT, $0-96
	MOVQ h_base+0(FP), H
	MOVQ c_base+24(FP), C
	MOVQ c_len+32(FP), LEFT
	MOVQ zx_base+48(FP), ZX
	MOVQ zh_base+72(FP), ZH
	LEAQ ·constants(SB), CONSTS
	LEAQ (LEFT*4), GATE
	LEAQ (ZX)(GATE*2), ZX2
	LEAQ (ZH)(GATE*2), ZH2
	SUBQ $8, LEFT
	JLT  tail

gates:
	PREACTIVATIONS(MOVE_ALL)
	GATES
	NEW_CELL(MOVE_ALL)
	ADDQ $32, H
	ADDQ $32, C
	ADDQ $32, ZX
	ADDQ $32, ZH
	ADDQ $32, ZX2
	ADDQ $32, ZH2
	SUBQ $8, LEFT
	JGE  gates

tail:
	ADDQ $8, LEFT
	JZ   outputs
	MASK_FIRST(LEFT, AT)
	PREACTIVATIONS(MOVE_FIRST)
	GATES
	VMOVUPS 64(AT), MASK // GATES needed its register
	NEW_CELL(MOVE_FIRST)
	TANH(CELL, Y4, Y5, Y6) // both are in registers yet: no second pass
	VMULPS  Y5, Y10, Y10
	MOVE_FIRST(Y10, (H))

outputs: // of the whole vectors; H and C stand behind the last one
	ANDQ $~31, GATE
	JZ   done
	SUBQ GATE, H
	SUBQ GATE, C

output:
	VMOVUPS (C), CELL
	TANH(CELL, Y4, Y5, Y6)
	VMULPS  (H), Y5, Y5
	VMOVUPS Y5, (H)
	ADDQ    $32, H
	ADDQ    $32, C
	SUBQ    $32, GATE
	JNZ     output

done:
	VZEROUPPER
	RET
