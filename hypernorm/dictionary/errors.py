"""Standard errors of the atoms from the sample's own moments, and which atoms can be learned at all.

To first order the estimated code of atom i is that of the true atom plus Σ_j Δ_ij times the code of j, and Δ_ij is a
mean over the samples; its variance is that of one sample divided by their number. No model of the codes is used. See
theory/dictionary_learning of the documentation for the derivation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows

__all__ = ["AtomErrors", "Contrast", "atom_errors", "least_curvature"]

# The relative curvature below which an atom cannot be told from a mixture is this times (p − 2)^power: 0.12 for p = 3,
# 0.18 for p = 4. For p → 2 the relative curvature of every atom vanishes.
_LEAST_CURVATURE, _POWER = 0.12, 0.585
# With fewer samples for each direction the largest curvature of mixtures grows like one over the square root.
_ENOUGH_SAMPLES = 200
# For refined atoms the density of a code at zero is measured on this power of the number of samples.
_NEAR_ZERO_POWER = -0.2
# Instead of zero, so that the error is huge and finite.
_NO_CURVATURE = 1e-100
# Powers of single-precision codes with larger exponents could overflow.
_LARGEST_SINGLE = 8.0

_Function = Callable[[np.ndarray, "np.ndarray | None"], list[np.ndarray]]


@dataclass(frozen=True)
class Contrast:
    """What the atoms maximise: Σ_i sign_i E|y_i|^p over the codes y.

    Attributes
    ----------
    p : float
    signs : ndarray of shape (m,)
    whiten : bool
        Whether the codes are uncorrelated in the sample; else the atoms are orthonormal.
    refined : bool
        Whether each atom was refined to a minimiser of E|y_i|.
    """

    p: float
    signs: np.ndarray
    whiten: bool
    refined: bool


@dataclass(frozen=True)
class AtomErrors:
    """Errors to expect of m atoms.

    Attributes
    ----------
    standard_errors : ndarray of shape (m, n)
        Of the entries of the atoms of length one.
    recovery : float
        Expected `recovery_error` for a dictionary whose codes have equal mean squares.
    curvature : ndarray of shape (m,)
        Least relative curvature of the contrast in a rotation of the atom towards another direction.
    """

    standard_errors: np.ndarray
    recovery: float
    curvature: np.ndarray


@dataclass(frozen=True)
class _Codes:
    """The codes of the atoms, then of an orthonormal basis of what the atoms leave; of k directions in all."""

    samples: Rows
    transform: np.ndarray  # (n, k)
    offsets: np.ndarray  # (k,)
    weights: np.ndarray | None
    m: int
    p: float

    def means(self, function: _Function, *shapes: tuple[int, ...]) -> list[np.ndarray]:
        """Means over the samples of what the function sums for the codes and weights of a block."""
        samples, step = self.samples, self.samples.block_rows(4 * self.transform.shape[1])
        dtype = samples.search_dtype if self.p <= _LARGEST_SINGLE else np.dtype(np.float64)
        transform, offsets = self.transform.astype(dtype), self.offsets.astype(dtype)

        def partial(rows: Rows, part: range, *weights: np.ndarray) -> list[np.ndarray]:
            totals = [np.zeros(shape) for shape in shapes]
            for start in range(part.start, part.stop, step):
                stop = min(start + step, part.stop)
                block = np.asarray(rows.operand(start, stop, dtype) @ transform) - offsets
                shares = weights[0][start - part.start : stop - part.start, None] if weights else None
                for total, more in zip(totals, function(block, shares), strict=True):
                    total += more
            return totals

        entries = () if self.weights is None else (self.weights.astype(dtype),)
        parts = list(samples.partials(partial, samples.ranges(step), *entries))
        count = samples.shape[0] if self.weights is None else self.weights.sum()
        return [np.sum([part[index] for part in parts], axis=0) / count for index in range(len(shapes))]


def least_curvature(p: float, per_direction: float = math.inf) -> float:
    """The relative curvature below which an atom counts as not learnable: 0.12 for p = 3, 0.18 for p = 4.

    It is larger for fewer than 200 samples per direction.
    """
    few = max(1.0, math.sqrt(_ENOUGH_SAMPLES / per_direction))
    return float(_LEAST_CURVATURE * (p - 2) ** _POWER * few)


def atom_errors(
    samples: Rows,
    whitening: Whitening,
    B: np.ndarray,
    offsets: np.ndarray,
    contrast: Contrast,
    weights: np.ndarray | None,
) -> AtomErrors:
    """Errors of the atoms whose codes are B x − offsets for the rows x of `samples`.

    Parameters
    ----------
    samples : Rows
        Centered if the whitening centers.
    whitening : Whitening
    B : ndarray of shape (m, n)
    offsets : ndarray of shape (m,)
    contrast : Contrast
    weights : ndarray of shape (r,) or None
        How often each sample counts; None for once.
    """
    m, k = len(B), whitening.rank
    W = B @ whitening.inverse.T
    if not contrast.whiten:  # refined rows have another length
        lengths = np.linalg.norm(W, axis=1)
        W, offsets = W / lengths[:, None], offsets / lengths
    complement = np.linalg.svd(W)[2][m:]
    full = np.vstack([W, complement])
    codes = _Codes(samples, whitening.K @ full.T, np.concatenate([offsets, np.zeros(k - m)]), weights, m, contrast.p)
    signs = np.concatenate([contrast.signs, np.zeros(k - m)])
    first = _first_moments(codes)
    squares = first.squares
    M, N = signs * first.values, signs[:, None] * first.slopes
    kappa = M[:, None] + M[None, :] - N - N.T
    size = np.abs(M)[:, None] + np.abs(M)[None, :]
    pairs = (size > 0) & ~np.eye(k, dtype=bool)
    relative = np.divide(kappa, size, out=np.full((k, k), np.inf), where=pairs)
    kappa = np.where(pairs, np.where(np.abs(kappa) > _NO_CURVATURE, kappa, _NO_CURVATURE), np.inf)
    variances = _variances(codes, first, signs, kappa, M, N, contrast)
    r = samples.shape[0] if weights is None else float(weights.sum())
    variances = np.maximum(variances, 0) / r
    np.fill_diagonal(variances, 0)
    directions = np.linalg.solve(full.T, whitening.inverse) * np.sqrt(squares)[:, None]
    return AtomErrors(
        standard_errors=_of_entries(variances[:, :m], directions),
        recovery=float(2 * variances[:m].sum() / m),
        curvature=relative[:m].min(axis=1),
    )


@dataclass(frozen=True)
class _FirstMoments:
    """Means over the samples, F = |y|^{p−1} sign y of the atoms."""

    center: np.ndarray  # E F_i
    values: np.ndarray  # E|y_i|^p
    squares: np.ndarray  # E y_i²
    lengths: np.ndarray  # E|y_i|
    slopes: np.ndarray  # (p − 1) E|y_i|^{p−2} y_j²


def _first_moments(codes: _Codes) -> _FirstMoments:
    m, p, k = codes.m, codes.p, codes.transform.shape[1]

    def function(Y: np.ndarray, shares: np.ndarray | None) -> list[np.ndarray]:
        size, squares = np.abs(Y[:, :m]), Y * Y
        lower = size ** (p - 2) if p != 3 else size
        power = lower * size * np.sign(Y[:, :m])
        if shares is not None:
            lower, power, size = lower * shares, power * shares, size * shares
        second = squares.sum(axis=0) if shares is None else (squares * shares).sum(axis=0)
        return [power.sum(axis=0), (power * Y[:, :m]).sum(axis=0), second, size.sum(axis=0), lower.T @ squares]

    center, values, squares, lengths, slopes = codes.means(function, (m,), (m,), (k,), (m,), (m, k))
    rest = np.zeros(k - m)
    return _FirstMoments(
        center=np.concatenate([center, rest]),
        values=np.concatenate([values, rest]),
        squares=squares,
        lengths=np.concatenate([lengths, rest]),
        slopes=(p - 1) * np.vstack([slopes, np.zeros((k - m, k))]),
    )


def _variances(
    codes: _Codes,
    first: _FirstMoments,
    signs: np.ndarray,
    kappa: np.ndarray,
    M: np.ndarray,
    N: np.ndarray,
    contrast: Contrast,
) -> np.ndarray:
    """Variances of one sample's part of Δ_ij, in units of codes of mean square one.

    The part is a F_i y_j + b F_j y_i + c y_i y_j + d sign(y_i) y_j with coefficients for each pair.
    """
    m, p, k = codes.m, codes.p, codes.transform.shape[1]
    # Δ_ij is multiplied by the scale of j over that of i, which makes it an amount of one unit code in another.
    scales = np.sqrt(first.squares)
    ratio = scales[None, :] / scales[:, None]
    a = ratio / kappa
    b, c = -a, -a * (M[:, None] - N.T) if contrast.whiten else np.zeros((k, k))
    d = np.zeros((k, k))
    if contrast.refined:
        a, b, c, d = _refined(codes, first, a, b, c, scales)
    center = first.center[:m]

    def function(Y: np.ndarray, shares: np.ndarray | None) -> list[np.ndarray]:
        size, squares = np.abs(Y[:, :m]), Y * Y
        F = (size ** (p - 1) if p != 3 else size * size) * np.sign(Y[:, :m]) - center
        crossed = F * Y[:, :m]
        weighted = squares if shares is None else squares * shares
        own = crossed if shares is None else crossed * shares
        parts = [(F * F).T @ weighted, own.T @ crossed]
        if contrast.whiten or contrast.refined:
            parts += [crossed.T @ weighted, squares.T @ weighted]
        if contrast.refined:
            S = np.sign(Y[:, :m])
            parts += [(S * F).T @ weighted, size.T @ own, size.T @ weighted]
        return parts

    shapes = [(m, k), (m, m)]
    shapes += [(m, k), (k, k)] if contrast.whiten or contrast.refined else []
    shapes += [(m, k), (m, m), (m, k)] if contrast.refined else []
    found = [_padded(part, k) for part in codes.means(function, *shapes)]
    found += [np.zeros((k, k))] * (7 - len(found))
    ff, fy, cross, fourth, sf, opposite, length = found
    signed, atoms = signs[:, None], (np.arange(k) < m)[:, None]

    def variance(c: np.ndarray) -> np.ndarray:
        # F_i y_j F_j y_i is symmetric in i and j; F and the sign of what the atoms leave are zero.
        result = a * a * signed**2 * ff + b * b * (signed**2 * ff).T + 2 * a * b * signed * signs * fy
        result += c * (c * fourth + 2 * a * signed * cross + 2 * b * (signed * cross).T)
        result += d * (d * atoms * first.squares + 2 * (a * signed * sf + b * signs * opposite + c * length))
        return np.asarray(result)

    result = variance(c)
    if contrast.refined and m < k:
        # Directions i that the atoms leave have Δ_ij = −Δ_ji − mean y_i y_j, or are orthogonal to them.
        other = variance(c + 1 / np.outer(scales, scales)) if contrast.whiten else result * ratio**-4
        result[m:] = other.T[m:]
    return result


def _padded(part: np.ndarray, k: int) -> np.ndarray:
    return np.pad(part, [(0, k - part.shape[0]), (0, k - part.shape[1])])


def _refined(
    codes: _Codes, first: _FirstMoments, a: np.ndarray, b: np.ndarray, c: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The coefficients for minimisers of E|y_i| with a fixed product with the direction of the atom before."""
    curvature = _curvature_at_zero(codes, scales)
    pull = (first.lengths / scales)[:, None] / curvature
    return a * pull, b * pull, (c + 1 / np.outer(scales, scales)) * pull, -1 / scales / curvature


