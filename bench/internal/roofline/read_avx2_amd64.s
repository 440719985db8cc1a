//go:build !purego

#include "textflag.h"

// The exclusive or of all 32-bit words of x:
//
//	for _, v := range x {
//		r ^= bits(v)
//	}
//
// 256 bytes a turn, one load and one VPXOR for each 32 of them. Eight
// accumulators make eight independent chains of latency 1, and a VPXOR has more
// ports than a load: only the loads, and the memory behind them, take time.
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
	MOVQ  x_base+0(FP), X   \
	MOVQ  x_len+8(FP), LEFT \
	VPXOR Y0, Y0, Y0        \
	VPXOR Y1, Y1, Y1        \
	VPXOR Y2, Y2, Y2        \
	VPXOR Y3, Y3, Y3        \
	VPXOR Y4, Y4, Y4        \
	VPXOR Y5, Y5, Y5        \
	VPXOR Y6, Y6, Y6        \
	VPXOR Y7, Y7, Y7        \
	SHLQ  $2, LEFT          \
	SUBQ  $256, LEFT

#define READ64(at, a0, a1) \
	VPXOR at+0x00(X), a0, a0 \
	VPXOR at+0x20(X), a1, a1

#define READ256 \
	READ64(0x00, Y0, Y1) \
	READ64(0x40, Y2, Y3) \
	READ64(0x80, Y4, Y5) \
	READ64(0xc0, Y6, Y7)

// FINISH reads the last LEFT+256 bytes, 64 at a time, and leaves the result in AX.
#define FINISH \
	ADDQ $256, LEFT             \
	JZ   fold                   \
loop64:                        \
	READ64(0, Y0, Y1)           \
	ADDQ $64, X                 \
	SUBQ $64, LEFT              \
	JNZ  loop64                 \
fold:                          \
	VPXOR        Y1, Y0, Y0     \
	VPXOR        Y3, Y2, Y2     \
	VPXOR        Y5, Y4, Y4     \
	VPXOR        Y7, Y6, Y6     \
	VPXOR        Y2, Y0, Y0     \
	VPXOR        Y6, Y4, Y4     \
	VPXOR        Y4, Y0, Y0     \
	VEXTRACTI128 $1, Y0, X1     \
	VPXOR        X1, X0, X0     \
	VPSHUFD      $0x4e, X0, X1  \ // the other two words of each four
	VPXOR        X1, X0, X0     \
	VPSHUFD      $0xb1, X0, X1  \ // the other one of each two
	VPXOR        X1, X0, X0     \
	VMOVD        X0, AX         \
	VZEROUPPER

// func readAVX2(x []float32) uint32
TEXT ·readAVX2(SB), NOSPLIT, $0-28
	START
	JLT     done
	PCALIGN $32

loop:
	READ256
	ADDQ $256, X
	SUBQ $256, LEFT
	JGE  loop

done:
	FINISH
	MOVL AX, ret+24(FP)
	RET

// func readAheadAVX2(x []float32) uint32
TEXT ·readAheadAVX2(SB), NOSPLIT, $0-28
	START
	JLT     done
	PCALIGN $32

loop:
	PREFETCHT0 2048(X)
	PREFETCHT0 2112(X)
	PREFETCHT0 2176(X)
	PREFETCHT0 2240(X)
	READ256
	ADDQ $256, X
	SUBQ $256, LEFT
	JGE  loop

done:
	FINISH
	MOVL AX, ret+24(FP)
	RET

// Four quarters of x side by side, a kilobyte of each in turn: the memory of some CPUs
// gives more to several readers than to one.

// func readFourAVX2(x []float32) uint32
TEXT ·readFourAVX2(SB), NOSPLIT, $0-28
	START
	ADDQ $256, LEFT
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
	READ256
	ADDQ $256, X
	READ256
	ADDQ $256, X
	READ256
	ADDQ $256, X
	READ256
	ADDQ $256, X
	LEAQ -1024(X)(QUARTER*1), X
	DECQ PARTS
	JNZ  part
	ADDQ $1024, FIRST
	DECQ TURNS
	JNZ  turn
	LEAQ 1024(X), X
	SUBQ QUARTER, X // behind the last quarter

rest:
	SUBQ $256, LEFT
	FINISH
	MOVL AX, ret+24(FP)
	RET
