// Package hdf5 reads HDF5 files of weights, such as Keras and h5py write.
//
// It follows the "HDF5 File Format Specification", version 3.0. Of it, this is read:
//
//	II    superblock: versions 0 to 3, after a user block or not
//	III.A B-trees: version 1 of groups and of chunks; version 2 of links, attributes,
//	      huge objects and chunks
//	III.B symbol table nodes, III.C symbol table entries, III.D local heaps
//	III.E global heaps
//	III.G fractal heaps: managed, huge and tiny objects, not filtered
//	IV.A  object headers: versions 1 and 2, with continuations
//	IV.A.2 messages: dataspace (versions 1, 2), link info, datatype (1 to 4), fill
//	      value (1 to 3, and the old one), link, data layout (3 to 5), filter pipeline
//	      (1, 2), attribute (1 to 3), continuation, symbol table, attribute info;
//	      named datatypes
//	VII   layout in chunks: fixed arrays (VII.C) and extensible arrays (VII.D),
//	      implicit indices and single chunks
//
// Checksums are verified wherever the format has them. Numbers are integers and
// floating-point numbers of the usual layouts, in both byte orders; filters are
// deflate, shuffle and fletcher32. Everything else, as shared message tables,
// virtual datasets, links and data in other files, is refused by name.
//
// A file may be hostile. Every address and size is checked against the file before
// anything is allocated. Walking the blocks of one object ends when it has read as
// many bytes as the file has, so that circles and overlaps end, and take no longer
// than an honest file of that size. Data that grow in reading are limited by the
// largest ratio of deflate, large ones by that of weights, and each filter is
// applied once. Recursion is as deep as [maxDepth], or [maxSoft].
package hdf5
