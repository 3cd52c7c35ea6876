"""Estimates of norms of Jacobians from values of the function alone, with standard errors; none is a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._arguments import Seed, check_count, check_generator, check_nonnegative
from hypernorm._results import Result
from hypernorm._validation import check_shape
from hypernorm.exceptions import InvalidInputError

__all__ = ["JacobianEstimate", "jacobian_frobenius", "jacobian_nuclear"]


@dataclass(frozen=True, repr=False, kw_only=True)
class JacobianEstimate(Result):
    """An estimate from random draws; not a bound.

    Attributes
    ----------
    value : float
        Its mean.
    standard_error : float
        Standard deviation of the mean.
    n_draws : int

    See Also
    --------
    jacobian_frobenius : Computes one.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.spectral import jacobian_frobenius
    >>> estimate = jacobian_frobenius(lambda x: x, np.zeros(2), random_state=0)
    >>> abs(estimate.value - 2) < 5 * estimate.standard_error
    True
    """

    value: float
    standard_error: float
    n_draws: int


def jacobian_frobenius(
    f: Callable[[np.ndarray], Any], x: Any, *, scale: float = 1e-3, n_draws: int = 100, random_state: Seed = None
) -> JacobianEstimate:
    """Estimate the squared Frobenius norm of the Jacobian of f at x by E‖f(x + σξ) − f(x)‖²/σ².

    ξ is standard normal. The mean is exact for linear maps; otherwise its bias is of the order σ².

    Parameters
    ----------
    f : callable
        Maps an array of shape (d,) to an array of shape (m,).
    x : array_like of shape (d,)
    scale : float, default 1e-3
        σ.
    n_draws : int, default 100
        At least 2.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    JacobianEstimate

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    jacobian_nuclear : The surrogate for the nuclear norm.

    Notes
    -----
    The section on the nuclear norm in theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.arange(6.0).reshape(2, 3)
    >>> found = jacobian_frobenius(lambda x: A @ x, np.zeros(3), n_draws=10_000, random_state=0)
    >>> bool(abs(found.value - np.sum(A**2)) < 4 * found.standard_error)
    True
    """
    sigma, count = check_nonnegative(scale, "scale"), check_count(n_draws, "n_draws", 2)
    if sigma == 0:
        raise InvalidInputError("scale must be positive.")
    point = check_shape(x, "x", np.shape(x))
    rng, center = check_generator(random_state), np.asarray(f(point), dtype=np.float64)
    squares = np.empty(count)
    for draw in range(count):
        moved = np.asarray(f(point + sigma * rng.standard_normal(point.shape)), dtype=np.float64)
        squares[draw] = np.sum((moved - center) ** 2) / sigma**2
    return JacobianEstimate(
        value=float(squares.mean()), standard_error=float(squares.std(ddof=1) / np.sqrt(count)), n_draws=count
    )


def jacobian_nuclear(
    outer: Callable[[np.ndarray], Any],
    inner: Callable[[np.ndarray], Any],
    x: Any,
    *,
    scale: float = 1e-3,
    n_draws: int = 100,
    random_state: Seed = None,
) -> JacobianEstimate:
    """Estimate ½(‖J_g‖_F² + ‖J_h‖_F²) for f = g∘h, a surrogate for the nuclear norm of the Jacobian of f.

    ‖J_f‖_* is at most this number, and equal for balanced factors; what is returned is an estimate of it, not a bound.

    Parameters
    ----------
    outer, inner : callable
        g and h.
    x : array_like of shape (d,)
    scale, n_draws
        As for `jacobian_frobenius`.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    JacobianEstimate

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    jacobian_frobenius

    Notes
    -----
    The section on the nuclear norm in theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> found = jacobian_nuclear(lambda h: 2 * h, lambda x: 2 * x, np.zeros(3), n_draws=5_000, random_state=0)
    >>> bool(abs(found.value - 12) < 4 * found.standard_error)  # the Jacobian is 4 times the identity
    True
    """
    rng = check_generator(random_state)
    options: dict[str, Any] = {"scale": scale, "n_draws": n_draws, "random_state": rng}
    first = jacobian_frobenius(inner, x, **options)
    second = jacobian_frobenius(outer, inner(check_shape(x, "x", np.shape(x))), **options)
    error = float(np.hypot(first.standard_error, second.standard_error)) / 2
    return JacobianEstimate(value=(first.value + second.value) / 2, standard_error=error, n_draws=first.n_draws)
