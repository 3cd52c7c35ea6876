"""Proofs in floating point of a bound λ on each form, rounding errors included.

Every function returns whether the bound is proved for the rows; False means only that this proof fails. The arguments
are the rows, the bound, the matrix of the proof if it has one, and the order of the form. `PROVERS` lists the functions
by form. γ and u are defined in `hypernorm.certificates.rounding`; r_i is the length of row i.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    gamma,
    is_proved_positive_definite,
    rational,
    row_length,
)
from hypernorm.forms import (
    FlatteningMap,
    MonomialBasis,
    RealignedMap,
    Rows,
    moment_depth,
    moment_matrix,
    second_moments,
)
from hypernorm.forms.gram import GramClasses, gram_half_degree, moment_form, row_parts

__all__ = [
    "PROVERS",
    "ComputedForm",
    "coefficient_error",
    "form_of_powers",
    "gram_and_deviation",
    "is_dominated",
    "is_form_dominated",
    "normalised",
    "proves_flattening",
    "proves_longest_row",
    "proves_moment",
    "proves_realigned",
    "proves_second",
    "proves_sos",
]


def proves_longest_row(rows: Rows, bound: float, matrix: None = None, order: int = 0) -> bool:
    """r_i² ≤ λ for every row."""
    # Clearly shorter rows need no proof of their own. A comparison of balls is true only if it holds for all numbers
    # in them.
    longest = np.flatnonzero(rows.norms >= (1 - 1e-6) * rows.norms.max())
    return all(row_length(rows, index) ** 2 <= rational(bound) for index in longest.tolist())


def proves_second(rows: Rows, bound: float, matrix: None = None, order: int = 2) -> bool:
    """Σ ⟨x_i, v⟩² ≤ λ: λI − XᵀX ⪰ 0."""
    moments = second_moments(rows)
    error = gamma(rows.depth(rows.block_rows()) + 4) * float(np.sum(rows.norms**2))
    return is_dominated(None, bound, moments, error)


def proves_flattening(rows: Rows, bound: float, U: np.ndarray, order: int = 4) -> bool:
    """Σ ⟨x_i, v⟩⁴ ≤ λ: the positive map T has U ≻ 0 with T(U) ⪯ λU (Collatz–Wielandt)."""
    U = normalised(U)
    flattening = FlatteningMap(rows)
    image, values = flattening.apply(U)
    squares, size = rows.norms**2, float(np.linalg.norm(U))
    # x_iᵀUx_i comes from two products of length d; the sum over rows adds |values| r_i² in absolute value.
    error = 3 * gamma(rows.shape[1] + 2) * size * float(squares @ squares)
    error += gamma(rows.depth(flattening.step) + 4) * float(np.abs(values) @ squares)
    return is_proved_positive_definite(U) and is_dominated(U, bound, image, error)


def proves_realigned(rows: Rows, bound: float, U: np.ndarray, order: int = 4) -> bool:
    """(Σ ⟨x_i, v⟩⁴)² ≤ λ: the positive map N has U ≻ 0 with N(U) ⪯ λU (Collatz–Wielandt)."""
    U = normalised(U)
    realigned = RealignedMap(rows)
    image, error = _through_rows(realigned, U) if realigned.slices is None else _through_slices(realigned, U)
    return is_proved_positive_definite(U) and is_dominated(U, bound, image, error)


def _through_rows(realigned: RealignedMap, U: np.ndarray) -> tuple[np.ndarray, float]:
    """N(U) and a bound on the spectral norm of its error, derived in theory/verification of the documentation."""
    rows = realigned.rows
    n, d = rows.shape
    image, sums = realigned.measured(U)
    gram = gamma(d + 2)  # |ΔK_ij| ≤ gram · r_i r_j
    weighted = 3 * gamma(d + 2) * float(np.linalg.norm(U))  # |ΔP_ij| ≤ weighted · r_i r_j
    size = float(np.linalg.norm(U))
    second_order = 4 * gram * (weighted + gram * size)
    depth = realigned.step + -(-n // realigned.step) + 2
    error = (
        2 * gram * sums.products
        + weighted * sums.squares
        + 3 * UNIT * sums.entries
        + second_order * float(np.sum(rows.norms**4)) ** 2
        + gamma(2 * depth) * sums.entries
    )
    return image, error


def _through_slices(realigned: RealignedMap, U: np.ndarray) -> tuple[np.ndarray, float]:
    """N(U) = Σ S_α U S_α and a bound on its error; with |X| and |U| for X and U the sum is at most A|U|A entrywise."""
    rows = realigned.rows
    d = rows.shape[1]
    assert realigned.slices is not None
    size = len(realigned.slices)
    moments = gamma(moment_depth(rows, size) + 12)  # relative to the absolute moments
    step = min(realigned.slice_step, size)
    products = gamma(d) + gamma(step * d + -(-size // step) + 4)
    absolute = second_moments(rows, rows.norms**2, absolute=True)  # A = Σ r_i² |x_i||x_i|ᵀ
    magnitude = float(np.linalg.norm(absolute @ np.abs(U) @ absolute))
    return realigned(U), (3 * moments + products) * magnitude


def proves_moment(rows: Rows, bound: float, matrix: None, order: int) -> bool:
    """Σ ⟨x_i, v⟩^2k ≤ λ: λI − M ⪰ 0 for the moment matrix M of degree 2k = `order`."""
    half = order // 2
    moments = moment_matrix(rows, half)
    size = len(moments)
    error = gamma(moment_depth(rows, size) + 2 * (half + 4)) * float(np.sum(rows.norms**order))
    return is_dominated(None, bound, moments, error)


def proves_sos(rows: Rows, bound: float, H: np.ndarray, order: int) -> bool:
    """Σ ⟨x_i, v⟩^2k ≤ λ by a Gram matrix."""
    return is_form_dominated(bound, H, form_of_powers(rows, order, len(H)))


class ComputedForm(NamedTuple):
    """A form of degree 2m, computed from moment matrices.

    Attributes
    ----------
    coefficients : ndarray
        By class, as in `hypernorm.forms.gram`.
    classes : GramClasses
        For half degree m.
    size : float
        The sum of the Frobenius norms of the moment matrices.
    error : float
        A bound on the sum of their errors on the unit sphere.
    half : int
        Their least half degree.
    """

    coefficients: np.ndarray
    classes: GramClasses
    size: float
    error: float
    half: int


def form_of_powers(rows: Rows, order: int, side: int) -> ComputedForm:
    """‖v‖^2(m−k) Σ ⟨x_i, v⟩^2k with 2k = `order`, for a Gram matrix of a given side."""
    half, d = order // 2, rows.shape[1]
    degree = gram_half_degree(d, side, half)
    classes = GramClasses(d, degree)
    coefficients, size = moment_form(rows, half, classes)
    depth = moment_depth(rows, MonomialBasis.count(d, half)) + 2 * (half + 4)
    return ComputedForm(coefficients, classes, size, gamma(depth) * float(np.sum(rows.norms**order)), half)


class CoefficientError(NamedTuple):
    """How far z(v)ᵀ G z(v) is from a form on the unit sphere: at most rest + relative·‖G‖_F, G_αβ = H_αβ/(w_α w_β)."""

    rest: float
    relative: float
    weights: np.ndarray


def is_form_dominated(bound: float, H: np.ndarray, form: ComputedForm) -> bool:
    """Whether λ bounds a form on the unit sphere: (λ − δ)I − G ≻ 0 for a Gram matrix G that deviates from it by δ."""
    error = coefficient_error(H, form)
    del form  # its memory is needed for G
    G, deviation = gram_and_deviation(H, error)
    least = (bound - SAFETY * deviation) * (1 - 2 * UNIT)
    return least > 0 and is_dominated(None, least, G, 8 * UNIT * float(np.linalg.norm(G)), overwrite=True)


def coefficient_error(H: np.ndarray, form: ComputedForm) -> CoefficientError:
    """‖ρ‖, ρ the coefficients of F(v) − z(v)ᵀ G z(v), with all rounding errors but those that `SAFETY` covers."""
    classes = form.classes
    degree, d = classes.basis.degree, classes.basis.dimension
    rest = classes.norm(form.coefficients - classes.coefficients(H, weighted=False))
    # A coefficient is a sum over the pairs of a class, and over d terms for each factor ‖v‖². Forms with the Gram
    # matrices |M| and |G| have the absolute values of the summands; on the sphere ‖M‖_F and ‖G‖_F bound them.
    relative = gamma(math.comb(2 * degree, degree) + (degree - form.half) * (d + 1) + 20)
    return CoefficientError(rest + form.error + relative * form.size, relative, classes.weights)


def gram_and_deviation(H: np.ndarray, error: CoefficientError) -> tuple[np.ndarray, float]:
    """G, and a bound on |F(v) − z(v)ᵀ G z(v)| for unit v. An entry of the computed G has a relative error below 8u."""
    G, w = np.empty_like(H), error.weights
    for part in row_parts(len(H)):
        np.divide(H[part], np.outer(w[part], w), out=G[part])
    return G, error.rest + error.relative * float(np.linalg.norm(G))


PROVERS: dict[str, Callable[..., bool]] = {
    "longest_row": proves_longest_row,
    "second": proves_second,
    "flattening": proves_flattening,
    "realigned": proves_realigned,
    "moment": proves_moment,
    "sos": proves_sos,
}
"""The proofs by form, see `hypernorm.certificates.plan`."""


def normalised(U: np.ndarray) -> np.ndarray:
    """U divided by a power of two, so that its largest entry is in [1/2, 1); the inequality does not change."""
    largest = float(np.abs(U).max())
    return np.ldexp(U, -math.frexp(largest)[1]) if math.isfinite(largest) else U


def is_dominated(
    U: np.ndarray | None, bound: float, image: np.ndarray, error: float, *, overwrite: bool = False
) -> bool:
    """Whether λU − M ≻ 0 is proved for every M within `error` of `image`; U is the identity if None.

    All numbers are first divided by 2^k ≈ λ. The work is done in the memory of `image` if it may be overwritten.
    """
    exponent = math.frexp(bound)[1]
    if exponent < -100:
        # The longest row is longer than 1/8, so no true bound is so small. Above the limit no squared norm underflows.
        return False
    difference = np.ldexp(image, -exponent, out=image if overwrite else None)
    # The product with λ and the difference are rounded once each; so was the symmetrisation of the image.
    size = (math.sqrt(len(image)) if U is None else float(np.linalg.norm(U))) + 2 * float(np.linalg.norm(difference))
    np.negative(difference, out=difference)
    if U is None:
        difference[np.diag_indices_from(difference)] += math.ldexp(bound, -exponent)
    else:
        difference += math.ldexp(bound, -exponent) * U
    error = float(np.ldexp(SAFETY * error, -exponent)) + 3 * UNIT * size + TINY
    return is_proved_positive_definite(difference, SAFETY * error, overwrite=True)
