"""Matrices whose norm ‖X‖_{2→q} = max over ‖v‖ = 1 of ‖Xv‖_q is known in closed form.

They are the reference for the bounds: a proved interval must contain the value, and a sharp bound must equal it. Every
docstring proves its value. The entries of rotated or normalised matrices are rounded to binary64, so the norm of the
stored matrix differs from `value` by a few units in the last place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from hypernorm._arguments import Seed, check_count, check_exponent, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import Result
from hypernorm.datasets.cube import cube_characters
from hypernorm.exceptions import InvalidInputError

__all__ = [
    "KnownNorm",
    "blocks",
    "cube_functions",
    "e8",
    "icosahedron",
    "identity",
    "known_norms",
    "orthogonal_rows",
    "polygon",
    "rank_one",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownNorm(Result):
    """A matrix together with the true value of its norm.

    Attributes
    ----------
    name : str
        A short label.
    matrix : numpy.ndarray of shape (n, d)
        Read-only, so that the value stays correct.
    q : float
        The exponent of the norm.
    value : float
        ‖matrix‖_{2→q}, up to the rounding of the entries.

    See Also
    --------
    known_norms : Some of all families.

    Examples
    --------
    >>> known = identity(3)
    >>> known.matrix.shape, known.q, known.value
    ((3, 3), 4.0, 1.0)
    """

    name: str
    matrix: np.ndarray
    q: float
    value: float

    def __repr__(self) -> str:
        return f"KnownNorm({self.name!r}, shape={self.matrix.shape}, q={self.q:g}, value={self.value!r})"


@own_arithmetic
def identity(d: int, q: float = 4) -> KnownNorm:
    """The identity of order `d`: ‖v‖_q ≤ ‖v‖_2, with equality at a unit coordinate vector.

    Parameters
    ----------
    d : int
    q : float, default 4

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If `d` or `q` is out of range.

    See Also
    --------
    known_norms : Some of all families.

    Examples
    --------
    >>> identity(5, q=3)
    KnownNorm('identity-5', shape=(5, 5), q=3, value=1.0)
    """
    d = check_count(d, "d")
    return KnownNorm(name=f"identity-{d}", matrix=np.eye(d), q=check_exponent(q), value=1.0)


@own_arithmetic
def orthogonal_rows(lengths: Sequence[float], q: float = 4, random_state: Seed = 0) -> KnownNorm:
    """Orthogonal rows of the given lengths in a random orthonormal frame: the norm is the largest length.

    With u the coordinates of v in that frame, ‖Xv‖_q = ‖(l_i u_i)‖_q ≤ ‖(l_i u_i)‖_2 ≤ max l_i for q ≥ 2, and the
    direction of the longest row attains it. A length of zero gives a zero row.

    Parameters
    ----------
    lengths : sequence of float, of length d
        Non-negative row lengths; the matrix is d × d.
    q : float, default 4
        Exponent, 2 ≤ q ≤ ∞.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState, default 0
        Source of randomness of the frame.

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If a length is negative or not finite, or there is none.

    See Also
    --------
    known_norms : Some of all families.

    Examples
    --------
    >>> known = orthogonal_rows([3.0, 2.0, 0.0])
    >>> known.value, bool(np.allclose(known.matrix @ known.matrix.T, np.diag([9.0, 4.0, 0.0])))
    (3.0, True)
    """
    scale = np.asarray(lengths, dtype=float)
    if scale.ndim != 1 or scale.size == 0 or not (np.isfinite(scale) & (scale >= 0)).all():
        raise InvalidInputError("lengths must be a non-empty sequence of finite non-negative numbers.")
    frame = _orthogonal(scale.size, check_generator(random_state))
    name = f"orthogonal-rows-{scale.size}"
    return KnownNorm(name=name, matrix=scale[:, None] * frame, q=check_exponent(q), value=float(scale.max()))


@own_arithmetic
def rank_one(n: int, d: int, q: float = 4, random_state: Seed = 0) -> KnownNorm:
    """The outer product a bᵀ of two Gaussian vectors: ‖a (bᵀv)‖_q = ‖a‖_q |bᵀv| is largest at v = b/‖b‖.

    Parameters
    ----------
    n, d : int
        Numbers of rows and columns.
    q : float, default 4
        Exponent, 2 ≤ q ≤ ∞.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState, default 0

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If a number is out of range.

    See Also
    --------
    known_norms : Some of all families.

    Examples
    --------
    >>> known = rank_one(6, 3, q=np.inf)
    >>> v = known.matrix[0] / np.linalg.norm(known.matrix[0])
    >>> bool(np.isclose(abs(known.matrix @ v).max(), known.value))
    True
    """
    generator = check_generator(random_state)
    a = generator.standard_normal(check_count(n, "n"))
    b = generator.standard_normal(check_count(d, "d"))
    q = check_exponent(q)
    return KnownNorm(
        name=f"rank-one-{n}x{d}", matrix=np.outer(a, b), q=q, value=float(np.linalg.norm(a, q) * np.linalg.norm(b))
    )


@own_arithmetic
def blocks(*parts: KnownNorm) -> KnownNorm:
    """The block-diagonal matrix of known matrices of the same exponent: its norm is the largest of their norms.

    Splitting v = (v_1, ..., v_m), ‖Xv‖_q^q = Σ ‖X_b v_b‖_q^q ≤ max ‖X_b‖^q · Σ ‖v_b‖^q ≤ max ‖X_b‖^q for q ≥ 2.

    Parameters
    ----------
    *parts : KnownNorm

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If no part is given or the exponents differ.

    See Also
    --------
    known_norms : Some of all families.

    Examples
    --------
    >>> blocks(identity(2), icosahedron())
    KnownNorm('blocks(identity-2, icosahedron)', shape=(14, 5), q=4, value=1.24466...)
    """
    exponents = {part.q for part in parts}
    if len(exponents) != 1:
        raise InvalidInputError(f"parts must have one common exponent q, got the exponents {sorted(exponents)}.")
    matrix = scipy.linalg.block_diag(*(part.matrix for part in parts))
    name = f"blocks({', '.join(part.name for part in parts)})"
    return KnownNorm(name=name, matrix=matrix, q=exponents.pop(), value=max(part.value for part in parts))


@own_arithmetic
def polygon(n: int, q: int = 4) -> KnownNorm:
    """The `n` vertices of a regular polygon in the plane, for an even exponent q < n.

    Σ_k cos^q(θ − 2πk/n) is constant in θ because the Fourier modes of cos^q have orders up to q < n: the vertices are
    a spherical q-design.

    Parameters
    ----------
    n : int
    q : float

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If q is odd or not smaller than n.

    See Also
    --------
    icosahedron : A design in three dimensions.

    Examples
    --------
    >>> round(polygon(5).value ** 4, 12)  # 5 · 3/8
    1.875
    """
    n = check_count(n, "n", smallest=3)
    if check_count(q, "q", smallest=2) % 2 or q >= n:
        raise InvalidInputError(f"q must be even and smaller than n = {n}, got {q!r}.")
    angles = 2 * np.pi * np.arange(n) / n
    return _design(f"polygon-{n}", np.column_stack([np.cos(angles), np.sin(angles)]), q)


@own_arithmetic
def icosahedron() -> KnownNorm:
    """The 12 vertices of the icosahedron on the unit sphere, a spherical 5-design: ‖X‖^4 = 12/5 for q = 4.

    Returns
    -------
    KnownNorm

    See Also
    --------
    e8 : Another design.

    Examples
    --------
    >>> icosahedron()
    KnownNorm('icosahedron', shape=(12, 3), q=4, value=1.24466...)
    """
    golden = (1 + math.sqrt(5)) / 2
    corners = [(0.0, one, other) for one in (-1.0, 1.0) for other in (-golden, golden)]
    vertices = np.array([np.roll(corner, shift) for shift in range(3) for corner in corners])
    return _design("icosahedron", vertices / math.hypot(1, golden), 4)


@own_arithmetic
def e8(q: int = 4) -> KnownNorm:
    """The 240 roots of E8 on the unit sphere, a spherical 7-design: ‖X‖^4 = 9 for q = 4, ‖X‖^6 = 15/4 for q = 6.

    Parameters
    ----------
    q : {4, 6}, default 4

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If q is neither 4 nor 6.

    See Also
    --------
    icosahedron : Another design.

    Examples
    --------
    >>> round(e8().value ** 4, 12), round(e8(q=6).value ** 6, 12)
    (9.0, 3.75)
    """
    if q not in (4, 6):
        raise InvalidInputError(f"q must be 4 or 6, because the roots of E8 are a 7-design, got {q!r}.")
    roots = []
    for i, j in itertools.combinations(range(8), 2):
        for one, other in itertools.product((-1.0, 1.0), repeat=2):
            root = np.zeros(8)
            root[i], root[j] = one, other
            roots.append(root)
    roots.extend(np.array(half) / 2 for half in itertools.product((-1.0, 1.0), repeat=8) if math.prod(half) > 0)
    return _design("e8", np.array(roots) / math.sqrt(2), int(q))


@own_arithmetic
def cube_functions(n: int) -> KnownNorm:
    """Functions of degree at most one on the n-cube: max E f^4 / (E f²)² = 3 − 2/(n+1).

    For f = v_0 + Σ v_i x_i, E f^4 = 3 (Σ v_i²)² − 2 Σ v_i^4 over all n + 1 coefficients; by symmetry the constant acts
    like one more independent sign. On the unit sphere Σ v_i^4 is smallest, 1/(n+1), where all |v_i| are equal.

    Parameters
    ----------
    n : int

    Returns
    -------
    KnownNorm

    See Also
    --------
    cube_characters : Any degree.

    Examples
    --------
    >>> round(cube_functions(3).value ** 4, 12)  # 3 − 2/4
    2.5
    """
    matrix = cube_characters(n, 1)
    return KnownNorm(name=f"cube-degree-1-{n}", matrix=matrix, q=4.0, value=(3 - 2 / (n + 1)) ** 0.25)


@own_arithmetic
def known_norms() -> Iterator[KnownNorm]:
    """Yield small representatives of all families and exponents, of at most 240 rows.

    Yields
    ------
    KnownNorm

    See Also
    --------
    inexact_norms : Matrices for which degree 4 is not exact.

    Examples
    --------
    >>> len({known.name for known in known_norms()}) > 10, {known.q for known in known_norms()} >= {2, 3, 4, 6, np.inf}
    (True, True)
    """
    yield from (identity(1), identity(5), identity(4, q=3), identity(4, q=np.inf))
    yield orthogonal_rows([3.0, 2.5, 1.0, 0.0])
    yield from (orthogonal_rows([2.0, 2.0, 1.0], q=q) for q in (2, 2.5, 6, np.inf))
    yield from (rank_one(7, 4), rank_one(3, 6), rank_one(8, 1), rank_one(1, 5))
    yield from (rank_one(7, 4, q=q) for q in (2, 3, 5, np.inf))
    yield from (polygon(5), polygon(7, q=6), icosahedron(), e8(), e8(q=6))
    yield from (cube_functions(1), cube_functions(4), cube_functions(6))
    yield blocks(identity(2), icosahedron(), rank_one(4, 3, random_state=1))
    yield blocks(orthogonal_rows([1.0, 0.5], q=3), rank_one(3, 2, q=3))


def _design(name: str, points: np.ndarray, q: int) -> KnownNorm:
    """The known norm of a spherical q-design: unit vectors over which polynomials of degree q average as on the sphere.

    Σ ⟨x_i, v⟩^q = n (q−1)!! / (d (d+2) ... (d+q−2)) for every unit v.
    """
    n, d = points.shape
    power = n * math.prod((2 * k + 1) / (d + 2 * k) for k in range(q // 2))
    return KnownNorm(name=name, matrix=points, q=float(q), value=power ** (1 / q))


def _orthogonal(d: int, generator: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(generator.standard_normal((d, d)))[0]
