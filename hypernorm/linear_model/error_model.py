"""What determines the errors of fitted coefficients, computed when it is first asked for.

For tall samples the small factors of the fit suffice. The directions of wide samples are as large as X: singular values
give them; a Gram matrix does not, so they are computed from X, which must not have changed since the fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import check_choice, check_nonnegative
from hypernorm._validation import check_shape
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import Decomposition, eigen_decomposition
from hypernorm.linear_model.gram import GramMatrix
from hypernorm.linear_model.samples import CenteredSamples
from hypernorm.linear_model.spectrum import Blend

__all__ = ["ErrorModel", "ErrorSource", "WeightMeaning", "per_target"]

WeightMeaning: TypeAlias = Literal["variance", "count"]
WEIGHT_MEANINGS: tuple[WeightMeaning, ...] = get_args(WeightMeaning)
# Difference of coefficients, relative to them and to rounding errors, above which X is not that of the fit.
_LARGEST_CHANGE, _ROUNDING = 1e-3, 64 * float(np.finfo(np.float64).eps)
_CHANGED = (
    "X was changed after the fit, but standard errors and intervals of wide samples are computed from it when they are "
    "first asked for; fit again, or fit to a copy of X."
)
_INCOMPLETE = (
    "solver='lanczos' finds coefficients that are no linear function of the targets, so they have no standard errors; "
    "use solver='gram' or 'svd'."
)


@dataclass(frozen=True)
class ErrorModel:
    """The bias and the variance of β̂ = Ly, with LX = Q diag(h) Qᵀ on centered samples.

    Attributes
    ----------
    Q : ndarray of shape (d, r)
        The directions V, for wide samples times the singular values.
    shares : ndarray of shape (r, 1) or (r, k)
        h: the filter factors, for wide samples divided by the squares.
    weights : ndarray of shape (r, 1) or (r, k)
        v, with the covariance Q diag(v) Qᵀ for σ = 1.
    X_center : ndarray of shape (d,)
    mean_variance : float
        Variance of the weighted mean of the targets for σ = 1; zero without an intercept.
    residual_squares : ndarray of shape (k,)
        Sum of the weighted squares of the residuals of least squares; by a Gram matrix rounded up.
    n_samples : int
        Number of samples with weight.
    total_weight : float
    fitted : int
        Number of fitted parameters, the rank and one for an intercept.
    has_whole_weights : bool
    """

    Q: np.ndarray
    shares: np.ndarray
    weights: np.ndarray
    X_center: np.ndarray
    mean_variance: float
    residual_squares: np.ndarray
    n_samples: int
    total_weight: float
    fitted: int
    has_whole_weights: bool

    def noise(self, sigma: Any, meaning: str) -> tuple[np.ndarray, float]:
        """σ of every target, and its degrees of freedom."""
        check_choice(meaning, "weight_meaning", WEIGHT_MEANINGS)
        if sigma is not None:
            return per_target(sigma, "sigma", len(self.residual_squares)), math.inf
        if meaning == "count" and not self.has_whole_weights:
            raise InvalidInputError("weight_meaning='count' needs whole numbers as sample_weight; give sigma instead.")
        freedom = (self.n_samples if meaning == "variance" else self.total_weight) - self.fitted
        if min(freedom, self.n_samples - self.fitted) <= 0:
            raise _UndefinedError(
                f"sigma cannot be estimated, since {self.fitted} fitted parameters leave no degrees of freedom; give "
                "sigma, the standard deviation of the noise or an upper bound on it."
            )
        return np.sqrt(self.residual_squares / freedom), float(freedom)

    def variances(self, images: np.ndarray) -> np.ndarray:
        """‖L'c‖² for the rows c'Q, of shape (m, 1) or (m, k)."""
        return np.asarray(images**2 @ self.weights)

    def biases(self, rows: np.ndarray, images: np.ndarray) -> np.ndarray:
        """‖B'c‖ for the rows c and c'Q, of shape (m, 1) or (m, k)."""
        columns = [np.linalg.norm(rows - (images * share) @ self.Q.T, axis=1) for share in self.shares.T]
        return np.column_stack(columns)


@dataclass
class ErrorSource:
    """What a fit keeps to compute its error model; dropped afterwards.

    Samples are kept only if they are wide and a Gram matrix was used, and then without a copy. A pickle has the error
    model itself, and no samples.

    Attributes
    ----------
    blend : Blend
    centered : CenteredSamples or None
        Without the targets, and without tall samples.
    parts : Decomposition or GramMatrix or None
    coefficients : ndarray of shape (d, k)
    refusal : str
        Why there is no error model, if there is none.
    found : ErrorModel or None
    """

    blend: Blend
    centered: CenteredSamples | None
    parts: Decomposition | GramMatrix | None
    coefficients: np.ndarray
    refusal: str = ""
    found: ErrorModel | None = None

    @classmethod
    def of(
        cls,
        centered: CenteredSamples,
        parts: Decomposition | GramMatrix,
        blend: Blend,
        coefficients: np.ndarray,
    ) -> ErrorSource:
        """What is needed of a fit."""
        if isinstance(parts, Decomposition) and parts.residual_squares is None:
            return cls(blend, None, None, np.empty((0, 0)), _INCOMPLETE)
        n = centered.shape[0]
        kept = replace(centered.samples, y=np.empty((n, 0)))
        if not centered.is_wide or (isinstance(parts, Decomposition) and parts.Q is not None):
            kept = replace(kept, X=np.empty((n, 0)))
        centered = CenteredSamples(kept, centered.X_center, centered.y_center)
        if isinstance(parts, Decomposition):
            parts = replace(parts, centered=centered)
        return cls(blend, centered, parts, coefficients)

    def __getstate__(self) -> dict[str, Any]:
        try:
            self.model()
        except InvalidInputError as error:
            return vars(self) | {"centered": None, "parts": None, "refusal": str(error)}
        return vars(self)

    def model(self) -> ErrorModel:
        """The error model.

        Raises
        ------
        InvalidInputError
            If not all directions are known, or if wide samples changed after the fit.
        """
        if self.found is None:
            self.found = self._computed()
            self.centered = self.parts = None
            self.coefficients = np.empty((0, 0))
        return self.found

    def _computed(self) -> ErrorModel:
        centered, parts = self.centered, self.parts
        if centered is None or parts is None:
            raise InvalidInputError(self.refusal)
        if isinstance(parts, GramMatrix):
            parts = eigen_decomposition(centered, parts)
        gains, squares = self.blend.gains(parts.squares), parts.squares[:, None]
        Q = parts.Q
        if Q is None:
            assert parts.U is not None
            Q = centered.transposed_product(parts.U)
            change = np.linalg.norm(Q @ (gains * parts.projections) - self.coefficients)
            offset = np.linalg.norm(centered.column) * np.linalg.norm(centered.y_center)
            targets = np.linalg.norm(parts.projections) + offset
            rounding = _ROUNDING * float(gains.max(initial=0)) * np.linalg.norm(Q) * targets
            if not change <= _LARGEST_CHANGE * np.linalg.norm(self.coefficients) + rounding:
                raise InvalidInputError(_CHANGED)
        assert parts.residual_squares is not None
        lengths = np.ones_like(squares) if parts.U is not None else squares
        weights = centered.samples.weights
        total = float(centered.column @ centered.column)
        count = len(centered.column)
        return ErrorModel(
            Q=Q,
            shares=gains * lengths,
            weights=gains**2 * lengths,
            X_center=centered.X_center,
            mean_variance=1 / total if centered.samples.intercept is not None else 0.0,
            residual_squares=parts.residual_squares,
            n_samples=count,
            total_weight=float(count if weights is None else weights.sum()),
            fitted=int(np.count_nonzero(parts.squares > parts.tolerance)) + (centered.samples.intercept is not None),
            has_whole_weights=weights is None or bool((weights == np.round(weights)).all()),
        )


class _UndefinedError(InvalidInputError, AttributeError):
    """An attribute that this fit does not have; `hasattr` is then false."""


def per_target(value: Any, name: str, targets: int) -> np.ndarray:
    """One finite number of at least 0 for every target."""
    if np.ndim(value) == 0:
        return np.full(targets, check_nonnegative(value, name))
    values = check_shape(value, name, (targets,))
    if (values < 0).any():
        raise InvalidInputError(f"{name} must not be negative.")
    return values
