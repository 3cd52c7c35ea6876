"""Polynomials above a real power that touch it: bounds on Σ |⟨x_i, v⟩|^q by even forms.

Let α = q/2, so that |⟨x, v⟩|^q = u^α for u = ⟨x, v⟩², and u ≤ R on the unit sphere if ‖x‖² ≤ R.

**Theorem.** Let w^α with real α > 1 be interpolated by a polynomial p of degree at most m at m + 1 nodes in [0, 1]: at
given nodes σ_j in (0, 1), distinct and each counted twice, together with

* 0 if m is even, or nothing if m is odd, where α(α − 1)⋯(α − m) < 0;
* 1 if m is even, or 0 and 1 if m is odd, where α(α − 1)⋯(α − m) > 0.

Then p(w) ≥ w^α for 0 ≤ w ≤ 1, and u^α ≤ R^α p(u/R) for 0 ≤ u ≤ R.

*Proof.* By Rolle's theorem w^α − p(w) = c ξ^{α−m−1} Π (w − nodes), where ξ > 0 and c is the product divided by
(m + 1)!. The double nodes contribute squares, w at the node 0 is not negative, and w − 1 at the node 1 is not
positive. In both cases the right side is not positive. ∎

At a node the bound is sharp. For m = 2 and 1 < α < 2 it is the inequality of arithmetic and geometric means,
w^α ≤ (2 − α)σ^{α−1}w + (α − 1)σ^{α−2}w². The nodes 0 and 1 follow from q and the degree 2m, so that a stored
certificate cannot choose its own inequality.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import flint
import numpy as np

from hypernorm.certificates.plan import LARGEST_EXPONENT
from hypernorm.certificates.rounding import rational, upper_float
from hypernorm.exceptions import CertificateError

__all__ = ["DEGREES", "TouchingNodes", "has_touching", "majorants", "touching_nodes", "touching_polynomial"]

DEGREES = (4, 6, 8)
# A shorter row is taken to have this squared length; otherwise its negative powers could overflow.
_LEAST_SQUARE = 2.0**-200


class TouchingNodes(NamedTuple):
    """The nodes of a majorant: whether 0 and 1 are simple nodes, and the number of double nodes between them."""

    at_zero: bool
    at_one: bool
    doubles: int


def has_touching(q: float, degree: int) -> bool:
    """Whether |s|^q has a touching majorant of this degree; an even power up to the degree is one itself.

    Parameters
    ----------
    q : float
    degree : int

    Returns
    -------
    bool

    See Also
    --------
    touching_nodes : Where the majorant touches.

    Examples
    --------
    >>> has_touching(3, 4), has_touching(4, 4)
    (True, False)
    """
    return degree in DEGREES and 2 < q <= LARGEST_EXPONENT and not (q <= degree and q % 2 == 0)


@functools.cache
def touching_nodes(q: float, degree: int) -> TouchingNodes:
    """The nodes of the majorant of |s|^q of this degree in s.

    Parameters
    ----------
    q : float
    degree : int

    Returns
    -------
    TouchingNodes

    See Also
    --------
    touching_polynomial : The majorant with these nodes.

    Examples
    --------
    >>> touching_nodes(3.0, 4)
    TouchingNodes(at_zero=True, at_one=False, doubles=1)
    >>> touching_nodes(5.0, 6)
    TouchingNodes(at_zero=False, at_one=False, doubles=2)
    """
    half = degree // 2
    is_negative = sum(factor > Fraction(q) / 2 for factor in range(half + 1)) % 2 == 1
    at_zero = is_negative if half % 2 == 0 else not is_negative
    at_one = not is_negative
    return TouchingNodes(at_zero, at_one, (half + 1 - at_zero - at_one) // 2)


def majorants(q: float, degree: int, nodes: np.ndarray, squares: Sequence[float], radius: float) -> np.ndarray:
    """Coefficients c with |⟨x_i, v⟩|^q ≤ radius^q Σ_k c_ki ⟨x_i, v⟩^2k for unit v, each rounded up.

    Rounding up keeps the inequality, since ⟨x_i, v⟩^2k is not negative.

    Parameters
    ----------
    q, degree : float, int
        For which there is a majorant.
    nodes : ndarray of shape (n, doubles)
        σ_ij; a squared value touches at σ_ij R_i.
    squares : sequence of n floats
        R_i ≥ ‖x_i‖²; zero stands for a row of zeros, whose coefficients are zero.
    radius : float

    Returns
    -------
    ndarray of shape (degree/2 + 1, n)

    Raises
    ------
    CertificateError
        If a coefficient overflows because nodes of a row are equal or nearly so, or too small.
    """
    coefficients = np.zeros((degree // 2 + 1, len(squares)))
    power, unit = rational(Fraction(q) / 2), rational(radius) ** 2
    for index, (square, chosen) in enumerate(zip(squares, nodes.tolist(), strict=True)):
        if square == 0:
            continue
        length = flint.arb(max(square, _LEAST_SQUARE))
        factor = (length / unit) ** power
        for k, coefficient in enumerate(touching_polynomial(q, degree, list(map(flint.arb, chosen)), power)):
            coefficients[k, index] = upper_float(coefficient * factor)
            factor /= length
    if not np.isfinite(coefficients).all():
        raise CertificateError("Nothing is proved: nodes of a row are too close together or too small for a proof.")
    return coefficients


def touching_polynomial(q: float, degree: int, nodes: Sequence[Any], power: Any) -> list[Any]:
    """Coefficients of the polynomial that interpolates w^α at its nodes.

    Parameters
    ----------
    q, degree : float, int
    nodes : sequence
        The double nodes, all balls or all arrays.
    power : object
        α = q/2, a ball or a float.

    Returns
    -------
    list
        One coefficient for each power of w.

    See Also
    --------
    touching_nodes : The nodes.

    Examples
    --------
    >>> import numpy as np
    >>> [round(float(c), 6) for c in touching_polynomial(3, 4, [np.float64(1.0)], 1.5)]  # w^{3/2} ≤ w/2 + w²/2
    [0.0, 0.5, 0.5]
    """
    at_zero, at_one, _ = touching_nodes(q, degree)
    values = [node**power for node in nodes]
    slopes = [power * value / node for value, node in zip(values, nodes, strict=True)]
    points = [0] * at_zero + [node for node in nodes for _ in range(2)] + [1] * at_one
    column = [0] * at_zero + [value for value in values for _ in range(2)] + [1] * at_one
    divided = [column[0]]
    for order in range(1, len(points)):
        column = [
            (column[i + 1] - column[i]) / (points[i + order] - points[i])
            if order > 1 or points[i] is not points[i + 1]
            else slopes[i // 2]
            for i in range(len(points) - order)
        ]
        divided.append(column[0])
    result = [divided[-1]]
    for difference, point in zip(divided[-2::-1], points[-2::-1], strict=True):
        # Multiply by w − point and add the next divided difference.
        result = [high - point * low for high, low in zip([0, *result], [*result, 0], strict=True)]
        result[0] += difference
    return result
