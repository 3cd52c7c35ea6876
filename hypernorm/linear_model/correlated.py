"""Leave-one-out for ridge regression with correlated noise, from one decomposition of the whitened samples.

Let Ω = LLᵀ be the covariance, A the residual operator of the whitened samples, Ŷ = LAL⁻¹ that of the given ones, and
P = L⁻ᵀAL⁻¹. Adding the indicator of sample i as an unpenalised column deletes the sample from generalised least
squares; its coefficient is γ_i = (Py)_i / P_ii. The fit of the others is the fit of y − γ_i e_i, so their residual at
sample i is (Ŷy)_i + γ_i (1 − Ŷ_ii).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.linalg

from hypernorm.linear_model.decomposition import Decomposition
from hypernorm.linear_model.leave_one_out import Block, Refit, blocks_of_targets
from hypernorm.linear_model.samples import Samples
from hypernorm.linear_model.shrinkage import biases, gains

__all__ = ["correlated_blocks"]

_SMALLEST_GAP = 1e-7


def correlated_blocks(
    samples: Samples, decomposition: Decomposition, norms: Sequence[float], alphas: np.ndarray, refit: Refit
) -> Iterator[Block]:
    """Residuals of each sample, predicted from all others; exact for p = 2 and else the same formula.

    Parameters
    ----------
    samples : Samples
        With their covariance.
    decomposition : Decomposition
        Of the whitened samples.
    norms, alphas, refit
        As for `leave_one_out_blocks`; samples whose P_ii is lost in rounding are predicted by a decomposition.
    """
    assert samples.covariance is not None
    factor = np.linalg.cholesky(samples.covariance)
    inverse = scipy.linalg.solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)
    centered, projections = decomposition.centered, decomposition.projections
    rows = np.arange(len(factor))
    diagonal = np.sum(inverse**2, axis=0)
    if decomposition.U is not None:
        # A = U diag(b) Uᵀ
        outer, inner = inverse.T @ decomposition.U, factor @ decomposition.U
        start: tuple[Any, ...] = (0.0, 0.0, 0.0, 0.0)
        sign = 1.0
    else:
        # A = I − ccᵀ − V-coordinates · diag(g) · their transpose
        assert decomposition.Q is not None
        coordinates = centered.product(decomposition.Q)
        outer, inner = inverse.T @ coordinates, factor @ coordinates
        column = centered.column / (float(np.linalg.norm(centered.column)) or 1.0)
        first, second = inverse.T @ column, factor @ column
        targets = centered.targets()
        start = (diagonal - first**2, 1 - first * second, inverse.T @ targets, factor @ targets)
        sign = -1.0
    for index, p in enumerate(norms):
        factors = (biases if sign > 0 else gains)(decomposition.squares, alphas, p)
        gaps = np.transpose(start[0] + sign * factors @ (outer**2).T)
        kept = np.transpose(start[1] + sign * factors @ (outer * inner).T)
        doubtful = np.flatnonzero(~(gaps.min(axis=1) > _SMALLEST_GAP * diagonal))
        gaps[doubtful] = 1.0
        inner_blocks = blocks_of_targets(inner, factors, projections)
        for (part, numerator), (_, residual) in zip(
            blocks_of_targets(outer, factors, projections), inner_blocks, strict=True
        ):
            numerator = _added(start[2], sign * numerator) / gaps[:, part, None]
            residuals = _added(start[3], sign * residual) + numerator * (1 - kept[:, part, None])
            for row in doubtful.tolist():
                residuals[row] = refit(row, p, alphas[part])
            yield Block(rows, index, part, residuals)


def _added(start: Any, values: np.ndarray) -> np.ndarray:
    return values if isinstance(start, float) else start[:, None, :] + values
