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
// engine, by its own largest magnitude. One scale never covers several steps or streams:
// the result would depend on how the input was cut. The sums of products are exact in
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
// # Vectors of 16 bits
//
// Where the file says so, a vector x is two digits of int8 instead of one. With t its largest
// magnitude over 127, as above,
//
//	high = x/t, rounded; r = x − t·high in one fused multiply-add, |r| ≤ t/2; low = r/(t/254), rounded
//
// so that x is t·high + (t/254)·low to within t/508. A product is two with the same kernels
// and weights, y = b + W·high and then y = y + W·low, each exact in integers and one fused
// multiply-add. Either digit is limited to ±127: rounding may put r a little beyond t/2. A
// vector below 2⁻¹⁰⁰ is zeros; above, t/254 is no subnormal number and its inverse finite
// (asm.ScaleLowI8). What is left of the error is that of the weights, and some 2⁻¹⁵ of the
// vector's largest.
//
// # Which of two neighbours
//
// PackI8 rounds each weight to its nearest. What matters is not the weights, though, but
// their product with vectors, and in trained nets the elements of those go together: they have a
// mean, and some say nearly what others do. An error in one weight can then be taken back by the
// rounding of another. Moments gathers the second moments of the vectors that a matrix
// multiplies, and packs the matrix so. This costs a conversion some time and an engine none: scales,
// layout and kernels are the same.
//
// convert gathers them from data that it is given (-calibrate), while the float model runs
// over it. Without data it lets the model run over random input, streams of noise about means
// of their own. That tells of x only that it may have a mean, and of h what the cell itself
// does, which is worth half as much or less; its moments are therefore trusted less (damping).
//
// # What it costs
//
// Trained models over their own data, against their weights in float64: signal over noise
// in dB over all outputs and steps (go run ./tools/accuracy; it also prints the largest
// error, and how the error of late steps compares with that of early ones: no model
// drifts. Over charnn's 4000 steps that is 0.98 to 1.15 in every column; where little noise is
// left, the 240 steps of a river flow show up to 5.5, with vectors of 16 bits as in float32).
//
//	nearest     each weight rounded to its nearest
//	int8        rounded for random input: what convert -q int8 does
//	16 bits     the same weights with vectors of 16 bits: -vectors 16. With vectors in float32
//	            it is the same to 0.1 dB
//	calibrated  rounded for the first half of the data: -calibrate
//	16 bits     the same
//	ONNX        ONNX Runtime 1.32, quantize_dynamic in the best of five ways, a step a
//	            call, on a CPU without VNNI (Zen 3); in brackets all steps in one call, where
//	            it is better (tools/accuracy/onnxruntime_int8.py). It has no int8 GRU
//	VNNI        the same on CPUs with AVX-512 VNNI (Zen 4 and 5), where its products do not
//	            saturate
//	ncnn        1.0.20261020, the better of two ways: only LSTMs in int8, or all that can be
//	            (tools/accuracy/ncnn_int8.py). Its GRU is of another form than this one
//
//	                                   nearest  int8  16 bits  calibrated  16 bits  ONNX         VNNI  ncnn
//	charnn, 2·LSTM 192                  45.5    47.3   50.7       48.4      53.7    40.8         44.4  46.9
//	river flow, LSTM 4→126, its h       38.6    39.8   43.6       40.6      50.3    32.4         37.9  35.3
//	  and one number from it            38.7    42.3   45.0       40.7      49.9    30.6         34.1  33.3
//	river flow, LSTM 11→64→1            43.8    45.0   55.0       45.2      51.1    29.1         29.3  43.8
//	speech detection, LSTM 128→128      37.8    38.5   39.8       43.2      50.0    33.4         38.2  37.9
//	noise suppression, 2·LSTM 128→257   31.6    33.0   35.1       37.8      41.1    27.6 (31.6)  32.6  32.3
//	noise suppression, GRU 24, 48, 96   40.6    40.9   48.1       40.9      51.7
//
// Vectors of 16 bits cost time where multiplications do: with AVX2 on Zen 3 a step of 64 to 1024
// units takes 1.65 to 1.88 times as long as with 8 bits, which is 0.26 to 0.72 of float32; with
// 32 units it gains nothing over float32 (bench/results/zen3.md). With AVX512-VNNI on Zen 4, where
// both digits meet the weights at once, it is 1.02 to 1.04 from 128 units on, 1.2 to 1.4 at 64
// and 32 (bench/results/zen4.md). Bytes are the same.
//
// A rounding is one of many that are about as good, and a recurrent net makes much of small
// differences: of two such roundings one may be 1 or 2 dB ahead on a model, by chance.
//
// Each vector is quantised by its own largest element, at each step. A range of 1 for h, which a
// tanh cell cannot leave, was up to 2.3 dB worse and at best 0.6 better; ranges seen in data
// were up to 7 dB worse. Finding the largest element takes a few nanoseconds of a step,
// which can be told from noise at 16 units only. In bits, charnn's 47 dB are nothing: 1.5692
// bits per character in float32 and 1.5691 in int8, over 19,633 characters.
//
// Small matrices are another matter. The fewer terms a sum has, the less their errors
// cancel, and with 16 units int8 is slower than float32. Of guitar amplifiers with 8
// and 16 units int8 would leave 39 and 28 dB; convert keeps matrices of fewer than 2048
// elements in float32.
package quant
