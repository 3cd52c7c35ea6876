"""Newton's method on the sphere: the last, quadratically convergent phase of the search for extreme vectors.

For f(v) = Σ |⟨x_i, v⟩|^q with q > 2, g = Xᵀ(|Xv|^{q−1} sign) and H = (q−1) Xᵀ diag(|Xv|^{q−2}) X, the Riemannian
gradient and Hessian of f/q on the sphere are g − (gᵀv)v and P(H − (gᵀv)I)P with P = I − vvᵀ. At a local maximum the
Hessian has no positive eigenvalue on the tangent space. If it has one, the iteration moves along its eigenvector. For
a minimum the signs of both are changed.
"""

from __future__ import annotations

import math

import numpy as np

from hypernorm._parallel import product_threads
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.power_kernels import norm_values
from hypernorm.forms import Rows

__all__ = ["LARGEST_DIMENSION", "SMALL", "newton_finish"]

SMALL = 200
"""Size below which a decomposition runs on one thread: waking threads costs more, most of all on a busy machine."""

# Forming and decomposing the Hessian costs nd² + 9d³; above this dimension only the power method is used.
LARGEST_DIMENSION = 1024
_STEPS = 30
_STATIONARY = 1e-13


def newton_finish(rows: Rows, q: float, v: np.ndarray, *, least: bool = False) -> tuple[np.ndarray, float]:
    """Climb from `v` to a nearby local maximum, or descend to a minimum if `least`.

    Parameters
    ----------
    rows : Rows
    q : float
        Finite, greater than 2.
    v : ndarray of shape (d,)
        A unit vector.

    Returns
    -------
    v : ndarray of shape (d,)
        A unit vector whose value is, up to rounding, at least as good as that of the given vector.
    value : float
        ‖Xv‖_q of the scaled rows, for comparison only; 0, or ∞ for a minimum, if the deadline passed before it was
        computed.
    """
    size, sign = (math.inf, -1) if least else (0.0, 1)
    for _ in range(_STEPS):
        try:
            size, gradient, hessian = _expand(rows, q, v)
        except DeadlineError:
            break
        multiplier = float(gradient @ v)
        tangent = sign * (gradient - multiplier * v)
        curvature = _tangent_hessian(hessian, multiplier, v)
        if least:
            curvature = -curvature - 2 * multiplier * np.outer(v, v)
        with product_threads(1 if len(v) < SMALL else None):
            eigenvalues, vectors = np.linalg.eigh(curvature)
        rising = bool(eigenvalues[-1] > 1e-9 * multiplier)
        if np.linalg.norm(tangent) <= _STATIONARY * np.linalg.norm(gradient) and not rising:
            break
        # With the absolute values of the eigenvalues the step improves the value for an indefinite Hessian too. The
        # direction v has the eigenvalue −gᵀv and no gradient, so the step is in the tangent space.
        step = vectors @ ((vectors.T @ tangent) / np.maximum(np.abs(eigenvalues), 1e-12 * multiplier))
        candidates = [v + length * step for length in (1.0, 0.3, 0.1)]
        if not least:
            candidates.append(gradient)  # the power step, which never decreases the value
        if rising:
            candidates.extend(v + length * vectors[:, -1] for length in (0.3, -0.3, 0.03, -0.03))
        V = np.column_stack(candidates)
        V /= np.linalg.norm(V, axis=0)
        try:
            values = norm_values(rows, V, q)
        except DeadlineError:
            break
        best = int(np.argmax(sign * values))
        if not sign * values[best] > sign * size * (1 + sign * 1e-15):
            break
        v, size = V[:, best], float(values[best])
    return v, size


def _tangent_hessian(hessian: np.ndarray, multiplier: float, v: np.ndarray) -> np.ndarray:
    """The Riemannian Hessian plus −μ vvᵀ: P(H − μI)P − μ vvᵀ, nonsingular in the direction of v."""
    image = hessian @ v
    projected = hessian - np.outer(v, image) - np.outer(image, v) + (v @ image) * np.outer(v, v)
    projected[np.diag_indices_from(projected)] -= multiplier
    return (projected + projected.T) / 2


def _expand(rows: Rows, q: float, v: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """‖Xv‖_q, and the gradient and Hessian of f/q, both divided by the (q−1)-th power of the largest |⟨x_i, v⟩|."""
    step, d = rows.block_rows(), rows.shape[1]
    image = rows.images(v)
    largest = float(np.abs(image).max()) or 1.0
    with np.errstate(under="ignore"):
        relative = np.abs(image) / largest
        curvature_weights = relative ** (q - 2)
        size = largest * float(np.sum(relative**q)) ** (1 / q)
    gradient_weights = curvature_weights * image / largest

    def partial(rows: Rows, part: range, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, hessian = np.zeros(d), np.zeros((d, d))
        for start in range(part.start, part.stop, step):
            stop = min(start + step, part.stop)
            block, inner = rows.block(start, stop), slice(start - part.start, stop - part.start)
            gradient += block.T @ first[inner]
            hessian += (block * second[inner, None]).T @ block
        return gradient, hessian

    gradient, hessian = np.zeros(d), np.zeros((d, d))
    for part_gradient, part_hessian in rows.partials(partial, rows.ranges(step), gradient_weights, curvature_weights):
        gradient += part_gradient
        hessian += part_hessian
    # A common scale: the sums have |y|^{q−1}/largest^{q−1} in g but |y|^{q−2}/largest^{q−2} in H.
    return size, gradient, (q - 1) * hessian / largest
