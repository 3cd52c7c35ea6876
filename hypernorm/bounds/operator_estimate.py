"""Lower estimates of the norm of a linear operator that is known by its products only, such as a Jacobian.

Nothing can be proved about an operator that is not stored: its products have unknown errors. So the result is an
estimate, in contrast to a witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._results import Result
from hypernorm.bounds.operator_power import conjugate_float, dual_vectors, vector_norms
from hypernorm.exceptions import InvalidInputError

__all__ = ["OperatorEstimate", "estimate_operator_norm"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OperatorEstimate(Result):
    """A vector v and the computed value of ‖Av‖_q/‖v‖_p for a linear operator: an estimate, not a proved bound.

    Attributes
    ----------
    p, q : float
    value : float
        As computed with the products of the operator.
    vector : ndarray of shape (n,)
    products : int
        Number of products of the operator or its transpose with a vector.

    See Also
    --------
    hypernorm.lower_bound : Returns one for a linear operator.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> estimate = hn.lower_bound(aslinearoperator(np.eye(3)), q=4, n_starts=4, random_state=0)
    >>> round(float(estimate.value), 6)
    1.0
    """

    p: float
    q: float
    value: float
    vector: np.ndarray
    products: int


def estimate_operator_norm(
    A: Any,
    p: float,
    q: float,
    rng: np.random.Generator,
    *,
    n_starts: int,
    starts: np.ndarray,
    max_iter: int,
    rtol: float,
) -> OperatorEstimate:
    """Alternating maximisation with the products of a `scipy.sparse.linalg.LinearOperator`.

    Raises
    ------
    InvalidInputError
        If the operator is complex or empty, has no product with its transpose, or a product is not finite.
    """
    if np.issubdtype(np.dtype(A.dtype), np.complexfloating) or 0 in A.shape:
        raise InvalidInputError(f"X must be a real operator that is not empty, got {A.dtype} of shape {A.shape}.")
    n, dual = A.shape[1], conjugate_float(p)
    X = np.hstack([starts, rng.standard_normal((n, n_starts))])
    products, before = 0, np.zeros(X.shape[1])
    X = X / vector_norms(np.abs(X), p)
    best_value, best = -1.0, X[:, 0]
    for _ in range(max_iter):
        image = _finite(A.matmat(X))
        values = vector_norms(np.abs(image), q)
        products += X.shape[1]
        index = int(values.argmax())
        if values[index] > best_value:
            best_value, best = float(values[index]), X[:, index]
        if (values <= before * (1 + rtol)).all():
            break
        before = values
        Y = dual_vectors(image[:, :, None], q)[0][:, :, 0]
        try:
            G = _finite(A.rmatmat(Y))
        except (NotImplementedError, TypeError) as error:
            # scipy raises either if there is no `rmatvec`.
            raise InvalidInputError(
                "X has no product with its transpose; give a LinearOperator with rmatvec or rmatmat."
            ) from error
        products += X.shape[1]
        moved = dual_vectors(G[:, :, None], dual)[0][:, :, 0]
        X = np.where(G.any(axis=0), moved, X)
    return OperatorEstimate(p=p, q=q, value=max(best_value, 0.0), vector=best, products=products)


def _finite(values: Any) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise InvalidInputError("A product of the operator X is not finite.")
    return array
