//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// y = b + W·x for few rows, each row-major and padded to 16 columns:
//
//	for r := range y {
//		a[0:16] = 0
//		for k := 0; k < len(x); k += 16 {
//			a[j] = fma(w[j], x[k+j], a[j])   // j = 0 … 15, x is 0 past its end
//			w = w[16:]
//		}
//		s[j] = a[j] + a[j+8]; t[j] = s[j] + s[j+4]; u[j] = t[j] + t[j+2]
//		y[r] = b[r] + (u[0] + u[1])
//	}
//
// len(b) ≥ len(y), len(w) = len(y)·(len(x) rounded up to 16).

#define Y    R0
#define ROWS R1 // rows left
#define B    R2
#define W    R3
#define X    R4
#define XP   R5 // walks x
#define K    R6 // columns left
#define KLEN R7 // len(x)
#define ODD  R8 // len(x) mod 16
#define AT   R9
#define T    R10

#define ACC0 0
#define ACC1 1
#define ACC2 2
#define ACC3 3
#define XT0  4 // the last len(x) mod 16 of x, then zeros
#define XT1  5
#define XT2  6
#define XT3  7

// func narrowF32NEON(y, b, w, x []float32)
TEXT ·narrowF32NEON(SB), NOSPLIT, $64-96
	MOVD y_base+0(FP), Y
	MOVD y_len+8(FP), ROWS
	MOVD b_base+24(FP), B
	MOVD w_base+48(FP), W
	MOVD x_base+72(FP), X
	MOVD x_len+80(FP), KLEN
	CBZ  ROWS, done

	// The last, incomplete block of x, made complete on the stack.
	ANDS  $15, KLEN, ODD
	BEQ   row
	MOVD  $block-64(SP), AT
	CLEAR4S(XT0)
	FMOVQ F(XT0), 0(AT)
	FMOVQ F(XT0), 16(AT)
	FMOVQ F(XT0), 32(AT)
	FMOVQ F(XT0), 48(AT)
	SUB   ODD, KLEN, T
	ADD   T<<2, X, XP
	MOVD  ODD, K

copy:
	MOVWU.P 4(XP), T
	MOVW.P  T, 4(AT)
	SUBS    $1, K
	BNE     copy
	MOVD    $block-64(SP), AT
	FMOVQ   0(AT), F(XT0)
	FMOVQ   16(AT), F(XT1)
	FMOVQ   32(AT), F(XT2)
	FMOVQ   48(AT), F(XT3)

row:
	CLEAR4S(ACC0)
	CLEAR4S(ACC1)
	CLEAR4S(ACC2)
	CLEAR4S(ACC3)
	MOVD X, XP
	SUBS $16, KLEN, K
	BLT  tail

block:
	FMOVQ 0(W), F(16)
	FMOVQ 0(XP), F(20)
	FMOVQ 16(W), F(17)
	FMOVQ 16(XP), F(21)
	FMLA4S(20, 16, ACC0)
	FMOVQ 32(W), F(18)
	FMOVQ 32(XP), F(22)
	FMLA4S(21, 17, ACC1)
	FMOVQ 48(W), F(19)
	FMOVQ 48(XP), F(23)
	FMLA4S(22, 18, ACC2)
	ADD   $64, W
	ADD   $64, XP
	FMLA4S(23, 19, ACC3)
	SUBS  $16, K
	BGE   block

tail:
	CBZ   ODD, reduce
	FMOVQ 0(W), F(16)
	FMOVQ 16(W), F(17)
	FMOVQ 32(W), F(18)
	FMOVQ 48(W), F(19)
	FMLA4S(XT0, 16, ACC0)
	FMLA4S(XT1, 17, ACC1)
	FMLA4S(XT2, 18, ACC2)
	FMLA4S(XT3, 19, ACC3)
	ADD   $64, W

reduce:
	FADD4S(ACC2, ACC0, ACC0)       // s[0:4]
	FADD4S(ACC3, ACC1, ACC1)       // s[4:8]
	FADD4S(ACC1, ACC0, ACC0)       // t
	EXT16B(8, ACC0, ACC0, ACC1)
	FADD4S(ACC1, ACC0, ACC0)       // u, in lanes 0 and 1
	FADDP2S(ACC0, ACC0)
	FMOVS.P 4(B), F(ACC1)
	FADDS   F(ACC0), F(ACC1), F(ACC0)
	FMOVS.P F(ACC0), 4(Y)
	SUBS    $1, ROWS
	BNE     row

done:
	RET
