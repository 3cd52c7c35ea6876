"""Ridge regression for one penalty by a Cholesky factorisation, for p = 2."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from hypernorm.linear_model.gram import GramMatrix, gram_matrix
from hypernorm.linear_model.samples import CenteredSamples

__all__ = ["solve_ridge"]

# Estimated relative error above which a solution is corrected once by its residual, and the largest such correction.
_CORRECT_FROM, _LARGEST_CORRECTION = 1e-12, 1e-5


def solve_ridge(centered: CenteredSamples, alpha: float) -> tuple[np.ndarray, GramMatrix] | None:
    """Coefficients of shape (d, k) for α > 0, and the Gram matrix; None if they are not accurate.

    The factor of the Gram matrix plus α gives a solution with a relative error of about ε times the condition number.
    If that is large, the residual, computed from the samples, corrects it (corrected seminormal equations: Björck,
    *Numerical Methods for Least Squares Problems*, 2.9). The size of the correction tells the error before it; a
    small one leaves an error of about its square.
    """
    gram = gram_matrix(centered)
    if not len(gram.lower):
        return np.zeros((centered.shape[1], gram.moments.shape[1])), gram
    factor = gram.factor(alpha)
    if factor is None:
        return None

    def solve(right: np.ndarray) -> np.ndarray:
        return np.asarray(lapack.dpotrs(factor, right, lower=1)[0])

    solution = solve(gram.moments)
    needs_correction = gram.error(alpha, factor) > _CORRECT_FROM
    if not centered.is_wide:
        if needs_correction:
            errors = centered.targets() - centered.product(solution, careful=True)
            rest = centered.transposed_product(errors, careful=True) - alpha * solution
            correction = solve(rest)
            if not _is_small(correction, solution):
                return None
            solution = solution + correction
        return solution, gram

    def coefficients(dual: np.ndarray) -> np.ndarray:
        return centered.transposed_product(dual if gram.reflection is None else gram.reflection.embedded(dual))

    result = coefficients(solution)
    if needs_correction:
        image = centered.product(result, careful=True)
        image = image if gram.reflection is None else gram.reflection.complement(image)
        correction = solve(gram.moments - image - alpha * solution)
        change = coefficients(correction)
        if not _is_small(change, result):
            return None
        result = result + change
    return result, gram


def _is_small(correction: np.ndarray, solution: np.ndarray) -> bool:
    """Whether the correction of every target is small relative to its solution; false for NaN."""
    sizes = np.linalg.norm(solution, axis=0)
    return bool((np.linalg.norm(correction, axis=0) <= _LARGEST_CORRECTION * sizes).all())
