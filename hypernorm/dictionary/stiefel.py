"""The generalised power method for Σ|⟨w_j, x_i⟩|^p over matrices with orthonormal rows w_j, or over unit vectors.

The objective is convex, so maximising its linearisation over the Stiefel manifold never decreases it. The step is
W ← UVᵀ, the polar factor of the gradient; over unit vectors it is w ← ∇/‖∇‖ (Journée, Nesterov, Richtárik & Sepulchre
2010; Zhai et al. 2020 for p = 4). There is no step size. A step costs two r×n×m matrix products, an entrywise power and
a polar factor. Near a maximum the step is shifted, which makes the linear convergence almost quadratic at no cost (the
step of FastICA, Hyvärinen 1999). If the objective decreases after a shifted step, that step is undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hypernorm.bounds.power_kernels import gradients
from hypernorm.forms import Rows

__all__ = ["Ascent", "ascend", "ascend_kurtosis", "normalised_rows", "polar_rows", "random_orthonormal_rows"]


# After a step shorter than this, an atom is near enough for Newton's method.
_NEAR = 0.5
# Number of samples from which the shift is estimated, in contiguous chunks.
_CHUNK, _CHUNKS = 256, 8


@dataclass(frozen=True)
class Ascent:
    """Result of an ascent.

    Attributes
    ----------
    W : ndarray of shape (m, k)
        The last iterate.
    values : ndarray of shape (m,)
        Mean of |⟨w_j, x⟩|^p over the samples, at the last but one iterate.
    n_iter : int
        Number of steps.
    change : float
        ‖ΔW‖_F/√m of the last step.
    signs : ndarray of shape (m,), optional
        For signed fourth moments: 1 where E⟨w_j, x⟩⁴ is a maximum, −1 where it is a minimum.
    """

    W: np.ndarray
    values: np.ndarray
    n_iter: int
    change: float
    signs: np.ndarray | None = None

    def arranged(self, order: np.ndarray, factors: np.ndarray) -> Ascent:
        """The rows in another order, then multiplied by factors of 1 or −1."""
        signs = None if self.signs is None else self.signs[order]
        return replace(self, W=factors[:, None] * self.W[order], values=self.values[order], signs=signs)


def ascend(
    rows: Rows,
    K: np.ndarray,
    p: float,
    W: np.ndarray,
    project: Callable[[np.ndarray], np.ndarray],
    *,
    tol: float,
    max_iter: int,
    weights: np.ndarray | None = None,
) -> Ascent:
    """Iterate from W for the samples ``rows @ K`` until a step changes W by at most `tol`."""
    values, change, n_iter = np.zeros(len(W)), np.inf, 0
    before, plain = -np.inf, W  # the objective at the iterate before W, and the unshifted step from there
    shifting = True
    while n_iter < max_iter and change > tol:
        n_iter += 1
        G, values = _step(rows, K, p, W, weights)
        if values.sum() < before * (1 - 1e-9) and shifting:
            # Only unshifted steps never decrease the objective: take the unshifted step, and do not shift again.
            W, shifting, before = plain, False, -np.inf
            continue
        plain, before = project(G), float(values.sum())
        new = project(G - _shift(rows, K, p, W, weights) * W) if shifting and change < _NEAR else plain
        change = float(np.linalg.norm(new - W)) / np.sqrt(len(W))
        W = new
    return Ascent(W, values, n_iter, change)


def ascend_kurtosis(
    rows: Rows, K: np.ndarray, W: np.ndarray, *, tol: float, max_iter: int, weights: np.ndarray | None = None
) -> Ascent:
    """Iterate for Σ ±E⟨w_j, z⟩⁴ over orthonormal rows, the sign of each row being that of its kurtosis E⟨w_j, z⟩⁴ − 3.

    This is the symmetric cubic iteration of FastICA (Hyvärinen 1999) for whitened samples z = ``rows @ K``.
    """
    values, change, n_iter, signs = np.zeros(len(W)), np.inf, 0, np.ones(len(W))
    while n_iter < max_iter and change > tol:
        n_iter += 1
        G, values = _step(rows, K, 4, W, weights)
        signs = np.where(values < 3, -1.0, 1.0)
        new = polar_rows(signs[:, None] * (G - 3 * W))
        change = float(np.linalg.norm(new - W)) / np.sqrt(len(W))
        W = new
    return Ascent(W, values, n_iter, change, signs)


def _shift(rows: Rows, K: np.ndarray, p: float, W: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The shift (p−1) E|⟨w_j, z⟩|^{p−2} E⟨w_j, z⟩² of each row, estimated from some of the samples, as a column.

    Near an atom the error contracts by this number over E|⟨w_j, z⟩|^p in each step. The step is Newton's if this number
    times w_j is subtracted from the gradient (Hyvärinen 1999), and nearly so with an estimate of it.
    """
    n = rows.shape[0] if weights is None else int(np.count_nonzero(weights))
    size = min(n, _CHUNK)
    starts = np.linspace(0, n - size, min(_CHUNKS, -(-n // size))).astype(int)
    chosen = np.unique(starts[:, None] + np.arange(size))
    if weights is not None:  # samples of weight zero count as absent
        chosen = np.flatnonzero(weights)[chosen]
    shares = np.ones(len(chosen)) if weights is None else weights[chosen]
    Y = rows.taken(chosen) @ (K @ W.T)
    first, second = (np.average(power, axis=0, weights=shares) for power in (np.abs(Y) ** (p - 2), Y**2))
    return np.asarray((p - 1) * first * second)[:, None]


def _step(
    rows: Rows, K: np.ndarray, p: float, W: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the objective divided by p and by the number of samples, and the value of each row of W."""
    V = K @ W.T
    total = rows.shape[0] if weights is None else weights.sum()
    G = gradients(rows, V.astype(rows.search_dtype), p, weights) / total
    return (K.T @ G).T, np.einsum("ij,ij->j", V, G)


def polar_rows(G: np.ndarray) -> np.ndarray:
    """The matrix with orthonormal rows nearest to G: UVᵀ of its singular value decomposition."""
    squares, U = np.linalg.eigh(G @ G.T)
    if squares[0] <= 1e-6 * squares[-1]:
        left, _, right = np.linalg.svd(G, full_matrices=False)
        return np.asarray(left @ right)
    W = (U / np.sqrt(squares)) @ (U.T @ G)
    # Squaring the condition number loses half the digits; one Newton–Schulz step restores them.
    return np.asarray(1.5 * W - 0.5 * (W @ W.T) @ W)


def normalised_rows(G: np.ndarray) -> np.ndarray:
    """The rows divided by their lengths; a zero row stays zero."""
    lengths = np.linalg.norm(G, axis=1, keepdims=True)
    return np.asarray(G / np.where(lengths > 0, lengths, 1))


def random_orthonormal_rows(m: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """A uniformly distributed point of the Stiefel manifold: m orthonormal rows of length k."""
    Q, R = np.linalg.qr(rng.standard_normal((k, m)))
    return np.asarray((Q * np.sign(np.diagonal(R))).T)
