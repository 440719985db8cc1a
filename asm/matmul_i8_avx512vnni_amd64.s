//go:build !purego

#include "textflag.h"
#include "avx512_amd64.h"

// As in matvec_i8_avx512vnni_amd64.s: a weight with its sign bit turned over is w+128, unsigned, and
// a sum starts from −128·(the sum of x). That is worked out first, for all vectors.

// A strip is 32 rows, or the last 16 of a panel: then the second register is masked.
#define MOVE_SECOND(from, to) VMOVUPS from, K1, to

#define MASK_SECOND \
	LEAQ  BYTES(STRIP), AX \ // does another register begin before the column ends?
	SUBQ  PITCH, AX        \
	SARQ  $63, AX          \
	KMOVW AX, K1


#define ROWS_ARG     d_Rows+144(FP)
#define COLUMNS      columns-16(SP)
#define N_ARG        d_N+160(FP)
#define STRIDE_Y_ARG d_StrideY+168(FP)
#define STRIDE_B_ARG d_StrideB+176(FP)
#define STRIDE_X_ARG d_StrideX+184(FP)
#define X_ARG        x_base+96(FP)
#define SCALE        scale-24(SP)  // s of the panel
#define SUMS         sums-216(SP)  // −128·(the sum of x), of each of 48 vectors
#define FLIP         V15           // 0x80 in each byte

// The group's first vector is N_ARG − N.
#define BEFORE_START \
	LEAQ SUMS, XA        \
	MOVQ N_ARG, XB       \
	SUBQ N, XB           \
	LEAQ (XA)(XB*4), XA

#define START(i, p0, p1, a, b) \
	VPBROADCASTD (4*i)(XA), a  \
	VMOVUPS      a, b

// y = fma(float32(sum), s·sx, b), for one vector and for a group.
#define FINISH_VECTOR(i, p0, p1, a, b) \
	VBROADCASTSS (4*i)(XA), W0 \
	VCVTDQ2PS    a, a          \
	VCVTDQ2PS    b, b          \
	MOVE_ALL((XB), W1)         \
	VMULPS       W1, W0, W1    \
	MOVE_ALL(p0, XK)           \
	VFMADD213PS  XK, W1, a     \
	MOVE_SECOND(BYTES(XB), W1) \
	VMULPS       W1, W0, W1    \
	MOVE_SECOND(p1, XK)        \
	VFMADD213PS  XK, W1, b

#define FINISH(EACH) \
	MOVQ sx_base+120(FP), XA      \
	MOVQ N_ARG, XB                \
	SUBQ N, XB                    \
	LEAQ (XA)(XB*4), XA           \
	MOVQ SCALE, XB                \
	ADDQ STRIP, XB                \
	MOVQ STRIDE_B_ARG, K          \
	SHLQ $2, K                    \
	LEAQ (K)(K*2), WP             \
	EACH(FINISH_VECTOR, BP_, K, WP)

// NEXT_SCALE steps to the next panel's.
#define NEXT_SCALE ADDQ PITCH, SCALE


#define LOAD_WEIGHTS \
	VPXORD (WP), FLIP, W0          \
	VPXORD BYTES(WP), FLIP, K1, W1

// Multiply the weights of four columns by x[k:k+4] of a vector.
#define MAC(i, x, a, b) \
	VPBROADCASTD x, XK     \
	VPDPBUSD     XK, W0, a \
	VPDPBUSD     XK, W1, b

// SUMS of all vectors, N of them, from XP on.
#define SUM_VECTORS \
	JMP   sums             \
sum: \
	MOVQ  COLUMNS, K       \
	MOVQ  XP, XA           \
	VPXOR X0, X0, X0       \
	VPXOR X1, X1, X1       \
	SUBQ  $8, K            \
	JLT   quads            \
wide: \ // 32 bytes
	VMOVUPS (XA), Y2       \
	VPDPBUSD Y2, Y15, Y0 \
	ADDQ  $32, XA          \
	SUBQ  $8, K            \
	JGE   wide             \
quads: \
	ADDQ  $8, K            \
	JZ    added            \
quad: \
	VMOVD (XA), X2         \
	VPDPBUSD Y2, Y15, Y1 \
	ADDQ  $4, XA           \
	DECQ  K                \
	JNZ   quad             \
added: \
	VEXTRACTI128 $1, Y0, X2 \
	VPADDD X2, X0, X0      \
	VPADDD X1, X0, X0      \
	VPSHUFD $0x4e, X0, X2  \
	VPADDD X2, X0, X0      \
	VPSHUFD $0xb1, X0, X2  \
	VPADDD X2, X0, X0      \
	VPXOR X2, X2, X2       \
	VPSUBD X0, X2, X2      \
	VMOVD X2, (XB)         \
	ADDQ  $4, XB           \
	ADDQ  XS, XP           \
	DECQ  N                \
sums: \
	TESTQ N, N             \
	JNZ   sum

#define PREPARE \
	MOVQ  d_Cols+152(FP), K   \
	SHRQ  $2, K               \
	MOVQ  K, COLUMNS          \
	MOVQ  s_base+72(FP), K    \
	MOVQ  K, SCALE            \
	MOVL  $0x80808080, K      \
	VMOVD CX, X15             \ // K, FLIP
	VPBROADCASTD X15, FLIP    \
	MOVQ  X_ARG, XP           \
	MOVQ  N_ARG, N            \
	LEAQ  SUMS, XB            \
	SUM_VECTORS

// func matMul48I8AVX512VNNI(y, b []float32, w []int8, s []float32, x []int8, sx []float32, d Block)
TEXT ·matMul48I8AVX512VNNI(SB), NOSPLIT, $216-192
#include "matmul_amd64.h"
