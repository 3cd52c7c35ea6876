"""The see-saw: large values of a Hermitian form on product vectors.

For fixed y the form ⟨x⊗y, M (x⊗y)⟩ is Hermitian in x, so the best x is an eigenvector; the same holds with the roles
exchanged. Each half step maximises over one factor, so the value never falls. All starts advance as one batch.
"""

from __future__ import annotations

import math
import time

import numpy as np

from hypernorm.forms.product import ProductForm

__all__ = ["random_vectors", "seesaw"]

_SURVEY_STEPS = 60
_FINISHED = 6  # number of starts, the best with different values, that run to convergence
_MOST_STEPS = 3000


def random_vectors(form: ProductForm, count: int, rng: np.random.Generator) -> np.ndarray:
    """Starting points x of shape (count, a): random, or leading singular vectors of leading eigenvectors of M."""
    a, b = form.dims
    vectors = np.linalg.eigh(form.matrix)[1][:, ::-1][:, : max(1, count // 4)].T
    leading = np.linalg.svd(vectors.reshape(-1, a, b))[0][:, :, 0]
    starts = rng.standard_normal((max(0, count - len(leading)), a))
    if form.field == "complex":
        # Half of them are real, as many matrices have real maximisers.
        starts = starts + 1j * rng.standard_normal(starts.shape) * (np.arange(len(starts)) % 2)[:, None]
    return np.concatenate([leading, starts])


def seesaw(
    form: ProductForm, starts: np.ndarray, *, rtol: float = 1e-15, deadline: float = math.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Find unit vectors x, y with a large value of the form, from starting points x of shape (n, a)."""
    a, b = form.dims
    tensor = form.matrix.reshape(a, b, a, b)
    by_x = np.ascontiguousarray(tensor.transpose(0, 2, 1, 3)).reshape(a * a, b * b)
    x = _units(starts)
    tolerance = rtol * float(np.linalg.norm(form.matrix, 2))
    for steps, kept in ((_SURVEY_STEPS, _FINISHED), (_MOST_STEPS, 1)):
        values = np.full(len(x), -np.inf)
        for _ in range(steps):
            y, _ = _leading(_dyads(x) @ by_x, b)
            x, new_values = _leading(_dyads(y) @ by_x.T, a)
            gains, values = new_values - values, new_values
            if (gains <= tolerance).all() or time.perf_counter() > deadline:
                break
        x = x[_best_different(values, kept, max(1e-9 * float(np.abs(values).max()), tolerance))]
    y, _ = _leading(_dyads(x) @ by_x, b)
    return x[0], y[0]


def _dyads(vectors: np.ndarray) -> np.ndarray:
    """conj(v_i) v_j of each row, flattened."""
    return (vectors.conj()[:, :, None] * vectors[:, None, :]).reshape(len(vectors), -1)


def _leading(matrices: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading eigenvectors, as rows, and leading eigenvalues of Hermitian matrices given as flat rows."""
    values, vectors = np.linalg.eigh(matrices.reshape(-1, side, side))
    return vectors[:, :, -1], values[:, -1]


def _units(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _best_different(values: np.ndarray, count: int, distance: float) -> np.ndarray:
    """Indices of the best values, best first, that differ by more than `distance`."""
    order = np.argsort(-values, kind="stable")
    chosen = [order[0]]
    for index in order[1:]:
        if len(chosen) < count and values[chosen[-1]] - values[index] > distance:
            chosen.append(index)
    return np.array(chosen)
