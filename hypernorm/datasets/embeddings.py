"""Matrices on which the spectral bounds for q = 4 are as loose as possible, with their norms in closed form.

References
----------
B. Reznick, "Sums of even powers of real linear forms", Memoirs of the American Mathematical Society 96 (1992), no. 463.
R. C. Bose and D. K. Ray-Chaudhuri, "On a class of error correcting binary group codes", Information and Control 3
(1960), 68-79.
"""

from __future__ import annotations

import math

import numpy as np

from hypernorm._arguments import check_count
from hypernorm._arithmetic import own_arithmetic
from hypernorm.datasets.known import KnownNorm
from hypernorm.exceptions import InvalidInputError

__all__ = ["isometric_embedding", "lifted_embedding"]

_LARGEST_DIMENSION = 128
# Coefficients, as binary digits, of an irreducible polynomial over GF(2) of each degree from 0 to 7.
_IRREDUCIBLE = (0b1, 0b11, 0b111, 0b1011, 0b10011, 0b100101, 0b1000011, 0b10000011)


@own_arithmetic
def isometric_embedding(d: int) -> KnownNorm:
    """A matrix with ‖Xv‖_4 = ‖v‖_2 for every v: an isometric embedding of Euclidean space into ℓ_4 (Reznick 1992).

    Σ_i ⟨x_i, v⟩⁴ = ‖v‖⁴ means that the rows are a weighted spherical 4-design. Every direction is a maximum. The
    flattening bound is ((d+2)/3)^{1/4}, its largest possible value; the realigned bound is ((d+2)/3)^{1/8}
    (theory/upper_bounds of the documentation).

    The mean of ⟨s, v⟩⁴ over all sign vectors s is 3‖v‖⁴ − 2 Σ v_k⁴. For 2^r columns, 4^r sign vectors are enough: the
    words of a code that corrects two errors (Bose and Ray-Chaudhuri 1960). The column of a ∈ GF(2^r) is the character
    u ↦ (−1)^{⟨u, (a, a³)⟩} of GF(2)^{2r}. No four distinct (a, a³) add up to zero, because a + b and a³ + b³ determine
    {a, b}, so a product of four columns has mean zero unless the columns pair up. The rows 2^{1/4} e_k add the
    missing 2 Σ v_k⁴.

    Parameters
    ----------
    d : int
        Number of columns, at most 128. There are 4^r + d rows, 2^r the first power of two that is at least d.

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If `d` is out of range.

    See Also
    --------
    lifted_embedding : The worst case of the row-norm bound.

    Examples
    --------
    >>> known = isometric_embedding(6)
    >>> known
    KnownNorm('isometric-embedding-6', shape=(70, 6), q=4, value=1.0)
    >>> v = np.array([3.0, -1.0, 0.0, 2.0, 1.0, 1.0])
    >>> round(float(((known.matrix @ v) ** 4).sum() ** 0.25 / np.linalg.norm(v)), 12)
    1.0
    """
    if check_count(d, "d") > _LARGEST_DIMENSION:
        raise InvalidInputError(f"d must be at most {_LARGEST_DIMENSION}, got {d!r}; the number of rows grows as d².")
    r = (d - 1).bit_length()
    columns = np.array([a | _multiply(a, _multiply(a, a, r), r) << r for a in range(d)])
    digits = np.arange(2 * r)
    points = (np.arange(4**r)[:, None] >> digits) & 1
    signs = 1.0 - 2.0 * ((points @ ((columns[:, None] >> digits) & 1).T) & 1)
    rows = np.vstack([signs / 4.0 ** (r / 4), 2.0**0.25 * np.eye(d)]) / 3.0**0.25
    return KnownNorm(name=f"isometric-embedding-{d}", matrix=rows, q=4.0, value=1.0)


@own_arithmetic
def lifted_embedding(d: int) -> KnownNorm:
    """An isometric embedding of one dimension less with a column ±κ‖y‖ before each row y: worst for the row-norm bound.

    With κ⁴ = 3/(d²−1), f(v) = v_1⁴ + 6 m v_1² ‖u‖² + ‖u‖⁴ for v = (v_1, u), where m² = (d+1)/(3(d−1)). Its maximum on
    the sphere is (1 + 3m)/2, where v_1² = ‖u‖² = 1/2, while Σ ‖x_i‖² ⟨x_i, e_1⟩² = 1 + (d−1)m. As d grows their ratio
    tends to (1 − 1/√3)d, the largest possible (theory/upper_bounds of the documentation); that of an isometric
    embedding is (d+2)/3.

    Parameters
    ----------
    d : int
        Number of columns, from 2 to 129. The matrix has twice as many rows as the embedding.

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If `d` is out of range.

    See Also
    --------
    isometric_embedding : Without the column.

    Examples
    --------
    >>> known = lifted_embedding(5)
    >>> known
    KnownNorm('lifted-embedding-5', shape=(40, 5), q=4, value=1.1177...)
    >>> v = np.array([1.0, 1.0, 0.0, 0.0, 0.0]) / np.sqrt(2)
    >>> bool(np.isclose(np.linalg.norm(known.matrix @ v, 4), known.value))
    True
    """
    if check_count(d, "d", smallest=2) > _LARGEST_DIMENSION + 1:
        raise InvalidInputError(
            f"d must be at most {_LARGEST_DIMENSION + 1}, got {d!r}; the number of rows grows as d²."
        )
    rows = isometric_embedding(d - 1).matrix
    lift = (3 / (d * d - 1)) ** 0.25 * np.linalg.norm(rows, axis=1)
    signed = np.concatenate([lift, -lift])
    matrix = np.column_stack([signed, np.vstack([rows, rows])]) / 2.0**0.25
    value = ((1 + math.sqrt(3 * (d + 1) / (d - 1))) / 2) ** 0.25
    return KnownNorm(name=f"lifted-embedding-{d}", matrix=matrix, q=4.0, value=value)


def _multiply(a: int, b: int, degree: int) -> int:
    """Product in GF(2^degree) of two polynomials, whose coefficients are binary digits."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1, b >> 1
        if a >> degree & 1:
            a ^= _IRREDUCIBLE[degree]
    return product
