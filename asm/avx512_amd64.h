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

// FLOOR: v = +0 where |v| < StateFloor; n is scratch.
#define FLOOR(v, n) \
	VANDPS    ABS_MASK(CONSTS), v, n          \
	VCMPPS    $5, STATE_FLOOR(CONSTS), n, K2  \ // not less than
	VMOVAPS.Z v, K2, v
