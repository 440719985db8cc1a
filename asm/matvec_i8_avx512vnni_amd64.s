//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// y = b + (s·sx)·(W·x) over panels of 64 rows, the last one 16, 32, 48 or 64:
//
//	for each panel {
//		for k := 0; k < len(x); k += 4 {             // acc is int32
//			acc[r] += (w[r][0]+128)·x[k] + … + (w[r][3]+128)·x[k+3]
//		}
//		acc[r] += unflip
//		y[r] = fma(float32(acc[r]), s[r]·sx, b[r])   // +0 without b
//	}
//
// VPDPBUSD multiplies unsigned by signed bytes and adds four products to 32 bits. A weight
// with its sign bit turned over is w+128, unsigned, and what that adds, 128·x[k], is
// the same for all rows: unflip is −128·(the sum of x), once a call.
//
// 64 bytes of weights, four columns of sixteen rows, are two instructions, of which the
// first loads. An accumulator is ready again after four or five cycles, so even and odd
// columns of a full panel have accumulators of their own: sums of integers may be cut
// anywhere, and unflip comes last, since it is known last. Weights that fit the first-level
// cache are not prefetched; larger ones are.
//
// len(y) = len(s) is a multiple of 16, len(b) is len(y) or 0, len(x) is a multiple
// of 4, len(w) = len(y)·len(x); no weight and no x is −128.

#define ARGS  CX // the arguments
#define Y     DI
#define ROWS  SI  // rows left
#define B     DX  // where y starts from: b, or zeros
#define BMASK R8  // all ones, or 0: masks the steps of B
#define W     R9
#define SCALE R10 // walks s
#define X     R11 // end of x
#define K0    R12 // -len(x)
#define K     R13 // K0 … -4, offset from X
#define STEP  BX
#define SMALL R14 // bytes of all weights
#define AHEAD AX  // prefetchAhead

#define FIRST_LEVEL 32768 // what every CPU with AVX-512 has for data

#define ACC0  Z0
#define ACC1  Z1
#define ACC2  Z2
#define ACC3  Z3
#define ACC4  Z4 // of odd columns
#define ACC5  Z5
#define ACC6  Z6
#define ACC7  Z7
#define T0    Z8
#define T1    Z9
#define UNFLIP Z10 // what an accumulator lacks in the end
#define FLIP  Z12 // 0x80 in each byte
#define XK    Z13 // x[k:k+4], sixteen times
#define XK1   Z14 // x[k+4:k+8], sixteen times
#define SX    Z15 // sx

#define LOAD_X VPBROADCASTD (X)(K*1), XK

// Add 16 rows at four columns to acc.
#define MAC16X(at, t, xk, acc) \
	VPXORD   at(W), FLIP, t \
	VPDPBUSD xk, t, acc

#define MAC16(at, acc) MAC16X(at, T0, XK, acc)

#define CLEAR64 \
	VPXORD    ACC0, ACC0, ACC0 \
	VPXORD    ACC1, ACC1, ACC1 \
	VPXORD    ACC2, ACC2, ACC2 \
	VPXORD    ACC3, ACC3, ACC3 \
	VPXORD    ACC4, ACC4, ACC4 \
	VPXORD    ACC5, ACC5, ACC5 \
	VPXORD    ACC6, ACC6, ACC6 \
	VPXORD    ACC7, ACC7, ACC7

// Eight columns of a panel, FETCH before four. The flags say whether as many are left.
#define COLUMNS8(FETCH) \
	VPBROADCASTD -8(X)(K*1), XK  \
	VPBROADCASTD -4(X)(K*1), XK1 \
	FETCH(0x000)                 \
	MAC16X(0x00, T0, XK, ACC0)   \
	MAC16X(0x40, T1, XK, ACC1)   \
	MAC16X(0x80, T0, XK, ACC2)   \
	MAC16X(0xc0, T1, XK, ACC3)   \
	FETCH(0x100)                 \
	MAC16X(0x100, T0, XK1, ACC4) \
	MAC16X(0x140, T1, XK1, ACC5) \
	MAC16X(0x180, T0, XK1, ACC6) \
	MAC16X(0x1c0, T1, XK1, ACC7) \
	ADDQ $0x200, W               \
	ADDQ $8, K

