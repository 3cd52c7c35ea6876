"""Compiled loops over rows `start` ≤ a < `stop` of the lower triangle of a D×D matrix.

Class sums, updates by fully symmetric matrices, the multiplier, and copies between triangles. A packed triangle is
stored row by row.
"""

from __future__ import annotations

import numpy as np

from hypernorm._numba import njit

__all__ = ["class_sums", "keep", "mirror", "multiplier", "quartic_step", "update"]

_TILE = 32  # side of the parts in which a triangle is transposed


@njit
def class_sums(A: np.ndarray, classes: np.ndarray, w: np.ndarray, count: int, start: int, stop: int) -> np.ndarray:
    """Sums over each class of w_α w_β A_αβ; every pair counts in both orders."""
    result = np.zeros(count)
    for a in range(start, stop):
        first = a * (a + 1) // 2
        row, ids, factor = A[a], classes[first : first + a + 1], 2 * w[a]
        for b in range(a):
            result[np.uint32(ids[b])] += factor * w[b] * row[b]
        result[ids[a]] += w[a] * w[a] * row[a]
    return result


@njit
def update(
    A: np.ndarray, factor: float, averages: np.ndarray, classes: np.ndarray, w: np.ndarray, start: int, stop: int
) -> None:
    """Multiply A by a factor, and add w_α w_β times the average of the class."""
    for a in range(start, stop):
        first = a * (a + 1) // 2
        row, ids, weight = A[a], classes[first : first + a + 1], w[a]
        for b in range(a + 1):
            row[b] = factor * row[b] + weight * w[b] * averages[np.uint32(ids[b])]


@njit
def quartic_step(
    A: np.ndarray,
    z: np.ndarray,
    targets: np.ndarray,
    share: float,
    sizes: np.ndarray,
    w: np.ndarray,
    d: int,
    start: int,
    stop: int,
) -> None:
    """Class averages and the update by them in one pass, for forms of degree 4 and a range of the last variable.

    The average s of each class becomes t + z', where t is the target, and z' = t + share·z − s is the new z.
    """
    offsets = np.empty(d, dtype=np.int64)  # the monomial v_i v_j, i ≤ j, has the index offsets[i] + j
    for i in range(d):
        offsets[i] = i * d - i * (i + 1) // 2
    for m in range(start, stop):
        for k in range(m + 1):
            last, w_last = A[offsets[k] + m], w[offsets[k] + m]
            for j in range(k + 1):
                first = j * (j + 1) // 2 + k * (k + 1) * (k + 2) // 6 + m * (m + 1) * (m + 2) * (m + 3) // 24
                b, c = offsets[j] + m, offsets[j] + k
                middle, inner, w_middle, w_inner = A[b], A[c], w[b], w[c]
                for i in range(j + 1):
                    # Up to three different pairs of monomials make v_i v_j v_k v_m.
                    x, y, u = offsets[i] + j, offsets[i] + k, offsets[i] + m
                    two, three = j < k, i < j and k < m
                    p, q, r = w_last * w[x], w_middle * w[y], w_inner * w[u]
                    on_diagonal = i == j and k == m
                    total = (1.0 if on_diagonal and j == k else 2.0) * p * last[x]
                    if two:
                        total += (1.0 if on_diagonal else 2.0) * q * middle[y]
                    if three:
                        total += 2.0 * r * inner[u]
                    target, average = targets[first + i], total / sizes[first + i]
                    new = target + share * z[first + i] - average
                    z[first + i] = new
                    change = target + new - average
                    last[x] += p * change
                    if two:
                        middle[y] += q * change
                    if three:
                        inner[u] += r * change


@njit
def multiplier(
    A: np.ndarray, averages: np.ndarray, classes: np.ndarray, w: np.ndarray, packed: np.ndarray, start: int, stop: int
) -> None:
    """Set the packed triangle to w_α w_β times the averages, minus A."""
    for a in range(start, stop):
        first = a * (a + 1) // 2
        for b in range(a + 1):
            packed[first + b] = w[a] * w[b] * averages[classes[first + b]] - A[a, b]


@njit
def keep(A: np.ndarray, factor: float, diagonal: np.ndarray, start: int, stop: int) -> None:
    """Set what is above the diagonal, and the other array, to a multiple of the lower triangle."""
    for top in range(start, stop, _TILE):
        bottom = min(top + _TILE, stop)
        for left in range(0, bottom, _TILE):
            for a in range(top, bottom):
                for b in range(left, min(left + _TILE, a)):
                    A[b, a] = factor * A[a, b]
        for a in range(top, bottom):
            diagonal[a] = factor * A[a, a]


@njit
def mirror(A: np.ndarray, diagonal: np.ndarray, start: int, stop: int) -> None:
    """Set the lower triangle to what is above the diagonal and to the other array."""
    for top in range(start, stop, _TILE):
        bottom = min(top + _TILE, stop)
        for left in range(0, bottom, _TILE):
            for a in range(top, bottom):
                for b in range(left, min(left + _TILE, a)):
                    A[a, b] = A[b, a]
        for a in range(top, bottom):
            A[a, a] = diagonal[a]
