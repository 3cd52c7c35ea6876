"""Proved moments of weighted samples about a point, from 2→q norms of weighted differences.

The rows of weighted differences are computed, so the norm certificate is about rounded numbers. `moment_about` adds
the rounding errors of the rows: its bound holds for the samples, weights and center as stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, overload

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._chunks import Chunks
from hypernorm._pages import Pages
from hypernorm._validation import Matrix, RowMatrix, as_dense
from hypernorm.certificates.fields import Array, Sizes
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.rounding import SAFETY, UNIT, gamma, precision, rational, upper_float
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = [
    "Weights",
    "check_finite_exponent",
    "distance_from_mean",
    "largest_difference",
    "moment_about",
    "of_pieces",
    "total_below",
    "weighted_rows",
]

Result = TypeVar("Result")

# Entries of a block of sparse rows that becomes dense.
_BLOCK_ENTRIES = 1 << 20


class Weights(Array):
    """Non-negative weights with a sum between 2**-500 and 2**500."""

    def check(self, value: Any, name: str, sizes: Sizes) -> np.ndarray | None:
        weights = super().check(value, name, sizes)
        if weights is not None and ((weights < 0).any() or not 2.0**-500 < float(weights.sum()) < 2.0**500):
            raise CertificateError(
                f"The certificate's {self.called(name)} must not be negative and must have an ordinary positive sum, "
                f"from 1e-150 to 1e150."
            )
        return weights


def check_finite_exponent(norm: NormCertificate) -> None:
    """Check that a norm certificate is for a finite exponent.

    Raises
    ------
    CertificateError
        If it is not.
    """
    if not 2 <= norm.q < math.inf:
        raise CertificateError("The certificate's norms must be certificates for finite exponents q ≥ 2.")


def total_below(weights: np.ndarray) -> float:
    """A lower bound on the sum of non-negative weights, rounding included."""
    return float(weights.sum()) * (1 - gamma(len(weights) + 4))


@overload
def weighted_rows(matrix: Matrix, weights: np.ndarray, location: np.ndarray, q: float) -> np.ndarray: ...
@overload
def weighted_rows(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, q: float) -> np.ndarray | Chunks: ...
def weighted_rows(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, q: float) -> np.ndarray | Chunks:
    """The rows w_i^{1/q} (x_i − location) with w_i > 0; the factors w_i^{1/q} are rounded up.

    Parameters
    ----------
    matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)
    weights : ndarray of shape (n,)
    location : ndarray of shape (d,)
    q : float

    Returns
    -------
    ndarray or Chunks

    See Also
    --------
    MeanCertificate : Bounds their norm.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_rows(np.array([[1.0], [5.0]]), np.array([1.0, 0.0]), np.zeros(1), 4.0)
    array([[1.]])
    """
    values, inverse = np.unique(weights, return_inverse=True)
    with precision():
        power = 1 / rational(q)
        roots = np.array([upper_float(rational(value) ** power) if value > 0 else 0.0 for value in values.tolist()])

    def rows(piece: Any, factors: np.ndarray) -> np.ndarray:
        positive = factors > 0
        with np.errstate(over="ignore"):
            return np.asarray((as_dense(piece)[positive] - location) * factors[positive, None])

    factors = roots[inverse]
    if isinstance(matrix, Pages):
        slices = [slice(part.start, part.stop) for part in matrix.parts]
        return np.concatenate([rows(matrix[part], factors[part]) for part in slices])
    if isinstance(matrix, Chunks):
        sizes = [int((factors[part.start : part.stop] > 0).sum()) for part in matrix.parts]
        return matrix.derived(rows, sizes, factors)
    return rows(matrix, factors)


def largest_difference(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray) -> float:
    """The largest entry of |x_i − location| over the samples with weight; infinity if a difference overflows.

    Parameters
    ----------
    matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)
    weights : ndarray of shape (n,)
    location : ndarray of shape (d,)

    Returns
    -------
    float

    See Also
    --------
    weighted_rows : The differences themselves.

    Examples
    --------
    >>> import numpy as np
    >>> float(largest_difference(np.array([[1.0], [5.0]]), np.array([1.0, 0.0]), np.zeros(1)))
    1.0
    """

    def largest(X: np.ndarray, weights: np.ndarray) -> float:
        with np.errstate(over="ignore"):
            return float(np.abs(X - location)[weights > 0].max(initial=0.0))

    return max(of_pieces(matrix, largest, weights))


def of_pieces(matrix: RowMatrix, function: Callable[..., Result], *per_row: np.ndarray) -> list[Result]:
    """The values of ``function(piece, *entries)`` for every page, chunk or block of sparse rows, or for a whole array.

    A piece is dense. `entries` are the parts of the arrays `per_row` that belong to its rows.

    Parameters
    ----------
    matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)
    function : callable
    *per_row : ndarray of shape (n,)

    Returns
    -------
    list

    See Also
    --------
    weighted_rows : Uses it.

    Examples
    --------
    >>> import numpy as np
    >>> [float(total) for total in of_pieces(np.eye(2), lambda piece, weights: piece.sum() * weights.sum(), np.ones(2))]
    [4.0]
    """
    if isinstance(matrix, Pages | sp.csr_array):
        slices = [slice(part.start, part.stop) for part in _parts(matrix)]
        return [function(as_dense(matrix[rows]), *(entries[rows] for entries in per_row)) for rows in slices]
    if not isinstance(matrix, Chunks):
        return [function(as_dense(matrix), *per_row)]

    def on_chunk(chunk: np.ndarray, *entries: np.ndarray) -> Result:
        return function(as_dense(chunk), *entries)

    return list(matrix.map(on_chunk, [matrix.entries(index, *per_row) for index in range(len(matrix.parts))]))


def _parts(matrix: Pages | sp.csr_array) -> list[range]:
    if isinstance(matrix, Pages):
        return matrix.parts
    n, d = matrix.shape
    step = max(1, _BLOCK_ENTRIES // d)
    return [range(start, min(start + step, n)) for start in range(0, n, step)]


def moment_about(
    matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, norm: NormCertificate, total: float
) -> flint.arb:
    """A ball whose upper end bounds (Σ w_i |⟨x_i − c, v⟩|^q / Σ w_i)^{1/q} over unit vectors v, c the location.

    `norm` is a certificate for the rows of `weighted_rows`; `total` is at most Σ w_i.

    Raises
    ------
    CertificateError
        If the proof of `norm` fails or a moment overflows.
    """
    Y = weighted_rows(matrix, weights, location, norm.q)
    proved = norm.prove(Rows(Y)).upper
    with precision():
        rounding = _rounding(Y)
        if not (math.isfinite(proved) and rounding.is_finite()):
            raise CertificateError("The samples are too large for a proof: their moments overflow.")
        return (rational(proved) + rounding) / rational(total) ** (1 / rational(norm.q))


def _rounding(Y: np.ndarray | Chunks) -> flint.arb:
    """A ball whose upper end bounds the Frobenius distance of Y from rows that are exact multiples of x_i − location.

    Each entry is a difference, rounded once, times a factor, rounded once more. A product below the normal range may
    vanish; its error is less than 2**-1074.
    """
    scale = max(of_pieces(Y, lambda Y: float(np.abs(Y).max())))
    if not math.isfinite(scale):
        return flint.arb.pos_inf()
    vanished = rational(2) ** -1073 * flint.arb(Y.shape[0] * Y.shape[1]).sqrt()
    if scale == 0:
        return vanished
    exponent = math.frexp(scale)[1]
    sizes = of_pieces(Y, lambda Y: float(np.linalg.norm(np.ldexp(Y, -exponent))))
    return rational(SAFETY * 2 * UNIT * float(np.linalg.norm(sizes))) * rational(2) ** exponent + vanished


def distance_from_mean(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, total: float) -> flint.arb:
    """A ball whose upper end bounds the distance of the location from the weighted mean.

    Raises
    ------
    CertificateError
        If a difference overflows.
    """
    # Samples without weight do not set the scale: one that is far out would make all others underflow.
    scale = largest_difference(matrix, weights, location)
    if not math.isfinite(scale):
        raise CertificateError("The samples are too far apart for a proof: their differences overflow.")
    exponent = math.frexp(scale)[1]

    def sums(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        kept = weights > 0
        differences = np.ldexp(X[kept] - location, -exponent)
        return np.stack([weights[kept] @ differences, weights[kept] @ np.abs(differences)])

    found = np.sum(of_pieces(matrix, sums, weights), axis=0)
    power = math.frexp(float(found[1].max()))[1]  # so that no square that matters underflows
    residual, size = np.linalg.norm(np.ldexp(found, -power), axis=1)
    bound = SAFETY * float(residual + gamma(len(weights) + 4) * size)
    with precision():
        # Losses of products and scaling below the normal range: at most half of 2**-1074 for each entry and weight.
        lost = (1 + rational(total)) * matrix.shape[0] * matrix.shape[1] * rational(2) ** -1070
        return (rational(bound) * rational(2) ** power + lost) * rational(2) ** exponent / rational(total)
