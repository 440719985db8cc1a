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
// A NaN cannot arise in a model that package infer runs: inputs and weights are
// finite, and the range of every sum is bounded when the model is loaded or
// checked when the step is made.
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
// # Choosing
//
// Kernels is an immutable table of functions. All lists the tables that this
// CPU can run, Best picks one (RNNEDGE_ISA names another), ByName finds one.
// Build tag purego leaves only the generic table.
package asm
