// Package quant turns matrices as people write them, row-major float32, into
// matrices as kernels read them, and back: padding, panels, and the choice
// between the two layouts; and into int8.
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
//
// # Int8
//
// A matrix in int8 has a scale for each row, the largest magnitude of the row over
// 127; an element is a whole number from −127 to 127 times the scale, rounded to the
// nearest. Zero is 0, so there is nothing to subtract. It lies in panels of 64 rows as
// float32 does, with four columns of a row together:
//
//	k=0…3: row 0, four columns; row 1, four columns; … row 63 │ k=4…7: row 0 …
//
// four bytes being what a lane of 32 bits multiplies and adds at once.
//
// The vector that such a matrix multiplies is quantised at each step, inside the
// engine: by its own largest magnitude, or for a fixed range where it is known to have one,
// as h of an LSTM or GRU has. One scale never covers several steps or streams: the
// result would depend on how the input was cut. The sums of products are exact in
// integers, so that their order does not matter; one fused multiply-add brings a sum
// back to float32. Gates, cell states and activations stay float32.
//
// A weight is wrong by at most half its row's scale s, an element of the vector by at
// most half of its scale t, as long as it lies within the range. With K columns, all of
// them as large and as wrong as can be, the sum is therefore wrong by at most
//
//	K·(127s·t/2 + 127t·s/2 + s·t/4) = K·s·t·127.25
//
// (but for the rounding of the scales themselves), about a 127th of the largest sum
// there can be, K·127²·s·t. Errors that are independent grow with √K instead of K.
//
// What it costs, from a prototype in NumPy of the choices there were, on the model of
// examples/charnn (two LSTM layers of 192 units, 10,000 characters it has not seen; bits
// per character, and signal over noise of the logits against float32):
//
//	float32                                       1.58601
//	int8 weights, float32 vectors                 1.58552   49.9 dB
//	int8 weights and vectors, range 1 for h       1.58539   47.6 dB
//	int8 weights and vectors, each by its own     1.58537   47.7 dB
//	int8 weights, 16-bit vectors                  1.58552   49.9 dB
//
// The rounding of the weights is most of it. A fixed range for h saves the search for
// the largest element and costs nothing that can be told from noise. The engine, which
// does the third of these, gives 1.56921 bits per character in float32 and 1.56922 in
// int8 over the whole passage of 19,633 characters.
//
// Two other trained nets, by the engine: signal over noise against PyTorch's and ONNX
// Runtime's numbers, over all outputs and steps, and the largest error.
//
//	                                             range 1 for h    each by its own
//	river flow, LSTM 4→126, its 126 outputs      35.8 dB  0.119   35.3 dB  0.083
//	noise suppression, 257→2·LSTM 128→mask 257   32.0 dB  0.072   31.6 dB  0.058
package quant
