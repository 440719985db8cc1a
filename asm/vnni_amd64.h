// What AVX-VNNI has and Go's assembler lacks: it knows VPDPBUSD in the encoding of AVX-512 only.
// Operands are numbers of registers. encoding_test.go compares each macro with a real
// assembler.

// {vex} vpdpbusd ymm<d>, ymm<u>, ymm<s>
#define VPDPBUSD256(s, u, d) BYTE $0xc4; BYTE $(0x42 | (1-(d)>>3)<<7 | (1-(s)>>3)<<5); BYTE $(0x05 | (15-(u))<<3); BYTE $0x50; BYTE $(0xc0 | ((d)&7)<<3 | (s)&7)
