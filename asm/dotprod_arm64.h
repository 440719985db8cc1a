// Instructions of ARMv8.2's dot products on registers given by number; see
// neon_arm64.h, which a CPU without them runs.

// sdot v<d>.4s, v<n>.16b, v<m>.4b[<lane>]
#define SDOT4S_BY(m, lane, n, d) WORD $(0x4f80e000 | ((lane)&1)<<21 | ((lane)>>1)<<11 | (m)<<16 | (n)<<5 | (d))
