//go:build !purego

#include "textflag.h"

// The exclusive or of all 32-bit words of x:
//
//	for _, v := range x {
//		r ^= bits(v)
//	}
//
// 128 bytes a turn: four loads of register pairs (LDP), eight VEOR into eight
// accumulators, eight independent chains, so that the loads, and the memory
// behind them, are what takes time. The pairs of one turn go to registers of
// their own: an in-order core need not wait for a load before the next one.
//
// len(x) is a multiple of 16. No alignment is assumed. A prefetch beyond the end
// of x does nothing or loads a line: it cannot fault.

#define X    R0 // walks x
#define LEFT R1 // bytes left

#define START \
	MOVD x_base+0(FP), X           \
	MOVD x_len+8(FP), LEFT         \
	VEOR V0.B16, V0.B16, V0.B16    \
	VEOR V1.B16, V1.B16, V1.B16    \
	VEOR V2.B16, V2.B16, V2.B16    \
	VEOR V3.B16, V3.B16, V3.B16    \
	VEOR V4.B16, V4.B16, V4.B16    \
	VEOR V5.B16, V5.B16, V5.B16    \
	VEOR V6.B16, V6.B16, V6.B16    \
	VEOR V7.B16, V7.B16, V7.B16    \
	LSL  $2, LEFT                  \
	SUBS $128, LEFT

#define READ128 \
	FLDPQ 0x00(X), (F16, F17)      \
	FLDPQ 0x20(X), (F18, F19)      \
	FLDPQ 0x40(X), (F20, F21)      \
	FLDPQ 0x60(X), (F22, F23)      \
	ADD   $128, X                  \
	SUBS  $128, LEFT               \
	VEOR  V16.B16, V0.B16, V0.B16  \
	VEOR  V17.B16, V1.B16, V1.B16  \
	VEOR  V18.B16, V2.B16, V2.B16  \
	VEOR  V19.B16, V3.B16, V3.B16  \
	VEOR  V20.B16, V4.B16, V4.B16  \
	VEOR  V21.B16, V5.B16, V5.B16  \
	VEOR  V22.B16, V6.B16, V6.B16  \
	VEOR  V23.B16, V7.B16, V7.B16

// FINISH reads the last LEFT+128 bytes, 64 or none, and leaves the result in R2.
#define FINISH \
	ADDS  $128, LEFT               \
	BEQ   fold                     \
	FLDPQ 0x00(X), (F16, F17)      \
	FLDPQ 0x20(X), (F18, F19)      \
	VEOR  V16.B16, V0.B16, V0.B16  \
	VEOR  V17.B16, V1.B16, V1.B16  \
	VEOR  V18.B16, V2.B16, V2.B16  \
	VEOR  V19.B16, V3.B16, V3.B16  \
fold:                              \
	VEOR V1.B16, V0.B16, V0.B16    \
	VEOR V3.B16, V2.B16, V2.B16    \
	VEOR V5.B16, V4.B16, V4.B16    \
	VEOR V7.B16, V6.B16, V6.B16    \
	VEOR V2.B16, V0.B16, V0.B16    \
	VEOR V6.B16, V4.B16, V4.B16    \
	VEOR V4.B16, V0.B16, V0.B16    \
	VMOV V0.D[0], R2               \
	VMOV V0.D[1], R3               \
	EOR  R3, R2, R2                \
	EOR  R2>>32, R2, R2

// func readNEON(x []float32) uint32
TEXT ·readNEON(SB), NOSPLIT, $0-28
	START
	BLT     done
	PCALIGN $16

loop:
	READ128
	BGE loop

done:
	FINISH
	MOVW R2, ret+24(FP)
	RET

// func readAheadNEON(x []float32) uint32
TEXT ·readAheadNEON(SB), NOSPLIT, $0-28
	START
	BLT     done
	PCALIGN $16

loop:
	PRFM 1024(X), PLDL1KEEP
	PRFM 1088(X), PLDL1KEEP
	READ128
	BGE  loop

done:
	FINISH
	MOVW R2, ret+24(FP)
	RET
