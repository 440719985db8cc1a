package format

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bytes of the documented example that are no model although the checksums are
// right. The offsets are the ones of the package documentation.
func TestHostileBytes(t *testing.T) {
	file := marshal(t, exampleModel(t))
	for _, test := range []struct {
		offset int
		v      any
		want   string
	}{
		{0x0c, uint32(1), "offset 12: unknown flags 0x1, want 0"},
		{0x0c, uint32(1 << 31), "offset 12: unknown flags 0x80000000, want 0"},
		{0x10, uint64(575), "offset 16: file size 575, want a multiple of 64 up to 1099511627776"},
		{0x10, uint64(1<<40 + 64), "offset 16: file size 1099511627840, want a multiple of 64 up to 1099511627776"},
		{0x10, uint64(math.MaxUint64 - 63), "offset 16: file size 18446744073709551552, want"},
		{0x10, uint64(512), "the file is longer than the 512 bytes its header says"},
		{0x10, uint64(640), "the file has 576 bytes, its header says 640"},
		{0x10, uint64(0), "offset 24: directory of 256 bytes in a file of 0"},
		{0x18, uint32(513), "offset 24: directory of 513 bytes in a file of 576"},
		{0x18, uint32(math.MaxUint32), "offset 24: directory of 4294967295 bytes in a file of 576"},
		{0x18, uint32(512), "offset 320: directory: 256 bytes follow its last field"},
		{0x18, uint32(257), "offset 320: directory: 1 bytes follow its last field"},
		{0x18, uint32(255), "offset 288: witness hash: 31 bytes are left in the directory, want 32"},
		{0x18, uint32(0), "offset 64: buffer list: 0 bytes are left in the directory, want 4"},
		{0x18, uint32(1), "offset 64: buffer list: 1 bytes are left in the directory, want 4"},
		{0x18, uint32(0x94), "offset 211: layer 0, Y: 1 bytes are left in the directory, want 4"},
		{0x1c, byte(1), "offset 28: reserved byte is 1, want 0"},
		{0x37, byte(255), "offset 55: reserved byte is 255, want 0"},

		{0x40, uint32(0), "offset 89: state 1, name: text of 1747873390 bytes, 227 are left in the directory"},
		{0x40, uint32(math.MaxUint32), "offset 64: buffer list: 4294967295 entries, want at most 65536"},
		{0x40, uint32(MaxItems + 1), "offset 64: buffer list: 65537 entries, want at most 65536"},
		{0x40, uint32(MaxItems), "offset 64: buffer list: 65536 entries, 252 bytes are left in the directory"},
		{0x44, uint32(math.MaxUint32), "offset 68: buffer 0, width: 4294967295, want at most 1073741824"},
		{0x44, uint32(0), "buffer 0 has 0 floats, want 1 to 1048576"},
		{0x48, uint32(MaxWidth + 1), "buffer 1 has 1048577 floats, want 1 to 1048576"},
		{0x4c, uint32(0), "output is buffer 0, want one of 1 to 1"},
		{0x4c, uint32(2), "output is buffer 2, want one of 1 to 1"},
		{0x4c, uint32(math.MaxUint32), "output is buffer 4294967295, want one of 1 to 1"},

		{0x50, uint32(20), "offset 80: state list: 20 entries, 236 bytes are left in the directory"},
		{0x54, uint32(math.MaxUint32), "offset 84: state 0, name: text of 4294967295 bytes, 232 are left in the directory"},
		{0x54, uint32(233), "offset 84: state 0, name: text of 233 bytes, 232 are left in the directory"},
		{0x58, byte(0xff), `state 0: name "\xffnn.h" is not UTF-8`},
		{0x5d, uint32(math.MaxUint32), "offset 93: state 0, size: 4294967295, want at most 1073741824"},
		{0x5d, uint32(0), "state 0 has 0 floats, want 1 to 1048576"},
		{0x61, uint32(3), `state 0 ("rnn.h"): initial tensor 3 of 3`},
		{0x61, uint32(math.MaxUint32 - 1), `state 0 ("rnn.h"): initial tensor 4294967294 of 3`},
		{0x61, uint32(0), `state 0 ("rnn.h"): initial tensor is 2×1 in panels layout, want a vector of 2`},

		{0x65, uint32(MaxItems), "offset 101: tensor list: 65536 entries, 215 bytes are left in the directory"},
		{0x6d, byte(0xc0), `tensor 0: name "\xc0nn.W" is not UTF-8`},
		{0x72, byte(0), `tensor 0 ("rnn.W"): unknown element type 0, want float32 or int8`},
		{0x72, byte(3), `tensor 0 ("rnn.W"): unknown element type 3, want float32 or int8`},
		{0x73, byte(0), `tensor 0 ("rnn.W"): unknown layout 0`},
		{0x73, byte(5), `tensor 0 ("rnn.W"): unknown layout 5`},
		{0x73, byte(4), `layer 0 (rnn "rnn"): W is 2×1 in table layout, want a matrix of 2×1`},
		{0x74, uint16(1), "offset 116: tensor 0, reserved: a byte is 1, want 0"},
		{0x76, uint32(0), `tensor 0 ("rnn.W"): shape 0×1, want 1 to 1073741824 each`},
		{0x76, uint32(1<<30 + 1), "offset 118: tensor 0, rows: 1073741825, want at most 1073741824"},
		{0x76, uint32(1 << 30), `tensor 0 ("rnn.W"): 4294967296 bytes from offset 320 on, the file has 576`},
		{0x76, uint32(17), `tensor 1 ("rnn.R"): it lies at offset 384, want 448, the next multiple of 64`},
		{0x7a, uint32(0), `tensor 0 ("rnn.W"): shape 2×0, want 1 to 1073741824 each`},
		{0x7a, uint32(math.MaxUint32), "offset 122: tensor 0, columns: 4294967295, want at most 1073741824"},
		{0x7a, uint32(1 << 30), `tensor 0 ("rnn.W"): 68719476736 bytes from offset 320 on, the file has 576`},
		{0x76, [2]uint32{1 << 30, 1 << 30}, `tensor 0 ("rnn.W"): shape 1073741824×1073741824, want 1 to 1073741824 each and no more than a file can hold`},
		{0x73, [9]byte{0: 2, 3: 16, 7: 1}, `tensor 0 ("rnn.W"): narrow layout with 16 rows, want at most 15`},
		{0x73, [9]byte{0: 3, 3: 2, 7: 2}, `tensor 0 ("rnn.W"): vector layout with 2 columns, want 1`},
		{0x7e, uint64(0), `tensor 0 ("rnn.W"): it lies at offset 0, want 320, the next multiple of 64`},
		{0x7e, uint64(64), `tensor 0 ("rnn.W"): it lies at offset 64, want 320`},
		{0x7e, uint64(321), `tensor 0 ("rnn.W"): it lies at offset 321, want 320`},
		{0x7e, uint64(1 << 50), `tensor 0 ("rnn.W"): it lies at offset 1125899906842624, want 320`},
		{0x7e, uint64(1<<63 + 320), `tensor 0 ("rnn.W"): it lies at offset 9223372036854776128, want 320`},
		{0x7e, uint64(1<<32 + 320), `tensor 0 ("rnn.W"): it lies at offset 4294967616, want 320`},
		{0x9b, uint64(320), `tensor 1 ("rnn.R"): it lies at offset 320, want 384`},
		{0x148, float32(1), `tensor 0 ("rnn.W"): element 2 is padding and holds 1, want 0`},
		{0x1fc, float32(math.Copysign(0, -1)), `tensor 1 ("rnn.R"): element 31 is padding and holds -0, want 0`},
		{0x23f, byte(1), `tensor 2 ("rnn.B"): element 15 is padding and holds `},

		{0xc0, uint32(2), "offset 297: reserved: a byte is 70, want 0"},
		{0xc0, uint32(0), "offset 268: directory: 52 bytes follow its last field"},
		{0xc0, uint32(MaxItems), "offset 192: layer list: 65536 entries, 124 bytes are left in the directory"},
		{0xc4, uint16(0), "offset 196: layer 0, type: unknown layer type 0, want 1 to 16"},
		{0xc4, uint16(17), "offset 196: layer 0, type: unknown layer type 17, want 1 to 16"},
		{0xc4, uint16(0x102), "layer 0, type: unknown layer type 258, want 1 to 16"},
		{0xc6, uint16(0x100), "offset 198: layer 0, reserved: a byte is 1, want 0"},
		{0xcc, byte(0x80), `layer 0: name "\x80nn" is not UTF-8`},
		{0xcf, uint32(1), `layer 0 (rnn "rnn"): X reads buffer 1 before it is written`},
		{0xcf, uint32(2), `layer 0 (rnn "rnn"): X is buffer 2 of 2`},
		{0xcf, uint32(math.MaxUint32), `layer 0 (rnn "rnn"): X is buffer 4294967295 of 2`},
		{0xd3, uint32(0), `layer 0 (rnn "rnn"): Y writes the input`},
		{0xd3, uint32(2), `layer 0 (rnn "rnn"): Y is buffer 2 of 2`},
		{0xd7, uint32(1), `layer 0 (rnn "rnn"): H is state 1 of 1`},
		{0xd7, uint32(math.MaxUint32), `layer 0 (rnn "rnn"): H is state 4294967295 of 1`},
		{0xdb, uint32(3), `layer 0 (rnn "rnn"): W is tensor 3 of 3`},
		{0xdb, uint32(math.MaxUint32), `layer 0 (rnn "rnn"): W is tensor 4294967295 of 3`},
		{0xdb, uint32(1), `layer 0 (rnn "rnn"): W is 2×2 in panels layout, want a matrix of 2×1`},
		{0xdb, uint32(2), `layer 0 (rnn "rnn"): W is 2×1 in vector layout, want a matrix of 2×1`},
		{0xe3, uint32(math.MaxUint32 - 1), `layer 0 (rnn "rnn"): B is tensor 4294967294 of 3`},
		{0xe3, uint32(0), `layer 0 (rnn "rnn"): B is 2×1 in panels layout, want a vector of 2`},
		{0xe7, uint32(13), `layer 0 (rnn "rnn"): F is unknown activation 13, want 0 to 12`},
		{0xe7, uint32(math.MaxUint32), `layer 0 (rnn "rnn"): F is unknown activation 4294967295, want 0 to 12`},
		{0xeb, float32(1), `layer 0 (rnn "rnn"): F is relu with alpha 1 and beta 0, want 0 for what it does not have`},
		{0xf3, float32(-1), `layer 0 (rnn "rnn"): Clip is -1, want a positive limit, or 0 for none`},
		{0xf3, float32(math.NaN()), `layer 0 (rnn "rnn"): Clip is NaN, want a finite number`},

		{0xf7, uint32(9), "offset 247: metadata entry list: 9 entries, 69 bytes are left in the directory"},
		{0xff, byte(0xfe), `metadata entry 0: name "\xfeource" is not UTF-8`},
		{0x105, uint32(math.MaxUint32), "offset 261: metadata entry 0, value: text of 4294967295 bytes, 55 are left in the directory"},
		{0x109, byte(0xfe), `metadata entry 0 ("source"): value is not UTF-8`},
		{0x118, uint32(MaxSteps + 1), "witness of 1048577 steps, want at most 1048576"},
		{0x11f, byte(1), "offset 284: reserved: a byte is 1, want 0"},
	} {
		b := bytes.Clone(file)
		put(b, test.offset, test.v)
		seal(b)
		var err error
		used := allocated(func() { _, err = FromBytes(b) })
		assert.ErrorContains(t, err, test.want, "%#x", test.offset)
		assert.Less(t, used, uint64(smallCost), test.want)
	}
}

