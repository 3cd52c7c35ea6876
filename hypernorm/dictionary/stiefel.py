"""The generalised power method for Σ|⟨w_j, x_i⟩|^p over matrices with orthonormal rows w_j, or over unit vectors.

The objective is convex, so maximising its linearisation over the Stiefel manifold never decreases it: W ← UVᵀ, the
polar factor of the gradient; over unit vectors w ← ∇/‖∇‖ (Journée, Nesterov, Richtárik & Sepulchre 2010; Zhai et al.
2020 for p = 4). There is no step size. A step costs two r×n×m matrix products, an entrywise power and a polar factor.
Near a maximum the step is shifted, which turns linear into almost quadratic convergence at no cost (FastICA's step,
Hyvärinen 1999); the objective is watched, and a shifted step after which it falls is taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hypernorm.bounds.power_kernels import gradients
from hypernorm.forms import Rows

__all__ = ["Ascent", "ascend", "normalised_rows", "polar_rows", "random_orthonormal_rows"]


# From a step this short on, an atom is near enough for Newton's method.
_NEAR = 0.5
# Samples from which its shift is estimated, in contiguous chunks.
_CHUNK, _CHUNKS = 256, 8


@dataclass(frozen=True)
class Ascent:
    """Where an ascent ended.

    Attributes
    ----------
    W : ndarray of shape (m, k)
    values : ndarray of shape (m,)
        Mean of |⟨w_j, x⟩|^p over the samples, at the last but one iterate.
    n_iter : int
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
    before, plain = -np.inf, W  # the objective and the plain step that precede W
    shifting = True
    while n_iter < max_iter and change > tol:
        n_iter += 1
        G, values = _step(rows, K, p, W)
        if values.sum() < before * (1 - 1e-9) and shifting:
            # Only plain steps are certain to ascend: take the one that was passed over, and no shortcut any more.
            W, shifting, before = plain, False, -np.inf
            continue
        plain, before = project(G), float(values.sum())
        new = project(G - _shift(rows, K, p, W) * W) if shifting and change < _NEAR else plain
        change = float(np.linalg.norm(new - W)) / np.sqrt(len(W))
        W = new
    return Ascent(W, values, n_iter, change)


def _shift(rows: Rows, K: np.ndarray, p: float, W: np.ndarray) -> np.ndarray:
    """(p−1) E|⟨w_j, z⟩|^{p−2} E⟨w_j, z⟩² for each row, from some of the samples, as a column.

    Near an atom the step contracts by this number over E|⟨w_j, z⟩|^p; subtracting it from the gradient makes the step
    Newton's (Hyvärinen 1999), and an estimate makes it nearly so.
    """
    n = rows.shape[0]
    size = min(n, _CHUNK)
    starts = np.linspace(0, n - size, min(_CHUNKS, -(-n // size))).astype(int)
    Y = rows.taken(np.unique(starts[:, None] + np.arange(size))) @ (K @ W.T)
    return np.asarray((p - 1) * (np.abs(Y) ** (p - 2)).mean(axis=0) * (Y**2).mean(axis=0))[:, None]


def _step(rows: Rows, K: np.ndarray, p: float, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the objective over p, divided by the number of samples, and the value of each row of W."""
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
    # Squaring the condition number cost half the digits; one Newton–Schulz step returns them.
    return np.asarray(1.5 * W - 0.5 * (W @ W.T) @ W)


def normalised_rows(G: np.ndarray) -> np.ndarray:
    """Each row divided by its length; a zero row stays."""
    lengths = np.linalg.norm(G, axis=1, keepdims=True)
    return np.asarray(G / np.where(lengths > 0, lengths, 1))


def random_orthonormal_rows(m: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """Uniformly distributed on the Stiefel manifold."""
    Q, R = np.linalg.qr(rng.standard_normal((k, m)))
    return np.asarray((Q * np.sign(np.diagonal(R))).T)
