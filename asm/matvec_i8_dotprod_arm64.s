//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"
#include "dotprod_arm64.h"

// y = b + (s·sx)·(W·x) over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel of 64, then each strip of 16 rows of a shorter one {
//		acc[0:64] = 0                           // int32
//		for k := 0; k < len(x); k += 4 {
//			acc[r] += w[r][0]·x[k] + … + w[r][3]·x[k+3]
//		}
//		y[r] = fma(float32(acc[r]), s[r]·sx, b[r])   // or +0 for b[r]
//	}
//
// A column of quads has the bytes of a column of float32, and this is
// matvec_f32_neon_arm64.s with SDOT for FMLA: sixteen registers of accumulators,
// four quads a turn by the elements of XK, loads beside products, the last
// (len(x)/4) mod 4 quads one by one from lane 0.
//
// A register of weights is a load and an SDOT: 4 and 4 instructions per 64 bytes.
//
// len(y) = len(s) is a multiple of 16, len(b) is len(y) or 0, len(x) is a multiple
// of 4, len(w) = len(y)·len(x).

#define ARGS   R26 // the arguments
#define Y      R0
#define ROWS   R1  // rows left
#define B      R2  // where y starts from: b, or zeros
#define BSTEP  R3  // all ones, or 0: masks the steps of B
#define W      R4  // walks the panels; in a shorter one, the strip's first group
#define SCALE  R5  // walks s
#define X      R6
#define XP     R7  // walks x
#define KLEN   R8  // len(x)
#define K      R9  // columns left
#define COLUMN R10 // bytes of a column of quads in a shorter panel: 4·rows
#define WP     R11 // walks the strip
#define STEP   R12

// V0 … V15 are the accumulators, four rows each.
#define A0 16 // A0 … A3: 16 rows of weights
#define A1 17
#define A2 18
#define A3 19
#define B0 20 // B0 … B3: the next 16
#define B1 21
#define B2 22
#define B3 23
#define XK 24 // x[k:k+16], or x[k:k+4]; at the end sx, four times
#define SX 24

// 16 rows: four registers each.
#define CLEAR16(acc) \
	CLEAR4S((acc)+0) \
	CLEAR4S((acc)+1) \
	CLEAR4S((acc)+2) \
	CLEAR4S((acc)+3)

#define LOAD_A(at, p) \
	FMOVQ at+0x00(p), F(A0) \
	FMOVQ at+0x10(p), F(A1) \
	FMOVQ at+0x20(p), F(A2) \
	FMOVQ at+0x30(p), F(A3)

// Add A by the quad i of XK to the accumulators acc … acc+3 …
#define DOT_A(i, acc) \
	SDOT4S_BY(XK, i, A0, (acc)+0) \
	SDOT4S_BY(XK, i, A1, (acc)+1) \
	SDOT4S_BY(XK, i, A2, (acc)+2) \
	SDOT4S_BY(XK, i, A3, (acc)+3)

#define DOT_B(i, acc) \
	SDOT4S_BY(XK, i, B0, (acc)+0) \
	SDOT4S_BY(XK, i, B1, (acc)+1) \
	SDOT4S_BY(XK, i, B2, (acc)+2) \
	SDOT4S_BY(XK, i, B3, (acc)+3)

// … and load B from p+at meanwhile.
#define DOT_A_LOAD_B(i, acc, at, p) \
	SDOT4S_BY(XK, i, A0, (acc)+0) \
	FMOVQ at+0x00(p), F(B0)       \
	SDOT4S_BY(XK, i, A1, (acc)+1) \
	FMOVQ at+0x10(p), F(B1)       \
	SDOT4S_BY(XK, i, A2, (acc)+2) \
	FMOVQ at+0x20(p), F(B2)       \
	SDOT4S_BY(XK, i, A3, (acc)+3) \
	FMOVQ at+0x30(p), F(B3)

#define DOT_B_LOAD_A(i, acc, at, p) \
	SDOT4S_BY(XK, i, B0, (acc)+0) \
	FMOVQ at+0x00(p), F(A0)       \
	SDOT4S_BY(XK, i, B1, (acc)+1) \
	FMOVQ at+0x10(p), F(A1)       \
	SDOT4S_BY(XK, i, B2, (acc)+2) \
	FMOVQ at+0x20(p), F(A2)       \
	SDOT4S_BY(XK, i, B3, (acc)+3) \
	FMOVQ at+0x30(p), F(A3)

// y of four rows, from their accumulator; v and w are scratch.
#define FINISH4(at, acc, v, w) \
	SCVTF4S(acc, acc)        \
	FMOVQ at(SCALE), F(v)    \
	FMUL4S(SX, v, v)         \
	FMOVQ at(B), F(w)        \
	FMLA4S(v, acc, w)        \
	FMOVQ F(w), at(Y)

