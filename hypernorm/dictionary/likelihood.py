"""Atoms of largest likelihood for noisy sparse codes: relative Newton steps, and a mixture of two scales for each code.

A code of a noisy sparse model is a small Gaussian variable, noise alone, with probability 1 − θ, and else a large one.
The log-likelihood of the unmixing B is Σ_j E log f_j(⟨b_j, x⟩ − a_j) + log|det B|, f_j the density of the mixture. A
step solves for each pair of atoms the two equations that remain of Newton's if codes are independent (Pham & Garat
1997; Zibulevsky 2003; Ablin, Cardoso & Gramfort 2018), and updates the mixtures as expectation maximisation does. It
costs one pass over the samples. Without noise the small variances fall to zero together with the errors of the atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import null_space

from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows

__all__ = ["LEAST_WIDTH", "Mixtures", "completed", "entangled", "maximise_likelihood", "newton_step", "standardised"]

LEAST_WIDTH = 1e-6
"""Least standard deviation of a small component, for codes of mean square one; a code that has it is free of noise."""

# The least standard deviation begins with the first value and falls by the second in each step: a narrow component too
# early fits the errors of the atoms (graduated non-convexity).
_FIRST_WIDTH, _FALL = 0.5, 0.6
# A pair of atoms whose Hessian has a smaller eigenvalue takes a shorter step (Ablin, Cardoso & Gramfort 2018).
_LEAST_CURVATURE = 0.05
# The curvature may be negative; expectation maximisation takes the weights instead, which bound it from above.
_LEAST_SHARE = 0.1
_LONGEST_STEP = 0.3
_MOST_HALVINGS = 5
# Mean square of another code among the zeros of a code, below which the two are no independent coefficients.
_ENTANGLED = 0.4
# Steps and widths are settled when they change by less than this fraction of their standard error, or of themselves.
_SETTLED = 0.01


@dataclass(frozen=True)
class Mixtures:
    """Two-scale mixtures of codes with mean square one.

    Attributes
    ----------
    theta : ndarray of shape (m,)
        Weight of the large component: the fraction of non-zero coefficients.
    small, large : ndarray of shape (m,)
        Variances.
    offsets : ndarray of shape (m,)
        Common mean of both components: the place of a zero coefficient after centering.
    """

    theta: np.ndarray
    small: np.ndarray
    large: np.ndarray
    offsets: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """Difference of the inverse variances."""
        return 1 / self.small - 1 / self.large

    def large_chances(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log-odds λ of the large component for squared codes minus offsets, exp(−|λ|), and the probability."""
        logit = np.log(self.theta / (1 - self.theta)) + np.log(self.small / self.large) / 2
        odds = logit + squares * (self.gap / 2)
        nearly = np.exp(-np.abs(odds))
        return odds, nearly, np.where(odds > 0, 1, nearly) / (1 + nearly)

    @staticmethod
    def of_size(m: int) -> Mixtures:
        """Mixtures to begin with."""
        return Mixtures(np.full(m, 0.3), np.full(m, 0.05), np.full(m, 3.0), np.zeros(m))


class _Sums(NamedTuple):
    """Sums over the samples; y are the codes minus their offsets, ψ the derivatives of −log f."""

    correlations: np.ndarray  # Σ ψ(y_i) y_j for all pairs
    likelihoods: np.ndarray
    curvatures: np.ndarray  # Σ ψ′(y)
    scores: np.ndarray  # Σ ψ(y)
    weights: np.ndarray  # Σ ψ(y)/y
    chances: np.ndarray  # Σ probability that the code is large
    large_squares: np.ndarray
    squares: np.ndarray  # Σ y²

    def __add__(self, other: _Sums) -> _Sums:  # type: ignore[override]  # sums, not longer tuples
        return _Sums(*(a + b for a, b in zip(self, other, strict=True)))


def maximise_likelihood(
    rows: Rows,
    whitening: Whitening,
    B: np.ndarray,
    *,
    center: bool,
    held: int = 0,
    max_iter: int = 60,
) -> tuple[np.ndarray, Mixtures, float]:
    """Unmixing rows near B for codes with mean square one, their mixtures, and the log-likelihood per sample.

    Directions in which the samples vary, but that B lacks, are Gaussian for the likelihood.

    Parameters
    ----------
    rows : Rows
        Centered if the whitening centers.
    whitening : Whitening
    B : ndarray of shape (m, n)
    center : bool
        Whether to fit offsets.
    held : int
        Number of first steps that update the mixtures only, for rows that are already near the solution.
    max_iter : int
    """
    m, r, K = len(B), rows.shape[0], whitening.K
    metric = K.T @ whitening.S @ K  # second moments of the samples in these coordinates
    start = standardised(completed(B @ whitening.inverse.T, metric), metric)
    W, mixtures, least = start, Mixtures.of_size(m), LEAST_WIDTH if held else _FIRST_WIDTH
    best, length, step = -np.inf, 1.0, np.zeros_like(metric)
    found = (start, mixtures, best)
    for count in range(max_iter):
        sums = _sums(rows, K @ W.T, mixtures)
        objective = float(sums.likelihoods.sum()) / r + np.linalg.slogdet(W)[1]
        if objective < best - 1e-9 * abs(best) and length > 0.5**_MOST_HALVINGS:
            length /= 2
            W = standardised(start + length * step @ start, metric)
            continue
        best, start, length, found = objective, W, 1.0, (W, mixtures, objective)
        curvatures = np.maximum(sums.curvatures, _LEAST_SHARE * sums.weights)
        step = newton_step(sums.correlations, curvatures, W @ metric @ W.T, r)
        if count < held:
            step = np.zeros_like(metric)
        W = standardised(start + step @ start, metric)
        least = max(least * _FALL, LEAST_WIDTH)
        widths, mixtures = np.sqrt(mixtures.small), _updated(mixtures, sums, r, least, center)
        if (
            count > held
            and np.abs(np.sqrt(mixtures.small) - widths).max() <= _SETTLED * widths.max()
            and (np.abs(step[:m]).max(axis=1) <= _SETTLED / np.sqrt(r) * widths).all()
        ):
            break
    return found[0][:m] @ K.T, found[1], found[2]


