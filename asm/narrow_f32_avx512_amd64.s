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

#define Y    DI
#define ROWS SI  // rows left
#define B    DX
#define W    R9
#define X    R10
#define XP   R11 // walks x
#define K    R12 // columns left
#define KLEN R8  // len(x)
#define MASK K1  // lane j is set where column j of the last block exists

#define ACC Z0
#define XK  Z2 // x[k:k+16]

// func narrowF32AVX512(y, b, w, x []float32)
TEXT ·narrowF32AVX512(SB), NOSPLIT, $0-96
	MOVQ  y_base+0(FP), Y
	MOVQ  y_len+8(FP), ROWS
	MOVQ  b_base+24(FP), B
	MOVQ  w_base+48(FP), W
	MOVQ  x_base+72(FP), X
	MOVQ  x_len+80(FP), KLEN
	MOVQ  KLEN, K
	ANDQ  $15, K
	MOVL  $-1, AX
	BZHIL K, AX, AX
	KMOVW AX, MASK
	TESTQ ROWS, ROWS
	JZ    done

row:
	VXORPS ACC, ACC, ACC
	MOVQ   X, XP
	MOVQ   KLEN, K
	SUBQ   $16, K
	JLT    tail

block:
	VMOVUPS     (XP), XK
	VFMADD231PS (W), XK, ACC
	ADDQ        $64, W
	ADDQ        $64, XP
	SUBQ        $16, K
	JGE         block

tail:
	CMPQ        K, $-16
	JEQ         reduce
	VMOVUPS.Z   (XP), MASK, XK
	VFMADD231PS (W), XK, ACC
	ADDQ        $64, W

reduce:
	VEXTRACTF64X4 $1, ACC, Y2
	VADDPS        Y2, Y0, Y0 // s, eight lanes; Y0 and X0 are the low parts of ACC
	VEXTRACTF128  $1, Y0, X2
	VADDPS        X2, X0, X0 // t, four lanes
	VMOVHLPS      X0, X0, X2
	VADDPS        X2, X0, X0 // u, two lanes
	VMOVSHDUP     X0, X2
	VADDSS        X2, X0, X0
	VADDSS        (B), X0, X0
	VMOVSS        X0, (Y)
	ADDQ          $4, B
	ADDQ          $4, Y
	DECQ          ROWS
	JNZ           row

done:
	VZEROUPPER
	RET
