"""M-estimators of linear regression by iteratively reweighted least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from hypernorm.robust.weights import weighted_quantile

__all__ = ["Fit", "LinearProblem"]

# Both give 95% of the efficiency of least squares with Gaussian noise.
_HUBER = 1.345
_BISQUARE = 4.685
_NORMAL_MAD = 0.6744897501960817
# A scale below this fraction of the median deviation of the targets is rounding: most samples are fitted exactly.
_EXACT = 1e-10
# Smaller changes of the fitted values, relative to the same deviation, are rounding, too.
_ROUNDING = 1e-14
# Residuals beyond so many scales are clipped in a step of Huber's estimator, where all that counts is their sign.
_FAR = 1e6


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """A linear fit.

    Attributes
    ----------
    beta : ndarray of shape (p,)
        Coefficients in the coordinates of the problem.
    residuals : ndarray of shape (n,)
    scale : float
        Robust standard deviation of the residuals; zero if more than half of them are rounding.
    factors : ndarray of shape (n,)
        Factor of each sample's weight in the last step, between zero and one.
    n_iter : int
    converged : bool
    """

    beta: np.ndarray
    residuals: np.ndarray
    scale: float
    factors: np.ndarray
    n_iter: int
    converged: bool


class LinearProblem:
    """Linear regression with columns centered at their medians and divided by their median deviations.

    No unit depends on the largest number, which may be an outlier's.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,)
    fit_intercept : bool
    tol : float
        An iteration stops at a smaller change of the fitted values, in root mean square relative to the scale.
    max_iter : int
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, fit_intercept: bool, tol: float, max_iter: int):
        self.fit_intercept, self.tol, self.max_iter = fit_intercept, tol, max_iter
        self.center = np.median(X, axis=0) if fit_intercept else np.zeros(X.shape[1])
        self.middle = float(np.median(y)) if fit_intercept else 0.0
        standard = X - self.center
        self.units = _typical_sizes(standard)
        standard /= self.units
        self.Z = np.column_stack([np.ones(len(X)), standard]) if fit_intercept else standard
        self.y = y - self.middle
        self.spread = float(_typical_sizes(self.y[:, None])[0])
        self.negligible = _EXACT * self.spread

    def huber(self, weights: np.ndarray) -> Fit:
        """Minimise Σ w_i H(r_i/s) for weights that sum to one, with H quadratic up to 1.345 and linear beyond.

        The scale s is the weighted median of |r_i| over 0.6745, and over √(1 − p/n) for the p coefficients; n is
        counted as 1/Σ w_i².
        """
        lost = self.Z.shape[1] * float(weights @ weights)
        unit = _NORMAL_MAD * math.sqrt(max(1 - lost, float(weights @ weights)))

        def scale(residuals: np.ndarray) -> float:
            return weighted_quantile(np.abs(residuals), weights, 0.5) / unit

        def factors(z: np.ndarray) -> np.ndarray:
            return _HUBER / np.maximum(z, _HUBER)

        beta = self._solve(self.y, weights)
        converged, iteration, s = False, 0, 0.0
        while iteration < self.max_iter and not converged:
            iteration += 1
            residuals = self.y - self.Z @ beta
            s = max(scale(residuals), self.negligible)
            # Weight times residual is the same for all large residuals; squares of huge ones would drown the others.
            residuals = np.clip(residuals, -_FAR * s, _FAR * s)
            kept = factors(np.abs(residuals) / s)
            beta, converged = self._step(beta, residuals, weights * kept, s)
        residuals = self.y - self.Z @ beta
        s = scale(residuals)
        return Fit(
            beta=beta,
            residuals=residuals,
            scale=s if s > self.negligible else 0.0,
            factors=kept,
            n_iter=iteration,
            converged=converged,
        )

    def bisquare(self, start: Fit, weights: np.ndarray) -> Fit:
        """Descend from a fit in Σ w_i T(r_i/s), with T Tukey's bisquare and s the scale of the fit."""
        s = max(start.scale, self.negligible)
        beta, kept = start.beta, np.ones(len(self.y))
        converged, iteration = False, 0
        while iteration < self.max_iter and not converged:
            iteration += 1
            residuals = self.y - self.Z @ beta
            kept = np.maximum(1 - (residuals / (_BISQUARE * s)) ** 2, 0) ** 2
            beta, converged = self._step(beta, residuals, weights * kept, s)
        return Fit(
            beta=beta,
            residuals=self.y - self.Z @ beta,
            scale=start.scale,
            factors=kept,
            n_iter=iteration,
            converged=converged,
        )

    def complete(self, fit: Fit, weights: np.ndarray) -> Fit:
        """Add coefficients along directions in which the samples with weight do not vary, from the other samples.

        The fit of the samples with weight stays. The others are fitted by Huber's estimator even if they are outliers:
        without them nothing would be known of these directions.
        """
        present = weights > 0
        visible = self.Z[present] * np.sqrt(weights[present])[:, None]
        # The triangular factor has the same null space, and is small however many samples there are.
        precision = np.finfo(np.float64).eps * max(visible.shape)
        free = scipy.linalg.null_space(np.linalg.qr(visible, mode="r"), rcond=precision)
        if free.shape[1] == 0:
            return fit
        rows, lengths = self.Z[~present], np.linalg.norm(self.Z[~present], axis=1)
        images = rows @ free / np.where(lengths > 0, lengths, 1)[:, None]
        # Columns that no sample distinguishes leave only rounding.
        images[np.abs(images).max(axis=1, initial=0.0) <= _EXACT] = 0.0
        telling = images.any(axis=1)
        if not telling.any():
            return fit
        free = free @ scipy.linalg.orth(images.T, rcond=_EXACT)
        others = LinearProblem(rows[telling] @ free, fit.residuals[~present][telling], False, self.tol, self.max_iter)
        found = others.huber(np.full(len(others.y), 1 / len(others.y)))
        beta = fit.beta + free @ others.coefficients(found.beta)[0]
        return replace(fit, beta=beta, residuals=self.y - self.Z @ beta)

    def coefficients(self, beta: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients and intercept in the original coordinates."""
        coefficients = beta[int(self.fit_intercept) :] / self.units
        if not self.fit_intercept:
            return coefficients, 0.0
        return coefficients, float(beta[0] + self.middle - self.center @ coefficients)

    def _step(
        self, beta: np.ndarray, residuals: np.ndarray, weights: np.ndarray, scale: float
    ) -> tuple[np.ndarray, bool]:
        """Add the coefficients of the residuals."""
        added = self._solve(residuals, weights)
        # Rows without weight must not decide when the iteration ends, however far out they are.
        change = math.sqrt(float(weights @ (self.Z @ added) ** 2) / float(weights.sum()))
        return beta + added, change <= max(self.tol * scale, _ROUNDING * self.spread)

    def _solve(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Solve weighted least squares; of several solutions the shortest."""
        present = weights > 0
        roots = np.sqrt(weights[present])
        return np.asarray(np.linalg.lstsq(self.Z[present] * roots[:, None], targets[present] * roots, rcond=None)[0])


def _typical_sizes(columns: np.ndarray) -> np.ndarray:
    """Median size of the entries of each column, of those that are not zero if most are; one for columns of zeros."""
    entries = np.abs(columns)
    sizes = np.median(entries, axis=0)
    for column in np.flatnonzero(sizes == 0):
        others = entries[entries[:, column] > 0, column]
        sizes[column] = np.median(others) if len(others) else 1.0
    return np.asarray(sizes)
