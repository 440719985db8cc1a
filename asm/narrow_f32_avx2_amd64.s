//go:build !purego

#include "textflag.h"

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

#define Y     DI
#define ROWS  SI  // rows left
#define B     DX
#define W     R9
#define X     R10
#define XP    R11 // walks x
#define K     R12 // columns left
#define KLEN  R8  // len(x)
#define MASKS R13

#define ACC0  Y0
#define ACC1  Y1
#define XK0   Y2 // x[k:k+8]
#define XK1   Y3 // x[k+8:k+16]
#define MASK0 Y4
#define MASK1 Y5

// func narrowF32AVX2(y, b, w, x []float32)
TEXT ·narrowF32AVX2(SB), NOSPLIT, $0-96
	MOVQ y_base+0(FP), Y
	MOVQ y_len+8(FP), ROWS
	MOVQ b_base+24(FP), B
	MOVQ w_base+48(FP), W
	MOVQ x_base+72(FP), X
	MOVQ x_len+80(FP), KLEN

	// Lane j of the masks is set where column j of the last block exists.
	MOVQ    KLEN, K
	ANDQ    $15, K
	LEAQ    ·tailMask(SB), MASKS
	SHLQ    $2, K
	SUBQ    K, MASKS
	VMOVUPS 64(MASKS), MASK0
	VMOVUPS 96(MASKS), MASK1
	TESTQ   ROWS, ROWS
	JZ      done

row:
	VXORPS ACC0, ACC0, ACC0
	VXORPS ACC1, ACC1, ACC1
	MOVQ   X, XP
	MOVQ   KLEN, K
	SUBQ   $16, K
	JLT    tail

block:
	VMOVUPS     0(XP), XK0
	VMOVUPS     32(XP), XK1
	VFMADD231PS 0(W), XK0, ACC0
	VFMADD231PS 32(W), XK1, ACC1
	ADDQ        $64, W
	ADDQ        $64, XP
	SUBQ        $16, K
	JGE         block

tail:
	CMPQ        K, $-16
	JEQ         reduce
	VMASKMOVPS  0(XP), MASK0, XK0
	VMASKMOVPS  32(XP), MASK1, XK1
	VFMADD231PS 0(W), XK0, ACC0
	VFMADD231PS 32(W), XK1, ACC1
	ADDQ        $64, W

reduce:
	VADDPS       ACC1, ACC0, ACC0 // s, eight lanes
	VEXTRACTF128 $1, ACC0, X2
	VADDPS       X2, X0, X0       // t, four lanes; X0 is the low half of ACC0
	VMOVHLPS     X0, X0, X2
	VADDPS       X2, X0, X0       // u, two lanes
	VMOVSHDUP    X0, X2
	VADDSS       X2, X0, X0
	VADDSS       (B), X0, X0
	VMOVSS       X0, (Y)
	ADDQ         $4, B
	ADDQ         $4, Y
	DECQ         ROWS
	JNZ          row

done:
	VZEROUPPER
	RET
