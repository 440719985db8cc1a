// sigmoid and tanh on the lanes of a register; the maths is in activation.go.
//
// K_… is a constant, which LOAD_CONSTANTS makes ready. Registers are named by the caller; s, m
// and n are scratch. A macro reads its argument from y and leaves the result in
// m. Operands stand in Go's order: VSUBPS a, b, d is d = b − a, and
// VFMADD213PS a, b, d is d = b·d + a, VFMADD231PS a, b, d is d = a·b + d.

// eʸ−1 in four stages. Divisions and chains of fused multiply-adds take long
// and few fit into the CPU's window one behind the other, so a kernel with
// several activations to compute takes all of them through one stage, then all
// through the next.

// EXP_REDUCE: s = y·log₂e + magic, n = round(y·log₂e).
#define EXP_REDUCE(y, s, n) \
	VMOVUPS     K_LOG2E, s                \
	VFMADD213PS K_ROUND_MAGIC, y, s       \
	VSUBPS      K_ROUND_MAGIC, s, n

// EXP_SCALE: s = 2ⁿ, and y becomes r = y − n·ln 2.
#define EXP_SCALE(y, s, n) \
	VPSLLD      $23, s, s                  \
	VPADDD      K_ONE, s, s                \
	VFMADD231PS K_NEG_LN2_HIGH, n, y       \
	VFMADD231PS K_NEG_LN2_LOW, n, y

// EXP_POLY: m = q(r), r in y.
#define EXP_POLY(y, m) \
	VMOVUPS     K_C6, m          \
	VFMADD213PS K_C5, y, m       \
	VFMADD213PS K_C4, y, m       \
	VFMADD213PS K_C3, y, m       \
	VFMADD213PS K_C2, y, m

// EXP_FINISH: m = r²·q + r; then eʸ = s·m + s.
#define EXP_FINISH(y, m, n) \
	VMULPS      y, y, n \
	VFMADD213PS y, n, m

#define SIGMOID_CLAMP(y) \
	VMINPS K_SIGMOID_MAX, y, y       \
	VMAXPS K_SIGMOID_MIN, y, y

#define SIGMOID_QUOTIENT(s, m, n) \
	VFMADD213PS s, s, m              \ // e = s·m + s
	VADDPS      K_ONE, m, n          \
	VDIVPS      n, m, m                // e / (e+1)

#define TANH_CLAMP(y) \
	VADDPS y, y, y                \
	VMINPS K_TANH_MAX, y, y       \
	VMAXPS K_TANH_MIN, y, y

#define TANH_QUOTIENT(s, m, n) \
	VSUBPS      K_ONE, s, n          \ // e−1 = s·m + (s−1)
	VFMADD213PS n, s, m              \
	VADDPS      K_TWO, m, n          \
	VDIVPS      n, m, m                // (e−1) / (e+1)

// SIGMOID: m = sigmoid(y).
#define SIGMOID(y, s, m, n) \
	SIGMOID_CLAMP(y)    \
	EXP_REDUCE(y, s, n) \
	EXP_SCALE(y, s, n)  \
	EXP_POLY(y, m)      \
	EXP_FINISH(y, m, n) \
	SIGMOID_QUOTIENT(s, m, n)

// TANH: m = tanh(y).
#define TANH(y, s, m, n) \
	TANH_CLAMP(y)       \
	EXP_REDUCE(y, s, n) \
	EXP_SCALE(y, s, n)  \
	EXP_POLY(y, m)      \
	EXP_FINISH(y, m, n) \
	TANH_QUOTIENT(s, m, n)

// SUM: z = zx + zh, from memory; t is scratch.
#define SUM(MOVE, zx, zh, z, t) \
	MOVE(zx, z)    \
	MOVE(zh, t)    \
	VADDPS t, z, z

// EACH_VECTOR runs UPDATE on whole vectors, then on the first lanes of one; NEXT steps the
// pointers. LEFT counts units, UNITS too few, and the flags say whether it is negative.
#define EACH_VECTOR(UPDATE, NEXT) \
	JLT        tail        \
units: \
	UPDATE(MOVE_ALL)       \
	NEXT                   \
	SUBQ       $UNITS, LEFT \
	JGE        units       \
tail: \
	ADDQ       $UNITS, LEFT \
	JZ         done        \
	MASK_FIRST(LEFT, AT)   \
	UPDATE(MOVE_FIRST)     \
done: \
	VZEROUPPER             \
	RET
