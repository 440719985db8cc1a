// NEON instructions on registers given by number, so that a macro can name its
// operands: FADD4S(0, 1, 2) is fadd v2.4s, v1.4s, v0.4s.
//
// Go's assembler has no vector FADD, FSUB, FMUL, FDIV, FMINNM, FMAXNM, FACGT,
// FCMGT, FABS and UMAX, nor FMLA by element. It has VFMLA, VADD, VAND and so on,
// but takes V5.S4 only where it stands literally, not made from a macro's
// argument. F(5) may be, so loads and stores are the assembler's own FMOVQ and
// FMOVS.
//
// Operands stand in Go's order, the destination last: FSUB4S(m, n, d) is
// d = n − m, FDIV4S(m, n, d) is d = n / m, FMLA4S(m, n, d) is d = d + n·m. Above
// each macro stands what it encodes; encoding_test.go has a real assembler
// confirm it for ARMv8.0. One instruction per line: the test reads these lines.

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