#define PREFETCH(at) \
	PREFETCHT0 at+0x00(W)(AHEAD*1) \
	PREFETCHT0 at+0x40(W)(AHEAD*1) \
	PREFETCHT0 at+0x80(W)(AHEAD*1) \
	PREFETCHT0 at+0xc0(W)(AHEAD*1)

#define NOTHING(at)

// y of sixteen rows, from their accumulator.
#define FINISH16(at, acc) \
	VPADDD      UNFLIP, acc, acc   \
	VCVTDQ2PS   acc, acc          \
	VMULPS      at(SCALE), SX, T0 \
	VMOVUPS     at(B), T1         \
	VFMADD231PS acc, T0, T1       \
	VMOVUPS     T1, at(Y)

#define NEXTK(columnBytes, loop) \
	ADDQ $columnBytes, W \
	ADDQ $4, K           \
	JNZ  loop

// MAKE_UNFLIP: −128·(the sum of x) in each element of z, whose halves are y and of that xmm. x
// is the end of the elements. It is done with ARGS.
#define MAKE_UNFLIP(x, z, y, xmm, sum64, sum) \
	VPXORD        z, z, z              \
	MOVQ          K0, K                \
	ADDQ          $64, K               \
	JG            sum                  \
sum64: \ // 128·x[0] + 128·x[1] + …, in sixteen sums
	VMOVDQU32     -64(x)(K*1), T0      \
	VPDPBUSD      T0, FLIP, z          \
	ADDQ          $64, K               \
	JLE           sum64                \
sum: \ // the last 0 … 63
	MOVQ          $64, CX              \
	SUBQ          K, CX                \
	MOVQ          $-1, AX              \
	BZHIQ         CX, AX, AX           \
	KMOVQ         AX, K2               \
	VMOVDQU8.Z    -64(x)(K*1), K2, T0  \
	VPDPBUSD      T0, FLIP, z          \
	VEXTRACTI64X4 $1, z, Y8            \
	VPADDD        Y8, y, y             \
	VEXTRACTI128  $1, y, X8            \
	VPADDD        X8, xmm, xmm         \
	VPSHUFD       $0x4e, xmm, X8       \
	VPADDD        X8, xmm, xmm         \
	VPSHUFD       $0xb1, xmm, X8       \
	VPADDD        X8, xmm, xmm         \
	VPXOR         X8, X8, X8           \
	VPSUBD        xmm, X8, X8          \
	VPBROADCASTD  X8, z

// func matVecI8AtAVX512VNNI(a *MatVecI8)
TEXT ·matVecI8AtAVX512VNNI(SB), NOSPLIT, $0-8
	MOVQ         a+0(FP), ARGS
	MOVQ         MatVecI8_Y(ARGS), Y
	MOVQ         (MatVecI8_Y+8)(ARGS), ROWS
	MOVQ         MatVecI8_B(ARGS), B
	MOVQ         MatVecI8_W(ARGS), W
	MOVQ         (MatVecI8_W+8)(ARGS), SMALL
	MOVQ         MatVecI8_S(ARGS), SCALE
	MOVQ         MatVecI8_X(ARGS), X
	MOVQ         (MatVecI8_X+8)(ARGS), K0
	VBROADCASTSS MatVecI8_SX(ARGS), SX
	MOVL         $0x80808080, AX
	VPBROADCASTD AX, FLIP
	MOVQ $-1, BMASK
	CMPQ (MatVecI8_B+8)(ARGS), $0
	JNE  addresses
	LEAQ ·zeros(SB), B
	XORQ BMASK, BMASK

addresses:
	ADDQ K0, X
	NEGQ K0
	MAKE_UNFLIP(X, Z10, Y10, X10, sum64, sum)
	MOVQ          ·prefetchAhead(SB), AHEAD

panel:
	MOVQ  K0, K
	CMPQ  ROWS, $64
	JLT   last
	CLEAR64
	TESTQ K, K
	JZ    store64
	ADDQ  $8, K
	JG    rest64
	CMPQ  SMALL, $FIRST_LEVEL
	JLE   small64

quad64: // eight columns
	COLUMNS8(PREFETCH)
	JLE  quad64
	JMP  rest64

small64:
	COLUMNS8(NOTHING)
	JLE  small64

