"""Functions on the Boolean cube; hypercontractivity bounds their 2→q norms."""

from __future__ import annotations

import itertools

import numpy as np

from hypernorm._arguments import check_count, check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm.exceptions import InvalidInputError

__all__ = ["cube_characters"]


@own_arithmetic
def cube_characters(n: int, degree: int, q: float = 4) -> np.ndarray:
    """The characters of degree at most `degree` on the n-cube, as columns scaled by 2^{-n/q}.

    A vector v of coefficients is the function f = Σ_S v_S χ_S with E f² = ‖v‖². The scale turns the counting norm of
    its values into the expectation norm, so ‖X‖_{2→q}^q = max E|f|^q / (E f²)^{q/2} over the functions of that degree.
    Hypercontractivity bounds it by (q−1)^{q·degree/2}, which is 9^degree for q = 4.

    Parameters
    ----------
    n : int
        Dimension of the cube.
    degree : int
        Largest size of the sets S, 0 ≤ degree ≤ n.
    q : float, default 4
        Exponent of the scale, 2 ≤ q ≤ ∞.

    Returns
    -------
    numpy.ndarray of shape (2^n, D)
        D = Σ_{k ≤ degree} C(n, k); the columns are ordered by the size of S, then lexicographically.

    Raises
    ------
    InvalidInputError
        If `degree` is larger than n, or an argument is out of range.

    See Also
    --------
    cube_functions : Degree one, with the value of the norm.

    Examples
    --------
    >>> cube_characters(4, 2).shape
    (16, 11)
    """
    n = check_count(n, "n")
    if check_count(degree, "degree", smallest=0) > n:
        raise InvalidInputError(f"degree must be at most n = {n}, got {degree!r}.")
    points = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    sets = [list(s) for size in range(degree + 1) for s in itertools.combinations(range(n), size)]
    return np.column_stack([points[:, s].prod(axis=1) for s in sets]) * 2.0 ** (-n / check_exponent(q))
