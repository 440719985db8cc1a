// Y = B + W·X for a block of vectors, over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel, and in it for each strip of two registers of rows {
//		for each group of 3 … 6 vectors {
//			acc[v][r] = START
//			for k := range columns {
//				acc[v][r] = MAC(acc[v][r], w[k][r], x[v][k])
//			}
//			y[v][r] = FINISH
//		}
//	}
//
// A column here is 4 bytes of x and of a row: one element of float32, four of int8.
//
// A strip of weights is read from memory once and then, from the first-level cache, by each
// group: two loads and a broadcast for each vector, for two multiplications a vector. Six
// vectors are twelve chains, and the multiplications are what a column waits for. Five of
// N vectors or fewer, and what sixes leave, go in groups of 3, 4 and 5; one or two alone.
// What is prefetched is the strip of the next call, where that reads the next 16 KB.
//
// A file that includes this defines the places of its arguments (ROWS_ARG …), how many
// columns they are (COLUMNS), MAC of two registers, LOAD_WEIGHTS, START, which is
// given the vector's number in the group, the address of its b and its registers, and
// FINISH, which ends a group but for storing it; and PREPARE, which makes XS bytes. BEFORE_START
// comes once a group. XA and XB are free but in MAC, WP and K, too, before START.
//
// d.Rows is a multiple of 16, len(w) = d.Rows·d.Cols, and y, b and x are as d says.

#define Y     DI  // the panel, of the first vector
#define B     SI  // where the panel starts from: b, y, or zeros
#define W     R9  // the panel
#define PITCH R8  // bytes of a column of it
#define STRIP BX  // bytes from a column's first row to the strip's
#define YP    R10 // the strip, of the group's first vector
#define BP_   R11
#define XP    R12 // the group's first vector
#define XS    DX  // bytes from one vector to the next
#define N     R13 // vectors left
#define WP    AX  // walks the strip
#define XA    R14 // walks x of vectors 0, 1 and 2
#define XB    R15 // walks x of vectors 3, 4 and 5
#define K     CX  // columns left

#define ROWS rows-8(SP) // left

// V0 … V11: two registers for each vector.
#define W0 V12
#define W1 V13
#define XK V14

// The vectors' addresses, from their base and stride; 3·stride is in three.
#define EACH1(DO, base, s, three) DO(0, (base), BYTES(base), V0, V1)

#define EACH3(DO, base, s, three) \
	EACH1(DO, base, s, three)                       \
	DO(1, (base)(s*1), BYTES(base)(s*1), V2, V3)    \
	DO(2, (base)(s*2), BYTES(base)(s*2), V4, V5)

#define EACH4(DO, base, s, three) \
	EACH3(DO, base, s, three)                               \
	DO(3, (base)(three*1), BYTES(base)(three*1), V6, V7)

#define EACH5(DO, base, s, three) \
	EACH4(DO, base, s, three)                       \
	DO(4, (base)(s*4), BYTES(base)(s*4), V8, V9)

#define EACH6(DO, base, s, three) \
	EACH5(DO, base, s, three)                          \
	LEAQ (base)(three*1), three                        \ // no longer needed
	DO(5, (three)(s*2), BYTES(three)(s*2), V10, V11)

#define STORE(i, p0, p1, a, b) \
	MOVE_ALL(a, p0)            \
	MOVE_SECOND(b, p1)

#define COLUMN1 MAC(0, (XA), V0, V1)

#define COLUMN3 \
	COLUMN1                     \
	MAC(1, (XA)(XS*1), V2, V3)  \
	MAC(2, (XA)(XS*2), V4, V5)

#define COLUMN4 \
	COLUMN3                \
	MAC(3, (XB), V6, V7)

#define COLUMN5 \
	COLUMN4                    \
	MAC(4, (XB)(XS*1), V8, V9)

#define COLUMN6 \
	COLUMN5                      \
	MAC(5, (XB)(XS*2), V10, V11)

// A group of so many vectors. WP and K first hold strides.
#define GROUP(group, count, EACH, COLUMN, loop, store) \
group: \
	BEFORE_START                    \
	MOVQ     STRIDE_B_ARG, K        \
	SHLQ     $2, K                  \
	LEAQ     (K)(K*2), WP           \
	EACH(START, BP_, K, WP)         \
	MOVQ     XP, XA                 \
	LEAQ     (XS)(XS*2), XB         \
	ADDQ     XA, XB                 \
	LEAQ     (W)(STRIP*1), WP       \
	MOVQ     COLUMNS, K             \
	TESTQ    K, K                   \
	JZ       store                  \
loop: \
	LOAD_WEIGHTS                    \
	PREFETCH_STRIP(16384, WP)       \
	COLUMN                          \
	ADDQ     PITCH, WP              \
	ADDQ     $4, XA                 \
	ADDQ     $4, XB                 \
	DECQ     K                      \
	JNZ      loop                   \
store: \
	FINISH(EACH)                    \
	MOVQ     STRIDE_Y_ARG, K        \
	SHLQ     $2, K                  \
	LEAQ     (K)(K*2), WP           \
	EACH(STORE, YP, K, WP)          \
	IMULQ    $count, K              \
	ADDQ     K, YP                  \
	MOVQ     STRIDE_B_ARG, K        \
	IMULQ    $(4*count), K          \
	ADDQ     K, BP_                 \
	IMUL3Q   $count, XS, K          \
	ADDQ     K, XP                  \
	SUBQ     $count, N              \
	JMP      vectors

	MOVQ y_base+0(FP), Y
	MOVQ b_base+24(FP), B
	MOVQ w_base+48(FP), W
	MOVQ ROWS_ARG, K
	MOVQ K, ROWS
	MOVQ STRIDE_X_ARG, XS
	PREPARE
	CMPQ b_len+32(FP), $0
	JNE  panel
	LEAQ ·zeros(SB), B

panel:
	MOVQ ROWS, PITCH
	TESTQ PITCH, PITCH
	JZ   done
	CMPQ PITCH, $64
	JLE  pitch
	MOVQ $64, PITCH

pitch:
	SUBQ PITCH, ROWS
	SHLQ $2, PITCH
	XORQ STRIP, STRIP

strip:
	MASK_SECOND
	LEAQ (Y)(STRIP*1), YP
	LEAQ (B)(STRIP*1), BP_
	MOVQ X_ARG, XP
	MOVQ N_ARG, N

vectors:
	CMPQ N, $9
	JGE  six
	CMPQ N, $6
	JEQ  six
	JGT  four // 8 is 4 and 4, 7 is 4 and 3
	CMPQ N, $4
	JGT  five
	JEQ  four
	CMPQ N, $2
	JGT  three
	TESTQ N, N
	JNZ  one
	ADDQ $(2*BYTES), STRIP
	CMPQ STRIP, PITCH
	JLT  strip

	// The next panel: PITCH bytes of rows on.
	ADDQ  PITCH, Y
	NEXT_SCALE
	MOVQ  COLUMNS, K
	IMULQ PITCH, K
	ADDQ  K, W
	CMPQ  b_len+32(FP), $0
	JEQ   panel
	ADDQ  PITCH, B
	JMP   panel

	GROUP(six, 6, EACH6, COLUMN6, loop6, store6)
	GROUP(five, 5, EACH5, COLUMN5, loop5, store5)
	GROUP(four, 4, EACH4, COLUMN4, loop4, store4)
	GROUP(three, 3, EACH3, COLUMN3, loop3, store3)
	GROUP(one, 1, EACH1, COLUMN1, loop1, store1)

done:
	VZEROUPPER
	RET
