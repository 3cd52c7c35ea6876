"""Gradients and norms for a batch of vectors: the two passes over the rows that dominate the search for lower bounds.

A batch of k vectors costs two n×d×k matrix products and an entrywise power between them. They are computed block by
block, so that the image of a block stays in cache.
"""

from __future__ import annotations

import numpy as np

from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.forms import Rows

__all__ = ["gradients", "largest_form", "norm_values", "normalised", "signed_power"]

# For larger exponents |y|^{q−1} can underflow for moderately short rows, so the columns are normalised first.
_LARGEST_PLAIN_EXPONENT = 32.0


def signed_power(values: np.ndarray, exponent: float, scratch: np.ndarray) -> np.ndarray:
    """|y|^exponent sign(y), which overwrites both arrays; by products if the exponent is a small integer."""
    if exponent == 1:
        return values
    if exponent == 0:
        return np.sign(values, out=values)
    if exponent in (2, 3):
        np.abs(values, out=scratch) if exponent == 2 else np.multiply(values, values, out=scratch)
        values *= scratch
        return values
    np.abs(values, out=scratch)
    np.power(scratch, exponent, out=scratch)
    return np.copysign(scratch, values, out=values)


def gradients(rows: Rows, V: np.ndarray, q: float, weights: np.ndarray | None = None) -> np.ndarray:
    """Xᵀ(w |XV|^{q−1} sign(XV)), column by column up to a positive factor; 4ndk operations for k columns.

    The weights w of the rows are one by default.
    """
    dtype = V.dtype
    step = rows.block_rows(V.shape[1])
    # Only the direction of each column matters, so for large exponents the values are divided by the largest one.
    largest = np.abs(_largest_values(rows, V, step)) if q > _LARGEST_PLAIN_EXPONENT else None

    def partial(rows: Rows, part: range, *weights: np.ndarray) -> np.ndarray:
        total = np.zeros(V.shape, dtype=np.float64)
        # Buffers are reused: new memory for every block would cost as much as the entrywise work.
        images, scratch = np.empty((2, min(step, len(part)), V.shape[1]), dtype=dtype)
        for start in range(part.start, part.stop, step):
            block = rows.operand(start, min(start + step, part.stop), dtype)
            size = block.shape[0]
            image = np.matmul(block, V, out=images[:size]) if isinstance(block, np.ndarray) else block @ V
            if largest is not None:
                image /= largest
            with np.errstate(under="ignore"):
                powers = signed_power(image, q - 1, scratch[:size])
                if weights:
                    powers *= weights[0][start - part.start : start - part.start + size, None]
                total += block.T @ powers
        return total

    entries = () if weights is None else (weights.astype(dtype),)
    return sum(rows.partials(partial, rows.ranges(step), *entries), np.zeros(V.shape))


def _largest_values(rows: Rows, V: np.ndarray, step: int) -> np.ndarray:
    def partial(rows: Rows, part: range) -> np.ndarray:
        blocks = range(part.start, part.stop, step)
        images = (rows.operand(start, min(start + step, part.stop), V.dtype) @ V for start in blocks)
        return np.max([np.abs(image).max(axis=0) for image in images], axis=0)

    largest = np.max(list(rows.partials(partial, rows.ranges(step))), axis=0)
    return np.where(largest > 0, largest, 1)


def norm_values(rows: Rows, V: np.ndarray, q: float) -> np.ndarray:
    """‖Xv‖_q for each column of V, for comparisons, not for proofs."""
    step = rows.block_rows(V.shape[1])
    largest = _largest_values(rows, V, step)

    def partial(rows: Rows, part: range) -> np.ndarray:
        total = np.zeros(V.shape[1])
        for start in range(part.start, part.stop, step):
            image = np.abs(rows.operand(start, min(start + step, part.stop), V.dtype) @ V)
            with np.errstate(under="ignore"):
                total += ((image / largest) ** q).sum(axis=0)
        return total

    return largest * sum(rows.partials(partial, rows.ranges(step)), np.zeros(V.shape[1])) ** (1 / q)


def largest_form(rows: Rows, V: np.ndarray, order: int) -> float:
    """The largest Σ ⟨x_i, v⟩^order at the columns v of V; 0 if no time is left to compute it."""
    try:
        return float(norm_values(rows, V, order).max()) ** order
    except DeadlineError:
        return 0.0


def normalised(V: np.ndarray) -> np.ndarray:
    """The columns that are not zero, divided by their lengths."""
    largest = np.abs(V).max(axis=0)
    V = V[:, largest > 0] / largest[largest > 0]
    return np.asarray(V / np.linalg.norm(V, axis=0))