// Models that must neither be written nor, from a file that was written all the
// same, be read.
func TestHostileModels(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	all := models(t)
	for _, test := range []struct {
		model  string
		change func(m *Model)
		want   string
	}{
		{"example", func(m *Model) { *m = Model{} }, "no buffers, want at least the input"},
		{"example", func(m *Model) { m.Layers = nil; m.States = nil }, "buffer 1 is written by no layer"},
		{"example", func(m *Model) { m.Buffers = append(m.Buffers, 1) }, "buffer 2 is written by no layer"},
		{"example", func(m *Model) { m.Layers = nil }, `state 0 ("rnn.h") belongs to no layer`},
		{"example", func(m *Model) { m.States = append(m.States, State{"spare", 1, None}) }, `state 1 ("spare") belongs to no layer`},
		{"example", func(m *Model) { m.Layers = append(m.Layers, m.Layers[0]) }, `layer 1 (rnn "rnn"): Y writes buffer 1 a second time`},
		{"example", func(m *Model) {
			l := *m.Layers[0].(*RNN)
			l.Y, l.X = 2, 1
			m.Layers, m.Buffers = append(m.Layers, &l), append(m.Buffers, 2)
		}, `layer 1 (rnn "rnn"): H is state 0, which has an owner`},
		{"example", func(m *Model) { m.States[0].Size = 3 }, `layer 0 (rnn "rnn"): Y has 2 floats, H 3`},
		{"example", func(m *Model) { m.Buffers[0] = 2 }, `layer 0 (rnn "rnn"): W is 2×1 in panels layout, want a matrix of 2×2`},
		{"example", func(m *Model) { m.Layers[0].(*RNN).Name = long }, "layer 0: name of 1025 bytes, want at most 1024"},
		{"example", func(m *Model) { m.States[0].Name = long }, "state 0: name of 1025 bytes, want at most 1024"},
		{"example", func(m *Model) { m.Tensors[1].Name = long }, "tensor 1: name of 1025 bytes, want at most 1024"},
		{"example", func(m *Model) { m.Meta[0].Key = long }, "metadata entry 0: name of 1025 bytes, want at most 1024"},
		{"example", func(m *Model) { m.Meta = append(m.Meta, Meta{"x", ""}, Meta{"source", ""}) }, `metadata entry 2: key "source" was there before`},
		{"example", func(m *Model) {
			m.Buffers = append(m.Buffers, slicesOf(17, MaxWidth)...)
		}, "buffer 17: buffers and states together exceed 16777216 floats"},
		{"rnn", func(m *Model) { m.States[0].Init = 1 }, `state 0 ("r.h"): initial tensor is 3×2 in panels layout, want a vector of 3`},
		{"rnn", func(m *Model) { m.Tensors[0].Rows = 4 }, `state 0 ("r.h"): initial tensor is 4×1 in vector layout, want a vector of 3`},
		{"lstm", func(m *Model) { l := m.Layers[0].(*LSTM); l.C = l.H }, `layer 0 (lstm "l"): C is state 0, which has an owner`},
		{"lstm", func(m *Model) { m.States[1] = State{"c", 4, None} }, `layer 0 (lstm "l"): C has 4 floats, H 5`},
		{"lstm", func(m *Model) { l := m.Layers[0].(*LSTM); l.W, l.R = l.R, l.W }, `layer 0 (lstm "l"): W is 20×5 in panels layout, want a matrix of 20×2`},
		{"lstm", func(m *Model) { m.Layers[0].(*LSTM).B = 0 }, `layer 0 (lstm "l"): B is 5×1 in vector layout, want a vector of 20`},
		{"gru", func(m *Model) { m.Layers[0].(*GRU).BR = 0 }, `layer 0 (gru "g"): BR is 7×1 in vector layout, want a vector of 21`},
		{"gru", func(m *Model) { m.Layers[0].(*GRU).R = None }, `layer 0 (gru "g"): R is tensor 4294967295 of 5`},
		{"peephole lstm", func(m *Model) { l := m.Layers[0].(*LSTM); l.P = l.B }, `layer 0 (lstm "l"): P is 20×1 in vector layout, want a vector of 15`},
		{"coupled lstm", func(m *Model) { l := m.Layers[0].(*LSTM); l.P = l.B }, `layer 0 (lstm "l"): P is 15×1 in vector layout, want a vector of 10`},
		{"coupled lstm", func(m *Model) { l := m.Layers[0].(*LSTM); l.C = l.H }, `layer 0 (lstm "l"): C is state 0, which has an owner`},
		{"coupled lstm", func(m *Model) { m.States[1] = State{"c", 4, None} }, `layer 0 (lstm "l"): C has 4 floats, H 5`},
		{"gru before", func(m *Model) { l := m.Layers[0].(*GRU); l.R = l.RN }, `layer 0 (gru "g"): R is 7×7 in panels layout, want a matrix of 14×7`},
		{"gru before", func(m *Model) { l := m.Layers[0].(*GRU); l.RN = l.R }, `layer 0 (gru "g"): RN is 14×7 in panels layout, want a matrix of 7×7`},
		{"gru before", func(m *Model) { m.Layers[0].(*GRU).RN = None }, `layer 0 (gru "g"): R is 14×7 in panels layout, want a matrix of 21×7`},
		{"gru before", func(m *Model) { l := m.Layers[0].(*GRU); l.BR = l.B }, `layer 0 (gru "g"): BR with RN: a second bias is for the reset gate after the product`},
		{"projected", func(m *Model) { l := m.Layers[0].(*LSTM); l.Proj = None }, `layer 0 (lstm "l"): ProjB or ProjClip without Proj`},
		{"projected", func(m *Model) { l := m.Layers[0].(*LSTM); l.Proj = l.R }, `layer 0 (lstm "l"): Proj is 20×3 in panels layout, want a matrix of 3×5`},
		{"projected", func(m *Model) { l := m.Layers[0].(*LSTM); l.ProjB = l.B }, `layer 0 (lstm "l"): ProjB is 20×1 in vector layout, want a vector of 3`},
		{"projected", func(m *Model) { l := m.Layers[0].(*LSTM); l.Norm = l.ProjB }, `layer 0 (lstm "l"): Norm is 3×1 in vector layout, want a vector of 20`},
		{"projected", func(m *Model) { m.Layers[0].(*LSTM).CellClip = -1 }, `layer 0 (lstm "l"): CellClip is -1, want a positive limit, or 0 for none`},
		// With −0 a model would have two files.
		{"projected", func(m *Model) { m.Layers[0].(*LSTM).ProjClip = float32(math.Copysign(0, -1)) }, `layer 0 (lstm "l"): ProjClip is -0, want a positive limit, or 0 for none`},
		{"projected", func(m *Model) { m.Layers[0].(*LSTM).Output.Alpha = float32(math.Copysign(0, -1)) }, `layer 0 (lstm "l"): Output is tanh with alpha -0 and beta 0, want 0 for what it does not have`},
		{"projected", func(m *Model) {
			l := m.Layers[0].(*LSTM)
			l.Proj, l.ProjB = None, None
			l.ProjClip = float32(math.Copysign(0, -1))
		}, `layer 0 (lstm "l"): ProjB or ProjClip without Proj`},
		{"projected", func(m *Model) { m.Layers[0].(*LSTM).Clip = float32(math.Inf(1)) }, `layer 0 (lstm "l"): Clip is +Inf, want a finite number`},
		{"projected", func(m *Model) { m.Layers[0].(*LSTM).Gate.Kind = 99 }, `layer 0 (lstm "l"): Gate is unknown activation 99, want 0 to`},
		{"projected", func(m *Model) { m.Layers[0].(*LSTM).Output.Beta = 1 }, `layer 0 (lstm "l"): Output is tanh with alpha 0 and beta 1, want 0 for what it does not have`},
		{"function", func(m *Model) { m.Layers[0].(*Activate).F = Function{Kind: Clip, Alpha: 1, Beta: -1} }, `layer 0 (activation "f"): F clips to 1 … -1, want them in order`},
		{"function", func(m *Model) { m.Layers[0].(*Activate).F.Alpha = float32(math.NaN()) }, `layer 0 (activation "f"): F alpha is NaN, want a finite number`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Elements[3] = 1 }, `tensor 0 ("l.W"): row 0, column 3 is 1, want −127 to 127, and 0 in padding`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Elements[0] = -128 }, `tensor 0 ("l.W"): row 0, column 0 is -128, want −127 to 127, and 0 in padding`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Elements[256+4*4] = 1 }, `tensor 0 ("l.W"): row 68, column 0 is 1, want −127 to 127, and 0 in padding`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Scales[3] = -1 }, `tensor 0 ("l.W"): scale 3 is -1, want a finite number from 0 on, and 0 in padding`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Scales[68] = 1 }, `tensor 0 ("l.W"): scale 68 is 1, want a finite number from 0 on, and 0 in padding`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Digits = 0 }, `tensor 0 ("l.W"): vectors of 0 digits, want 1 or 2`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Digits = 3 }, `tensor 0 ("l.W"): vectors of 3 digits, want 1 or 2`},
		{"mul", func(m *Model) { m.Buffers[1] = 5 }, `layer 0 (mul "m"): Y has 5 floats, A 4`},
		{"scale", func(m *Model) { m.Buffers[0], m.Buffers[1] = 5, 5 }, `layer 0 (scale "s"): S is 4×1 in vector layout, want a vector of 5`},
		{"slice", func(m *Model) { m.Layers[0].(*Slice).From = 2 }, `layer 0 (slice "s"): From is 2 with 3 floats in Y, want at most 4 together`},
		{"slice", func(m *Model) { m.Layers[0].(*Slice).From = MaxWidth + 1 }, `layer 0 (slice "s"): From is 1048577, want 0 to 1048576`},
		{"normalize", func(m *Model) { m.Layers[0].(*Normalize).Epsilon = 0 }, `layer 0 (normalize "n"): Epsilon is 0, want 1e-30 to 1`},
		{"log softmax", func(m *Model) { m.Buffers[0] = 5 }, `layer 0 (log softmax "s"): Y has 4 floats, X 5`},
		{"reverse", func(m *Model) { m.Buffers[0] = 5 }, `layer 0 (reverse "r"): Y has 4 floats, X 5`},
		{"reverse", func(m *Model) {
			m.Buffers[0], m.Buffers[1], m.Witness.Steps = MaxWidth, MaxWidth, 33
		}, "witness of 33 steps of 2097152 floats, which a model that does not stream holds all at once, want at most 67108864"},
		{"delay line", func(m *Model) { m.Buffers[1] = 11 }, `layer 0 (delay line "d"): Y has 11 floats, want X's 4 times 2 or more`},
		{"delay line", func(m *Model) { m.Buffers[1] = 4 }, `layer 0 (delay line "d"): Y has 4 floats, want X's 4 times 2 or more`},
		{"delay line", func(m *Model) { m.Buffers[1] = 16 }, `layer 0 (delay line "d"): Dilation is 5 with 4 floats in X, 16 in Y and 40 in H, want at least 1, and (Y − X)·Dilation in H`},
		{"delay line", func(m *Model) { m.Layers[0].(*DelayLine).Dilation = 0 }, `layer 0 (delay line "d"): Dilation is 0 with 4 floats in X, 12 in Y and 40 in H`},
		{"delay line", func(m *Model) { m.Layers[0].(*DelayLine).Dilation = MaxWidth + 1 }, `layer 0 (delay line "d"): Dilation is 1048577, want 0 to 1048576`},
		{"delay line", func(m *Model) { m.States[0].Size = 39 }, `layer 0 (delay line "d"): Dilation is 5 with 4 floats in X, 12 in Y and 39 in H`},
		// 2³⁹ floats in H: on a machine with an int of 32 bits that would be 0,.
		{"delay line", func(m *Model) {
			m.Buffers[0], m.Buffers[1], m.States[0].Size = 1<<19, 1<<20, 8
			m.Layers[0].(*DelayLine).Dilation = MaxWidth
		}, `layer 0 (delay line "d"): Dilation is 1048576 with 524288 floats in X, 1048576 in Y and 8 in H`},
		{"dense", func(m *Model) { m.Layers[0].(*Dense).F = Softplus }, `layer 0 (dense "d"): F is softplus, want linear, sigmoid, tanh or relu`},
		{"dense", func(m *Model) { m.Buffers[1] = 3 }, `layer 0 (dense "d"): W is 2×3 in panels layout, want a matrix of 3×3`},
		{"activation", func(m *Model) { m.Buffers[1] = 5 }, `layer 0 (activation "a"): Y has 5 floats, X 4`},
		{"softmax", func(m *Model) { m.Buffers[0] = 5 }, `layer 0 (softmax "s"): Y has 4 floats, X 5`},
		{"add", func(m *Model) { m.Buffers[1] = 5 }, `layer 0 (add "+"): Y has 5 floats, A 4`},
		{"concat", func(m *Model) { m.Layers[1].(*Concat).Xs = nil }, `layer 1 (concat "c"): Xs has 0 buffers, want 1 to 65536`},
		{"concat", func(m *Model) { m.Layers[1].(*Concat).Xs = []Buffer{0, 0} }, `layer 1 (concat "c"): Y has 12 floats, Xs together 8`},
		{"concat", func(m *Model) { m.Layers[1].(*Concat).Xs[1] = 2 }, `layer 1 (concat "c"): Xs reads buffer 2 before it is written`},
		{"concat", func(m *Model) { m.Layers[1].(*Concat).Xs[1] = 9 }, `layer 1 (concat "c"): Xs is buffer 9 of 3`},
		{"concat", func(m *Model) { m.Layers[0], m.Layers[1] = m.Layers[1], m.Layers[0] }, `layer 0 (concat "c"): Xs reads buffer 1 before it is written`},
		// 2³² + 12 floats: on a machine with an int of 32 bits the sum would be 12.
		{"concat", func(m *Model) {
			m.Buffers[0], m.Buffers[1] = 1<<20, 1<<20
			m.Layers[1].(*Concat).Xs = slicesOf(1<<12, Input)
			m.Buffers[2] = 12
		}, `layer 1 (concat "c"): Xs together exceed 1048576 floats`},
		{"embedding", func(m *Model) { m.Buffers[0] = 2 }, `layer 0 (embedding "e"): X is buffer 0 with 2 floats, want the model's input, one token`},
		{"embedding", func(m *Model) { m.Buffers[1] = 4 }, `layer 0 (embedding "e"): Table is 5×3 in table layout, want a table with rows of 4`},
		{"embedding", func(m *Model) { m.Tensors[0].Layout = Panels; m.Tensors[0].F32 = make([]float32, 48) }, `layer 0 (embedding "e"): Table is 5×3 in panels layout, want a table with rows of 3`},
		{"embedding", func(m *Model) {
			m.Buffers = append(m.Buffers, 3)
			m.Layers = append(m.Layers, &Embedding{"again", 1, 2, 0})
		}, `layer 1 (embedding "again"): X is buffer 1 with 3 floats, want the model's input, one token`},
		{"embedding", func(m *Model) {
			m.Buffers = append(m.Buffers, 1)
			m.Layers = append(m.Layers, &Activate{"squash", Input, 2, Function{Kind: Tanh}})
		}, `layer 1 (activation "squash") reads the input, which is a token`},
		{"embedding", func(m *Model) {
			m.Buffers = append(m.Buffers, 1)
			m.Layers = append([]Layer{&Concat{"c", []Buffer{Input}, 2}}, m.Layers...)
		}, `layer 0 (concat "c") reads the input, which is a token`},
		{"everything", func(m *Model) {
			m.Tensors[1].Rows, m.Tensors[1].F32 = 4, series(8)
		}, `layer 1 (embedding "two") looks up one of 4 tokens, an earlier one of 3`},
	} {
		file := marshal(t, all[test.model])
		f, err := FromBytes(file)
		require.NoError(t, err)
		m := f.Model // fresh, to be spoilt
		test.change(m)
		_, err = Marshal(m)
		assert.ErrorContains(t, err, "format: "+test.want, test.model)

		b, err := m.encode()
		require.NoError(t, err)
		_, err = FromBytes(b)
		assert.ErrorContains(t, err, test.want)
	}
}

