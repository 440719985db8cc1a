// Y = B + W·X for a block of vectors, over panels of 64 rows, the last one 16, 32, 48 or 64.
// A column here is 4 bytes of x and 64 of weights: one element of float32, four of int8.
//
//	for each panel, and in it for each strip of 16 rows {
//		for each group of 4 vectors, the last one of 1 … 4 {
//			acc[v][r] = START
//			for k := range columns {
//				acc[v][r] = MLA(acc[v][r], w[k][r], x[v][k])
//			}
//			y[v][r] = FINISH
//		}
//	}
//
// A strip of weights is read from memory once and then, from the first-level cache, by each
// group: four loads for sixteen multiplications, each by one lane of XK, four columns a
// turn. As in matvec_f32_neon_arm64.s, A and B hold 16 rows by turns and are loaded beside
// multiplications.
//
// A file that includes this defines MLA(x, lane, w, acc) and, of the vector at TB and TY,
// START and FINISH of four registers; LOAD_ARGUMENTS, with strides in
// bytes and the length of b in BSTEP; and FIRST_VECTOR, which sets XP, N and SXP.

#define Y       R0  // the panel, of the first vector
#define ROWS    R1  // left
#define B       R2  // where the panel starts from: b, y, or zeros
#define YP      R3  // the strip, of the group's first vector
#define W       R4  // the panel
#define BP      R5
#define XP      R6  // the group's first vector
#define N       R7  // vectors left
#define K       R8  // columns left
#define COLUMN  R9  // bytes of a column of the panel
#define STRIP   R10 // bytes from a column's first row to the strip's
#define WP      R11 // walks the strip
#define XA0     R12 // XA0 … XA3 walk the vectors
#define XA1     R13
#define XA2     R14
#define XA3     R15
#define XS      R16 // bytes from one vector to the next
#define YS      R17
#define BS      R19
#define TB      R20 // the strip, of each vector in turn
#define TY      R21
#define COLUMNS R22
#define SCALE   R23 // for int8: s of the panel, sx of the group's first vector
#define SXP     R24
#define BSTEP   R25 // all ones, or 0: masks the steps of B

// V0 … V15 are the accumulators, four registers for each vector.
#define A0 16 // A0 … A3: 16 rows of a column
#define A1 17
#define A2 18
#define A3 19
#define B0 20 // B0 … B3: of the next one
#define B1 21
#define B2 22
#define B3 23
#define XK0 24 // XK0 … XK3: four columns of each vector
#define XK1 25
#define XK2 26
#define XK3 27

#define LOAD_A \
	FMOVQ 0x00(WP), F(A0) \
	FMOVQ 0x10(WP), F(A1) \
	FMOVQ 0x20(WP), F(A2) \
	FMOVQ 0x30(WP), F(A3) \
	ADD   COLUMN, WP

#define MLA_A(x, i, acc) \
	MLA(x, i, A0, (acc)+0) \
	MLA(x, i, A1, (acc)+1) \
	MLA(x, i, A2, (acc)+2) \
	MLA(x, i, A3, (acc)+3)

#define MLA_B(x, i, acc) \
	MLA(x, i, B0, (acc)+0) \
	MLA(x, i, B1, (acc)+1) \
	MLA(x, i, B2, (acc)+2) \
	MLA(x, i, B3, (acc)+3)

#define MLA_A_LOAD_B(x, i, acc) \
	MLA(x, i, A0, (acc)+0) \
	FMOVQ 0x00(WP), F(B0)  \
	MLA(x, i, A1, (acc)+1) \
	FMOVQ 0x10(WP), F(B1)  \
	MLA(x, i, A2, (acc)+2) \
	FMOVQ 0x20(WP), F(B2)  \
	MLA(x, i, A3, (acc)+3) \
	FMOVQ 0x30(WP), F(B3)  \
	ADD   COLUMN, WP

#define MLA_B_LOAD_A(x, i, acc) \
	MLA(x, i, B0, (acc)+0) \
	FMOVQ 0x00(WP), F(A0)  \
	MLA(x, i, B1, (acc)+1) \
	FMOVQ 0x10(WP), F(A1)  \
	MLA(x, i, B2, (acc)+2) \
	FMOVQ 0x20(WP), F(A2)  \
	MLA(x, i, B3, (acc)+3) \
	FMOVQ 0x30(WP), F(A3)  \
	ADD   COLUMN, WP

// Vectors 1, 2 and 3 of a group, if it has them.
#define REST1_A(i)
#define REST1_B(i)
#define REST2_A(i) MLA_A(XK1, i, 4)
#define REST2_B(i) MLA_B(XK1, i, 4)