def _curvature_at_zero(codes: _Codes, scales: np.ndarray) -> np.ndarray:
    """2 f_i(0) E[y_j² | y_i = 0] for codes of mean square one, f_i being the density of code i; infinite if it is."""
    m, k, r = codes.m, codes.transform.shape[1], codes.samples.shape[0]
    sizes = np.array([codes.samples.images(column) for column in codes.transform[:, :m].T])
    sizes = np.abs(sizes - codes.offsets[:m, None])
    if codes.weights is not None:
        sizes = sizes[:, codes.weights > 0]
    widths = np.maximum(np.quantile(sizes, r**_NEAR_ZERO_POWER, axis=1), np.finfo(float).eps * scales[:m])

    def function(Y: np.ndarray, shares: np.ndarray | None) -> list[np.ndarray]:
        near = (np.abs(Y[:, :m]) <= widths).astype(Y.dtype)
        return [(near if shares is None else near * shares).T @ (Y * Y)]

    (near,) = codes.means(function, (m, k))
    curvature = np.full((k, k), np.inf)
    curvature[:m] = np.maximum(near / (widths / scales[:m])[:, None] / scales**2, _NO_CURVATURE)
    return curvature


def _of_entries(variances: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Standard errors of the entries of the atoms, d_j of length one minus Σ_i Δ_ij d_i across d_j."""
    m = variances.shape[1]
    lengths = np.linalg.norm(directions[:m], axis=1)
    unit = directions[:m] / lengths[:, None]
    along = directions @ unit.T  # (k, m)
    squares = variances.T @ directions**2
    squares += -2 * unit * ((variances * along).T @ directions) + unit**2 * (variances * along**2).sum(axis=0)[:, None]
    return np.sqrt(np.maximum(squares, 0)) / lengths[:, None]