// Models that could not even be put into a file.
func TestMarshalRefuses(t *testing.T) {
	all := models(t)
	for _, test := range []struct {
		model  string
		change func(m *Model)
		want   string
	}{
		{"example", func(m *Model) { m.Meta = make([]Meta, MaxItems+1) }, "65537 metadata entries, want at most 65536"},
		{"example", func(m *Model) { m.Buffers = make([]int, MaxItems+1) }, "65537 buffers, want at most 65536"},
		{"example", func(m *Model) { m.Buffers[0] = -1 }, "buffer 0 has -1 floats, want 1 to 1048576"},
		{"example", func(m *Model) { m.Tensors[0].F32 = m.Tensors[0].F32[:15] }, `tensor 0 ("rnn.W"): 15 floats, want 16 for 2×1 in panels layout`},
		{"example", func(m *Model) { m.Tensors[0].Rows = -2 }, `tensor 0 ("rnn.W"): shape -2×1, want 1 to 1073741824 each`},
		{"example", func(m *Model) { m.Tensors[0].Type = 7 }, `tensor 0 ("rnn.W"): unknown element type 7, want float32 or int8`},
		{"example", func(m *Model) { m.Tensors[0].F32[5] = 1 }, `tensor 0 ("rnn.W"): element 5 is padding and holds 1, want 0`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Elements = m.Tensors[0].I8.Elements[1:] }, `tensor 0 ("l.W"): 319 int8 and 80 scales, want 320 and 80 for 68×2 in panels layout`},
		{"int8", func(m *Model) { m.Tensors[0].I8.Digits = -1 }, `tensor 0 ("l.W"): vectors of -1 digits, want 1 or 2`},
		{"int8", func(m *Model) { m.Tensors[0].I8 = nil }, `tensor 0 ("l.W"): int8 with the elements of another type`},
		{"int8", func(m *Model) { m.Tensors[0].Layout = Narrow }, `tensor 0 ("l.W"): narrow layout with 68 rows, want at most 15`},
		{"narrow dense", func(m *Model) { m.Tensors[0].F32[63] = 1 }, `tensor 0 ("d.W"): element 63 is padding and holds 1, want 0`},
		{"wide dense", func(m *Model) { m.Tensors[0].F32[2*64+6] = 1 }, `tensor 0 ("d.W"): element 134 is padding and holds 1, want 0`},
		{"concat", func(m *Model) { m.Layers[1].(*Concat).Xs = make([]Buffer, MaxItems+1) }, `layer 1 (concat "c"): Xs has 65537 buffers, want 1 to 65536`},
	} {
		f, err := FromBytes(marshal(t, all[test.model]))
		require.NoError(t, err)
		m := f.Model
		test.change(m)
		_, err = Marshal(m)
		assert.ErrorContains(t, err, "format: "+test.want, test.model)
	}
}