def entangled(rows: Rows, B: np.ndarray, mixtures: Mixtures) -> np.ndarray:
    """Indices of codes whose zeros are zeros of another code too, so that they are sums of two coefficients.

    Such a code is a poor maximum of the likelihood: among its zeros the other code has a mean square far below one.
    """
    size, m = rows.block_rows(4 * len(B)), len(B)

    def partial(rows: Rows, part: range) -> np.ndarray:
        total = np.zeros((m, m + 1))
        for start in range(part.start, part.stop, size):
            codes = np.asarray(rows.operand(start, min(start + size, part.stop)) @ B.T) - mixtures.offsets
            squares = codes * codes
            zeros = 1 - mixtures.large_chances(squares)[2]
            total += zeros.T @ np.column_stack([squares, np.ones(len(codes))])
        return total

    with np.errstate(under="ignore"):
        total = sum(rows.partials(partial, rows.ranges(size)), np.zeros((m, m + 1)))
    others = total[:, :m] / np.maximum(total[:, m:], 1)
    np.fill_diagonal(others, 1)
    return np.flatnonzero(others.min(axis=1) < _ENTANGLED)


def _sums(rows: Rows, V: np.ndarray, mixtures: Mixtures) -> _Sums:
    """The sums for the codes ``rows @ V``, the first of which have mixtures."""
    m, k = len(mixtures.theta), V.shape[1]
    size = rows.block_rows(8 * k)  # several arrays of this size should stay in cache
    small, gap = mixtures.small, mixtures.gap
    ground = np.log((1 - mixtures.theta) / np.sqrt(2 * np.pi * small))

    def partial(rows: Rows, part: range) -> _Sums:
        total = _zeros(m, k)
        for start in range(part.start, part.stop, size):
            codes = np.asarray(rows.operand(start, min(start + size, part.stop)) @ V)
            y = codes[:, :m] - mixtures.offsets
            squares = y * y
            odds, nearly, chances = mixtures.large_chances(squares)
            weights = 1 / small - gap * chances
            scores = weights * y
            ones = np.ones(len(y))
            total += _Sums(
                scores.T @ codes,
                ones @ (ground - squares / (2 * small) + np.maximum(odds, 0) + np.log1p(nearly)),
                ones @ (weights - squares * chances * (1 - chances) * gap**2),
                ones @ scores,
                ones @ weights,
                ones @ chances,
                ones @ (chances * squares),
                ones @ squares,
            )
        return total

    with np.errstate(under="ignore"):
        return sum(rows.partials(partial, rows.ranges(size)), _zeros(m, k))


def _zeros(m: int, k: int) -> _Sums:
    return _Sums(np.zeros((m, k)), *np.zeros((7, m)))


def _updated(mixtures: Mixtures, sums: _Sums, r: int, least: float, center: bool) -> Mixtures:
    """The mixtures after a step of expectation maximisation."""
    few = 1e-6 * r
    large = np.maximum(sums.large_squares / np.maximum(sums.chances, few), least**2)
    small = np.maximum(sums.squares - sums.large_squares, 0) / np.maximum(r - sums.chances, few)
    offsets = mixtures.offsets + sums.scores / sums.weights if center else mixtures.offsets
    return Mixtures(np.clip(sums.chances / r, 1e-6, 1 - 1e-6), np.clip(small, least**2, large), large, offsets)


def newton_step(correlations: np.ndarray, curvatures: np.ndarray, moments: np.ndarray, r: int) -> np.ndarray:
    """The step E of W ← (I + E) W, from the equations H_ij E_ij + E_ji = −G_ij and E_ij + H_ji E_ji = −G_ji.

    G is the relative gradient, E ψ(y_i) y_j, and H_ij = E ψ′(y_i) E y_j².

    Parameters
    ----------
    correlations : ndarray of shape (m, k)
        Sums Σ ψ(y_i) y_j over r samples.
    curvatures : ndarray of shape (m,)
        Sums Σ ψ′(y), positive.
    moments : ndarray of shape (k, k)
        Second moments of the codes; the codes from the m-th on are Gaussian.
    r : int
    """
    m, k = correlations.shape
    G = moments.copy()  # the score of a Gaussian code is the code itself
    G[:m] = correlations / r
    slopes = np.ones(k)
    slopes[:m] = curvatures / r
    H = np.broadcast_to(slopes[:, None], (k, k))
    least = (H + H.T - np.hypot(H - H.T, 2)) / 2
    H = H + np.maximum(_LEAST_CURVATURE - least, 0)
    E = (G.T - H.T * G) / (H * H.T - 1)
    E[m:, m:] = 0  # Gaussian directions have no atoms
    np.fill_diagonal(E, 0)
    longest = float(np.abs(E).max())
    return E * (_LONGEST_STEP / longest) if longest > _LONGEST_STEP else E


def standardised(W: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """The rows of W, scaled for codes with mean square one."""
    return np.asarray(W / np.sqrt(np.einsum("ij,jk,ik->i", W, metric, W))[:, None])


def completed(W: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """W with further rows, whose codes are uncorrelated with one another and with those of W."""
    missing = null_space(W @ metric).T
    if not len(missing):
        return W
    L = np.linalg.cholesky(missing @ metric @ missing.T)
    return np.vstack([W, np.linalg.solve(L, missing)])
