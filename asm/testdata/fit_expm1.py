"""Derive the coefficients c2 … c6 of asm/activation.go.

expm1(r) = r + r²·q(r) on |r| ≤ ½·ln 2, q of degree 4, by Remez exchange on the
relative error of expm1, in 40 digits. Prints the coefficients and the error.

    pip install mpmath; python fit_expm1.py
"""

from mpmath import cos, expm1, log, lu_solve, matrix, mp, mpf, nstr, pi

mp.dps = 40
DEGREE = 4
EDGE = log(2) / 2 * mpf("1.0001")  # rounding can leave r a little outside
GRID = [-EDGE + 2 * EDGE * mpf(i) / 4000 for i in range(4001)]


def target(r):
    return (expm1(r) - r) / r**2 if r else mpf(1) / 2


def weight(r):
    """What an error of q is worth in expm1, relatively."""
    return abs(r * r / expm1(r)) if r else mpf(0)


def solve(points):
    """The q whose weighted error alternates with one magnitude on the points."""
    n = len(points)
    a, b = matrix(n, n), matrix(n, 1)
    for i, r in enumerate(points):
        for j in range(n - 1):
            a[i, j] = r**j * weight(r)
        a[i, n - 1] = (-1) ** i
        b[i] = target(r) * weight(r)
    return list(lu_solve(a, b))[: n - 1]


def extrema(errors, count):
    """Indices of the largest error of each sign run, the outermost dropped down to count."""
    found, sign = [], None
    for i, e in enumerate(errors):
        if e == 0:
            continue
        if (e > 0) != sign:
            found.append(i)
            sign = e > 0
        elif abs(e) > abs(errors[found[-1]]):
            found[-1] = i
    while len(found) > count:
        found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
    return found


count = DEGREE + 2
points = [EDGE * cos(pi * (count - 1 - i) / (count - 1)) for i in range(count)]
while True:
    q = solve(points)
    errors = [(sum(c * r**j for j, c in enumerate(q)) - target(r)) * weight(r) for r in GRID]
    exchanged = [GRID[i] for i in extrema(errors, count)]
    if max(abs(a - b) for a, b in zip(points, exchanged)) < mpf("1e-12"):
        break
    points = exchanged

for j, c in enumerate(q):
    print(f"c{j + 2} = {nstr(c, 12)}")
print("largest relative error of expm1:", nstr(max(map(abs, errors)), 4))