// A table too long for a float32 to count, without the table.
func TestTooManyTokens(t *testing.T) {
	m := models(t)["embedding"]
	m.Tensors[0].Rows = MaxTokens
	require.NoError(t, m.check())
	m.Tensors[0].Rows = MaxTokens + 1
	assert.EqualError(t, m.check(), "embedding of 16777217 tokens, want at most 16777216")
}

func slicesOf[T any](n int, v T) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// Whatever bit is wrong behind checksums that are right, the reader does not
// panic, stays cheap, and what it accepts is a model that is written to the same
// bytes.
func TestFlippedBitsBehindChecksums(t *testing.T) {
	for name, m := range models(t) {
		file := marshal(t, m)
		h, err := parseHeader(file)
		require.NoError(t, err)
		b := aligned(len(file))
		for i := range 8 * min(len(file), int(h.directory)+2*alignment) { // numbers are numbers
			copy(b, file)
			b[i/8] ^= 1 << (i % 8)
			seal(b)
			f, err := FromBytes(b)
			if err != nil {
				continue
			}
			again, err := Marshal(f.Model)
			require.NoError(t, err, "%s: bit %d", name, i)
			require.True(t, bytes.Equal(b, again), "%s: bit %d", name, i)
		}
	}
}

// The lists of a file cost its reader no more than this many times its size, and
// time in proportion to it.
func TestLargeLists(t *testing.T) {
	const most = 10
	base := func() *Model {
		m := exampleModel(t)
		m.Meta = nil
		return m
	}
	for name, fill := range map[string]func(m *Model){
		"buffers": func(m *Model) {
			for range MaxItems - 2 {
				m.Layers = append(m.Layers, &Softmax{X: Input, Y: Buffer(len(m.Buffers))})
				m.Buffers = append(m.Buffers, 1)
			}
		},
		"states": func(m *Model) {
			for range MaxItems/2 - 1 {
				n := StateID(len(m.States))
				m.States = append(m.States, State{"", 1, None}, State{"", 1, None})
				m.Layers = append(m.Layers, &LSTM{
					X: Input, Y: Buffer(len(m.Buffers)), H: n, C: n + 1, W: 3, R: 3, B: None, P: None, Norm: None, Proj: None, ProjB: None,
				})
				m.Buffers = append(m.Buffers, 1)
			}
			m.Tensors = append(m.Tensors, Tensor{Type: Float32, Layout: Panels, Rows: 4, Cols: 1, F32: make([]float32, 16)})
		},
		"tensors": func(m *Model) {
			for range MaxItems - 3 {
				m.Tensors = append(m.Tensors, Tensor{Type: Float32, Layout: Vector, Rows: 1, Cols: 1, F32: make([]float32, 16)})
			}
		},
		"metadata": func(m *Model) {
			for i := range MaxItems {
				m.Meta = append(m.Meta, Meta{fmt.Sprint(i), ""})
			}
		},
		"concat": func(m *Model) {
			for range 15 {
				m.Layers = append(m.Layers, &Concat{"", slicesOf(MaxItems, Input), Buffer(len(m.Buffers))})
				m.Buffers = append(m.Buffers, MaxItems)
			}
		},
	} {
		m := base()
		fill(m)
		file := append(aligned(64)[:0], marshal(t, m)...)
		var err error
		used := allocated(func() { _, err = FromBytes(file) })
		assert.NoError(t, err, name)
		assert.Less(t, used, uint64(most*len(file)), "%s: a file of %d bytes", name, len(file))
		t.Logf("%s: file of %d bytes, %.1f times as much allocated", name, len(file), float64(used)/float64(len(file)))
	}
}
