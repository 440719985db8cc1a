//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// y = b + (s·sx)·(W·x) over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel of 64, then each strip of 16 rows of a shorter one {
//		acc[0:64] = 0                                // int32
//		for k := 0; k < len(x); k += 4 {
//			acc[r] += w[r][0]·x[k] + … + w[r][3]·x[k+3]
//		}
//		y[r] = fma(float32(acc[r]), s[r]·sx, b[r])   // +0 without b
//	}
//
// LD2 of halfwords parts the columns of eight rows, LD2R those of x:
//
//	memory    r0k0 r0k1 r0k2 r0k3 r1k0 r1k1 r1k2 r1k3 … r7k3
//	A0, XLOW  r0k0 r0k1 r1k0 r1k1 … r7k0 r7k1               x[k]   x[k+1] …
//	A1, XHIGH r0k2 r0k3 r1k2 r1k3 … r7k2 r7k3               x[k+2] x[k+3] …
//
// SMULL and SMLAL add A0·XLOW and A1·XHIGH in 16 bits, in which two products always
// fit (2·127·127 = 32258), and SADALP adds the neighbours, which are of one row, to
// four rows in 32 bits. So 64 rows need sixteen registers and a panel is read in
// the order in which it lies.
//
// Per 64 bytes of weights these are 2 LD2 and 12 vector instructions. Without LD2,
// four rows come into a register by ADDP of products or UZP of weights, for 4 loads
// and 16 vector instructions; or they stay in two, for 4 and 12, but then 32 rows
// fill the registers and a panel must be read twice in pieces. In-order cores load
// eight bytes a cycle and part them on the way (LLVM's Cortex-A53 and A55: an LD2
// holds the load unit 4 cycles). Cores with reordering wait for their one multiplier, 8
// cycles per 64 bytes; by llvm-mca A57 and A72 take 8.5.
//
// len(y) = len(s) is a multiple of 16, len(b) is len(y) or 0, len(x) is a multiple
// of 4, len(w) = len(y)·len(x); no weight and no x is −128.

#define ARGS   R26 // the arguments
#define Y      R0
#define ROWS   R1  // rows left
#define B      R2  // where y starts from: b, or zeros
#define BSTEP  R3  // all ones, or 0: masks the steps of B
#define W      R4  // walks the panels; in a shorter one, the strip's first rows
#define SCALE  R5  // walks s
#define X      R6
#define XP     R7  // walks x
#define KLEN   R8  // len(x)
#define K      R9  // columns left
#define SKIP   R10 // bytes from 16 rows to the same at k+4 in a shorter panel
#define WP     R11 // walks the strip
#define STEP   R12

// V0 … V15 are the accumulators, four rows each. LD2 wants its registers literally,
// so A0 is V16, and so on.
#define A0    16 // A0 … A3: 16 rows of weights, columns k and k+1 in A0 and A2
#define A1    17
#define A2    18
#define A3    19
#define B0    20 // B0 … B3: the next 16
#define B1    21
#define B2    22
#define B3    23
#define C0    24 // C0 … C3: their products
#define C1    25
#define C2    26
#define C3    27
#define XLOW  28 // x[k], x[k+1], four times; at the end sx, four times
#define XHIGH 29 // x[k+2], x[k+3], four times
#define SX    28

// 16 rows: four accumulators.
#define CLEAR16(acc) \
	CLEAR4S((acc)+0) \
	CLEAR4S((acc)+1) \
	CLEAR4S((acc)+2) \
	CLEAR4S((acc)+3)

#define LOAD_X \
	VLD2R.P 4(XP), [V28.H8, V29.H8]

#define LOAD_A(p) \
	VLD2.P 32(p), [V16.H8, V17.H8] \
	VLD2.P 32(p), [V18.H8, V19.H8]

// C = A·x …
#define MULTIPLY_A \
	SMULL8H(XLOW, A0, C0)    \
	SMULL2_8H(XLOW, A0, C1)  \
	SMULL8H(XLOW, A2, C2)    \
	SMULL2_8H(XLOW, A2, C3)  \
	SMLAL8H(XHIGH, A1, C0)   \
	SMLAL2_8H(XHIGH, A1, C1) \
	SMLAL8H(XHIGH, A3, C2)   \
	SMLAL2_8H(XHIGH, A3, C3)

