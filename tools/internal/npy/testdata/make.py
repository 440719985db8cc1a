"""Writes the files of this directory and truth.json, what NumPy reads in them.

Run here: python make.py (NumPy 2)
"""

import json
import numpy as np

truth = {}


def numbers(a):
    """The elements in C order: integers in decimal, floats as float.hex."""
    return [float(v).hex() if a.dtype.kind == "f" else str(int(v)) for v in a.ravel(order="C")]


def describe(a):
    return {"dtype": a.dtype.newbyteorder("=").name, "shape": list(a.shape), "data": numbers(a)}


def save(name, a, version=(1, 0)):
    with open(name + ".npy", "wb") as f:
        np.lib.format.write_array(f, a, version=version)
    truth[name] = describe(np.load(name + ".npy"))


floats = [0.0, -0.0, 1.5, -2.25, 0.1, 65504, 6e-8, np.inf, -np.inf, np.nan, 1e-40, 3.4e38]
for bits in 16, 32, 64:
    with np.errstate(over="ignore"):
        a = np.array(floats).astype(f"f{bits // 8}").reshape(3, 4)
    save(f"float{bits}", a)
    save(f"float{bits}_big", a.astype(f">f{bits // 8}"))
for bits in 8, 16, 32, 64:
    for kind in "iu":
        info = np.iinfo(f"{kind}{bits // 8}")
        a = np.array([info.min, 0, 1, 7, info.max - 1, info.max], dtype=info.dtype)
        save(info.dtype.name, a)
        if bits in (16, 64):
            save(info.dtype.name + "_big", a.astype(a.dtype.newbyteorder(">")))
save("bool", np.array([[True, False], [False, True]]))

cube = np.arange(24, dtype="<f4").reshape(2, 3, 4)
save("fortran", np.asfortranarray(cube))
save("fortran_big", np.asfortranarray(cube.astype(">f8")))
save("version2", cube[0], version=(2, 0))
save("version3", cube[0], version=(3, 0))
save("scalar", np.array(2.5, dtype="<f4"))
save("empty", np.zeros((3, 0, 2), dtype="<f4"))
save("dims8", np.arange(4, dtype="<i2").reshape(1, 2, 1, 1, 2, 1, 1, 1))

np.savez("stored.npz", x=cube, steps=np.array(7))
np.savez_compressed("deflated.npz", x=np.zeros((4, 9), dtype="<f4"), y=cube[1].astype("<f8"))
for name in "stored", "deflated":
    with np.load(name + ".npz") as z:
        for key in z.files:
            truth[name + ".npz:" + key] = describe(z[key])

# To be refused.
np.save("refused_object.npy", np.array([None, {}], dtype=object), allow_pickle=True)
np.save("refused_struct.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i2")]))
np.save("refused_text.npy", np.array(["a", "bc"]))
np.save("refused_complex.npy", np.zeros(2, dtype="<c8"))

with open("truth.json", "w") as f:
    json.dump(truth, f, indent=None, separators=(",", ":"))
    f.write("\n")
