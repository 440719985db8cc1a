// Vectors of eight floats. A kernel whose maths does not ask how wide a vector is stands in
// a header, with V0 … V15, UNITS and BYTES; see avx512_amd64.h.

#define UNITS 8
#define BYTES 32

#define V0  Y0
#define V1  Y1
#define V2  Y2
#define V3  Y3
#define V4  Y4
#define V5  Y5
#define V6  Y6
#define V7  Y7
#define V8  Y8
#define V9  Y9
#define V10 Y10
#define V11 Y11
#define V12 Y12
#define V13 Y13
#define V14 Y14
#define V15 Y15

// MOVE_ALL and MOVE_FIRST load or store all lanes, or those that MASK has set; the
// other lanes are not touched, in memory, and zero, in a register. They
// are passed to macros that handle whole vectors and tails alike.
#define MASK Y15
#define MOVE_ALL(from, to)   VMOVUPS from, to
#define MOVE_FIRST(from, to) VMASKMOVPS from, MASK, to

// MASK_FIRST: MASK has its first left lanes set, 0 < left < UNITS. MASK_AGAIN restores it
// where V15 was used meanwhile.
#define MASK_FIRST(left, at) \
	LEAQ    ·tailMask(SB), at \
	SHLQ    $2, left          \
	SUBQ    left, at          \
	VMOVUPS 64(at), MASK

#define MASK_AGAIN(at) VMOVUPS 64(at), MASK

// PREFETCH_STRIP: two vectors, at bytes on from p.
#define PREFETCH_STRIP(at, p) PREFETCHT0 at(p)

// The constants of activation.go are operands from memory.
#define CONSTS BX
#define LOAD_CONSTANTS LEAQ ·constants(SB), CONSTS

#define K_LOG2E        LOG2E(CONSTS)
#define K_ROUND_MAGIC  ROUND_MAGIC(CONSTS)
#define K_NEG_LN2_HIGH NEG_LN2_HIGH(CONSTS)
#define K_NEG_LN2_LOW  NEG_LN2_LOW(CONSTS)
#define K_C6           C6(CONSTS)
#define K_C5           C5(CONSTS)
#define K_C4           C4(CONSTS)
#define K_C3           C3(CONSTS)
#define K_C2           C2(CONSTS)
#define K_ONE          ONE(CONSTS)
#define K_TWO          TWO(CONSTS)
#define K_TANH_MAX     TANH_MAX(CONSTS)
#define K_TANH_MIN     TANH_MIN(CONSTS)
#define K_SIGMOID_MAX  SIGMOID_MAX(CONSTS)
#define K_SIGMOID_MIN  SIGMOID_MIN(CONSTS)
#define K_ZERO         ZERO(CONSTS)

// FLOOR: v = +0 where |v| < StateFloor; n is scratch. It is NOT_TINY, which finds the other
// lanes, and ZERO_TINY, which leaves those of from in to.
#define FLOOR(v, n) \
	NOT_TINY(v, n)    \
	ZERO_TINY(v, n, v)

#define NOT_TINY(v, n) \
	VANDPS ABS_MASK(CONSTS), v, n        \
	VCMPPS $5, STATE_FLOOR(CONSTS), n, n   // not less than

#define ZERO_TINY(from, n, to) VANDPS n, from, to
