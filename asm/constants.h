// Offsets into ·constants (activation.go): each value fills 64 bytes.

#define LOG2E          0x000
#define ROUND_MAGIC    0x040
#define NEG_LN2_HIGH   0x080
#define NEG_LN2_LOW    0x0c0
#define C6             0x100
#define C5             0x140
#define C4             0x180
#define C3             0x1c0
#define C2             0x200
#define ONE            0x240
#define TWO            0x280
#define TANH_MAX       0x2c0
#define TANH_MIN       0x300
#define SIGMOID_MAX    0x340
#define SIGMOID_MIN    0x380
#define STATE_FLOOR    0x3c0
#define ABS_MASK       0x400
#define ZERO           0x440
