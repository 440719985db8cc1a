// Package asm holds the arithmetic of rnnedge: every product, every gate and
// every activation of a recurrent network, once in Go and once per instruction
// set in assembly. All versions of a function give the same bits.
//
// # The contract
//
// generic.go is the definition of right. Each statement there is one IEEE-754
// operation with one rounding to nearest even, and an assembly kernel does the
// same operations on each element in the same order. Nothing is reassociated,
// no estimate instruction is used, and the tail of a vector goes through the
// arithmetic of its body. So a kernel is compared with the generic code bit for
// bit; there is no tolerance.
//
// The rules, float32:
//
//   - Matrix-vector product (MatVecF32). One chain of fused multiply-adds per
//     output row, k ascending, that starts from a bias or from zero:
//
//     y[r] = fma(w[r,K-1], x[K-1], … fma(w[r,1], x[1], fma(w[r,0], x[0], b[r])) …)
//
//     A SIMD lane carries one row, so the width of the vectors does not show in
//     the result, and neither does a cut between two columns: a product over
//     columns [0,k) continued from its own result over [k,K) is the whole.
//
//     A product with several vectors at once (MatMulF32, MatMulI8) is as many products
//     with one: it reads a weight once for several, and each output is the same chain.
//
//   - Narrow product (NarrowF32), for so few rows that one chain each would wait
//     for its own latency. A row is 16 chains from zero, chain j taking the
//     columns k ≡ j (mod 16), then one tree of additions and the bias last:
//
//     s[j] = a[j] + a[j+8]   t[j] = s[j] + s[j+4]   u[j] = t[j] + t[j+2]
//     y[r] = b[r] + (u[0] + u[1])
//
//     The columns are padded with zeros to a multiple of 16; a padded column
//     adds fma(0, 0, a).
//
//   - A gate's pre-activation is one sum of two chains, z = zx + zh, with
//     zx = b + W·x and zh = R·h: the input part can be computed for many steps
//     at once without changing a bit.
//
//   - sigmoid and tanh (see activation.go) share one evaluation of eʸ−1 with one
//     clamp and end in one true division. |tanh| ≤ 1 and 0 < sigmoid ≤ 1 always.
//
//   - A state smaller than StateFloor in magnitude becomes +0 when it is
//     written, so that a long silence does not leave a net computing with
//     subnormal numbers, which many CPUs do a hundred times slower.
//
// The rules, int8 (generic_i8.go; package quant chooses scales and packs):
//
//   - Matrix-vector product (MatVecI8). The sum of a row is exact, in 32-bit integers,
//     so its order is free; then it becomes a float32 in one fused multiply-add, with
//     one product of scales:
//
//     y[r] = fma(float32(Σ w[r,k]·x[k]), s[r]·sx, b[r])
//
//     No w and no x is −128, and one call takes at most MaxColsI8 = 1024 columns:
//     1024·127² < 2²⁴, so the conversion is exact. More columns are a chain over
//     blocks of 1024, each from the result of the one before. Here a cut shows, so
//     it is part of the contract where the cuts are. A saturating instruction may
//     be used only where it cannot saturate.
//
//   - Quantising (QuantizeI8). The largest magnitude of the vector, by ScaleI8, is what
//     becomes 127. x[i]·inv is one rounded product, which then is rounded to an integer,
//     nearest even.
//
//   - Two digits (DigitsI8), for vectors of 16 bits. The first is that of QuantizeI8; what
//     it leaves is one fused multiply-add, whose product with invLow is rounded as the
//     first one's, and limited to ±127:
//
//     r = fma(−scale, float32(high[i]), x[i])
//
//     A product with such a vector is two, y = b + W·high and then y = y + W·low, each
//     with the scale of its digit. Where more columns than MaxColsI8 are a chain, both
//     digits of a block come before the next block.
//
//   - The largest magnitude (MaxAbsF32) is a maximum of integers, exact in any order.
//
// A NaN cannot arise in a model that package infer runs: inputs and weights are
// finite, and the range of every sum is bounded when the model is loaded or
// checked when the step is made.
//
// # Functions and forms
//
// Sigmoid, tanh and relu, and the updates of the plain cells, are kernels of each
// table. Everything else that runs once over a vector is Go, the same on every table:
// the other functions (Kernels.ApplyF32), the cells with such functions, with limits or
// with layer normalisation (RNNForm, LSTMForm, GRUForm), softmax and what else stands in
// elementwise.go and softmax.go. It keeps the rules of generic.go: one rounding to a
// statement, sums in index order, nothing from package math but the square root, since
// its other functions are assembly on some machines. Sums of many terms
// (NormalizeF32, LogSoftmaxF32) run in float64 and are rounded once, at the end.
//
// A form goes over a whole gate at a time where a kernel goes over all gates of a unit;
// with the plain functions and no limits both give the same bits. A limit comes after
// the whole sum that it limits, and a state is limited before it is floored. The order
// inside an LSTM is i, candidate, f, the new c, o: o alone sees the new c.
//
// # Layout
//
// The rows of a matrix are padded to a multiple of 16 and cut into panels of 64;
// the last panel has 16, 32, 48 or 64 rows. A panel stores its columns one after
// the other, so a product reads one contiguous stream:
//
//	panel 0                                  panel 1
//	┌ k=0: row 0 … row 63 ┐┌ k=1: row 0 … 63 ┐ … ┌ k=0: row 64 … row 127 ┐ …
//
// 64 rows are 8 AVX, 4 AVX-512 or 16 NEON registers of accumulators: the same
// bytes serve every instruction set, and a model is used where its file lies.
// A narrow matrix is row-major, each row padded to a multiple of 16 columns.
//
// An int8 matrix has the same panels of rows, its columns padded with zeros to a
// multiple of 4, and four columns of a row side by side: a panel is [k/4][rows][4],
// and 64 rows of four columns are 256 bytes. s has one scale for each padded row.
//
// # Choosing
//
// Kernels is an immutable table of functions. All lists the tables that this
// CPU can run, Best picks one (RNNEDGE_ISA names another), ByName finds one.
// Build tag purego leaves only the generic table.
package asm
