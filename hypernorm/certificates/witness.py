"""Witnesses of lower bounds on the 2→q norm: a vector and the value that it attains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._arguments import check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm._complex import is_complex
from hypernorm._display import norm_text
from hypernorm._validation import check_rows
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.exponents import exact_exponent, norm_of_balls
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    check_arithmetic,
    gamma,
    lower_float,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.subjects import plain_rows, read_samples
from hypernorm.certificates.verified import Claim, VerifiedValue, verified_value
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows

__all__ = ["Witness", "attained_interval", "attained_value", "check_vector"]

_BLOCK_ROWS = 4096


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Witness(Certificate):
    """A vector v with a lower bound on ‖Xv‖_q / ‖v‖, and so on the 2→q norm of X.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of the matrix.
    fingerprint : str
        SHA-256 of the shape and the values of the matrix.
    q : float
        Exponent, 1 ≤ q ≤ ∞.
    value : float
        A proved lower bound on the norm.
    vector : ndarray of shape (d,)
        Of any length; the proof divides by its exact length.

    See Also
    --------
    NormCertificate : An upper bound on the same norm.

    Notes
    -----
    How the value is proved is said in theory/lower_bounds of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> Witness.from_vector(np.eye(3), [0, 1, 0], q=4)
    Witness(q=4, shape=(3, 3), value=0.999999999999)

    >>> from hypernorm.forms import Rows
    >>> Witness.of_rows(Rows.identified(np.eye(3)), np.ones(3), 4.0).verify(np.eye(3)).lower > 0.75
    True
    """

    kinds: ClassVar = ("witness",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    q: Annotated[float, Real(1.0, infinite=True)]
    value: Annotated[float, Real(0.0)]
    vector: Annotated[np.ndarray, Array("d")]

    @classmethod
    @own_arithmetic
    def from_vector(cls, X: Any, vector: Any, q: float = 4) -> Witness:
        """Prove the value that a vector attains.

        Parameters
        ----------
        X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        vector : array_like of shape (d,)
            Finite and not zero; its length does not matter.
        q : float, default 4
            Exponent, 1 ≤ q ≤ ∞.

        Returns
        -------
        Witness

        Raises
        ------
        InvalidInputError
            If an argument cannot be used.
        """
        matrix = check_rows(X)
        q = check_exponent(q, smallest=1)
        vector = check_vector(vector, matrix.shape[1])
        return cls.of_rows(Rows.identified(matrix), vector, q)

    @classmethod
    def of_rows(cls, rows: Rows, vector: np.ndarray, q: float) -> Witness:
        """Prove the value that a vector attains, for rows with a known fingerprint.

        Parameters
        ----------
        rows : Rows
        vector : ndarray of shape (d,)
            Finite and not zero.
        q : float

        Returns
        -------
        Witness
        """
        value = attained_value(rows, vector, q)
        return cls(shape=rows.shape, fingerprint=rows.fingerprint, q=q, value=value, vector=vector)

    @property
    def quantity(self) -> str:
        return norm_text(self.q)

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=False)

    def describe(self) -> dict[str, Any]:
        return {"q": self.q, "shape": list(self.shape)}

    def rules(self) -> None:
        try:
            check_vector(self.vector, self.shape[1])
            check_exponent(self.q, smallest=1)
        except InvalidInputError as error:
            raise CertificateError(f"The witness is broken: {error}") from None

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedValue:
        vector = check_vector(self.vector, self.shape[1])
        enclosure = attained_interval(plain_rows(subject, self.shape[1]), vector, self.q, exact=exact)
        return verified_value(self.value, enclosure, self.quantity, exact=exact)


def check_vector(vector: Any, dimension: int) -> np.ndarray:
    try:
        if is_complex(vector):
            raise TypeError("they are complex")
        array = np.array(vector, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"vector must be real numbers: {error}.") from None
    if array.shape != (dimension,):
        raise InvalidInputError(f"vector must have shape ({dimension},), one entry per column of X, got {array.shape}.")
    largest = float(np.abs(array).max())
    if not (math.isfinite(largest) and largest > 0):
        raise InvalidInputError("vector must be finite and not zero.")
    array = _scaled(array)
    array.setflags(write=False)
    return array


def _scaled(vector: np.ndarray) -> np.ndarray:
    """The vector times a power of two, with the largest entry in [1/2, 1); unchanged if that is in (1/10, 1] already.

    The direction is the same, except for entries 2**-900 times smaller than the largest one.
    """
    largest = float(np.abs(vector).max())
    return vector if 0.1 < largest <= 1 else np.ldexp(vector, -math.frexp(largest)[1])


def attained_value(rows: Rows, vector: np.ndarray, q: float, *, exact: bool = False) -> float:
    """A proved lower bound on ‖Xv‖_q / ‖v‖, rounding included.

    Parameters
    ----------
    rows : Rows
    vector : ndarray of shape (d,)
    q : float
    exact : bool, default False
        Prove in exact arithmetic.

    Returns
    -------
    float

    See Also
    --------
    Witness.from_vector : The value with its proof.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> 0.99 < attained_value(Rows(np.eye(3)), np.array([0.0, 2.0, 0.0]), 4.0) <= 1
    True
    """
    return attained_interval(rows, vector, q, exact=exact)[0]


def attained_interval(rows: Rows, vector: np.ndarray, q: float, *, exact: bool = False) -> tuple[float, float]:
    """Proved lower and upper bounds on ‖Xv‖_q / ‖v‖.

    Each |⟨x_i, v⟩| is computed exactly, or enclosed by |fl(x_iᵀv) − x_iᵀv| ≤ γ_d ‖x_i‖‖v‖. Powers, their sum, the root
    and the division are ball arithmetic, rounded outward.
    """
    check_arithmetic()
    vector = _scaled(vector)
    with precision(), np.errstate(all="ignore"):
        length = sum((rational(entry) ** 2 for entry in vector.tolist()), rational(0)).sqrt()
        scale = rational(2) ** rows.exponent / length
        # Xv and its scaled copy differ by at most n·d·2**-1074·max|v| in any q-norm, q ≥ 1.
        moved = rational(2.0**-1074) * (rows.shape[0] * rows.shape[1]) if rows.inexact else rational(0)
        outer = exact_exponent(q)
        if exact:
            below = above = norm_of_balls(map(abs, exact_images(rows.shape[0], rows.block, vector)), outer)
        else:
            below, above = (norm_of_balls(values, outer) for values in _rounded_values(rows, vector))
        return lower_float((below - moved) * scale), upper_float((above + moved) * scale)


def _rounded_values(rows: Rows, vector: np.ndarray) -> tuple[Iterator[flint.arb], Iterator[flint.arb]]:
    """Lower and upper bounds of the non-zero |⟨x_i, v⟩|."""
    size = float(np.linalg.norm(vector)) * SAFETY
    error = (gamma(rows.shape[1] + 2) * size) * rows.norms * SAFETY + TINY
    image = np.abs(rows.images(vector))
    below, above = (image - error) * (1 - 4 * UNIT), (image + error) * (1 + 4 * UNIT)
    return map(flint.arb, below[below > 0].tolist()), map(flint.arb, above.tolist())


def exact_images(count: int, block: Callable[[int, int], np.ndarray], vector: np.ndarray) -> Iterator[flint.arb]:
    """The `count` entries ⟨a_i, v⟩ without rounding, from a function that returns rows a_start to a_{stop−1}."""
    column = DyadicMatrix.from_floats(vector[:, None])
    for start in range(0, count, _BLOCK_ROWS):
        image = DyadicMatrix.from_floats(block(start, min(start + _BLOCK_ROWS, count))) @ column
        scale = rational(2) ** image.exponent
        yield from (flint.arb(entry) * scale for entry in image.integers.entries())
