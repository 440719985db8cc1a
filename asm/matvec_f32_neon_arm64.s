//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// y = b + W·x over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel {
//		acc[0:64] = b[0:64]                    // or zero
//		for k := range x {
//			acc[r] = fma(w[r], x[k], acc[r])   // r = 0 … 63, one lane each
//			w = w[64:]
//		}
//		y[0:64] = acc[0:64]
//	}
//
// A panel column is 256 bytes: sixteen registers of accumulators, sixteen fused
// multiply-adds by one element of XK. Four columns a turn, x[k:k+4] in the lanes
// of XK; the last len(x) mod 4 columns one by one, x[k] in lane 0.
//
// The weights come 16 rows at a time, in A and B by turns: while one is
// multiplied the other is loaded, each load beside a multiply. In-order cores
// need it so (Cortex-A55: 18 cycles a column, 48 with LD1 of four registers, by
// llvm-mca); cores with reordering do not mind (Cortex-A72 16.3, Neoverse N1 8.2).
//
// len(y) is a multiple of 16, len(b) is len(y) or 0, len(w) = len(y)·len(x).

#define ARGS  R26 // the arguments
#define Y     R0
#define ROWS  R1 // rows left
#define B     R2 // where accumulators start from: b, or zeros
#define BSTEP R3 // bytes from one panel of B to the next: 256, or 0
#define W     R4
#define X     R5
#define XP    R6 // walks x
#define KLEN  R7 // len(x)
#define K     R8 // columns left

// V0 … V15 are the accumulators, four lanes each.
#define A0 16 // A0 … A3: 16 rows of weights
#define A1 17
#define A2 18
#define A3 19
#define B0 20 // B0 … B3: the next 16
#define B1 21
#define B2 22
#define B3 23
#define XK 24 // x[k:k+4], or x[k]

// 16 rows: four registers each.
#define START16(at, a0, a1, a2, a3) \
	FLDPQ at+0x00(B), (a0, a1) \
	FLDPQ at+0x20(B), (a2, a3)

#define STORE16(at, a0, a1, a2, a3) \
	FSTPQ (a0, a1), at+0x00(Y) \
	FSTPQ (a2, a3), at+0x20(Y)

#define LOAD_A(at) \
	FMOVQ at+0x00(W), F(A0) \
	FMOVQ at+0x10(W), F(A1) \
	FMOVQ at+0x20(W), F(A2) \
	FMOVQ at+0x30(W), F(A3)

// Multiply A by x[k+i] into the accumulators acc … acc+3 …
#define FMA_A(i, acc) \
	FMLA4S_BY(XK, i, A0, (acc)+0) \
	FMLA4S_BY(XK, i, A1, (acc)+1) \
	FMLA4S_BY(XK, i, A2, (acc)+2) \
	FMLA4S_BY(XK, i, A3, (acc)+3)

#define FMA_B(i, acc) \
	FMLA4S_BY(XK, i, B0, (acc)+0) \
	FMLA4S_BY(XK, i, B1, (acc)+1) \
	FMLA4S_BY(XK, i, B2, (acc)+2) \
	FMLA4S_BY(XK, i, B3, (acc)+3)

// … and load B from W+at meanwhile.
#define FMA_A_LOAD_B(i, acc, at) \
	FMLA4S_BY(XK, i, A0, (acc)+0) \
	FMOVQ at+0x00(W), F(B0)       \
	FMLA4S_BY(XK, i, A1, (acc)+1) \
	FMOVQ at+0x10(W), F(B1)       \
	FMLA4S_BY(XK, i, A2, (acc)+2) \
	FMOVQ at+0x20(W), F(B2)       \
	FMLA4S_BY(XK, i, A3, (acc)+3) \
	FMOVQ at+0x30(W), F(B3)

#define FMA_B_LOAD_A(i, acc, at) \
	FMLA4S_BY(XK, i, B0, (acc)+0) \
	FMOVQ at+0x00(W), F(A0)       \
	FMLA4S_BY(XK, i, B1, (acc)+1) \
	FMOVQ at+0x10(W), F(A1)       \
	FMLA4S_BY(XK, i, B2, (acc)+2) \
	FMOVQ at+0x20(W), F(A2)       \
	FMLA4S_BY(XK, i, B3, (acc)+3) \
	FMOVQ at+0x30(W), F(A3)

// func matVecF32AtNEON(a *MatVecF32)
TEXT ·matVecF32AtNEON(SB), NOSPLIT, $0-8
	MOVD a+0(FP), ARGS
	MOVD MatVecF32_Y(ARGS), Y
	MOVD (MatVecF32_Y+8)(ARGS), ROWS
	MOVD MatVecF32_B(ARGS), B
	MOVD (MatVecF32_B+8)(ARGS), BSTEP
	MOVD MatVecF32_W(ARGS), W
	MOVD MatVecF32_X(ARGS), X
	MOVD (MatVecF32_X+8)(ARGS), KLEN
	CBZ  BSTEP, zero
	MOVD $256, BSTEP
	JMP  panel

zero:
	MOVD $·zeros(SB), B

panel:
	MOVD X, XP
	CMP  $64, ROWS
	BLT  last
	START16(0x00, F0, F1, F2, F3)
	START16(0x40, F4, F5, F6, F7)
	START16(0x80, F8, F9, F10, F11)
	START16(0xc0, F12, F13, F14, F15)
	SUBS $4, KLEN, K
	BLT  tail64

