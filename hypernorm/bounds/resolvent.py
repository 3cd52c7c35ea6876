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

import numpy as np

from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.lanczos import Lanczos

__all__ = ["Resolvent"]

_MOST_PRODUCTS = 80
_BASIS_BYTES = 1 << 30


class Resolvent:
    """The Lanczos process of a positive map started at I, from which U = (λ − N)⁻¹ I is computed for λ > λ_max.

    Parameters
    ----------
    process : Lanczos
        Of symmetric matrices as vectors, after at least one product.
    dimension : int
        d, the side of the matrices.
    """

    def __init__(self, process: Lanczos, dimension: int):
        self._process, self._dimension = process, dimension
        self.tridiagonal = process.tridiagonal

    @classmethod
    def build(cls, mapping: Callable[[np.ndarray], np.ndarray], d: int, rtol: float, deadline: float) -> Resolvent:
        """Run until the residual certifies (1 + rtol) times the largest Ritz value, or until a limit is reached.

        The mapping may raise `DeadlineError`. It is raised again for the first product; later the process so far is
        returned.
        """
        most = max(4, min(_MOST_PRODUCTS, _BASIS_BYTES // (8 * d * d), d * (d + 1) // 2))
        process = Lanczos(np.eye(d).ravel())
        while True:
            begin = time.perf_counter()
            try:
                image = mapping(process.newest.reshape(d, d))
            except DeadlineError:
                if not len(process):
                    raise
                return cls(process, d)
            process.advance(image.ravel())
            resolvent = cls(process, d)
            exhausted = process.last <= 1e-14 * resolvent.tridiagonal[0, 0]
            done = exhausted or resolvent._smallest_margin() <= rtol
            now = time.perf_counter()
            # The next step will take as long as this one.
            if done or len(process) >= most or 2 * now - begin > deadline:
                return resolvent

    @property
    def ritz_value(self) -> float:
        """The largest eigenvalue of the projected map, a lower bound on λ_max."""
        return float(np.linalg.eigvalsh(self.tridiagonal)[-1])

    def _coefficients(self, bound: float) -> np.ndarray:
        """Coordinates of (λ − N)⁻¹ I in the basis."""
        size = len(self.tridiagonal)
        right = np.zeros(size)
        right[0] = math.sqrt(self._dimension)
        return np.asarray(np.linalg.solve(bound * np.eye(size) - self.tridiagonal, right))

    def _residual(self, margin: float) -> float:
        """Bound on the spectral norm of I − (λU − N(U)) for λ = (1 + margin) times the Ritz value."""
        return float(self._process.last * abs(self._coefficients(self.ritz_value * (1 + margin))[-1]))

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
        U = self._process.combined(self._coefficients(bound)).reshape(self._dimension, self._dimension)
        U = (U + U.T) / (2 * float(np.abs(U).max()))
        return bound, U
