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

from hypernorm._chunks import Chunks
from hypernorm._validation import Matrix, RowMatrix, check_rows
from hypernorm.certificates.certificate import Certificate
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
from hypernorm.forms import Rows, fingerprint

__all__ = [
    "MeanCertificate",
    "VerifiedMeanBound",
    "displaced_mass",
    "largest_difference",
    "of_pieces",
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


@dataclass(frozen=True, eq=False)
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
        matrix = check_rows(X)
        if tuple(matrix.shape) != self.shape or fingerprint(matrix) != self.fingerprint:
            raise CertificateError("The certificate is for other samples: shape or fingerprint of X differ.")
        bound, displaced, moments = self.prove(matrix)
        return VerifiedMeanBound(bound, displaced, moments, None in self.inlier_moments, time.perf_counter() - start)

    @np.errstate(all="ignore")
    def prove(self, matrix: RowMatrix) -> tuple[float, float, tuple[float, ...]]:
        """The error bound, the displaced mass and the moments, for samples whose identity the caller has established.

        Raises
        ------
        CertificateError
        """
        check_arithmetic()
        self._check()
        total = float(self.weights.sum()) * (1 - gamma(self.shape[0] + 4))  # from below
        offset = _offset(matrix, self.weights, self.location, total)
        displaced = displaced_mass(self.weights, self.base_weights, self.contamination)
        moments, bounds = [], []
        for norm, inliers in zip(self.norms, self.inlier_moments, strict=True):
            Y = weighted_rows(matrix, self.weights, self.location, norm.q)
            proved, rounding = norm.prove(Rows(Y)), _rounding(Y)
            if not (math.isfinite(proved) and math.isfinite(rounding)):
                raise CertificateError("The samples are too large for a proof: their moments overflow.")
            with precision():
                about_location = (rational(proved) + rational(rounding)) / rational(total) ** (1 / rational(norm.q))
                moment = about_location + offset
                both = moment + (moment if inliers is None else rational(float(inliers)))
                moments.append(upper_float(moment))
                if displaced < 1:
                    mass = rational(displaced)
                    share = mass ** (1 - 1 / rational(norm.q)) if displaced > 0 else rational(0)
                    bounds.append(upper_float(both * share / (1 - mass) + offset))
        bound = min(bounds, default=math.inf)
        return bound, displaced, tuple(moments)

    def _check(self) -> None:
        n, d = self.shape
        arrays = [("weights", self.weights, (n,)), ("location", self.location, (d,))]
        if self.base_weights is not None:
            arrays.append(("base_weights", self.base_weights, (n,)))
        for name, array, shape in arrays:
            if not (type(array) is np.ndarray and array.dtype == np.float64 and array.shape == shape):
                raise CertificateError(f"The certificate's {name} must be a float64 ndarray of shape {shape}.")
            if not np.isfinite(array).all():
                raise CertificateError(f"The certificate's {name} must be finite.")
            if name != "location" and ((array < 0).any() or not 2.0**-500 < float(array.sum()) < 2.0**500):
                raise CertificateError(f"The certificate's {name} must not be negative, with an ordinary positive sum.")
        if not (isinstance(self.contamination, float) and 0 <= self.contamination < 0.5):
            raise CertificateError(f"The contamination must be a float in [0, 0.5), got {self.contamination!r}.")
        sequences = isinstance(self.norms, tuple | list) and isinstance(self.inlier_moments, tuple | list)
        if not sequences or not self.norms or len(self.norms) != len(self.inlier_moments):
            raise CertificateError("The certificate needs norms, and a moment of the inliers or None for each.")
        for norm, inliers in zip(self.norms, self.inlier_moments, strict=True):
            if not (isinstance(norm, Certificate) and math.isfinite(norm.q) and norm.q >= 2):
                raise CertificateError("The certificate's norms must be certificates for finite exponents q ≥ 2.")
            if not (inliers is None or (isinstance(inliers, float) and 0 <= inliers < math.inf)):
                raise CertificateError(f"A moment of the inliers must be a finite float or None, got {inliers!r}.")

    def __repr__(self) -> str:
        orders = ", ".join(f"{norm.q:g}" for norm in self.norms)
        return f"MeanCertificate(shape={self.shape}, contamination={self.contamination:g}, moments of order {orders})"


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


def _rounding(Y: np.ndarray | Chunks) -> float:
    """A bound on the Frobenius norm of what separates the computed rows from exact multiples of x_i − location."""
    scale = max(of_pieces(Y, lambda Y: float(np.abs(Y).max())))
    if scale == 0 or not math.isfinite(scale):
        return scale
    exponent = math.frexp(scale)[1]
    sizes = of_pieces(Y, lambda Y: float(np.linalg.norm(np.ldexp(Y, -exponent))))
    size = float(np.ldexp(np.linalg.norm(sizes), exponent))
    # One rounding each for the difference and the product; below the normal range at most 2**-1074 an entry.
    return SAFETY * 2 * UNIT * size + math.ldexp(math.sqrt(Y.shape[0] * Y.shape[1]), -1070)