four64:
	FMOVQ.P 16(XP), F(XK)
	LOAD_A(0x000)
	FMA_A_LOAD_B(0, 0, 0x040)
	FMA_B_LOAD_A(0, 4, 0x080)
	FMA_A_LOAD_B(0, 8, 0x0c0)
	FMA_B_LOAD_A(0, 12, 0x100)
	FMA_A_LOAD_B(1, 0, 0x140)
	FMA_B_LOAD_A(1, 4, 0x180)
	FMA_A_LOAD_B(1, 8, 0x1c0)
	FMA_B_LOAD_A(1, 12, 0x200)
	FMA_A_LOAD_B(2, 0, 0x240)
	FMA_B_LOAD_A(2, 4, 0x280)
	FMA_A_LOAD_B(2, 8, 0x2c0)
	FMA_B_LOAD_A(2, 12, 0x300)
	FMA_A_LOAD_B(3, 0, 0x340)
	FMA_B_LOAD_A(3, 4, 0x380)
	FMA_A_LOAD_B(3, 8, 0x3c0)
	FMA_B(3, 12)
	ADD  $0x400, W
	SUBS $4, K
	BGE  four64

tail64:
	ADDS $4, K
	BEQ  store64

one64:
	FMOVS.P 4(XP), F(XK)
	LOAD_A(0x00)
	FMA_A_LOAD_B(0, 0, 0x040)
	FMA_B_LOAD_A(0, 4, 0x080)
	FMA_A_LOAD_B(0, 8, 0x0c0)
	FMA_B(0, 12)
	ADD  $0x100, W
	SUBS $1, K
	BNE  one64

store64:
	STORE16(0x00, F0, F1, F2, F3)
	STORE16(0x40, F4, F5, F6, F7)
	STORE16(0x80, F8, F9, F10, F11)
	STORE16(0xc0, F12, F13, F14, F15)
	ADD  $0x100, Y
	ADD  BSTEP, B
	SUB  $64, ROWS
	JMP  panel

last:
	CMP $16, ROWS
	BLT done
	BEQ start16
	CMP $32, ROWS
	BEQ start32
	START16(0x00, F0, F1, F2, F3)
	START16(0x40, F4, F5, F6, F7)
	START16(0x80, F8, F9, F10, F11)
	SUBS $4, KLEN, K
	BLT  tail48

four48:
	FMOVQ.P 16(XP), F(XK)
	LOAD_A(0x000)
	FMA_A_LOAD_B(0, 0, 0x040)
	FMA_B_LOAD_A(0, 4, 0x080)
	FMA_A_LOAD_B(0, 8, 0x0c0)
	FMA_B_LOAD_A(1, 0, 0x100)
	FMA_A_LOAD_B(1, 4, 0x140)
	FMA_B_LOAD_A(1, 8, 0x180)
	FMA_A_LOAD_B(2, 0, 0x1c0)
	FMA_B_LOAD_A(2, 4, 0x200)
	FMA_A_LOAD_B(2, 8, 0x240)
	FMA_B_LOAD_A(3, 0, 0x280)
	FMA_A_LOAD_B(3, 4, 0x2c0)
	FMA_B(3, 8)
	ADD  $0x300, W
	SUBS $4, K
	BGE  four48

tail48:
	ADDS $4, K
	BEQ  store48

one48:
	FMOVS.P 4(XP), F(XK)
	LOAD_A(0x00)
	FMA_A_LOAD_B(0, 0, 0x040)
	FMA_B_LOAD_A(0, 4, 0x080)
	FMA_A(0, 8)
	ADD  $0xc0, W
	SUBS $1, K
	BNE  one48

store48:
	STORE16(0x00, F0, F1, F2, F3)
	STORE16(0x40, F4, F5, F6, F7)
	STORE16(0x80, F8, F9, F10, F11)
	RET

start32:
	START16(0x00, F0, F1, F2, F3)
	START16(0x40, F4, F5, F6, F7)
	SUBS $4, KLEN, K
	BLT  tail32

four32:
	FMOVQ.P 16(XP), F(XK)
	LOAD_A(0x000)
	FMA_A_LOAD_B(0, 0, 0x040)
	FMA_B_LOAD_A(0, 4, 0x080)
	FMA_A_LOAD_B(1, 0, 0x0c0)
	FMA_B_LOAD_A(1, 4, 0x100)
	FMA_A_LOAD_B(2, 0, 0x140)
	FMA_B_LOAD_A(2, 4, 0x180)
	FMA_A_LOAD_B(3, 0, 0x1c0)
	FMA_B(3, 4)
	ADD  $0x200, W
	SUBS $4, K
	BGE  four32

tail32:
	ADDS $4, K
	BEQ  store32

one32:
	FMOVS.P 4(XP), F(XK)
	LOAD_A(0x00)
	FMA_A_LOAD_B(0, 0, 0x040)
	FMA_B(0, 4)
	ADD  $0x80, W
	SUBS $1, K
	BNE  one32

store32:
	STORE16(0x00, F0, F1, F2, F3)
	STORE16(0x40, F4, F5, F6, F7)
	RET

start16:
	START16(0x00, F0, F1, F2, F3)
	SUBS $4, KLEN, K
	BLT  tail16

four16:
	FMOVQ.P 16(XP), F(XK)
	LOAD_A(0x000)
	FMA_A_LOAD_B(0, 0, 0x040)
	FMA_B_LOAD_A(1, 0, 0x080)
	FMA_A_LOAD_B(2, 0, 0x0c0)
	FMA_B(3, 0)
	ADD  $0x100, W
	SUBS $4, K
	BGE  four16

tail16:
	ADDS $4, K
	BEQ  store16

one16:
	FMOVS.P 4(XP), F(XK)
	LOAD_A(0x00)
	FMA_A(0, 0)
	ADD  $0x40, W
	SUBS $1, K
	BNE  one16

store16:
	STORE16(0x00, F0, F1, F2, F3)

done:
	RET
