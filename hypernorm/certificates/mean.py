"""How far a weighted mean can be from the mean of the inliers: a bound that the samples themselves prove.

Weights w, and a distribution u on the inliers, differ in a mass δ' = 1 − Σ min(w_i, u_i), which is at most a δ that
depends on w and the contamination alone. If the q-th central moments of w and of u are at most B_w and B in every
direction, then by Hölder's inequality on the two parts of mass δ'

    ‖μ_w − μ_u‖ ≤ (B_w + B) δ^{1−1/q} / (1 − δ).

B_w^q = max_v Σ w_i |⟨x_i − μ_w, v⟩|^q is the 2→q norm of a matrix, and a certificate proves it. The proof stands in
docs/theory/robust.md. Rounding is accounted for throughout: the weights need not add up to one, the location need not
be their mean, and the rows of the matrix are those that were computed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

import flint
import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm._chunks import Chunks
from hypernorm._validation import Matrix, RowMatrix, check_samples
from hypernorm.certificates.fields import check_real, check_tuple, owned, private_array
from hypernorm.certificates.identity import check_identity
from hypernorm.certificates.norm import Certificate
from hypernorm.certificates.rounding import (
    SAFETY,
    UNIT,
    check_arithmetic,
    gamma,
    precision,
    rational,
    upper_float,
)
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = [
    "MeanCertificate",
    "VerifiedMeanBound",
    "check_norm",
    "displaced_mass",
    "largest_difference",
    "moment_about",
    "of_pieces",
    "private_weights",
    "total_below",
    "weighted_rows",
]

Result = TypeVar("Result")

# Shares that are this close count as equal: 0.3 of ten samples are three, although the float is below 3/10.
_SLACK = 1e-12
_MASSES = 2000


@dataclass(frozen=True)
class VerifiedMeanBound:
    """What a successful verification proves.

    Attributes
    ----------
    error_bound : float
        The location is at most so far from the mean of the inliers, whichever they are; infinite if nothing follows.
    displaced_mass : float
        δ, the largest mass in which the weights and a distribution on the inliers can differ.
    moments : tuple of float
        Proved bounds on max_v (Σ w_i |⟨x_i − μ_w, v⟩|^q)^{1/q}, for each certificate.
    assumed : bool
        Whether the bound supposes that the moment of the inliers is at most that of the weights.
    seconds : float
    """

    error_bound: float
    displaced_mass: float
    moments: tuple[float, ...]
    assumed: bool
    seconds: float


@dataclass(frozen=True, eq=False, slots=True)
class MeanCertificate:
    """A proof that a location is close to the mean of the inliers.

    Attributes
    ----------
    location : ndarray of shape (d,)
    weights : ndarray of shape (n,)
        Non-negative; their scale does not matter.
    base_weights : ndarray of shape (n,) or None
        The distribution whose share `contamination` is corrupted; None stands for equal weights.
    contamination : float
        The inliers have at least the share 1 − ε of the base weights. This is a premise, not proved.
    norms : tuple of Certificate
        Each for the matrix with the rows w_i^{1/q} (x_i − location) of the positive weights, with its own q.
    inlier_moments : tuple of float or None
        For each, B with (Σ u_i |⟨x_i − μ_u, v⟩|^q)^{1/q} ≤ B for the inliers about their mean, a premise; None stands
        for the premise that it is at most that of the weights.
    shape : tuple of int
    fingerprint : str
        Of the samples.
    """

    location: np.ndarray
    weights: np.ndarray
    base_weights: np.ndarray | None
    contamination: float
    norms: tuple[Certificate, ...]
    inlier_moments: tuple[float | None, ...]
    shape: tuple[int, int]
    fingerprint: str

    @own_arithmetic
    def verify(self, X: Any) -> VerifiedMeanBound:
        """Prove the bound for a matrix of samples.

        Parameters
        ----------
        X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)

        Returns
        -------
        VerifiedMeanBound

        Raises
        ------
        CertificateError
            If the certificate was made for other samples or does not prove its claim.
        InvalidInputError
            If `X` is not a usable matrix.
        """
        start = time.perf_counter()
        own = owned(self)
        matrix = check_samples(X)
        check_identity(matrix, own.shape, own.fingerprint)
        bound, displaced, moments = own.prove(matrix)
        return VerifiedMeanBound(bound, displaced, moments, None in own.inlier_moments, time.perf_counter() - start)

    @own_arithmetic
    def prove(self, matrix: RowMatrix) -> tuple[float, float, tuple[float, ...]]:
        """The error bound, the displaced mass and the moments, for samples whose identity the caller has established.

        Raises
        ------
        CertificateError
        """
        check_arithmetic()
        own = owned(self)
        n, d = int(matrix.shape[0]), int(matrix.shape[1])
        location = private_array(own.location, "location", (d,))
        weights = private_weights(own.weights, "weights", n)
        base = None if own.base_weights is None else private_weights(own.base_weights, "base_weights", n)
        contamination = check_real(own.contamination, "contamination", 0.0, 0.5)
        premises = own._premises()
        total = total_below(weights)
        offset = _offset(matrix, weights, location, total)
        displaced = displaced_mass(weights, base, contamination)
        moments, bounds = [], []
        for norm, inliers in premises:
            about_location = moment_about(matrix, weights, location, norm, total)
            with precision():
                moment = about_location + offset
                both = moment + (moment if inliers is None else rational(inliers))
                moments.append(upper_float(moment))
                if displaced < 1:
                    mass = rational(displaced)
                    share = mass ** (1 - 1 / rational(norm.q)) if displaced > 0 else rational(0)
                    bounds.append(upper_float(both * share / (1 - mass) + offset))
        bound = min(bounds, default=math.inf)
        return bound, displaced, tuple(moments)

    def _premises(self) -> list[tuple[Certificate, float | None]]:
        norms, inlier_moments = self.norms, self.inlier_moments
        if type(norms) is not tuple or not norms or type(inlier_moments) is not tuple:
            raise CertificateError("The certificate needs norms, in a tuple, and a tuple of moments of the inliers.")
        check_tuple(inlier_moments, "moments of the inliers", len(norms), "numbers or None, one for each norm")
        for norm, inliers in zip(norms, inlier_moments, strict=True):
            check_norm(norm)
            if inliers is not None:
                check_real(inliers, "moment of the inliers", 0.0)
        return list(zip(norms, inlier_moments, strict=True))

    def __repr__(self) -> str:
        orders = ", ".join(f"{norm.q:g}" for norm in self.norms)
        return f"MeanCertificate(shape={self.shape}, contamination={self.contamination:g}, moments of order {orders})"


def private_weights(weights: Any, name: str, n: int) -> np.ndarray:
    """A copy of non-negative weights whose sum is far from the ends of the range of floats.

    Raises
    ------
    CertificateError
    """
    copy = private_array(weights, name, (n,))
    if (copy < 0).any() or not 2.0**-500 < float(copy.sum()) < 2.0**500:
        raise CertificateError(f"The certificate's {name} must not be negative, with an ordinary positive sum.")
    return copy


def total_below(weights: np.ndarray) -> float:
    """At most the sum of non-negative weights."""
    return float(weights.sum()) * (1 - gamma(len(weights) + 4))


def check_norm(norm: Any) -> None:
    """Refuse what is no certificate for a finite exponent.

    Raises
    ------
    CertificateError
    """
    if not (type(norm) is Certificate and type(norm.q) is float and 2 <= norm.q < math.inf):
        raise CertificateError("The certificate's norms must be certificates for finite exponents q ≥ 2.")


@overload
def weighted_rows(matrix: Matrix, weights: np.ndarray, location: np.ndarray, q: float) -> np.ndarray: ...
@overload
def weighted_rows(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, q: float) -> np.ndarray | Chunks: ...
def weighted_rows(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, q: float) -> np.ndarray | Chunks:
    """The rows w_i^{1/q} (x_i − location) with w_i > 0, their factors rounded up."""
    values, inverse = np.unique(weights, return_inverse=True)
    with precision():
        power = 1 / rational(q)
        roots = np.array([upper_float(rational(value) ** power) if value > 0 else 0.0 for value in values.tolist()])

    def rows(piece: Any, factors: np.ndarray) -> np.ndarray:
        positive = factors > 0
        with np.errstate(over="ignore"):
            return np.asarray((_dense(piece)[positive] - location) * factors[positive, None])

    factors = roots[inverse]
    if isinstance(matrix, Chunks):
        sizes = [int((factors[part.start : part.stop] > 0).sum()) for part in matrix.parts]
        return matrix.derived(rows, sizes, factors)
    return rows(matrix, factors)


def largest_difference(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray) -> float:
    """The largest entry of |x_i − location| over the samples with weight; infinity if a difference overflows."""

    def largest(X: np.ndarray, weights: np.ndarray) -> float:
        with np.errstate(over="ignore"):
            return float(np.abs(X - location)[weights > 0].max(initial=0.0))

    return max(of_pieces(matrix, largest, weights))


def of_pieces(matrix: RowMatrix, function: Callable[..., Result], *per_row: np.ndarray) -> list[Result]:
    """``function(piece, *entries)`` of the whole matrix as a dense array, or of every chunk where it lies."""
    if not isinstance(matrix, Chunks):
        return [function(_dense(matrix), *per_row)]

    def on_chunk(chunk: np.ndarray, *entries: np.ndarray) -> Result:
        return function(_dense(chunk), *entries)

    return list(matrix.map(on_chunk, [matrix.entries(index, *per_row) for index in range(len(matrix.parts))]))


def _dense(piece: Any) -> np.ndarray:
    return np.asarray(piece if isinstance(piece, np.ndarray) else piece.toarray(), dtype=np.float64)


def displaced_mass(weights: np.ndarray, base_weights: np.ndarray | None, contamination: float) -> float:
    """An upper bound on 1 − Σ min(w_i, u_i) over all distributions u = p/p(I) on sets I with p(I) ≥ 1 − ε.

    With the ratios w_i/p_i in increasing order the worst set of mass P comes first, and the overlap with it is the
    integral over [0, P] of min(w/p, 1/P). For equal weights every P = k/n is tried, else intervals of P.
    """
    n = len(weights)
    base = np.full(n, 1.0 / n) if base_weights is None else base_weights / base_weights.sum()
    kept = base > 0
    ratios = weights[kept] / weights.sum() / base[kept]
    order = np.argsort(ratios, kind="stable")
    ratios, masses = ratios[order], base[kept][order]
    ends = np.concatenate([[0.0], np.cumsum(masses)])
    filled = np.concatenate([[0.0], np.cumsum(masses * ratios)])
    if base_weights is None:
        low = high = np.arange(n - math.floor(contamination * n * (1 + _SLACK)), n + 1) / n
    else:
        edges = np.linspace((1 - contamination) * (1 - _SLACK), 1, _MASSES + 1)
        low, high = edges[:-1], edges[1:]
    capped = np.searchsorted(ratios, 1 / high)  # first ratio that is cut off
    last = np.minimum(np.searchsorted(ends, low, side="right") - 1, len(ratios) - 1)
    plain = filled[last] + (low - ends[last]) * ratios[last]
    cut = filled[np.minimum(capped, last)] + (low - ends[np.minimum(capped, last)]) / high
    overlap = float(np.where(last < capped, plain, cut).min())
    # Sums of at most n terms that add up to about one.
    return min(max(1 - overlap, 0.0) + 16 * (n + 16) * UNIT, 1.0)


def _offset(matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, total: float) -> flint.arb:
    """A ball whose upper end bounds the distance of the location from the weighted mean.

    Raises
    ------
    CertificateError
        If a difference overflows.
    """
    # Without weight a sample must not set the scale: beside one far out all others would vanish.
    scale = largest_difference(matrix, weights, location)
    if not math.isfinite(scale):
        raise CertificateError("The samples are too far apart for a proof: their differences overflow.")
    exponent = math.frexp(scale)[1]

    def sums(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        kept = weights > 0
        differences = np.ldexp(X[kept] - location, -exponent)
        return np.stack([weights[kept] @ differences, weights[kept] @ np.abs(differences)])

    found = np.sum(of_pieces(matrix, sums, weights), axis=0)
    power = math.frexp(float(found[1].max()))[1]  # so that squares of what counts do not vanish
    residual, size = np.linalg.norm(np.ldexp(found, -power), axis=1)
    bound = SAFETY * float(residual + gamma(len(weights) + 4) * size)
    with precision():
        # What products and scaling lose below the normal range: at most half of 2**-1074 an entry and weight.
        lost = (1 + rational(total)) * matrix.shape[0] * matrix.shape[1] * rational(2) ** -1070
        return (rational(bound) * rational(2) ** power + lost) * rational(2) ** exponent / rational(total)


def moment_about(
    matrix: RowMatrix, weights: np.ndarray, location: np.ndarray, norm: Certificate, total: float
) -> flint.arb:
    """A ball whose upper end bounds (Σ w_i |⟨x_i − c, v⟩|^q / Σ w_i)^{1/q} over unit vectors v, c the location.

    `norm` is a certificate for the rows that `weighted_rows` computes, `total` at most Σ w_i.

    Raises
    ------
    CertificateError
    """
    Y = weighted_rows(matrix, weights, location, norm.q)
    proved = norm.prove(Rows(Y))
    with precision():
        rounding = _rounding(Y)
        if not (math.isfinite(proved) and rounding.is_finite()):
            raise CertificateError("The samples are too large for a proof: their moments overflow.")
        return (rational(proved) + rounding) / rational(total) ** (1 / rational(norm.q))


def _rounding(Y: np.ndarray | Chunks) -> flint.arb:
    """A ball whose upper end bounds the Frobenius norm of what separates Y from exact multiples of x_i − location.

    Each entry is a difference, rounded once, times a factor, rounded once more; a product below the normal range, which
    may vanish, is wrong by less than 2**-1074.
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
