"""Atoms of largest likelihood for codes with the density 1/cosh, whose score is smooth and bounded.

The estimate of Picard without the constraint of orthogonality (Ablin, Cardoso & Gramfort 2018), by the relative Newton
steps of `hypernorm.dictionary.likelihood`. It is less accurate than the mixtures if noise is weak, and less biased by
noise that is correlated between the codes, because it does not look for a narrow component.
"""

from __future__ import annotations

import numpy as np

from hypernorm.dictionary.likelihood import completed, newton_step, standardised
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows

__all__ = ["maximise_logcosh"]

_SETTLED = 0.01


def maximise_logcosh(rows: Rows, whitening: Whitening, B: np.ndarray, *, max_iter: int = 60) -> np.ndarray:
    """Unmixing rows near B for codes with mean square one.

    Parameters
    ----------
    rows : Rows
        Centered if the whitening centers.
    whitening : Whitening
    B : ndarray of shape (m, n)
    max_iter : int
    """
    m, r, K = len(B), rows.shape[0], whitening.K
    metric = K.T @ whitening.S @ K
    W = standardised(completed(B @ whitening.inverse.T, metric), metric)
    widths, before, factor = np.ones(m), np.inf, 1.0
    for _ in range(max_iter):
        correlations, curvatures, spreads = _sums(rows, K @ W.T, widths)
        # The best width makes the mean of ψ(y)·y one; with another one, ψ is divided by it.
        products = np.diag(correlations) / r
        step = newton_step(correlations / products[:, None], curvatures / products, W @ metric @ W.T, r)
        change = float(np.abs(step).max())
        factor = factor / 2 if change > before else min(1.0, 2 * factor)
        before = change
        W = standardised(W + factor * step @ W, metric)
        growth = np.clip((1 - products) / (products + spreads / r), -1, 1)
        widths = widths * np.exp(growth)
        if change <= _SETTLED / np.sqrt(r) and np.abs(growth).max() <= _SETTLED:
            break
    return np.asarray(W[:m] @ K.T)


def _sums(rows: Rows, V: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Σ ψ(y_i) y_j, Σ ψ′(y) and Σ ψ′(y) y² for the codes ``rows @ V`` and ψ(y) = t tanh(t y), t the widths."""
    m, k = len(widths), V.shape[1]
    size = rows.block_rows(4 * k)

    def partial(rows: Rows, part: range) -> np.ndarray:
        total = np.zeros((m, k + 2))
        for start in range(part.start, part.stop, size):
            codes = np.asarray(rows.operand(start, min(start + size, part.stop)) @ V)
            y = codes[:, :m]
            scores = np.tanh(widths * y)
            slopes = widths**2 * (1 - scores**2)
            total[:, :k] += (widths * scores).T @ codes
            total[:, k] += slopes.sum(axis=0)
            total[:, k + 1] += (slopes * y * y).sum(axis=0)
        return total

    total = sum(rows.partials(partial, rows.ranges(size)), np.zeros((m, k + 2)))
    return total[:, :k], total[:, k], total[:, k + 1]