rest64: // four more, if K is 4
	SUBQ $8, K
	JZ   store64
	LOAD_X
	MAC16(0x00, ACC0)
	MAC16(0x40, ACC1)
	MAC16(0x80, ACC2)
	MAC16(0xc0, ACC3)
	ADDQ $0x100, W

store64:
	VPADDD ACC4, ACC0, ACC0
	VPADDD ACC5, ACC1, ACC1
	VPADDD ACC6, ACC2, ACC2
	VPADDD ACC7, ACC3, ACC3
	FINISH16(0x00, ACC0)
	FINISH16(0x40, ACC1)
	FINISH16(0x80, ACC2)
	FINISH16(0xc0, ACC3)
	ADDQ $0x100, Y
	ADDQ $0x100, SCALE
	MOVQ $0x100, STEP
	ANDQ BMASK, STEP
	ADDQ STEP, B
	SUBQ $64, ROWS
	JMP  panel

last:
	CMPQ ROWS, $16
	JLT  done
	JEQ  start16
	CMPQ ROWS, $32
	JEQ  start32
	VPXORD ACC0, ACC0, ACC0
	VPXORD ACC1, ACC1, ACC1
	VPXORD ACC2, ACC2, ACC2
	TESTQ K, K
	JZ    store48

quad48:
	LOAD_X
	MAC16(0x00, ACC0)
	MAC16(0x40, ACC1)
	MAC16(0x80, ACC2)
	NEXTK(0xc0, quad48)

store48:
	FINISH16(0x00, ACC0)
	FINISH16(0x40, ACC1)
	FINISH16(0x80, ACC2)
	JMP done

start32:
	VPXORD ACC0, ACC0, ACC0
	VPXORD ACC1, ACC1, ACC1
	TESTQ K, K
	JZ    store32

quad32:
	LOAD_X
	MAC16(0x00, ACC0)
	MAC16(0x40, ACC1)
	NEXTK(0x80, quad32)

store32:
	FINISH16(0x00, ACC0)
	FINISH16(0x40, ACC1)
	JMP done

start16:
	VPXORD ACC0, ACC0, ACC0
	TESTQ K, K
	JZ    store16

quad16:
	LOAD_X
	MAC16(0x00, ACC0)
	NEXTK(0x40, quad16)

store16:
	FINISH16(0x00, ACC0)

done:
	VZEROUPPER
	RET

// y = b + (s·sx)·(W·x) + (s·slow)·(W·low): both digits of a vector at once, so that the weights
// are read once.
//
//	for each panel of 64, then each strip of 16 rows of a shorter one {
//		for k := 0; k < len(x); k += 4 {             // high and low are int32
//			high[r] += (w[r][0]+128)·x[k] + …
//			low[r] += (w[r][0]+128)·low[k] + …
//		}
//		y[r] = fma(float32(low[r]), s[r]·slow, fma(float32(high[r]), s[r]·sx, b[r]))
//	}
//
// The two sums of four registers of rows are eight chains. len(low) = len(x), the other arguments
// are as above.

#define LOW   R14 // end of low
#define WP    CX  // walks the strip
#define PITCH BX  // bytes of four columns of a shorter panel

#define XLOW       Z14 // low[k:k+4], sixteen times
#define UNFLIP_LOW Z11 // what a sum of low lacks
#define SLOW       Z16
#define T2         Z17

// Add 16 rows at four columns, at p, to their sums.
#define MAC16BOTH(at, p, t, high, low) \
	VPXORD   at(p), FLIP, t \
	VPDPBUSD XK, t, high    \
	VPDPBUSD XLOW, t, low

#define FINISH16BOTH(at, high, low) \
	VPADDD      UNFLIP, high, high     \
	VPADDD      UNFLIP_LOW, low, low   \
	VCVTDQ2PS   high, high             \
	VCVTDQ2PS   low, low               \
	VMULPS      at(SCALE), SX, T0      \
	VMULPS      at(SCALE), SLOW, T1    \
	VMOVUPS     at(B), T2              \
	VFMADD231PS high, T0, T2           \
	VFMADD231PS low, T1, T2            \
	VMOVUPS     T2, at(Y)

