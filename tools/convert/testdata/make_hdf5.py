"""Make the HDF5 files of the tests of tools/convert/internal/hdf5.

    pip install h5py numpy
    python make_hdf5.py             # writes hdf5.zip in its own folder; where only times differ when run again

Number i of every dataset, counted in row-major order, follows from its type:

    unsigned     37·i mod 251
    signed       37·i mod 251 − 125
    floating     (37·i mod 251 − 125) / 8, exact in every type

except that a dataset "partial" has that in its first chunk, and 7 elsewhere,
"extensible_sparse" numbers 0 to 2 at 0 and at 190000, and 7 elsewhere, and "empty" has
nothing. Attribute "many" of an object has the same numbers as float64,
"text" the string "text", "long" 70,000 times "k".

old.h5, v18.h5, v110.h5, latest.h5: the same content, as the library wrote it at first
and from 1.8, from 1.10 and from 2.0 on: superblocks 0, 2, 3 and 3, layouts 3, 3, 4 and
5. Of v110.h5 there is only chunks/. Group by group:

    layouts/     compact, contiguous, chunked
    chunks/      every index of chunks and every filter
    types/       numbers of every type and byte order
    attributes/  strings and numbers, few and many, small and large
    links/       to objects, to paths, to other files; a group of 300
"""

import ctypes
import glob
import os
import tempfile
import zipfile

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def numbers(shape, dtype):
    dtype = np.dtype(dtype)
    v = np.arange(int(np.prod(shape))) * 37 % 251
    if dtype.kind in "if":
        v = v - 125
    if dtype.kind == "f":
        v = v / 8
    return v.astype(dtype).reshape(shape)


def dataset(group, name, shape, dtype="<f4", **options):
    return group.create_dataset(name, data=numbers(shape, dtype), **options)


