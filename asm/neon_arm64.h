// NEON instructions on registers given by number, so that a macro can name its
// operands: FADD4S(0, 1, 2) is fadd v2.4s, v1.4s, v0.4s.
//
// Go's assembler has no vector FADD, FSUB, FMUL, FDIV, FMINNM, FMAXNM, FACGT,
// FCMGT, FABS and UMAX, nor FMLA by element, and next to nothing that widens,
// narrows or converts integers. It has VFMLA, VADD, VAND and so on,
// but takes V5.S4 only where it stands literally, not made from a macro's
// argument. F(5) may be, so loads and stores are the assembler's own FMOVQ and
// FMOVS.
//
// Operands stand in Go's order, the destination last: FSUB4S(m, n, d) is
// d = n − m, FDIV4S(m, n, d) is d = n / m, FMLA4S(m, n, d) is d = d + n·m and
// FMLS4S(m, n, d) d = d − n·m. Above each macro stands what it encodes;
// encoding_test.go has a real assembler confirm it for ARMv8.0. One instruction per
// line: the test reads these lines.

// fadd v<d>.4s, v<n>.4s, v<m>.4s
#define FADD4S(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d))

// fsub v<d>.4s, v<n>.4s, v<m>.4s
#define FSUB4S(m, n, d) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d))

// fmul v<d>.4s, v<n>.4s, v<m>.4s
#define FMUL4S(m, n, d) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d))

// fdiv v<d>.4s, v<n>.4s, v<m>.4s
#define FDIV4S(m, n, d) WORD $(0x6e20fc00 | (m)<<16 | (n)<<5 | (d))

// fmla v<d>.4s, v<n>.4s, v<m>.4s
#define FMLA4S(m, n, d) WORD $(0x4e20cc00 | (m)<<16 | (n)<<5 | (d))

// fmla v<d>.4s, v<n>.4s, v<m>.s[<lane>]
#define FMLA4S_BY(m, lane, n, d) WORD $(0x4f801000 | ((lane)&1)<<21 | ((lane)>>1)<<11 | (m)<<16 | (n)<<5 | (d))

// fmls v<d>.4s, v<n>.4s, v<m>.4s
#define FMLS4S(m, n, d) WORD $(0x4ea0cc00 | (m)<<16 | (n)<<5 | (d))

// fminnm v<d>.4s, v<n>.4s, v<m>.4s
#define FMINNM4S(m, n, d) WORD $(0x4ea0c400 | (m)<<16 | (n)<<5 | (d))

// fmaxnm v<d>.4s, v<n>.4s, v<m>.4s
#define FMAXNM4S(m, n, d) WORD $(0x4e20c400 | (m)<<16 | (n)<<5 | (d))

// facgt v<d>.4s, v<n>.4s, v<m>.4s
#define FACGT4S(m, n, d) WORD $(0x6ea0ec00 | (m)<<16 | (n)<<5 | (d))

// fcmgt v<d>.4s, v<n>.4s, #0.0
#define FCMGT4S_ZERO(n, d) WORD $(0x4ea0c800 | (n)<<5 | (d))

// fabs v<d>.4s, v<n>.4s
#define FABS4S(n, d) WORD $(0x4ea0f800 | (n)<<5 | (d))

// faddp s<d>, v<n>.2s
#define FADDP2S(n, d) WORD $(0x7e30d800 | (n)<<5 | (d))

// add v<d>.4s, v<n>.4s, v<m>.4s
#define ADD4S(m, n, d) WORD $(0x4ea08400 | (m)<<16 | (n)<<5 | (d))

// shl v<d>.4s, v<n>.4s, #<shift>
#define SHL4S(shift, n, d) WORD $(0x4f005400 | (32+(shift))<<16 | (n)<<5 | (d))

// umax v<d>.4s, v<n>.4s, v<m>.4s
#define UMAX4S(m, n, d) WORD $(0x6ea06400 | (m)<<16 | (n)<<5 | (d))

// umaxv s<d>, v<n>.4s
#define UMAXV4S(n, d) WORD $(0x6eb0a800 | (n)<<5 | (d))

// and v<d>.16b, v<n>.16b, v<m>.16b
#define AND16B(m, n, d) WORD $(0x4e201c00 | (m)<<16 | (n)<<5 | (d))

// bic v<d>.16b, v<n>.16b, v<m>.16b
#define BIC16B(m, n, d) WORD $(0x4e601c00 | (m)<<16 | (n)<<5 | (d))

// mov v<d>.16b, v<n>.16b
#define MOV16B(n, d) WORD $(0x4ea01c00 | (n)<<16 | (n)<<5 | (d))

// movi v<d>.4s, #0
#define CLEAR4S(d) WORD $(0x4f000400 | (d))

// ext v<d>.16b, v<n>.16b, v<m>.16b, #<bytes>
#define EXT16B(bytes, m, n, d) WORD $(0x6e000000 | (m)<<16 | (bytes)<<11 | (n)<<5 | (d))

// smull v<d>.8h, v<n>.8b, v<m>.8b
#define SMULL8H(m, n, d) WORD $(0x0e20c000 | (m)<<16 | (n)<<5 | (d))

// smull2 v<d>.8h, v<n>.16b, v<m>.16b
#define SMULL2_8H(m, n, d) WORD $(0x4e20c000 | (m)<<16 | (n)<<5 | (d))

// smlal v<d>.8h, v<n>.8b, v<m>.8b
#define SMLAL8H(m, n, d) WORD $(0x0e208000 | (m)<<16 | (n)<<5 | (d))

// smlal2 v<d>.8h, v<n>.16b, v<m>.16b
#define SMLAL2_8H(m, n, d) WORD $(0x4e208000 | (m)<<16 | (n)<<5 | (d))

// sadalp v<d>.4s, v<n>.8h
#define SADALP4S(n, d) WORD $(0x4e606800 | (n)<<5 | (d))

// addp v<d>.4s, v<n>.4s, v<m>.4s
#define ADDP4S(m, n, d) WORD $(0x4ea0bc00 | (m)<<16 | (n)<<5 | (d))

// scvtf v<d>.4s, v<n>.4s
#define SCVTF4S(n, d) WORD $(0x4e21d800 | (n)<<5 | (d))

// fcvtns v<d>.4s, v<n>.4s
#define FCVTNS4S(n, d) WORD $(0x4e21a800 | (n)<<5 | (d))

// sqxtn v<d>.4h, v<n>.4s
#define SQXTN4H(n, d) WORD $(0x0e614800 | (n)<<5 | (d))

// sqxtn2 v<d>.8h, v<n>.4s
#define SQXTN2_8H(n, d) WORD $(0x4e614800 | (n)<<5 | (d))

// sqxtn v<d>.8b, v<n>.8h
#define SQXTN8B(n, d) WORD $(0x0e214800 | (n)<<5 | (d))

// sqxtn2 v<d>.16b, v<n>.8h
#define SQXTN2_16B(n, d) WORD $(0x4e214800 | (n)<<5 | (d))

// smax v<d>.16b, v<n>.16b, v<m>.16b
#define SMAX16B(m, n, d) WORD $(0x4e206400 | (m)<<16 | (n)<<5 | (d))
