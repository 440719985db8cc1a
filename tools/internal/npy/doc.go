// Package npy reads and writes NumPy's .npy files and reads its .npz archives.
//
//	a, err := npy.ReadFile("x.npy")      // or npy.Decode, for bytes in memory
//	x := a.Float32()                     // len(x) is the product of a.Shape
//
//	z, err := npy.ReadArchive("x.npz")
//	a, err = z.Array("h0")
//
//	a, err = npy.New(y, 100, 40)         // y is a []float32, or another type of number
//	err = npy.Write(w, a)
//
// Read are versions 1, 2 and 3 of the format; float16, float32, float64, int8 to
// int64, uint8 to uint64 and bool; both byte orders; C and Fortran order; up to
// [MaxDims] dimensions. Everything else is refused by name: object arrays, which
// are pickles, structured and text types, complex numbers.
//
// Every size is checked against the bytes that are there before anything is
// allocated, an array must end where its file ends, and a compressed archive
// entry may not inflate to more than a bound in proportion to the file.
package npy
