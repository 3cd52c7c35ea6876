"""The generalised power method for Σ|⟨w_j, x_i⟩|^p over matrices with orthonormal rows w_j, or over unit vectors.

The objective is convex, so maximising its linearisation over the Stiefel manifold never decreases it. The step is
W ← UVᵀ, the polar factor of the gradient; over unit vectors it is w ← ∇/‖∇‖ (Journée, Nesterov, Richtárik & Sepulchre
2010; Zhai et al. 2020 for p = 4). There is no step size. A step costs two r×n×m matrix products, an entrywise power and
a polar factor. Near a maximum the step is shifted, which makes the linear convergence almost quadratic at no cost (the
step of FastICA, Hyvärinen 1999). If the objective decreases after a shifted step, that step is undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hypernorm.bounds.power_kernels import gradients
from hypernorm.forms import Rows

__all__ = ["Ascent", "ascend", "normalised_rows", "polar_rows", "random_orthonormal_rows"]


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
    """

    W: np.ndarray
    values: np.ndarray
    n_iter: int
    change: float


def ascend(
    rows: Rows,
    K: np.ndarray,
    p: float,
    W: np.ndarray,
    project: Callable[[np.ndarray], np.ndarray],
    *,
    tol: float,
    max_iter: int,
) -> Ascent:
    """Iterate from W for the samples ``rows @ K`` until a step changes W by at most `tol`."""
    values, change, n_iter = np.zeros(len(W)), np.inf, 0
    before, plain = -np.inf, W  # the objective at the iterate before W, and the unshifted step from there
    shifting = True
    while n_iter < max_iter and change > tol:
        n_iter += 1
        G, values = _step(rows, K, p, W)
        if values.sum() < before * (1 - 1e-9) and shifting:
            # Only unshifted steps never decrease the objective: take the unshifted step, and do not shift again.
            W, shifting, before = plain, False, -np.inf
            continue
        plain, before = project(G), float(values.sum())
        new = project(G - _shift(rows, K, p, W) * W) if shifting and change < _NEAR else plain
        change = float(np.linalg.norm(new - W)) / np.sqrt(len(W))
        W = new
    return Ascent(W, values, n_iter, change)


def _shift(rows: Rows, K: np.ndarray, p: float, W: np.ndarray) -> np.ndarray:
    """The shift (p−1) E|⟨w_j, z⟩|^{p−2} E⟨w_j, z⟩² of each row, estimated from some of the samples, as a column.

    Near an atom the error contracts by this number over E|⟨w_j, z⟩|^p in each step. The step is Newton's if this number
    times w_j is subtracted from the gradient (Hyvärinen 1999), and nearly so with an estimate of it.
    """
    n = rows.shape[0]
    size = min(n, _CHUNK)
    starts = np.linspace(0, n - size, min(_CHUNKS, -(-n // size))).astype(int)
    Y = rows.taken(np.unique(starts[:, None] + np.arange(size))) @ (K @ W.T)
    return np.asarray((p - 1) * (np.abs(Y) ** (p - 2)).mean(axis=0) * (Y**2).mean(axis=0))[:, None]


def _step(rows: Rows, K: np.ndarray, p: float, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the objective divided by p and by the number of samples, and the value of each row of W."""
    V = K @ W.T
    G = gradients(rows, V.astype(rows.search_dtype), p) / rows.shape[0]
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
