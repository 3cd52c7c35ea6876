"""Anderson acceleration of a fixed-point iteration v ← T(v), with a safeguard.

The next point is the combination of the last images T(v) for which the same combination of the residuals T(v) − v is
smallest (type II; Walker and Ni 2011). If a step makes the residual much larger, the iteration returns to the plain
image, so that a nonexpansive T still converges (as in SCS, O'Donoghue 2021).
"""

from __future__ import annotations

import numpy as np

__all__ = ["Anderson"]

_WORSE = 2.0
# Of the least-squares problem, relative to the squares of both kinds of differences. Where the iteration moves along a
# line, residuals differ by rounding errors only, and no step may follow these.
_REGULARISATION = 1e-10


class Anderson:
    """The memory of an accelerated iteration.

    Parameters
    ----------
    memory : int
        Number of differences of residuals, and of images, that are combined.

    Examples
    --------
    >>> v, acceleration = np.zeros(2), Anderson(2)
    >>> for _ in range(5):  # T is affine, so two differences are enough
    ...     v = acceleration.next(v, np.array([0.9 * v[0] + 1, 0.5 * v[1] - 0.3 * v[0]]))
    >>> v.round(6)
    array([10., -6.])
    """

    def __init__(self, memory: int):
        self._memory = memory
        self.restart()

    def restart(self) -> None:
        """Forget all points, for instance because the map has changed."""
        self._count = 0
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._plain: np.ndarray | None = None
        self._size = np.inf

    def next(self, point: np.ndarray, image: np.ndarray) -> np.ndarray:
        """The next point, from a point and its image: one-dimensional arrays, real or complex."""
        residual = image - point
        size = float(np.linalg.norm(residual))
        if self._plain is not None and size > _WORSE * self._size:
            plain = self._plain
            self.restart()
            return plain
        self._remember(image, residual)
        self._size, self._plain = size, None
        kept = min(self._count, self._memory)
        if kept == 0:
            return image
        gram = self._gram[:kept, :kept]
        ridge = _REGULARISATION * (np.trace(gram) + self._squares[:kept].sum())
        try:
            weights = np.linalg.solve(gram + ridge * np.eye(kept), (self._residuals[:kept].conj() @ residual).real)
        except np.linalg.LinAlgError:  # all differences are zero
            return image
        self._plain = image
        return np.asarray(image - weights @ self._images[:kept])

    def _remember(self, image: np.ndarray, residual: np.ndarray) -> None:
        if self._last is None:
            self._images = np.empty((self._memory, len(image)), dtype=image.dtype)
            self._residuals = np.empty_like(self._images)
            self._gram, self._squares = np.zeros((self._memory, self._memory)), np.zeros(self._memory)
        else:
            place = self._count % self._memory
            self._images[place], self._residuals[place] = image - self._last[0], residual - self._last[1]
            self._count += 1
            kept = min(self._count, self._memory)
            products = (self._residuals[:kept].conj() @ self._residuals[place]).real
            self._squares[place] = float(np.linalg.norm(self._images[place])) ** 2
            self._gram[place, :kept] = self._gram[:kept, place] = products
        self._last = image, residual
