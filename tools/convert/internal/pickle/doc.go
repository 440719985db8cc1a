// Package pickle reads Python pickles without running anything.
//
// A pickle is a program for a small stack machine, and two of its instructions
// import and call whatever they name. Here those two make inert records: a
// [Global] is a name that the caller's allow-list knows, a call is an [Object]
// that remembers its class and its arguments. A name outside the allow-list
// ends the reading with a [GlobalError].
//
// The instructions are those of the binary protocols 2 to 5 that PyTorch and
// Python's own pickler write for plain data. Protocol 0 and 1 text
// instructions, extension codes and out-of-band buffers are refused by name.
//
// Everything is bounded by the input. No instruction allocates more than a
// constant plus the bytes it holds itself, the number of values is at most the
// number of bytes (and at most [MaxValues]), and nothing recurses. The values
// that come out may still be nested as deep as the input is long, shared, or
// cyclic: whoever walks them must bound depth and visits.
package pickle
