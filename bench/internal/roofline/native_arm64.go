//go:build !purego

package roofline

func native() []Reader {
	return []Reader{{"NEON", readNEON}, {"NEON prefetching", readAheadNEON}}
}

//go:noescape
func readNEON(x []float32) uint32

//go:noescape
func readAheadNEON(x []float32) uint32
