"""Certificates of positive maps from one Lanczos process.

For a self-adjoint map N that preserves positive semidefinite matrices, the proposal is the resolvent U = (λ − N)⁻¹ I
with λ slightly above λ_max(N). Then λU − N(U) = I, so the inequality that the checker proves holds with a margin, and
U = Σ_k N^k(I)/λ^{k+1} is positive definite. One Lanczos process started at I gives both λ_max and U, the iterate of the
conjugate-gradient method. For every number of steps there is a smallest λ for which its residual is below one half, so
the process can be stopped at any time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hypernorm.bounds.deadlines import DeadlineError

__all__ = ["Resolvent"]

_MOST_PRODUCTS = 80
_BASIS_BYTES = 1 << 30


@dataclass(frozen=True)
class Resolvent:
    """The Lanczos process of a positive map started at I, from which U = (λ − N)⁻¹ I is computed for λ > λ_max.

    Attributes
    ----------
    basis : list of ndarray of shape (d, d)
        Orthonormal symmetric matrices, the first one I/√d.
    tridiagonal : ndarray of shape (m, m)
        The map in that basis.
    last : float
        Coefficient of the next basis matrix, which is not in `basis`.
    """

    basis: list[np.ndarray]
    tridiagonal: np.ndarray
    last: float

    @classmethod
    def build(cls, mapping: Callable[[np.ndarray], np.ndarray], d: int, rtol: float, deadline: float) -> Resolvent:
        """Run until the residual certifies (1 + rtol) times the largest Ritz value, or until a limit is reached.

        The mapping may raise `DeadlineError`. It is raised again for the first product; later the process so far is
        returned.
        """
        most = max(4, min(_MOST_PRODUCTS, _BASIS_BYTES // (8 * d * d), d * (d + 1) // 2))
        basis = [np.eye(d) / math.sqrt(d)]
        diagonal: list[float] = []
        off: list[float] = []
        process: Resolvent | None = None
        while True:
            begin = time.perf_counter()
            try:
                image = mapping(basis[-1])
            except DeadlineError:
                if process is None:
                    raise
                return process
            diagonal.append(float(np.vdot(basis[-1], image)))
            for _ in range(2):  # twice is enough for orthogonality
                for matrix in basis:
                    image = image - np.vdot(matrix, image) * matrix
            last = float(np.linalg.norm(image))
            tridiagonal = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
            process = cls(list(basis), tridiagonal, last)
            done = last <= 1e-14 * diagonal[0] or process._smallest_margin() <= rtol
            now = time.perf_counter()
            if done or len(basis) >= most or 2 * now - begin > deadline:  # the next step will take as long as this one
                return process
            off.append(last)
            basis.append((image + image.T) / (2 * last))

    @property
    def ritz_value(self) -> float:
        """The largest eigenvalue of the projected map, a lower bound on λ_max."""
        return float(np.linalg.eigvalsh(self.tridiagonal)[-1])

    def _coefficients(self, bound: float) -> np.ndarray:
        """Coordinates of (λ − N)⁻¹ I in the basis."""
        size = len(self.tridiagonal)
        right = np.zeros(size)
        right[0] = math.sqrt(len(self.basis[0]))
        return np.asarray(np.linalg.solve(bound * np.eye(size) - self.tridiagonal, right))

    def _residual(self, margin: float) -> float:
        """Bound on the spectral norm of I − (λU − N(U)) for λ = (1 + margin) times the Ritz value."""
        return float(self.last * abs(self._coefficients(self.ritz_value * (1 + margin))[-1]))

    def _smallest_margin(self) -> float:
        """The smallest margin on a geometric grid with a residual of at most one half."""
        margin = 1e-9
        while self._residual(margin) > 0.5 and margin < 1e9:
            margin *= 2
        return margin

    def leading_vectors(self, count: int = 8) -> np.ndarray:
        """Leading eigenvectors of U for λ just above λ_max, as columns; the form is large in these directions."""
        U = self.certificate(1.0)[1]
        return np.asarray(np.linalg.eigh(U)[1][:, ::-1][:, :count])

    def certificate(self, growth: float) -> tuple[float, np.ndarray]:
        """λ and U for the smallest margin that the residual allows plus 1e-8 times `growth`."""
        # The proof loses 1e-12 to 1e-9 of λ‖U‖ to rounding, and ‖U‖ grows like 1/margin, so the margin is increased.
        bound = self.ritz_value * (1 + self._smallest_margin() + 1e-8 * growth)
        U = sum(
            (c * matrix for c, matrix in zip(self._coefficients(bound), self.basis, strict=True)),
            np.zeros_like(self.basis[0]),
        )
        U = (U + U.T) / (2 * float(np.abs(U).max()))
        return bound, U