def low(group, name, shape, dtype, setup, data=None, maxshape=None, ftype=None):
    """A dataset whose creation properties h5py has no word for."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    setup(plist)
    space = h5py.h5s.create_simple(shape, maxshape or shape)
    kind = ftype or h5py.h5t.py_create(np.dtype(dtype))
    d = h5py.h5d.create(group.id, name.encode(), kind, space, plist)
    if data is None:
        data = numbers(shape, dtype)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, data)


def layouts(g):
    low(g, "compact", (3, 5), "<f4", lambda p: p.set_layout(h5py.h5d.COMPACT))
    dataset(g, "contiguous", (7, 3))
    dataset(g, "scalar", ())
    dataset(g, "none", (0, 4))
    dataset(g, "chunked", (7, 5), chunks=(3, 2))
    g.create_dataset("empty", (6,), "<f4")


def chunks(g):
    dataset(g, "single", (4, 6), chunks=(4, 6))
    dataset(g, "single_deflate", (4, 6), chunks=(4, 6), compression="gzip")
    dataset(g, "larger", (5,), chunks=(8,), maxshape=(100,), compression="gzip")

    def early(p):
        p.set_chunk((2, 3))
        p.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)

    low(g, "implicit", (5, 7), "<f4", early)
    low(g, "implicit_growing", (5, 7), "<f4", early, maxshape=(9, 20))
    dataset(g, "fixed", (9, 8), chunks=(2, 3))
    dataset(g, "fixed_growing", (9, 8), chunks=(2, 3), maxshape=(20, 31))
    deep = g.file.libver[0] != "earliest"  # an old B-tree of so many takes much room
    dataset(g, "fixed_paged", (2500 if deep else 150,), "u1", chunks=(1,))
    dataset(g, "fixed_filtered", (9, 8), chunks=(2, 3), compression="gzip", shuffle=True, fletcher32=True)
    dataset(g, "extensible", (40, 6), chunks=(1, 3), maxshape=(None, 6))
    dataset(g, "extensible_second", (6, 40), chunks=(3, 1), maxshape=(9, None))
    dataset(g, "extensible_deep", (5000 if deep else 50,), "u1", chunks=(1,), maxshape=(None,))
    if deep:  # pages of the index that were never written
        sparse = g.create_dataset("extensible_sparse", (200000,), "u1", chunks=(1,), maxshape=(None,), fillvalue=7)
        sparse[:3] = numbers((3,), "u1")
        sparse[190000:190003] = numbers((3,), "u1")
    dataset(g, "extensible_filtered", (40, 6), chunks=(7, 4), maxshape=(None, 9), shuffle=True, fletcher32=True)
    dataset(g, "tree", (30, 20), "i1", chunks=(1, 2), maxshape=(None, None))
    dataset(g, "tree_filtered", (30, 20), "<i2", chunks=(4, 3), maxshape=(None, None), compression="gzip", shuffle=True)
    dataset(g, "shuffle", (33,), "<f8", chunks=(10,), shuffle=True)
    dataset(g, "fletcher32", (33,), "u1", chunks=(11,), fletcher32=True)
    dataset(g, "three", (4, 5, 6), chunks=(2, 2, 4), compression="gzip")
    partial = g.create_dataset("partial", (2500,), "<f4", chunks=(100,), fillvalue=7)
    partial[:100] = numbers((100,), "<f4")
    # A chunk to which the filter was not applied, as its mask says.
    masked = g.create_dataset("masked", (251,), "u1", chunks=(251,), maxshape=(None,), compression="gzip")
    masked.id.write_direct_chunk((0,), numbers((251,), "u1").tobytes(), filter_mask=1)

    def whole(p):
        p.set_chunk((4,))
        p.set_deflate(6)
        if hasattr(p, "set_chunk_opts"):
            p.set_chunk_opts(2)

    low(g, "edges", (10,), "<f4", whole)


def types(g):
    for kind in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]:
        for order in "<>":
            dtype = np.dtype(order + kind)
            dataset(g, dtype.name + ("_big" if order == ">" else ""), (9,), dtype)
    bfloat = h5py.h5t.IEEE_F32LE.copy()
    bfloat.set_fields(15, 7, 8, 0, 7)
    bfloat.set_size(2)
    bfloat.set_ebias(127)
    space = h5py.h5s.create_simple((9,))
    h5py.h5d.create(g.id, b"bfloat16", bfloat, space).write(h5py.h5s.ALL, h5py.h5s.ALL, numbers((9,), "<f4"))
    g["named"] = np.dtype("<f4")
    g.create_dataset("committed", data=numbers((9,), "<f4"), dtype=g["named"])
    g["committed"].attrs.create("committed", numbers((4,), "<f4"), dtype=g["named"])
    g.create_dataset("compound", data=np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
    g.create_dataset("strings", data=["one", "two"], dtype=h5py.string_dtype())
    g.create_dataset("lzf", data=numbers((50,), "<f4"), compression="lzf")


def attributes(g):
    a = g.attrs
    a["fixed"] = np.bytes_("text")
    a["variable"] = "text"
    a["utf8"] = "Größe"
    a["list_fixed"] = np.array([b"a", b"bcd", b""])
    a["list_variable"] = ["a", "bcd", ""]
    a["empty_list"] = []
    a["null"] = h5py.Empty("f")
    for name, padding, text in [("terminated", h5py.h5t.STR_NULLTERM, b"text\0xyz"), ("spaces", h5py.h5t.STR_SPACEPAD, b"text    ")]:
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(8)
        kind.set_strpad(padding)
        at = h5py.h5a.create(g.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
        at.write(np.array(text.ljust(8), dtype="S8"), mtype=kind)
    few = g.create_group("few")
    few.attrs["flag"] = True
    few.attrs["int"] = np.int32(-3)
    few.attrs["double"] = 0.1
    few.attrs["matrix"] = numbers((2, 3), ">i2")
    few.attrs["many"] = numbers((40,), "<f8")
    many = g.create_group("many")
    for i in range(60):
        many.attrs["number %d" % i] = i
    long = g.create_group("long")
    long.attrs["long"] = "k" * 70000
    if g.file.libver[0] != "earliest":  # in the object header, at most 64 KB fit
        long.attrs["long_fixed"] = np.bytes_("k" * 70000)
        long.attrs["medium"] = np.bytes_("k" * 2000)
        for i in range(9):
            long.attrs["short %d" % i] = np.bytes_("k" * i)


def links(g):
    d = dataset(g, "dataset", (5,))
    d.attrs["text"] = "text"
    g["hard"] = d
    g["soft"] = h5py.SoftLink("dataset")
    g["absolute"] = h5py.SoftLink("/links/soft")
    g["dangling"] = h5py.SoftLink("/nowhere")
    g["circle"] = h5py.SoftLink("/links/circle")
    g["external"] = h5py.ExternalLink("other.h5", "/x")
    g["up"] = g["/"]  # a circle of hard links
    g["a/b/c"] = d
    crowd = g.create_group("crowd")
    for i in range(300):
        crowd["member with a name %d" % i] = d
    ordered = g.create_group("ordered", track_order=True)
    for i in range(12):
        ordered["%d" % (11 - i)] = d


def write(name, parts, **options):
    with h5py.File(name, "w", **options) as f:
        for part in parts:
            part(f.create_group(part.__name__))


def write_all():
    everything = [layouts, chunks, types, attributes, links]
    write("old.h5", everything, libver=("earliest", "v108"))
    write("v18.h5", everything, libver=("v108", "v108"))
    write("v110.h5", [chunks], libver=("v110", "v110"))
    write("latest.h5", everything, libver="latest")
    write("userblock.h5", [layouts], userblock_size=1024)
    write("userblock_latest.h5", [layouts], userblock_size=512, libver="latest")
    create("v1.h5", 4, 16, 7)
    with h5py.File("v1.h5", "r+") as f:
        for part in [layouts, links]:
            part(f.create_group(part.__name__))
    # The files that the tests damage bit by bit are small.
    create("small_old.h5", 8, 1, 1)
    for name, mode in [("small_old.h5", "r+"), ("small_latest.h5", "w")]:
        with h5py.File(name, mode, libver="earliest" if mode == "r+" else "latest") as f:
            g = f.create_group("g")
            g.attrs["text"] = np.bytes_("text")
            g.attrs["numbers"] = numbers((3,), "<f8")
            dataset(g, "contiguous", (2, 3))
            dataset(g, "deflate", (4, 3), chunks=(2, 3), compression="gzip", shuffle=True)
    with h5py.File("small_text.h5", "w") as f:
        f.create_group("g").attrs["text"] = ["a", "bcd", ""]


def create(name, size, symbols, chunks):
    """A file with B-trees of unusual nodes, which makes it one of superblock 1."""
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    plist.set_sizes(size, size)
    [library] = glob.glob(os.path.join(os.path.dirname(h5py.__file__), "..", "h5py.libs", "libhdf5-*"))
    library, plist_id = ctypes.CDLL(library), ctypes.c_int64(plist.id)  # h5py has no word for these
    if library.H5Pset_sym_k(plist_id, symbols, min(symbols, 4)) < 0 or library.H5Pset_istore_k(plist_id, chunks) < 0:
        raise OSError("H5Pset_sym_k, H5Pset_istore_k")
    h5py.h5f.create(name.encode(), fcpl=plist).close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_all()
        with zipfile.ZipFile(os.path.join(HERE, "hdf5.zip"), "w", zipfile.ZIP_DEFLATED) as z:
            for name in sorted(os.listdir(".")):
                with open(name, "rb") as f:
                    z.writestr(zipfile.ZipInfo(name), f.read(), zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main()