#define REST3_A(i) \
	REST2_A(i)       \
	MLA_A(XK2, i, 8)

#define REST3_B(i) \
	REST2_B(i)       \
	MLA_B(XK2, i, 8)

#define REST4_A(i) \
	REST3_A(i)        \
	MLA_A(XK3, i, 12)

#define REST4_B(i) \
	REST3_B(i)        \
	MLA_B(XK3, i, 12)

#define EACH1(DO) DO(XA0, XK0, 0, 1, 2, 3)

#define EACH2(DO) \
	EACH1(DO)       \
	DO(XA1, XK1, 4, 5, 6, 7)

#define EACH3(DO) \
	EACH2(DO)       \
	DO(XA2, XK2, 8, 9, 10, 11)

#define EACH4(DO) \
	EACH3(DO)        \
	DO(XA3, XK3, 12, 13, 14, 15)

#define START_VECTOR(xa, xk, a0, a1, a2, a3) \
	START(a0, a1, a2, a3) \
	ADD BS, TB

#define LOAD_FOUR(xa, xk, a0, a1, a2, a3) FMOVQ.P 16(xa), F(xk)
#define LOAD_ONE(xa, xk, a0, a1, a2, a3)  FMOVS.P 4(xa), F(xk)

#define FINISH_VECTOR(xa, xk, a0, a1, a2, a3) \
	FINISH(a0, a1, a2, a3) \
	ADD BS, TB   \
	ADD YS, TY   \
	ADD XS, XP   \
	ADD $4, SXP

#define GROUP(group, count, EACH, REST_A, REST_B, four, tail, one, finish) \
group: \
	MOVD BP, TB         \
	EACH(START_VECTOR)  \
	ADD  STRIP, W, WP   \
	MOVD XP, XA0        \
	ADD  XS, XA0, XA1   \
	ADD  XS, XA1, XA2   \
	ADD  XS, XA2, XA3   \
	SUBS $4, COLUMNS, K \
	BLT  tail           \
four: \
	EACH(LOAD_FOUR)         \
	LOAD_A                  \
	MLA_A_LOAD_B(XK0, 0, 0) \
	REST_A(0)               \
	MLA_B_LOAD_A(XK0, 1, 0) \
	REST_B(1)               \
	MLA_A_LOAD_B(XK0, 2, 0) \
	REST_A(2)               \
	MLA_B(XK0, 3, 0)        \
	REST_B(3)               \
	SUBS $4, K              \
	BGE  four               \
tail: \
	ADDS $4, K          \
	BEQ  finish         \
one: \
	EACH(LOAD_ONE)      \
	LOAD_A              \
	MLA_A(XK0, 0, 0)    \
	REST_A(0)           \
	SUBS $1, K          \
	BNE  one            \
finish: \
	MOVD BP, TB         \
	MOVD YP, TY         \
	EACH(FINISH_VECTOR) \
	MOVD TB, BP         \
	MOVD TY, YP         \
	SUBS $count, N      \
	BNE  vectors        \
	JMP  next

	LOAD_ARGUMENTS
	CBZ  BSTEP, zero
	MOVD $-1, BSTEP
	JMP  panel

zero:
	MOVD $·zeros(SB), B

panel:
	CBZ  ROWS, done
	MOVD $64, COLUMN
	CMP  COLUMN, ROWS
	CSEL LT, ROWS, COLUMN, COLUMN
	SUB  COLUMN, ROWS
	LSL  $2, COLUMN
	MOVD $0, STRIP

strip:
	ADD  STRIP, Y, YP
	ADD  STRIP, B, BP
	FIRST_VECTOR
	CBZ  N, next

vectors:
	CMP $3, N
	BGT four4
	BEQ three3
	CMP $1, N
	BGT two2
	JMP one1

	GROUP(four4, 4, EACH4, REST4_A, REST4_B, loop4, tail4, rest4, store4)
	GROUP(three3, 3, EACH3, REST3_A, REST3_B, loop3, tail3, rest3, store3)
	GROUP(two2, 2, EACH2, REST2_A, REST2_B, loop2, tail2, rest2, store2)
	GROUP(one1, 1, EACH1, REST1_A, REST1_B, loop1, tail1, rest1, store1)

next:
	ADD $64, STRIP
	CMP COLUMN, STRIP
	BLT strip
	ADD COLUMN, Y
	ADD COLUMN, SCALE
	AND COLUMN, BSTEP, K
	ADD K, B
	MUL COLUMN, COLUMNS, K
	ADD K, W
	JMP panel

done:
	RET
