// Package format defines the .rnn file and reads, checks, builds and writes it.
//
// A .rnn file holds one recurrent network, ready to run: a short program of
// layers, the weights in the order in which kernels read them, and a proof of
// what the network computes. It is made to be mapped into memory, or embedded in
// a program, and used where it lies. Open, FromBytes and Load read a file, a
// Builder makes a Model, Marshal and WriteFile write it. This package knows what
// a model is; package infer runs it.
//
// What follows is the specification of version 1 of the file. It is complete:
// a reader or writer in another language needs nothing else, except package asm
// where it wants to compute the same bits.
//
// # The file
//
// A file is a header of 64 bytes, the directory, and the tensors:
//
//	0                     header
//	64                    directory, of the size that the header says
//	the next multiple     first tensor
//	  of 64, each         second tensor …
//	the next multiple     end of the file
//	  of 64
//
// All numbers are little-endian. u8, u16, u32 and u64 are unsigned integers of
// that many bits; a float is an IEEE-754 binary32. A text is a u32, its length in
// bytes, and then that much UTF-8, without a terminator. In the directory one
// field follows the other with nothing between them: a field may lie at any
// offset.
//
// Reserved fields, the bytes between two parts, and the padding inside tensors
// are zero. So there is exactly one file for a model.
//
// # Header
//
//	offset  type    field           rule
//	0       u8[8]   magic           89 72 6e 6e 0d 0a 1a 0a: "\x89rnn\r\n\x1a\n"
//	8       u32     version         1
//	12      u32     flags           0
//	16      u64     file size       in bytes: a multiple of 64, at most 2⁴⁰
//	24      u32     directory size  in bytes, without the header
//	28      u8[28]  reserved        0
//	56      u32     body checksum   of all bytes from 64 to the end of the file
//	60      u32     header checksum of bytes 0 to 59
//
// A checksum is a CRC-32C: Castagnoli's polynomial 0x1edc6f41, bits reflected,
// register and result inverted, as in iSCSI (RFC 3720) and in the CRC32
// instructions of x86 and ARM. That of the nine characters 123456789 is e3069283.
//
// # Directory
//
// Five lists and two single fields, in this order. A list is a u32, the number of
// its entries, and then the entries, whose fields are indented here:
//
//	buffers   list
//	  width     u32     floats in the buffer
//	output    u32     the buffer that a step hands out, not buffer 0
//	states    list
//	  name      text
//	  size      u32     floats in the state
//	  initial   u32     the tensor it starts from, in vector layout, rows = size;
//	                    ffffffff: it starts from zeros
//	tensors   list
//	  name      text
//	  type      u8      1: float; 2: int8, only in panels layout
//	  layout    u8      1 panels, 2 narrow, 3 vector, 4 table
//	  reserved  u16     0
//	  rows      u32     not 0
//	  columns   u32     not 0; 1 for a vector
//	  offset    u64     where it starts, from the beginning of the file
//	  digits    u32     only if the type is 2: 1 or 2, see below
//	layers    list
//	  type      u16     see below
//	  reserved  u16     0
//	  name      text
//	  …                 the fields of the type, see below
//	metadata  list
//	  key       text    no key twice
//	  value     text
//	witness
//	  seed      u64
//	  steps     u32     0: there is no witness
//	  reserved  u32     0
//	  hash      u8[32]
//
// The directory ends with the witness. Buffers, states and tensors are referred
// to by their index in the list, from 0. Names are for people; they need not be
// there, nor be unique.
//
// # Program
//
// A step puts the input into buffer 0, runs the layers in the order of the list,
// and hands out the output buffer. A buffer is a vector of floats that lives for
// one step; a state is one that lives from step to step.
//
// Every buffer but 0 is written by exactly one layer and read only by layers after
// it. Every state belongs to exactly one layer. A tensor may serve any number of
// layers and states.
//
// The input is a vector of features, unless the program has an embedding. Then it
// is a token: buffer 0 has one float, a whole number below the number of rows in
// the embedding's table; only embeddings read it, and all their tables have the
// same number of rows.
//
// # Layers
//
// The fields of a layer, in this order after the name; each is one u32, except F, G,
// K and O, which are functions, and clip, cclip, pclip and ε, which are floats:
//
//	type            fields                           shapes
//	1  dense        X  Y  W  B? A                    W [Y,X]  B [Y]
//	2  rnn          X  Y  H  W  R  B? F clip         W [H,X]  R [H,H]  B [H]
//	3  lstm         X  Y  H  C  W  R  B? P? N? V? D? W [4C,X] R [4C,H] B [4C] P [3C]
//	                G  K  O  clip cclip pclip U      N [4C]   V [H,C]  D [H]
//	4  gru          X  Y  H  W  R  B? S? Q? G K clip W [3H,X] R [3H,H] B [3H] S [3H] Q [H,H]
//	5  embedding    X  Y  Table                      Table [tokens,Y]
//	6  activation   X  Y  F
//	7  softmax      X  Y
//	8  add          A  B  Y
//	9  concat       n  X₁ … Xₙ  Y                    n ≥ 1
//	10 mul          A  B  Y
//	11 scale        X  Y  S? B?                      S [X]  B [X]
//	12 slice        X  Y  from
//	13 normalize    X  Y  ε
//	14 log softmax  X  Y
//	15 reverse      X  Y
//	16 delay line   X  Y  H  d                       H (Y − X)·d
//
// X and Y are buffers, and so are A and B of add and mul; H and C are states, from and d
// numbers; the others are tensors: matrices in panels or narrow layout, those with one
// dimension vectors, Table a table. A tensor marked ? may be absent, ffffffff. Then it counts as
// zeros, S of scale as ones; what a cell without N, V or Q computes is said below.
// [m,n] is a tensor of m rows and n columns, and a letter there is the width of that
// buffer or state. The cells 2 to 4 have H of the width of Y; lstm has C of that
// width too, unless it has V; without V there are no D and no pclip. U is 1 for
// coupled gates, else 0; with 1 there are three gates, and 4C above is 3C and 3C is 2C.
// A gru with Q has R [2H,H] and no S. In 6 to 8, 10, 11 and 13 to 15 all widths are
// equal; Y of concat is as wide as its parts together; slice has from + width of Y ≤
// width of X; a delay line has d ≥ 1, and Y n times as wide as X, n ≥ 2. ε is 1e-30 to 1. A clip is +0, for none, or a positive limit. All these
// floats are finite.
//
// A function is a u32, its kind, and two floats, α and β, which are +0 where the kind
// does not have them; clip has α ≤ β:
//
//	0  linear           x                       7  softsign          x / (1 + |x|)
//	1  sigmoid σ        1 / (1 + exp(−x))       8  softplus          log(1 + exp(x))
//	2  tanh             tanh(x)                 9  thresholded relu  x if x > α, else 0
//	3  relu             max(x, 0)               10 scaled tanh       α·tanh(β·x)
//	4  leaky relu       x if x ≥ 0, else α·x    11 affine            α·x + β
//	5  hard sigmoid     min(max(α·x + β, 0), 1) 12 clip              min(max(x, α), β)
//	6  elu              x if x ≥ 0,
//	                    else α·(exp(x) − 1)
//
// A of dense is a kind alone, 0 to 3.
//
// What the layers compute, with · between a matrix and a vector as their product,
// elsewhere element by element, h and c the states H, C before the step, and [z] for z
// limited to ±clip where there is one:
//
//	dense       Y = A(W·X + B)
//	rnn         Y = H = F([(B + W·X) + R·h])
//	lstm        i,f,g,o = the four quarters of (B + W·X) + R·h, each with C rows,
//	            p,q,s = the three thirds of P
//	            C = G[f + q·c]·c + G[i + p·c]·K[g], limited to ±cclip
//	            Y = H = G[o + s·C]·O(C)
//	coupled     i,g,o = the three thirds of (B + W·X) + R·h, p,s the halves of P
//	            u = G[i + p·c]
//	            C = (1−u)·c + u·K[g], limited to ±cclip
//	            Y = H = G[o + s·C]·O(C)
//	with N      the argument z of each gate, without B, becomes
//	            N·(z − mean z) / √(mean (z − mean z)² + 1e-8) + B before it is limited
//	with V      Y = H = D + V·(G[o + s·C]·O(C)), limited to ±pclip
//	gru         r,z,n = the three thirds of B + W·X, r',z',n' those of S + R·h
//	            u = G[z + z']
//	            Y = H = u·h + (1−u)·K[n + G[r + r']·n']
//	with Q      r,z,n = the three thirds of B + W·X, r',z' the halves of R·h
//	            u = G[z + z']
//	            Y = H = u·h + (1−u)·K[n + Q·(G[r + r']·h)]
//	embedding   Y = row X of Table
//	activation  Y = F(X)
//	softmax     Y[i] = exp(X[i]) / Σ exp(X[j])
//	add         Y = A + B
//	concat      Y = X₁, X₂ … one after the other
//	mul         Y = A·B
//	scale       Y = S·X + B
//	slice       Y[i] = X[from + i]
//	normalize   Y = (X − mean X) / √(mean (X − mean X)² + ε)
//	log softmax Y[i] = X[i] − log Σ exp(X[j])
//	reverse     Y at step t of a sequence of T is X at step T−1−t
//	delay line  Y = h[0], h[d], … h[(n−2)·d], X one after the other, h[i] being the i-th of
//	            (n−1)·d vectors as wide as X; H = h[1], … h[(n−1)·d − 1], X
//
// So the gates are stored in PyTorch's order, i f g o and r z n, and peepholes in
// the order of the gates that they belong to. The update gate of a gru keeps the old
// state where it is 1; the reset gate acts after the recurrent product, with Q
// before it. Before they are stored, C of the lstm and H of rnn and gru become zero where
// their magnitude is below 2⁻⁶⁰, which keeps a long silence free of subnormal numbers.
//
// A program with a reverse does not stream: it runs on whole sequences, each layer for all
// steps before the next. Two reverse layers around a cell make it run backward in
// time; that and a forward cell, joined, are a bidirectional layer.
//
// Package asm defines every operation to the bit: the order of sums, which
// multiplications and additions are fused, sigmoid, tanh and exp. There sigmoid
// limits its argument to ±32, so that it is never below 1.3e-14.
//
// # Tensors
//
// The first tensor starts at the first multiple of 64 that is not inside the
// directory, every other at the first multiple of 64 after its predecessor's end,
// and the file ends at the first multiple of 64 after the last: the offsets are
// written down to be checked. Elements are finite, which is for those to verify who
// compute with them. With pad(n) for n rounded up to a multiple of 16, the element
// in row r and column k is at this index:
//
//	layout     floats              index
//	1 panels   pad(rows)·columns   p·64·columns + k·min(64, pad(rows) − 64·p) + r mod 64,
//	                               with p = r div 64
//	2 narrow   rows·pad(columns)   r·pad(columns) + k
//	3 vector   pad(rows)           r
//	4 table    rows·columns        r·columns + k
//
// An int8 tensor is pad(rows) floats, the scale of each row, and then a byte for
// each element, from −127 to 127 in two's complement; with pad4(n) for n rounded up to a
// multiple of 4, there are pad(rows)·pad4(columns), at these indices:
//
//	p·64·pad4(columns) + (k div 4)·4·min(64, pad(rows) − 64·p) + 4·(r mod 64) + k mod 4
//
// The element stands for itself times the scale of its row. Scales are finite, not
// negative, and 0 in padding. Where a layer multiplies a vector by such a matrix, the
// vector is rounded to int8 first: to whole numbers of t = m/127, at most 127 of them, m
// being the largest magnitude in the vector. Where digits is 2, what this leaves of an
// element, at most t/2, is rounded as well, to whole numbers of t/254, and the matrix
// multiplies both. Packages asm and quant define this to the bit.
//
// Panels are for SIMD with one row to a lane: 64 rows lie together, column after
// column; the last panel has 16, 32, 48 or 64 rows. Narrow is for matrices of 15
// rows or fewer, where lanes would be idle. A writer is free to choose between the
// two; since they sum in a different order, the choice shows in the last bits of
// the results.
//
// # Witness
//
// The witness says what the network computes, so that a machine can prove to
// itself that it computes the same: hash is the SHA-256 of the outputs of this
// many steps from the initial states, which are one sequence where the program has a
// reverse, each output as its floats' bytes in order.
// The input is made from seed by SplitMix64, one draw for each float:
//
//	s = seed at first; all arithmetic modulo 2⁶⁴
//	s = s + 9e3779b97f4a7c15
//	u = s
//	u = (u xor (u >> 30)) · bf58476d1ce4e5b9
//	u = (u xor (u >> 27)) · 94d049bb133111eb
//	u = u xor (u >> 31)
//	features: x = (u >> 40) / 2²³ − 1, exact, uniform in [−1, 1)
//	token:    x = u mod tokens
//
// # Metadata
//
// Keys are free, and a reader ignores those that it does not know. rnnedge's own
// tools use these:
//
//	vocabulary     a character model's tokens: one character each, in token order
//	source         the name of the file that was converted
//	source format  and what it was
//
// # Limits
//
// A file beyond one of these is refused:
//
//	file                                        2⁴⁰ bytes
//	entries of a list, buffers of a concat      65536
//	a name, a key                               1024 bytes
//	a buffer, a state                           2²⁰ floats, and not 0
//	all buffers and states together             2²⁴ floats
//	rows, columns                               2³⁰ each
//	tokens                                      2²⁴
//	columns of a matrix in narrow layout        2¹⁵
//	work of a step                              2³²
//	steps of a witness                          2²⁰, and 2³⁶ with the work of each; 2²⁶
//	                                            with the floats of all buffers, if the
//	                                            program has a reverse
//
// The work of a step is the elements of every matrix that a layer reads, as often
// as one does, and the floats that each layer writes, states included.
//
// # Versions
//
// A reader refuses what it does not know, and says its name: another version, a
// flag, a type, a layout, an activation, a reserved field that is not zero, a rule
// of this page that is broken. Nothing can be skipped, so a file that opens means
// what its writer meant. Whatever changes the meaning of a file or adds to it
// gets a new version number; a reader of version 2 will go on reading version 1.
// Magic and version keep their place for ever. Metadata is the place for what a
// reader may ignore.
//
// # Example
//
// A recurrent layer of two units on one input, with relu:
//
//	h₀ = relu((½ +  x ) + (½h₀ − ¼h₁))
//	h₁ = relu((−¼ + ½x) + ( h₀ + ½h₁))
//
// with the values of the step before on the right. 00 ×28 stands for 28 zero bytes.
//
//	0000  89 72 6e 6e 0d 0a 1a 0a  magic
//	0008  01 00 00 00              version 1
//	000c  00 00 00 00              flags
//	0010  40 02 00 00 00 00 00 00  file size 576
//	0018  00 01 00 00              directory size 256
//	001c  00 ×28                   reserved
//	0038  75 2b 7e 51              body checksum
//	003c  48 24 91 a0              header checksum
//
//	0040  02 00 00 00              2 buffers
//	0044  01 00 00 00              buffer 0, the input: 1 float
//	0048  02 00 00 00              buffer 1: 2 floats
//	004c  01 00 00 00              output: buffer 1
//	0050  01 00 00 00              1 state
//	0054  05 00 00 00              state 0: name of 5 bytes
//	0058  72 6e 6e 2e 68           "rnn.h"
//	005d  02 00 00 00              2 floats
//	0061  ff ff ff ff              starts from zeros
//	0065  03 00 00 00              3 tensors
//	0069  05 00 00 00              tensor 0: name of 5 bytes
//	006d  72 6e 6e 2e 57           "rnn.W"
//	0072  01                       float
//	0073  01                       panels
//	0074  00 00                    reserved
//	0076  02 00 00 00              2 rows
//	007a  01 00 00 00              1 column
//	007e  40 01 00 00 00 00 00 00  at 0140
//	0086  05 00 00 00              tensor 1: name of 5 bytes
//	008a  72 6e 6e 2e 52           "rnn.R"
//	008f  01                       float
//	0090  01                       panels
//	0091  00 00                    reserved
//	0093  02 00 00 00              2 rows
//	0097  02 00 00 00              2 columns
//	009b  80 01 00 00 00 00 00 00  at 0180
//	00a3  05 00 00 00              tensor 2: name of 5 bytes
//	00a7  72 6e 6e 2e 42           "rnn.B"
//	00ac  01                       float
//	00ad  03                       vector
//	00ae  00 00                    reserved
//	00b0  02 00 00 00              2 rows
//	00b4  01 00 00 00              1 column
//	00b8  00 02 00 00 00 00 00 00  at 0200
//	00c0  01 00 00 00              1 layer
//	00c4  02 00                    layer 0: rnn
//	00c6  00 00                    reserved
//	00c8  03 00 00 00              name of 3 bytes
//	00cc  72 6e 6e                 "rnn"
//	00cf  00 00 00 00              X: buffer 0
//	00d3  01 00 00 00              Y: buffer 1
//	00d7  00 00 00 00              H: state 0
//	00db  00 00 00 00              W: tensor 0
//	00df  01 00 00 00              R: tensor 1
//	00e3  02 00 00 00              B: tensor 2
//	00e7  03 00 00 00              F: relu
//	00eb  00 00 00 00              α
//	00ef  00 00 00 00              β
//	00f3  00 00 00 00              no clip
//	00f7  01 00 00 00              1 metadata entry
//	00fb  06 00 00 00              key of 6 bytes
//	00ff  73 6f 75 72 63 65        "source"
//	0105  07 00 00 00              value of 7 bytes
//	0109  65 78 61 6d 70 6c 65     "example"
//	0110  01 00 00 00 00 00 00 00  witness: seed 1
//	0118  04 00 00 00              4 steps
//	011c  00 00 00 00              reserved
//	0120  cb 8c bf 9f 72 8f d1 74  SHA-256 of the 4 outputs
//	0128  3f 46 b2 10 72 66 ed d7
//	0130  1f 28 26 19 4c 09 11 6f
//	0138  ff 81 e9 1f e0 ec 57 5a
//
//	0140  00 00 80 3f              W: row 0, 1.0
//	0144  00 00 00 3f              row 1, 0.5
//	0148  00 ×56                   rows 2 to 15
//	0180  00 00 00 3f              R: column 0, row 0, 0.5
//	0184  00 00 80 3f              row 1, 1.0
//	0188  00 ×56                   rows 2 to 15
//	01c0  00 00 80 be              column 1, row 0, −0.25
//	01c4  00 00 00 3f              row 1, 0.5
//	01c8  00 ×56                   rows 2 to 15
//	0200  00 00 00 3f              B: row 0, 0.5
//	0204  00 00 80 be              row 1, −0.25
//	0208  00 ×56                   rows 2 to 15
package format
