// The two halves of a GRU whose reset gate acts before the recurrent product,
// eight units at a time:
//
//	for j := range h {
//		rh[j] = sigmoid(zx[j] + zh[j]) · h[j]
//	}
//
//	for j := range h {
//		u := sigmoid(zx[H+j] + zh[H+j])
//		n := tanh(zx[2H+j] + zh[2H+j])
//		h[j] = floor(fma(u, h[j], (1−u)·n))
//	}
//
// len(rh) = len(h) = H, len(zx) and len(zh) ≥ 3H. The last H mod UNITS units go
// through the same code with masked loads and stores.

#define H    DI  // walks h
#define RH   SI  // walks rh
#define ZX   R8  // walks gate r of zx …
#define ZH   R9  // … and zh
#define GATE DX  // bytes of one gate: 4·len(h)
#define LEFT CX  // units left
#define AT   R12

#define STATE V0
#define RESET V1
#define KEEP  V2 // the update gate, u
#define CAND  V3

#define RESET_STATE(MOVE) \
	SUM(MOVE, (ZX), (ZH), RESET, V5) \
	MOVE((H), STATE)                 \
	SIGMOID(RESET, V5, V6, V7)       \
	VMULPS STATE, V6, STATE          \
	MOVE(STATE, (RH))

#define UPDATE(MOVE) \
	SUM(MOVE, (ZX)(GATE*1), (ZH)(GATE*1), KEEP, V5) \
	SUM(MOVE, (ZX)(GATE*2), (ZH)(GATE*2), CAND, V5) \
	MOVE((H), STATE)                                \
	SIGMOID(KEEP, V8, V9, V10)                      \
	TANH(CAND, V11, V12, V13)                       \
	VMOVUPS     K_ONE, V10                          \
	VSUBPS      V9, V10, V10                        \ // (1−u)·n
	VMULPS      V12, V10, V10                       \
	VFMADD213PS V10, V9, STATE                      \ // u·h + (1−u)·n
	FLOOR(STATE, V7)                                \
	MOVE(STATE, (H))

#define LOAD_RESET_ARGUMENTS \
	MOVQ rh_base+0(FP), RH      \
	MOVQ h_base+24(FP), H       \
	MOVQ h_len+32(FP), LEFT     \
	MOVQ zx_base+48(FP), ZX     \
	MOVQ zh_base+72(FP), ZH     \
	LOAD_CONSTANTS              \
	SUBQ $UNITS, LEFT

#define LOAD_ARGUMENTS \
	MOVQ h_base+0(FP), H        \
	MOVQ h_len+8(FP), LEFT      \
	MOVQ zx_base+24(FP), ZX     \
	MOVQ zh_base+48(FP), ZH     \
	LOAD_CONSTANTS              \
	LEAQ (LEFT*4), GATE         \
	SUBQ $UNITS, LEFT

#define NEXT_UNITS \
	ADDQ $BYTES, H  \
	ADDQ $BYTES, ZX \
	ADDQ $BYTES, ZH

#define NEXT_RESET_UNITS \
	ADDQ $BYTES, RH \
	NEXT_UNITS
