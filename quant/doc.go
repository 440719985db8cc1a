// Package quant turns matrices as people write them, row-major float32, into
// matrices as kernels read them, and back: padding, panels, and the choice
// between the two layouts. It is also the home of the int8 scheme.
//
// # Float32 layouts
//
// Panels: rows padded to a multiple of 16 and cut into panels of 64, columns
// stored one after the other inside a panel; for asm's MatVecF32.
//
// Narrow: row-major, columns padded to a multiple of 16; for asm's NarrowF32,
// which is faster where rows are few and long.
//
// Padding is zero. Packing moves numbers and never changes one.
package quant
