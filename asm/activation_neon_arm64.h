// sigmoid and tanh on four lanes; the maths is in activation.go.
//
// CONSTS holds the address of ·constants, and LOAD_ACTIVATION_CONSTANTS has
// filled the registers K_… from there. The coefficients that start a sum are
// loaded where they are used: FMLA overwrites its addend. V registers named by
// the caller, by number; s, m and n are scratch. A macro reads its argument from
// y, which it overwrites, and leaves the result in m. Operands stand in Go's
// order, see neon_arm64.h.

#define CONSTS R15

#define K_LOG2E        20
#define K_ROUND_MAGIC  21
#define K_NEG_LN2_HIGH 22
#define K_NEG_LN2_LOW  23
#define K_C6           24
#define K_ONE          25
#define K_TWO          26
#define K_TANH_MAX     27
#define K_TANH_MIN     28
#define K_SIGMOID_MAX  29
#define K_SIGMOID_MIN  30
#define K_STATE_FLOOR  31

#define LOAD_ACTIVATION_CONSTANTS \
	MOVD  $·constants(SB), CONSTS                   \
	FMOVQ LOG2E(CONSTS), F(K_LOG2E)               \
	FMOVQ ROUND_MAGIC(CONSTS), F(K_ROUND_MAGIC)   \
	FMOVQ NEG_LN2_HIGH(CONSTS), F(K_NEG_LN2_HIGH) \
	FMOVQ NEG_LN2_LOW(CONSTS), F(K_NEG_LN2_LOW)   \
	FMOVQ C6(CONSTS), F(K_C6)                     \
	FMOVQ ONE(CONSTS), F(K_ONE)                   \
	FMOVQ TWO(CONSTS), F(K_TWO)                   \
	FMOVQ TANH_MAX(CONSTS), F(K_TANH_MAX)         \
	FMOVQ TANH_MIN(CONSTS), F(K_TANH_MIN)         \
	FMOVQ SIGMOID_MAX(CONSTS), F(K_SIGMOID_MAX)   \
	FMOVQ SIGMOID_MIN(CONSTS), F(K_SIGMOID_MIN)   \
	FMOVQ STATE_FLOOR(CONSTS), F(K_STATE_FLOOR)

// EXP_PARTS: eʸ = s·m + s, the m of activation.go left in y.
#define EXP_PARTS(y, s, m, n) \
	FMOVQ ROUND_MAGIC(CONSTS), F(s) \ // t = y·log₂e + magic
	FMLA4S(K_LOG2E, y, s)           \
	FSUB4S(K_ROUND_MAGIC, s, n)     \ // n = t − magic
	SHL4S(23, s, s)                 \ // s = 2ⁿ
	ADD4S(K_ONE, s, s)              \
	FMLA4S(K_NEG_LN2_HIGH, n, y)    \ // y becomes r = y − n·ln 2
	FMLA4S(K_NEG_LN2_LOW, n, y)     \
	FMOVQ C5(CONSTS), F(m)          \ // q(r), in m and n by turns
	FMLA4S(K_C6, y, m)              \
	FMOVQ C4(CONSTS), F(n)          \
	FMLA4S(m, y, n)                 \
	FMOVQ C3(CONSTS), F(m)          \
	FMLA4S(n, y, m)                 \
	FMOVQ C2(CONSTS), F(n)          \
	FMLA4S(m, y, n)                 \
	FMUL4S(y, y, m)                 \ // y = r²·q + r
	FMLA4S(n, m, y)

// SIGMOID: m = sigmoid(y). A signalling NaN must have become a quiet one, as any
// sum makes it: FMINNM would return it, not the limit.
#define SIGMOID(y, s, m, n) \
	FMINNM4S(K_SIGMOID_MAX, y, y) \
	FMAXNM4S(K_SIGMOID_MIN, y, y) \
	EXP_PARTS(y, s, m, n)         \
	FMLA4S(y, s, s)               \ // e = s·m + s
	FADD4S(K_ONE, s, n)           \
	FDIV4S(n, s, m)                 // e / (e+1)

// TANH: m = tanh(y).
#define TANH(y, s, m, n) \
	FADD4S(y, y, y)            \
	FMINNM4S(K_TANH_MAX, y, y) \
	FMAXNM4S(K_TANH_MIN, y, y) \
	EXP_PARTS(y, s, m, n)      \
	FSUB4S(K_ONE, s, n)        \ // e−1 = s·m + (s−1)
	FMLA4S(y, s, n)            \
	FADD4S(K_TWO, n, s)        \
	FDIV4S(s, n, m)              // (e−1) / (e+1)

// RELU: d = y where y > 0, else +0; a NaN is not. d is not y.
#define RELU(y, d) \
	FCMGT4S_ZERO(y, d) \
	AND16B(y, d, d)

// FLOOR: v = +0 where |v| < StateFloor; n is scratch.
#define FLOOR(v, n) \
	FACGT4S(v, K_STATE_FLOOR, n) \ // StateFloor > |v|
	BIC16B(n, v, v)

// SUM: z = zx + zh, from memory; t is scratch. MOVE is FMOVQ.P or FMOVS.P, which
// steps on by bytes.
#define SUM(MOVE, bytes, zx, zh, z, t) \
	MOVE bytes(zx), F(z) \
	MOVE bytes(zh), F(t) \
	FADD4S(t, z, z)