// func matVec2I8AVX512VNNI(a *MatVec2I8)
TEXT ·matVec2I8AVX512VNNI(SB), NOSPLIT, $0-8
	MOVQ         a+0(FP), ARGS
	MOVQ         MatVecI8_Y(ARGS), Y
	MOVQ         (MatVecI8_Y+8)(ARGS), ROWS
	MOVQ         MatVecI8_B(ARGS), B
	MOVQ         MatVecI8_W(ARGS), W
	MOVQ         MatVecI8_S(ARGS), SCALE
	MOVQ         MatVecI8_X(ARGS), X
	MOVQ         (MatVecI8_X+8)(ARGS), K0
	MOVQ         MatVec2I8_Low(ARGS), LOW
	VBROADCASTSS MatVecI8_SX(ARGS), SX
	VBROADCASTSS MatVec2I8_SLow(ARGS), SLOW
	MOVL         $0x80808080, AX
	VPBROADCASTD AX, FLIP
	MOVQ         $-1, BMASK
	CMPQ         (MatVecI8_B+8)(ARGS), $0
	JNE          addresses
	LEAQ         ·zeros(SB), B
	XORQ         BMASK, BMASK

addresses:
	ADDQ K0, X
	ADDQ K0, LOW
	NEGQ K0
	MAKE_UNFLIP(X, Z10, Y10, X10, high64, high)
	MAKE_UNFLIP(LOW, Z11, Y11, X11, low64, low)
	MOVQ ·prefetchAhead(SB), AHEAD

panel:
	MOVQ  K0, K
	CMPQ  ROWS, $64
	JLT   last
	CLEAR64
	TESTQ K, K
	JZ    store64

quad64:
	LOAD_X
	VPBROADCASTD (LOW)(K*1), XLOW
	PREFETCH(0)
	MAC16BOTH(0x00, W, T0, ACC0, ACC4)
	MAC16BOTH(0x40, W, T1, ACC1, ACC5)
	MAC16BOTH(0x80, W, T0, ACC2, ACC6)
	MAC16BOTH(0xc0, W, T1, ACC3, ACC7)
	NEXTK(0x100, quad64)

store64:
	FINISH16BOTH(0x00, ACC0, ACC4)
	FINISH16BOTH(0x40, ACC1, ACC5)
	FINISH16BOTH(0x80, ACC2, ACC6)
	FINISH16BOTH(0xc0, ACC3, ACC7)
	ADDQ $0x100, Y
	ADDQ $0x100, SCALE
	MOVQ $0x100, STEP
	ANDQ BMASK, STEP
	ADDQ STEP, B
	SUBQ $64, ROWS
	JMP  panel

last:
	TESTQ ROWS, ROWS
	JZ    done
	LEAQ  (ROWS*4), PITCH
	ANDQ  $0x40, BMASK

strip:
	VPXORD ACC0, ACC0, ACC0
	VPXORD ACC4, ACC4, ACC4
	MOVQ   K0, K
	MOVQ   W, WP
	TESTQ  K, K
	JZ     store16

quad16:
	LOAD_X
	VPBROADCASTD (LOW)(K*1), XLOW
	MAC16BOTH(0, WP, T0, ACC0, ACC4)
	ADDQ PITCH, WP
	ADDQ $4, K
	JNZ  quad16

store16:
	FINISH16BOTH(0, ACC0, ACC4)
	ADDQ $0x40, Y
	ADDQ $0x40, SCALE
	ADDQ $0x40, W
	ADDQ BMASK, B
	SUBQ $16, ROWS
	JNZ  strip

done:
	VZEROUPPER
	RET

// y += (s·sx)·(W·x) over four panels that lie stride apart, side by side, sixteen columns of
// each in turn:
//
//	acc[0:4][0:64] = comp[0:256]               // int32
//	for k := 0; k < len(x); k += 16 {          // and four columns at a time at the end
//		for p := range 4 {
//			acc[p][r] += w[r]·(x[k]+128) + …   // sixteen columns of panel p
//		}
//		w = w[16·64:]
//	}
//	y[r] = fma(float32(acc[r]), s[r]·sx, y[r])
//
// As with float32, memory gives more to several readers that each go straight on than to
// one. And the more of it is under way the fewer instructions there are to 64 bytes: here it is
// x that is made unsigned, so that there is one, and comp has what 128 more adds to each row. (On
// Zen 4 33 MB take a quarter less time than with weights turned over, as above. In a cache comp
// costs what it is to read: of 64 columns 6 %.)
//
// len(y) = len(s) = len(comp) = 256, len(x) is a multiple of 4, at most 1024,
// len(w) ≥ 3·stride + 64·len(x).

