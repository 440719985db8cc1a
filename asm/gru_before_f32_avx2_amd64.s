//go:build !purego

#include "textflag.h"
#include "constants.h"
#include "activation_avx2_amd64.h"

// The two halves of a GRU whose reset gate acts before the recurrent product,
// eight units at a time:
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
// len(rh) = len(h) = H, len(zx) and len(zh) ≥ 3H. The last H mod 8 units go
// through the same code with masked loads and stores.

#define H    DI  // walks h
#define RH   SI  // walks rh
#define ZX   R8  // walks gate r of zx …
#define ZH   R9  // … and zh
#define GATE DX  // bytes of one gate: 4·len(h)
#define LEFT CX  // units left
#define AT   R12

#define STATE Y0
#define RESET Y1
#define KEEP  Y2 // the update gate, u
#define CAND  Y3

#define RESET_STATE(MOVE) \
	SUM(MOVE, (ZX), (ZH), RESET, Y5) \
	MOVE((H), STATE)                 \
	SIGMOID(RESET, Y5, Y6, Y7)       \
	VMULPS STATE, Y6, STATE          \
	MOVE(STATE, (RH))

#define UPDATE(MOVE) \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), KEEP, Y5) \
	SUM(MOVE, (ZX)(GATE*2), (ZH)(GATE*2), CAND, Y5) \
	MOVE((H), STATE)                                \
	SIGMOID(KEEP, Y8, Y9, Y10)                      \
	TANH(CAND, Y11, Y12, Y13)                       \
	VMOVUPS     ONE(CONSTS), Y10                    \
	VSUBPS      Y9, Y10, Y10                        \ // (1−u)·n
	VMULPS      Y12, Y10, Y10                       \
	VFMADD213PS Y10, Y9, STATE                      \ // u·h + (1−u)·n
	FLOOR(STATE, Y7)                                \
	MOVE(STATE, (H))

// func gruResetF32AVX2(rh, h, zx, zh []float32)
TEXT ·gruResetF32AVX2(SB), NOSPLIT, $0-96
	MOVQ rh_base+0(FP), RH
	MOVQ h_base+24(FP), H
	MOVQ h_len+32(FP), LEFT
	MOVQ zx_base+48(FP), ZX
	MOVQ zh_base+72(FP), ZH
	LEAQ ·constants(SB), CONSTS
	SUBQ $8, LEFT
	JLT  tail

units:
	RESET_STATE(MOVE_ALL)
	ADDQ $32, RH
	ADDQ $32, H
	ADDQ $32, ZX
	ADDQ $32, ZH
	SUBQ $8, LEFT
	JGE  units

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	RESET_STATE(MOVE_FIRST)

done:
	VZEROUPPER
	RET

// func gruBeforeF32AVX2(h, zx, zh []float32)
TEXT ·gruBeforeF32AVX2(SB), NOSPLIT, $0-72
	MOVQ h_base+0(FP), H
	MOVQ h_len+8(FP), LEFT
	MOVQ zx_base+24(FP), ZX
	MOVQ zh_base+48(FP), ZH
	LEAQ ·constants(SB), CONSTS
	LEAQ (LEFT*4), GATE
	SUBQ $8, LEFT
	JLT  tail

units:
	UPDATE(MOVE_ALL)
	ADDQ $32, H
	ADDQ $32, ZX
	ADDQ $32, ZH
	SUBQ $8, LEFT
	JGE  units

tail:
	ADDQ $8, LEFT
	JZ   done
	MASK_FIRST(LEFT, AT)
	UPDATE(MOVE_FIRST)

done:
	VZEROUPPER
	RET
