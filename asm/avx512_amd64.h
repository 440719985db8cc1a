// Vectors of sixteen floats; see avx2_amd64.h.

#define UNITS 16
#define BYTES 64

#define V0  Z0
#define V1  Z1
#define V2  Z2
#define V3  Z3
#define V4  Z4
#define V5  Z5
#define V6  Z6
#define V7  Z7
#define V8  Z8
#define V9  Z9
#define V10 Z10
#define V11 Z11
#define V12 Z12
#define V13 Z13
#define V14 Z14
#define V15 Z15

// MOVE_ALL and MOVE_FIRST load or store all lanes, or those that MASK has set; the
// other lanes are not touched: in a register, too, they hold what they held, which no
// kernel stores.
#define MASK K1
#define MOVE_ALL(from, to)   VMOVUPS from, to
#define MOVE_FIRST(from, to) VMOVUPS from, MASK, to

// MASK_FIRST: MASK has its first left lanes set, 0 < left < UNITS. No kernel uses it for
// anything else, so MASK_AGAIN has nothing to restore.
#define MASK_FIRST(left, at) \
	MOVL  $-1, at         \
	BZHIL left, at, at    \
	KMOVW at, MASK

#define MASK_AGAIN(at)

// PREFETCH_STRIP: two vectors, at bytes on from p.
#define PREFETCH_STRIP(at, p) \
	PREFETCHT0 at(p) \
	PREFETCHT0 at+64(p)

// The constants of activation.go stay in registers: in memory Go aligns them to 32 bytes, and
// a load of 64 that starts in the middle of a cache line reads two.
#define CONSTS BX

#define K_LOG2E        Z16
#define K_ROUND_MAGIC  Z17
#define K_NEG_LN2_HIGH Z18
#define K_NEG_LN2_LOW  Z19
#define K_C6           Z20
#define K_C5           Z21
#define K_C4           Z22
#define K_C3           Z23
#define K_C2           Z24
#define K_ONE          Z25
#define K_TWO          Z26
#define K_TANH_MAX     Z27
#define K_TANH_MIN     Z28
#define K_SIGMOID_MAX  Z29
#define K_SIGMOID_MIN  Z30
#define K_ZERO         Z31

#define LOAD_CONSTANTS \
	LEAQ         ·constants(SB), CONSTS               \
	VBROADCASTSS LOG2E(CONSTS),        K_LOG2E        \
	VBROADCASTSS ROUND_MAGIC(CONSTS),  K_ROUND_MAGIC  \
	VBROADCASTSS NEG_LN2_HIGH(CONSTS), K_NEG_LN2_HIGH \
	VBROADCASTSS NEG_LN2_LOW(CONSTS),  K_NEG_LN2_LOW  \
	VBROADCASTSS C6(CONSTS),           K_C6           \
	VBROADCASTSS C5(CONSTS),           K_C5           \
	VBROADCASTSS C4(CONSTS),           K_C4           \
	VBROADCASTSS C3(CONSTS),           K_C3           \
	VBROADCASTSS C2(CONSTS),           K_C2           \
	VBROADCASTSS ONE(CONSTS),          K_ONE          \
	VBROADCASTSS TWO(CONSTS),          K_TWO          \
	VBROADCASTSS TANH_MAX(CONSTS),     K_TANH_MAX     \
	VBROADCASTSS TANH_MIN(CONSTS),     K_TANH_MIN     \
	VBROADCASTSS SIGMOID_MAX(CONSTS),  K_SIGMOID_MAX  \
	VBROADCASTSS SIGMOID_MIN(CONSTS),  K_SIGMOID_MIN  \
	VPXORD       K_ZERO, K_ZERO, K_ZERO

// FLOOR, NOT_TINY and ZERO_TINY: see avx2_amd64.h. The mask of NOT_TINY is K2.
#define FLOOR(v, n) \
	NOT_TINY(v, n)    \
	ZERO_TINY(v, n, v)

#define NOT_TINY(v, n) \
	VANDPS.BCST ABS_MASK(CONSTS), v, n         \
	VCMPPS.BCST $5, STATE_FLOOR(CONSTS), n, K2   // not less than

#define ZERO_TINY(from, n, to) VMOVAPS.Z from, K2, to