#define COMP   CX
#define STRIDE R14 // bytes from one panel to the next
#define W2     R8  // two panels on from W
#define XK2    Z10
#define XK3    Z11

// UNSIGNED_X makes four elements of x unsigned, those at at.
#define UNSIGNED_X(at, xk) VPXORD.BCST at(X)(K*1), FLIP, xk

// EACH_ACC does OP with each accumulator, four of a panel, and its place in y, s and comp.
#define EACH_ACC(OP) \
	OP(0x000, Z16) \
	OP(0x040, Z17) \
	OP(0x080, Z18) \
	OP(0x0c0, Z19) \
	OP(0x100, Z20) \
	OP(0x140, Z21) \
	OP(0x180, Z22) \
	OP(0x1c0, Z23) \
	OP(0x200, Z24) \
	OP(0x240, Z25) \
	OP(0x280, Z26) \
	OP(0x2c0, Z27) \
	OP(0x300, Z28) \
	OP(0x340, Z29) \
	OP(0x380, Z30) \
	OP(0x3c0, Z31)

#define EACH_PANEL(OP) \
	OP((W), Z16, Z17, Z18, Z19)            \
	OP((W)(STRIDE*1), Z20, Z21, Z22, Z23)  \
	OP((W2), Z24, Z25, Z26, Z27)           \
	OP((W2)(STRIDE*1), Z28, Z29, Z30, Z31)

#define START_ACC(at, acc) VMOVDQU32 at(COMP), acc

#define FINISH_ACC(at, acc) \
	VCVTDQ2PS   acc, acc          \
	VMULPS      at(SCALE), SX, T0 \
	VFMADD213PS at(Y), T0, acc    \
	VMOVUPS     acc, at(Y)

// Four columns of a panel.
#define QUAD(at, panel, xk, a0, a1, a2, a3) \
	VPDPBUSD at+0x00 panel, xk, a0 \
	VPDPBUSD at+0x40 panel, xk, a1 \
	VPDPBUSD at+0x80 panel, xk, a2 \
	VPDPBUSD at+0xc0 panel, xk, a3

#define QUADS4(panel, a0, a1, a2, a3) \
	QUAD(0x000, panel, XK, a0, a1, a2, a3)  \
	QUAD(0x100, panel, XK1, a0, a1, a2, a3) \
	QUAD(0x200, panel, XK2, a0, a1, a2, a3) \
	QUAD(0x300, panel, XK3, a0, a1, a2, a3)

#define QUADS1(panel, a0, a1, a2, a3) QUAD(0, panel, XK, a0, a1, a2, a3)

// func matVec4I8AVX512VNNI(y []float32, w []int8, s []float32, comp []int32, x []int8, sx float32, stride int)
TEXT ·matVec4I8AVX512VNNI(SB), NOSPLIT, $0-136
	MOVQ         y_base+0(FP), Y
	MOVQ         w_base+24(FP), W
	MOVQ         s_base+48(FP), SCALE
	MOVQ         comp_base+72(FP), COMP
	MOVQ         x_base+96(FP), X
	MOVQ         x_len+104(FP), K
	VBROADCASTSS sx+120(FP), SX
	MOVQ         stride+128(FP), STRIDE
	MOVL         $0x80808080, AX
	VPBROADCASTD AX, FLIP
	LEAQ         (W)(STRIDE*2), W2
	ADDQ         K, X
	NEGQ         K
	EACH_ACC(START_ACC)
	ADDQ         $16, K
	JG           rest

columns: // sixteen
	UNSIGNED_X(-16, XK)
	UNSIGNED_X(-12, XK1)
	UNSIGNED_X(-8, XK2)
	UNSIGNED_X(-4, XK3)
	EACH_PANEL(QUADS4)
	ADDQ $0x400, W
	ADDQ $0x400, W2
	ADDQ $16, K
	JLE  columns

rest: // four at a time
	SUBQ $16, K
	JZ   finish

quad:
	UNSIGNED_X(0, XK)
	EACH_PANEL(QUADS1)
	ADDQ $0x100, W2
	NEXTK(0x100, quad)

finish:
	EACH_ACC(FINISH_ACC)
	VZEROUPPER
	RET