#define MULTIPLY_B \
	SMULL8H(XLOW, B0, C0)    \
	SMULL2_8H(XLOW, B0, C1)  \
	SMULL8H(XLOW, B2, C2)    \
	SMULL2_8H(XLOW, B2, C3)  \
	SMLAL8H(XHIGH, B1, C0)   \
	SMLAL2_8H(XHIGH, B1, C1) \
	SMLAL8H(XHIGH, B3, C2)   \
	SMLAL2_8H(XHIGH, B3, C3)

// … and load B meanwhile.
#define MULTIPLY_A_LOAD_B \
	SMULL8H(XLOW, A0, C0)          \
	VLD2.P 32(W), [V20.H8, V21.H8] \
	SMULL2_8H(XLOW, A0, C1)        \
	SMULL8H(XLOW, A2, C2)          \
	SMULL2_8H(XLOW, A2, C3)        \
	SMLAL8H(XHIGH, A1, C0)         \
	VLD2.P 32(W), [V22.H8, V23.H8] \
	SMLAL2_8H(XHIGH, A1, C1)       \
	SMLAL8H(XHIGH, A3, C2)         \
	SMLAL2_8H(XHIGH, A3, C3)

#define MULTIPLY_B_LOAD_A \
	SMULL8H(XLOW, B0, C0)          \
	VLD2.P 32(W), [V16.H8, V17.H8] \
	SMULL2_8H(XLOW, B0, C1)        \
	SMULL8H(XLOW, B2, C2)          \
	SMULL2_8H(XLOW, B2, C3)        \
	SMLAL8H(XHIGH, B1, C0)         \
	VLD2.P 32(W), [V18.H8, V19.H8] \
	SMLAL2_8H(XHIGH, B1, C1)       \
	SMLAL8H(XHIGH, B3, C2)         \
	SMLAL2_8H(XHIGH, B3, C3)

// Add C to the accumulators acc … acc+3.
#define ACCUMULATE(acc) \
	SADALP4S(C0, (acc)+0) \
	SADALP4S(C1, (acc)+1) \
	SADALP4S(C2, (acc)+2) \
	SADALP4S(C3, (acc)+3)

// y of four rows, from their accumulator; v and w are scratch.
#define FINISH4(at, acc, v, w) \
	SCVTF4S(acc, acc)     \
	FMOVQ at(SCALE), F(v) \
	FMUL4S(SX, v, v)      \
	FMOVQ at(B), F(w)     \
	FMLA4S(v, acc, w)     \
	FMOVQ F(w), at(Y)

#define FINISH16(at, acc) \
	FINISH4(at+0x00, (acc)+0, A0, B0) \
	FINISH4(at+0x10, (acc)+1, A1, B1) \
	FINISH4(at+0x20, (acc)+2, A2, B2) \
	FINISH4(at+0x30, (acc)+3, A3, B3)

// func matVecI8AtNEON(a *MatVecI8)
TEXT ·matVecI8AtNEON(SB), NOSPLIT, $0-8
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
	CLEAR16(0)
	CLEAR16(4)
	CLEAR16(8)
	CLEAR16(12)
	CBZ  KLEN, store64
	MOVD X, XP
	MOVD KLEN, K
	LOAD_X
	LOAD_A(W)

	// Four columns a turn, which loads the beginning of the next one …
quad64:
	MULTIPLY_A_LOAD_B
	ACCUMULATE(0)
	MULTIPLY_B_LOAD_A
	ACCUMULATE(4)
	MULTIPLY_A_LOAD_B
	ACCUMULATE(8)
	SUBS $4, K
	BEQ  end64
	MULTIPLY_B_LOAD_A
	LOAD_X
	ACCUMULATE(12)
	JMP  quad64

	// … where there is one.
end64:
	MULTIPLY_B
	ACCUMULATE(12)

store64:
	FMOVS MatVecI8_SX(ARGS), F(SX)
	VDUP  V28.S[0], V28.S4
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
	LSL $2, ROWS, SKIP
	SUB $0x40, SKIP

strip16:
	CBZ  ROWS, done
	CLEAR16(0)
	CBZ  KLEN, store16
	MOVD W, WP
	MOVD X, XP
	MOVD KLEN, K
	LOAD_X
	LOAD_A(WP)

quad16:
	MULTIPLY_A
	SUBS $4, K
	BEQ  end16
	ADD  SKIP, WP
	LOAD_A(WP)
	LOAD_X
	ACCUMULATE(0)
	JMP  quad16

end16:
	ACCUMULATE(0)

store16:
	FMOVS MatVecI8_SX(ARGS), F(SX)
	VDUP  V28.S[0], V28.S4
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
