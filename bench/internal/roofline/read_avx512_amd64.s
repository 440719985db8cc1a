//go:build !purego

#include "textflag.h"

// The exclusive or of all 32-bit words of x:
//
//	for _, v := range x {
//		r ^= bits(v)
//	}
//
// 512 bytes a turn, one load and one VPXORQ for each 64 of them, eight
// accumulators as in read_avx2_amd64.s.
//
// len(x) is a multiple of 16. No alignment is assumed. A prefetch beyond the end
// of x does nothing or loads a line: it cannot fault.

#define X       SI // walks x
#define LEFT    CX // bytes left
#define QUARTER DX // in bytes, whole kilobytes
#define TURNS   DI // left, one for each kilobyte of a quarter
#define PARTS   R8 // left of a turn
#define FIRST   R9 // walks the first quarter

#define START \
	MOVQ   x_base+0(FP), X   \
	MOVQ   x_len+8(FP), LEFT \
	VPXORQ Z0, Z0, Z0        \
	VPXORQ Z1, Z1, Z1        \
	VPXORQ Z2, Z2, Z2        \
	VPXORQ Z3, Z3, Z3        \
	VPXORQ Z4, Z4, Z4        \
	VPXORQ Z5, Z5, Z5        \
	VPXORQ Z6, Z6, Z6        \
	VPXORQ Z7, Z7, Z7        \
	SHLQ   $2, LEFT          \
	SUBQ   $512, LEFT

#define READ512 \
	VPXORQ 0x000(X), Z0, Z0 \
	VPXORQ 0x040(X), Z1, Z1 \
	VPXORQ 0x080(X), Z2, Z2 \
	VPXORQ 0x0c0(X), Z3, Z3 \
	VPXORQ 0x100(X), Z4, Z4 \
	VPXORQ 0x140(X), Z5, Z5 \
	VPXORQ 0x180(X), Z6, Z6 \
	VPXORQ 0x1c0(X), Z7, Z7

// FINISH reads the last LEFT+512 bytes, 64 at a time, and leaves the result in AX.
#define FINISH \
	ADDQ $512, LEFT             \
	JZ   fold                   \
loop64:                        \
	VPXORQ (X), Z0, Z0          \
	ADDQ $64, X                 \
	SUBQ $64, LEFT              \
	JNZ  loop64                 \
fold:                          \
	VPXORQ        Z1, Z0, Z0    \
	VPXORQ        Z3, Z2, Z2    \
	VPXORQ        Z5, Z4, Z4    \
	VPXORQ        Z7, Z6, Z6    \
	VPXORQ        Z2, Z0, Z0    \
	VPXORQ        Z6, Z4, Z4    \
	VPXORQ        Z4, Z0, Z0    \
	VEXTRACTI64X4 $1, Z0, Y1    \
	VPXOR         Y1, Y0, Y0    \
	VEXTRACTI128  $1, Y0, X1    \
	VPXOR         X1, X0, X0    \
	VPSHUFD       $0x4e, X0, X1 \ // the other two words of each four
	VPXOR         X1, X0, X0    \
	VPSHUFD       $0xb1, X0, X1 \ // the other one of each two
	VPXOR         X1, X0, X0    \
	VMOVD         X0, AX        \
	VZEROUPPER

// func readAVX512(x []float32) uint32
TEXT ·readAVX512(SB), NOSPLIT, $0-28
	START
	JLT     done
	PCALIGN $32

loop:
	READ512
	ADDQ $512, X
	SUBQ $512, LEFT
	JGE  loop

done:
	FINISH
	MOVL AX, ret+24(FP)
	RET

// func readAheadAVX512(x []float32) uint32
TEXT ·readAheadAVX512(SB), NOSPLIT, $0-28
	START
	JLT     done
	PCALIGN $32

loop:
	PREFETCHT0 2048(X)
	PREFETCHT0 2112(X)
	PREFETCHT0 2176(X)
	PREFETCHT0 2240(X)
	PREFETCHT0 2304(X)
	PREFETCHT0 2368(X)
	PREFETCHT0 2432(X)
	PREFETCHT0 2496(X)
	READ512
	ADDQ $512, X
	SUBQ $512, LEFT
	JGE  loop

done:
	FINISH
	MOVL AX, ret+24(FP)
	RET

// Four quarters of x side by side, a kilobyte of each in turn: the memory of some CPUs
// gives more to several readers than to one.

// func readFourAVX512(x []float32) uint32
TEXT ·readFourAVX512(SB), NOSPLIT, $0-28
	START
	ADDQ $512, LEFT
	MOVQ LEFT, TURNS
	SHRQ $12, TURNS
	JZ   rest
	MOVQ TURNS, QUARTER
	SHLQ $10, QUARTER
	SUBQ QUARTER, LEFT
	SUBQ QUARTER, LEFT
	SUBQ QUARTER, LEFT
	SUBQ QUARTER, LEFT
	MOVQ X, FIRST

turn:
	MOVQ FIRST, X
	MOVQ $4, PARTS

part:
	READ512
	ADDQ $512, X
	READ512
	ADDQ $512, X
	LEAQ -1024(X)(QUARTER*1), X
	DECQ PARTS
	JNZ  part
	ADDQ $1024, FIRST
	DECQ TURNS
	JNZ  turn
	LEAQ 1024(X), X
	SUBQ QUARTER, X // behind the last quarter

rest:
	SUBQ $512, LEFT
	FINISH
	MOVL AX, ret+24(FP)
	RET
