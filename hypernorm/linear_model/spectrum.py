"""The shrinkage of a fitted regressor, and its singular values and biases, computed when they are first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hypernorm.linear_model.decomposition import Decomposition
from hypernorm.linear_model.gram import GramMatrix
from hypernorm.linear_model.shrinkage import biases, gains, schatten_norm

__all__ = ["Blend", "Spectrum"]


@dataclass(frozen=True)
class Blend:
    """A weighted mean of the shrinkages of several norms; one norm has the weight one.

    Attributes
    ----------
    norms : list of float
    alphas, weights : ndarray of shape (norms, t)
        One column, or one for each target.
    per_target : bool
        Whether the columns belong to targets.
    is_choice : bool
        Whether one norm has the weight one.
    """

    norms: list[float]
    alphas: np.ndarray
    weights: np.ndarray
    per_target: bool = False
    is_choice: bool = True

    @classmethod
    def single(cls, alpha: float, p: float) -> Blend:
        """One norm and penalty."""
        return cls([p], np.array([[alpha]]), np.ones((1, 1)))

    def gains(self, squares: np.ndarray) -> np.ndarray:
        """(1 − b_i)/s_i², of shape (r, t)."""
        return self._mean(gains, squares)

    def biases(self, squares: np.ndarray) -> np.ndarray:
        """b_i, of shape (r, t)."""
        return self._mean(biases, squares)

    def _mean(self, values: Any, squares: np.ndarray) -> np.ndarray:
        parts = zip(self.norms, self.alphas, self.weights, strict=True)
        return np.asarray(sum((values(squares, alphas, p) * weights[:, None]).T for p, alphas, weights in parts))

    def shown(self, values: np.ndarray) -> Any:
        """Values with a last axis of length t, which is left out unless it belongs to targets."""
        if self.per_target:
            return values
        return float(values[0]) if values.ndim == 1 else values[..., 0]


@dataclass
class Spectrum:
    """The squares of the singular values that count in the rank, and their biases.

    A fit by Cholesky's factorisation needs no eigenvalues; they are computed from the Gram matrix on demand.

    Attributes
    ----------
    blend : Blend
    gram : GramMatrix or None
        What the squares are computed from; dropped afterwards.
    """

    blend: Blend
    gram: GramMatrix | None = None
    found: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, decomposition: Decomposition, blend: Blend) -> Spectrum:
        """The spectrum of a decomposition."""
        return cls(blend, found=_counted(decomposition.squares, decomposition.tolerance))

    @property
    def squares(self) -> np.ndarray:
        """s_i² above the tolerance of the rank, in descending order."""
        if self.gram is not None:
            values = self.gram.eigenvalues()
            self.found = _counted(values, self.gram.tolerance(float(values.max(initial=0))))
            self.gram = None
        return self.found

    def __getstate__(self) -> dict[str, Any]:
        # Eigenvalues take less space than the matrix.
        return {"blend": self.blend, "gram": None, "found": self.squares}

    @property
    def bias(self) -> np.ndarray:
        """b_i, of shape (r,), or (r, k) if the targets have different ones."""
        return np.asarray(self.blend.shown(self.blend.biases(self.squares)))

    @property
    def bias_norms(self) -> Any:
        """‖b‖_p for every norm of the blend, or for the chosen one."""
        columns = self.blend.biases(self.squares).T
        table = np.array([[schatten_norm(column, p) for column in columns] for p in self.blend.norms])
        if not self.blend.is_choice:
            return self.blend.shown(table)
        return self.blend.shown(table[np.argmax(self.blend.weights, axis=0), np.arange(len(columns))])


def _counted(squares: np.ndarray, tolerance: float) -> np.ndarray:
    return np.sort(squares[squares > tolerance])[::-1]
