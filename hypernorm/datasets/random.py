"""Random matrices on which the bounds are measured and compared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hypernorm._arguments import Seed, check_count, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import html_table, one_line, shown
from hypernorm.exceptions import InvalidInputError

__all__ = ["PlantedSubspace", "gaussian", "heavy_tailed", "planted_sparse", "signs", "subspace"]


class PlantedSubspace(NamedTuple):
    """An orthonormal basis of a subspace, and the sparse vector in this subspace.

    Attributes
    ----------
    matrix : numpy.ndarray of shape (n, d)
        Orthonormal columns.
    vector : numpy.ndarray of shape (n,)
        A unit vector in their span with few nonzero entries, all of the same magnitude.

    See Also
    --------
    planted_sparse : Draw one.

    Examples
    --------
    >>> planted_sparse(30, 3, 5, random_state=0).matrix.shape
    (30, 3)
    """

    matrix: np.ndarray
    vector: np.ndarray

    def __repr__(self) -> str:
        return one_line("PlantedSubspace", ((name, shown(value, name)) for name, value in self._asdict().items()))

    def _repr_html_(self) -> str:
        return html_table("PlantedSubspace", ((name, shown(value, name)) for name, value in self._asdict().items()))


@own_arithmetic
def gaussian(n: int, d: int, random_state: Seed = None) -> np.ndarray:
    """An n × d matrix of independent standard normal entries.

    Parameters
    ----------
    n, d : int
        Numbers of rows and columns.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of randomness; the same integer gives the same matrix.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If a number is not whole and positive.

    See Also
    --------
    signs, heavy_tailed : Other entries.

    Examples
    --------
    >>> gaussian(4, 3, random_state=0).shape
    (4, 3)
    """
    return check_generator(random_state).standard_normal(_shape(n, d))


@own_arithmetic
def signs(n: int, d: int, random_state: Seed = None) -> np.ndarray:
    """An n × d matrix of independent signs ±1.

    Parameters
    ----------
    n, d : int
        Numbers of rows and columns.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of randomness.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If a number is not whole and positive.

    See Also
    --------
    gaussian, heavy_tailed : Other entries.

    Examples
    --------
    >>> sorted(set(signs(4, 3, random_state=0).ravel().tolist()))
    [-1.0, 1.0]
    """
    return 1.0 - 2.0 * check_generator(random_state).integers(0, 2, size=_shape(n, d))


@own_arithmetic
def heavy_tailed(
    n: int,
    d: int,
    degrees_of_freedom: float = 3,
    random_state: Seed = None,
) -> np.ndarray:
    """An n × d matrix of independent Student t entries.

    Parameters
    ----------
    n, d : int
        Numbers of rows and columns.
    degrees_of_freedom : float, default 3
        The entries have finite moments of orders below this number. With 3 the fourth moment is infinite, and a few
        rows dominate ‖Xv‖_4.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of randomness.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If `degrees_of_freedom` is not positive and finite.

    See Also
    --------
    gaussian, signs : Other entries.

    Examples
    --------
    >>> X = heavy_tailed(500, 3, random_state=0)
    >>> bool(abs(X).max() > 10)
    True
    """
    if not 0 < degrees_of_freedom < np.inf:
        raise InvalidInputError(f"degrees_of_freedom must be positive and finite, got {degrees_of_freedom!r}.")
    return check_generator(random_state).standard_t(degrees_of_freedom, size=_shape(n, d))


@own_arithmetic
def subspace(n: int, d: int, random_state: Seed = None) -> np.ndarray:
    """An orthonormal basis, as columns, of a uniformly random d-dimensional subspace V of R^n.

    ‖X‖_{2→q} is the largest ratio ‖w‖_q / ‖w‖_2 over w in V; it is large if V contains a nearly sparse vector.

    Parameters
    ----------
    n, d : int
        Dimensions of the space and of the subspace, d ≤ n.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of randomness.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If d is larger than n.

    See Also
    --------
    planted_sparse : A subspace with a sparse vector.

    Examples
    --------
    >>> X = subspace(10, 3, random_state=0)
    >>> bool(np.allclose(X.T @ X, np.eye(3)))
    True
    """
    n, d = _shape(n, d)
    _check_fits(n, d)
    return np.linalg.qr(gaussian(n, d, random_state))[0]


@own_arithmetic
def planted_sparse(n: int, d: int, sparsity: int, random_state: Seed = None) -> PlantedSubspace:
    """A random d-dimensional subspace of R^n that contains one sparse vector w.

    w has `sparsity` entries ±1/√sparsity at random positions. The other directions of the subspace are Gaussian, and
    the basis is rotated at random, so that no column reveals w. The norm reveals it:
    ‖X‖_{2→q} ≥ ‖w‖_q = sparsity^{1/q − 1/2}.

    Parameters
    ----------
    n, d : int
        Dimensions of the space and of the subspace, d ≤ n.
    sparsity : int
        Number of nonzero entries of w, at most n.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of randomness.

    Returns
    -------
    PlantedSubspace
        `matrix` of shape (n, d) and `vector` of shape (n,).

    Raises
    ------
    InvalidInputError
        If d or `sparsity` is larger than n.

    See Also
    --------
    hypernorm.applications.sparsest_direction : Finds the vector.

    Examples
    --------
    >>> X, w = planted_sparse(50, 4, sparsity=5, random_state=0)
    >>> int(np.count_nonzero(w)), bool(np.allclose(X @ (X.T @ w), w))
    (5, True)
    """
    n, d = _shape(n, d)
    _check_fits(n, d)
    if check_count(sparsity, "sparsity") > n:
        raise InvalidInputError(f"sparsity must be at most n = {n}, got {sparsity!r}.")
    generator = check_generator(random_state)
    vector = np.zeros(n)
    support = generator.choice(n, size=sparsity, replace=False)
    vector[support] = signs(1, sparsity, generator)[0] / np.sqrt(sparsity)
    basis = np.linalg.qr(np.column_stack([vector, gaussian(n, d - 1, generator) if d > 1 else np.empty((n, 0))]))[0]
    rotation = np.linalg.qr(generator.standard_normal((d, d)))[0]
    return PlantedSubspace(basis @ rotation, vector)


def _shape(n: int, d: int) -> tuple[int, int]:
    return check_count(n, "n"), check_count(d, "d")


def _check_fits(n: int, d: int) -> None:
    if d > n:
        raise InvalidInputError(f"n must be at least d = {d} for a subspace of dimension d, got n = {n}.")
