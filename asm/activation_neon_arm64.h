// sigmoid and tanh on four lanes; the maths is in activation.go.
//
// CONSTS holds the address of ·constants, and LOAD_ACTIVATION_CONSTANTS has
// filled the registers K_… from there. The coefficients that start a sum are
// loaded where they are used: FMLA overwrites its addend. V registers are named by
// the caller, by number: an activation has four, y its argument, which it overwrites,
// m its result, s and n scratch. Operands stand in Go's order, see neon_arm64.h.

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

// ACTIVATE computes several activations side by side, so that cores in order, too, have
// something to do while each waits for itself. GROUP is a macro of the caller's that names
// them: it takes what is to be done for a tanh and what for a sigmoid, and does it to the
// registers y, s, m and n of each,
//
//	#define GATES(TANH, SIGMOID) \
//		TANH(0, 1, 2, 3) \
//		SIGMOID(4, 5, 6, 7)
//
// A sigmoid's y is no signalling NaN; it must have become a quiet one, as any sum makes
// it: FMINNM would return it, not the limit.
#define ACTIVATE(GROUP) \
	GROUP(DOUBLE, NOTHING)                       \
	GROUP(TANH_AT_MOST, SIGMOID_AT_MOST)         \
	GROUP(TANH_AT_LEAST, SIGMOID_AT_LEAST)       \
	GROUP(EXP_MAGIC, EXP_MAGIC)                  \ // eʸ = s·m + s, the m of activation.go left in y
	GROUP(EXP_T, EXP_T)                          \
	GROUP(EXP_N, EXP_N)                          \
	GROUP(EXP_SHIFT, EXP_SHIFT)                  \
	GROUP(EXP_S, EXP_S)                          \
	GROUP(EXP_R_HIGH, EXP_R_HIGH)                \
	GROUP(EXP_R_LOW, EXP_R_LOW)                  \
	GROUP(EXP_C5, EXP_C5)                        \
	GROUP(EXP_Q5, EXP_Q5)                        \
	GROUP(EXP_C4, EXP_C4)                        \
	GROUP(EXP_Q4, EXP_Q4)                        \
	GROUP(EXP_C3, EXP_C3)                        \
	GROUP(EXP_Q3, EXP_Q3)                        \
	GROUP(EXP_C2, EXP_C2)                        \
	GROUP(EXP_Q2, EXP_Q2)                        \
	GROUP(EXP_R2, EXP_R2)                        \
	GROUP(EXP_M, EXP_M)                          \
	GROUP(TANH_S_LESS_ONE, NOTHING)              \
	GROUP(TANH_NUMERATOR, SIGMOID_NUMERATOR)     \
	GROUP(TANH_DENOMINATOR, SIGMOID_DENOMINATOR) \
	GROUP(TANH_QUOTIENT, SIGMOID_QUOTIENT)

#define NOTHING(y, s, m, n)

// y, 2x or x, within its limits
#define DOUBLE(y, s, m, n)           FADD4S(y, y, y)
#define TANH_AT_MOST(y, s, m, n)     FMINNM4S(K_TANH_MAX, y, y)
#define TANH_AT_LEAST(y, s, m, n)    FMAXNM4S(K_TANH_MIN, y, y)
#define SIGMOID_AT_MOST(y, s, m, n)  FMINNM4S(K_SIGMOID_MAX, y, y)
#define SIGMOID_AT_LEAST(y, s, m, n) FMAXNM4S(K_SIGMOID_MIN, y, y)

// s becomes t = y·log₂e + magic, n becomes t − magic, then s becomes 2ⁿ
#define EXP_MAGIC(y, s, m, n) FMOVQ ROUND_MAGIC(CONSTS), F(s)
#define EXP_T(y, s, m, n)     FMLA4S(K_LOG2E, y, s)
#define EXP_N(y, s, m, n)     FSUB4S(K_ROUND_MAGIC, s, n)
#define EXP_SHIFT(y, s, m, n) SHL4S(23, s, s)
#define EXP_S(y, s, m, n)     ADD4S(K_ONE, s, s)

// y becomes r = y − n·ln 2
#define EXP_R_HIGH(y, s, m, n) FMLA4S(K_NEG_LN2_HIGH, n, y)
#define EXP_R_LOW(y, s, m, n)  FMLA4S(K_NEG_LN2_LOW, n, y)

// the polynomial q(r), in m and n by turns
#define EXP_C5(y, s, m, n) FMOVQ C5(CONSTS), F(m)
#define EXP_Q5(y, s, m, n) FMLA4S(K_C6, y, m)
#define EXP_C4(y, s, m, n) FMOVQ C4(CONSTS), F(n)
#define EXP_Q4(y, s, m, n) FMLA4S(m, y, n)
#define EXP_C3(y, s, m, n) FMOVQ C3(CONSTS), F(m)
#define EXP_Q3(y, s, m, n) FMLA4S(n, y, m)
#define EXP_C2(y, s, m, n) FMOVQ C2(CONSTS), F(n)
#define EXP_Q2(y, s, m, n) FMLA4S(m, y, n)

// y becomes r²·q + r
#define EXP_R2(y, s, m, n) FMUL4S(y, y, m)
#define EXP_M(y, s, m, n)  FMLA4S(n, m, y)

// m = (e−1) / (e+1), e−1 = s·y + (s−1)
#define TANH_S_LESS_ONE(y, s, m, n)  FSUB4S(K_ONE, s, n)
#define TANH_NUMERATOR(y, s, m, n)   FMLA4S(y, s, n)
#define TANH_DENOMINATOR(y, s, m, n) FADD4S(K_TWO, n, s)
#define TANH_QUOTIENT(y, s, m, n)    FDIV4S(s, n, m)

// m = e / (e+1), e = s·y + s
#define SIGMOID_NUMERATOR(y, s, m, n)   FMLA4S(y, s, s)
#define SIGMOID_DENOMINATOR(y, s, m, n) FADD4S(K_ONE, s, n)
#define SIGMOID_QUOTIENT(y, s, m, n)    FDIV4S(n, s, m)

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