#define FINISH16(at, acc) \
	FINISH4(at+0x00, (acc)+0, A0, B0) \
	FINISH4(at+0x10, (acc)+1, A1, B1) \
	FINISH4(at+0x20, (acc)+2, A2, B2) \
	FINISH4(at+0x30, (acc)+3, A3, B3)

// func matVecI8AtDotProd(a *MatVecI8)
TEXT ·matVecI8AtDotProd(SB), NOSPLIT, $0-8
	MOVD a+0(FP), ARGS
	MOVD MatVecI8_Y(ARGS), Y
	MOVD (MatVecI8_Y+8)(ARGS), ROWS
	MOVD MatVecI8_B(ARGS), B
	MOVD (MatVecI8_B+8)(ARGS), BSTEP
	MOVD MatVecI8_W(ARGS), W
	MOVD MatVecI8_S(ARGS), SCALE
	MOVD MatVecI8_X(ARGS), X
	MOVD (MatVecI8_X+8)(ARGS), KLEN
	CBZ  BSTEP, zero
	MOVD $-1, BSTEP
	JMP  panel

zero:
	MOVD $·zeros(SB), B

panel:
	CMP  $64, ROWS
	BLT  last
	MOVD X, XP
	CLEAR16(0)
	CLEAR16(4)
	CLEAR16(8)
	CLEAR16(12)
	SUBS $16, KLEN, K
	BLT  tail64

four64:
	FMOVQ.P 16(XP), F(XK)
	LOAD_A(0x000, W)
	DOT_A_LOAD_B(0, 0, 0x040, W)
	DOT_B_LOAD_A(0, 4, 0x080, W)
	DOT_A_LOAD_B(0, 8, 0x0c0, W)
	DOT_B_LOAD_A(0, 12, 0x100, W)
	DOT_A_LOAD_B(1, 0, 0x140, W)
	DOT_B_LOAD_A(1, 4, 0x180, W)
	DOT_A_LOAD_B(1, 8, 0x1c0, W)
	DOT_B_LOAD_A(1, 12, 0x200, W)
	DOT_A_LOAD_B(2, 0, 0x240, W)
	DOT_B_LOAD_A(2, 4, 0x280, W)
	DOT_A_LOAD_B(2, 8, 0x2c0, W)
	DOT_B_LOAD_A(2, 12, 0x300, W)
	DOT_A_LOAD_B(3, 0, 0x340, W)
	DOT_B_LOAD_A(3, 4, 0x380, W)
	DOT_A_LOAD_B(3, 8, 0x3c0, W)
	DOT_B(3, 12)
	ADD  $0x400, W
	SUBS $16, K
	BGE  four64

tail64:
	ADDS $16, K
	BEQ  store64

one64:
	FMOVS.P 4(XP), F(XK)
	LOAD_A(0x00, W)
	DOT_A_LOAD_B(0, 0, 0x40, W)
	DOT_B_LOAD_A(0, 4, 0x80, W)
	DOT_A_LOAD_B(0, 8, 0xc0, W)
	DOT_B(0, 12)
	ADD  $0x100, W
	SUBS $4, K
	BNE  one64

store64:
	FMOVS MatVecI8_SX(ARGS), F(SX)
	VDUP  V24.S[0], V24.S4
	FINISH16(0x00, 0)
	FINISH16(0x40, 4)
	FINISH16(0x80, 8)
	FINISH16(0xc0, 12)
	ADD   $0x100, Y
	ADD   $0x100, SCALE
	AND   $0x100, BSTEP, STEP
	ADD   STEP, B
	SUB   $64, ROWS
	JMP   panel

last:
	LSL $2, ROWS, COLUMN

strip16:
	CBZ  ROWS, done
	MOVD W, WP
	MOVD X, XP
	CLEAR16(0)
	SUBS $16, KLEN, K
	BLT  tail16

four16:
	FMOVQ.P 16(XP), F(XK)
	LOAD_A(0x00, WP)
	ADD     COLUMN, WP
	DOT_A_LOAD_B(0, 0, 0x00, WP)
	ADD     COLUMN, WP
	DOT_B_LOAD_A(1, 0, 0x00, WP)
	ADD     COLUMN, WP
	DOT_A_LOAD_B(2, 0, 0x00, WP)
	ADD     COLUMN, WP
	DOT_B(3, 0)
	SUBS    $16, K
	BGE     four16

tail16:
	ADDS $16, K
	BEQ  store16

one16:
	FMOVS.P 4(XP), F(XK)
	LOAD_A(0x00, WP)
	ADD     COLUMN, WP
	DOT_A(0, 0)
	SUBS    $4, K
	BNE     one16

store16:
	FMOVS MatVecI8_SX(ARGS), F(SX)
	VDUP  V24.S[0], V24.S4
	FINISH16(0x00, 0)
	ADD   $0x40, W
	ADD   $0x40, Y
	ADD   $0x40, SCALE
	AND   $0x40, BSTEP, STEP
	ADD   STEP, B
	SUB   $16, ROWS
	JMP   strip16

done:
	RET
